"""Read a SPARQL 1.1 Protocol request (W3C, 2013): GET, form POST and direct POST, with the dataset that it chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from kb.engines.sparql_guard import OPAQUE
from kb.errors import InvalidInput, QueryRefused

Kind = Literal["query", "update"]
_FORM = "application/x-www-form-urlencoded"
_DIRECT: dict[str, Kind] = {"application/sparql-query": "query", "application/sparql-update": "update"}
_GRAPHS: dict[Kind, tuple[str, str]] = {
    "query": ("default-graph-uri", "named-graph-uri"),
    "update": ("using-graph-uri", "using-named-graph-uri"),
}
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_MOST_PARAMETERS = 1_000
#: Parts of an update that choose its dataset in the text.
_USING = re.compile(r"\b(?:USING|WITH)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ProtocolRequest:
    """One operation; the graphs are those of its parameters, for an update of `using-graph-uri` and its sibling."""

    kind: Kind
    text: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()


async def read_request(request: Request, *, accepts: Kind, most_bytes: int) -> ProtocolRequest:
    """The operation that a request asks for.

    Raises `InvalidInput` (400), `QueryRefused` (403, an update where only queries are taken), or an `HTTPException` with 413
    or 415.
    """
    in_url = _pairs(request.scope.get("query_string", b"").decode("latin-1"))
    if request.method in ("GET", "HEAD"):
        if any(name == "update" for name, _ in in_url):
            raise InvalidInput("an update can't be sent by GET", field="update", hint="POST it")
        if accepts == "update":
            raise InvalidInput("an update is sent by POST", hint="POST application/sparql-update")
        return _of("query", _one(in_url, "query"), in_url)
    media_type, charset = _content_type(request)
    body = await _body(request, most_bytes)
    if charset not in ("", "utf-8", "utf8"):
        raise InvalidInput(f"the body is {charset}, expected UTF-8", field="Content-Type")
    if media_type == _FORM:
        pairs = _pairs(_text(body))
        sent: set[Kind] = {name for name, _ in pairs if name in ("query", "update")}  # type: ignore[misc]
        if sent == {"query", "update"}:
            raise InvalidInput("query and update in one request", field="query", hint="send one of them")
        kind: Kind = "update" if "update" in sent else "query"
        if any(name == kind for name, _ in in_url):
            raise InvalidInput(f"{kind} in the address and in the body", field=kind, hint="send it once")
        return _accepted(_of(kind, _one(pairs, kind), pairs), accepts)
    if media_type in _DIRECT:
        return _accepted(_of(_DIRECT[media_type], _text(body), in_url), accepts)
    raise HTTPException(
        415,
        f"can't read a body of type {media_type or '(none given)'}: send {', '.join(_DIRECT)} or {_FORM}",
    )


def _accepted(read: ProtocolRequest, accepts: Kind) -> ProtocolRequest:
    if read.kind == accepts:
        return read
    if accepts == "query":
        raise QueryRefused(
            "this endpoint only reads; SPARQL Update is refused",
            field="update",
            hint="data changes through curation, not through SPARQL",
        )
    raise InvalidInput("this address takes updates, found a query", field="query")


def _of(kind: Kind, text: str, pairs: list[tuple[str, str]]) -> ProtocolRequest:
    default, named = (
        tuple(_graph(name, value) for name, value in pairs if name == field) for field in _GRAPHS[kind]
    )
    if kind == "update" and (default or named) and _USING.search(OPAQUE.sub(" ", text)):
        raise InvalidInput(
            "the dataset is chosen by parameter and by USING or WITH in the text", field="using-graph-uri"
        )
    return ProtocolRequest(kind, text, default, named)


def _graph(field: str, value: str) -> str:
    if not _ABSOLUTE.fullmatch(value):
        raise InvalidInput(f"not an absolute IRI: {value[:80]!r}", field=field)
    return value


def _one(pairs: list[tuple[str, str]], name: str) -> str:
    values = [value for found, value in pairs if found == name]
    if len(values) != 1:
        raise InvalidInput(f"expected one, found {len(values)}", field=name)
    return values[0]


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS, encoding="utf-8"
        )
    except UnicodeDecodeError as error:
        raise InvalidInput("a parameter is not UTF-8", field="query") from error
    except ValueError as error:
        raise InvalidInput(f"more than {_MOST_PARAMETERS} parameters", field="query") from error


def _content_type(request: Request) -> tuple[str, str]:
    media_type, *parameters = (part.strip() for part in request.headers.get("content-type", "").split(";"))
    named = dict(part.partition("=")[::2] for part in parameters)
    return media_type.lower(), named.get("charset", "").strip("\"' ").lower()


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"the request is larger than {most:,} bytes")
    return bytes(body)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8", field="body") from error
