"""The command `whence serve`."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from kb.engines.generation import current_generation
from kb.engines.sandbox import sandbox_state
from kb.errors import InvalidInput
from kb.settings import read_settings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    host: Annotated[
        str, typer.Option(show_default=False, help="Address to bind; default WHENCE_HOST, loopback.")
    ] = "",
    port: Annotated[
        int,
        typer.Option(min=-1, max=65535, show_default=False, help="Port to bind; default WHENCE_PORT, 8000."),
    ] = -1,
    conformance: Annotated[
        bool,
        typer.Option(
            "--conformance",
            help="Serve an empty store of its own, with update, for the W3C suites; loopback only.",
        ),
    ] = False,
) -> None:
    """Run the web service on the built knowledge base."""
    settings = read_settings()
    if conformance:
        _serve_conformance(host or "127.0.0.1", settings.port if port < 0 else port)
        return
    address = host or settings.host
    if address not in _LOOPBACK and (walls := sandbox_state()) != "ok":
        raise InvalidInput(
            f"SPARQL of strangers can't be walled in here: {walls}; found {address!r}",
            field="--host",
            hint="bind loopback, and put a proxy with a login before it",
        )
    current_generation(settings.home)  # says what to do when nothing was built
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=address,
        port=settings.port if port < 0 else port,
        log_level="info",
        limit_concurrency=1500,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
    )


def _serve_conformance(host: str, port: int) -> None:
    if host not in _LOOPBACK:
        raise InvalidInput(
            f"the conformance instance takes updates from anybody, found {host!r}",
            field="--host",
            hint="leave it out: it binds loopback only",
        )
    uvicorn.run(
        "api.conformance:create_conformance_app", factory=True, host=host, port=port, log_level="warning"
    )
