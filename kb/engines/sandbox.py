"""Walls round a process that evaluates what strangers wrote: no network, no new program, no file written, bounded memory.

Linux only: a seccomp filter (`man 2 seccomp`) that all threads of the process share, and resource limits. What is refused
fails with EACCES, so that the engine reports an error instead of dying.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from pathlib import Path

from kb.errors import NotReady

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_AF_UNIX = 1
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_REFUSE = 0x00050000 | errno.EACCES
# Offsets in struct seccomp_data: number of the call, architecture, low half of an argument.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_X32 = 0x40000000
_THREAD = 0x00010000
_UNKNOWN = 0x00050000 | errno.ENOSYS

_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "seccomp": 317, "socket": 41, "openat": 257, "open": 2, "clone": 56, "clone3": 435,
        "connect": 42, "bind": 49, "listen": 50, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58, "creat": 85,
        "openat2": 437, "rename": 82, "renameat": 264, "renameat2": 316, "unlink": 87, "unlinkat": 263, "mkdir": 83,
        "mkdirat": 258, "rmdir": 84, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "chmod": 90, "fchmodat": 268,
        "truncate": 76, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kill": 62, "tkill": 200,
        "pidfd_open": 434, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426, "mount": 165,
    },
    "aarch64": {
        "seccomp": 277, "socket": 198, "openat": 56, "clone": 220, "clone3": 435,
        "connect": 203, "bind": 200, "listen": 201, "execve": 221, "execveat": 281, "openat2": 437, "renameat": 38,
        "renameat2": 276, "unlinkat": 35, "mkdirat": 34, "linkat": 37, "symlinkat": 36, "fchmodat": 53, "truncate": 45,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kill": 129, "tkill": 130, "pidfd_open": 434,
        "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425, "io_uring_enter": 426, "mount": 40,
    },
}  # fmt: skip
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: Calls that are let through by an argument; all others of the table are refused.
_BY_ARGUMENT = ("seccomp", "socket", "openat", "open", "clone", "clone3")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def sandbox_state() -> str:
    """`ok`, or why a process can't be walled in here."""
    if sys.platform != "linux":
        return f"no seccomp on {sys.platform}"
    if platform.machine() not in _CALLS:
        return f"no table of system calls for {platform.machine()}"
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return "ok" if "\nSeccomp:" in status else "this kernel has no seccomp"


def confine(memory: int) -> None:
    """Wall this process in: `memory` bytes of address space beyond what it has now, and the filter.

    Can't be undone. Raises `NotReady` where the kernel refuses the filter.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        with contextlib.suppress(
            OSError
        ):  # the kernel ends this process before any other that runs out of memory
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if sandbox_state() == "ok":
        _filter_calls()


def _filter_calls() -> None:
    machine = platform.machine()
    code = _program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    library = ctypes.CDLL(None, use_errno=True)
    refused = library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or (
        library.syscall(_CALLS[machine]["seccomp"], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))
        != 0
    )
    if refused:
        raise NotReady(f"the kernel refuses a seccomp filter: {os.strerror(ctypes.get_errno())}")


def _program(machine: str) -> bytes:
    """The filter as classic BPF: 8 bytes an instruction; jumps count instructions to skip."""
    calls = _CALLS[machine]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE)]
    for name, number in calls.items():
        if name not in _BY_ARGUMENT:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    lines += [
        (_EQUAL, 0, 4, calls["socket"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 1, calls["clone3"]),
        (_RETURN, 0, 0, _UNKNOWN),  # its arguments can't be seen from here; the C library then calls clone
        (_EQUAL, 0, 4, calls["clone"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for name, argument in (("openat", 2), ("open", 1)):
        if name in calls:
            lines += [
                (_EQUAL, 0, 4, calls[name]),
                (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * argument),
                (_ANY_BIT, 0, 1, _WRITING),
                (_RETURN, 0, 0, _REFUSE),
                (_RETURN, 0, 0, _ALLOW),
            ]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in lines)
