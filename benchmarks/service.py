"""A `whence serve` process for a benchmark, and what it and its children use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Service:
    """Address and process of a running service."""

    address: str
    pid: int

    def processes(self) -> list[int]:
        """The service and its children."""
        children = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [self.pid, *(int(pid) for path in children for pid in path.read_text().split())]

    def cpu(self) -> float:
        """Seconds of CPU that they have used; a process that ended counts no more."""
        total = 0.0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += (int(fields[11]) + int(fields[12])) / _TICKS
        return total

    def memory(self) -> float:
        """MiB that they hold."""
        total = 0
        for pid in self.processes():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return total / 1024


@contextmanager
def service(**settings: str) -> Iterator[Service]:
    """Run `whence serve` with these settings (`sparql_seconds="2"`) on the home in WHENCE_HOME."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {f"WHENCE_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "kb.cli", "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/readyz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield Service(address, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)
