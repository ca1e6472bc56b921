"""Headers of every answer: what a browser may do with it, who may read it (CORS), and the version of the data.

Anybody may read from a page of their own; writing needs a token and never a cookie, so no origin is special. Starlette's
middleware for CORS would add `Vary: Origin` to every answer, which no answer does.
"""

from __future__ import annotations

from starlette.datastructures import Headers as HttpHeaders
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Post, ETag, Link, Location, Retry-After, Whence-Data-Version, Whence-Limits, "
    "Whence-Rows, Whence-Truncated, Whence-Warning",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}


class Headers:
    """Adds them; a stream that breaks off passes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (*_SECURITY.items(), *_CORS.items()):
                    headers.setdefault(name, value)
                state = getattr(scope["app"].state, "whence", None)
                if state is not None:
                    headers["Whence-Data-Version"] = state.base.manifest.data_version
            await send(message)

        asked = HttpHeaders(scope=scope)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)
