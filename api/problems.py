"""Every error as RFC 9457 problem+json; the only translation of Whence's errors to HTTP."""

from __future__ import annotations

import http
import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kb.errors import Busy, InvalidInput, NotFound, NotReady, QueryRefused, TooExpensive, WhenceError

_LOG = logging.getLogger("whence.api")
_STATUS: tuple[tuple[type[WhenceError], int], ...] = (
    (QueryRefused, 403),
    (InvalidInput, 400),
    (NotFound, 404),
    (TooExpensive, 503),
    (Busy, 429),
    (NotReady, 503),
)
_RETRY_SECONDS = "5"


def problem(
    status: int, detail: str, *, headers: dict[str, str] | None = None, **members: object
) -> JSONResponse:
    """Problem document; members that are None are left out."""
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    body |= {name: value for name, value in members.items() if value is not None}
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def install_problems(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(WhenceError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WhenceError)  # noqa: S101 - registered for this type
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    headers = {"Retry-After": _RETRY_SECONDS} if status in (429, 503) else None
    return problem(status, error.message, headers=headers, field=error.field, hint=error.hint)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {
            "field": ".".join(str(step) for step in item["loc"][1:]) or str(item["loc"][0]),
            "in": str(item["loc"][0]),
            "found": _shown(item.get("input")),
            "detail": item["msg"],
        }
        for item in error.errors()
    ]
    first = errors[0]
    return problem(422, f"{first['field']}: {first['detail']}; found {first['found']}", errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"nothing at {request.url.path}"
    elif error.status_code == 405:
        detail = f"{request.method} is not supported at {request.url.path}"
    return problem(error.status_code, detail, headers=dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("unexpected error at %s", request.url.path, exc_info=error)
    return problem(500, "an error on our side; the log has the details")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
