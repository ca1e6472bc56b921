"""Turns SPARQL requests away while all places are taken, before anything of them is read: a crowd must not cost the service its time."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem
from api.state import State

_PATH = "/sparql"


class Crowd:
    """Answers 429 where a query would be turned away anyhow."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "http" and scope["path"] == _PATH and scope["method"] in ("GET", "POST"):
            state: State | None = getattr(scope["app"].state, "whence", None)
            if state is not None and state.pool.full:
                refused = problem(
                    429,
                    "too many queries are waiting already",
                    headers={"Retry-After": "5"},
                    hint="try again in a few seconds",
                )
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
