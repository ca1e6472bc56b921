"""`whence serve`: what it refuses before it starts."""

from __future__ import annotations

import pytest
import uvicorn

from api import command
from kb.engines.generation import Generation
from kb.errors import InvalidInput, NotReady
from tests.conftest import environment


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that a server was started on."""
    hosts: list[str] = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, host, **__: hosts.append(host))
    return hosts


def test_without_walls_it_binds_loopback_only(
    generation: Generation, settings: object, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(settings).items():  # type: ignore[arg-type]
        if name.startswith("WHENCE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "sandbox_state", lambda: "no seccomp on this kernel")
    with pytest.raises(InvalidInput, match="walled in here: no seccomp"):
        command.serve(host="192.0.2.1")
    command.serve(host="127.0.0.1")
    monkeypatch.setattr(command, "sandbox_state", lambda: "ok")
    command.serve(host="192.0.2.1")
    assert started == ["127.0.0.1", "192.0.2.1"]


def test_a_generation_of_another_release_is_said_to_be_one(generation: Generation) -> None:
    generation.whole(generation.store, generation.entries)
    with pytest.raises(NotReady, match="holds no no-such-file: another release built it"):
        generation.whole(generation.folder / "no-such-file")
