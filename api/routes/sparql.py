"""The SPARQL endpoint: queries only, evaluated by the pool; what it is and what it holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from rdflib import Graph
from starlette.concurrency import run_in_threadpool

from api.negotiation import preferred
from api.problems import problem
from api.sparql_request import read_request
from api.state import Base, Budget, Pool, Terms
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.sparql import DeclaredTerms
from kb.answers.sparql_description import DESCRIPTION_TYPES, service_description, void_description
from kb.engines.sparql_answer import SpooledAnswer
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_process import Query
from kb.engines.sparql_results import answer_types
from kb.engines.store import serialize_sorted
from kb.errors import InvalidInput
from kb.knowledge.names import PREFIXES

router = APIRouter(tags=["sparql"])

_MOST_BYTES = 400_000
_PIECE = 64 * 1024
_LOOK = 0.1
_GONE = 499  # the client closed the connection; nobody reads this
_ALLOW = {
    "Allow": "GET, HEAD, POST, OPTIONS",
    "Accept-Post": "application/sparql-query, application/x-www-form-urlencoded",
}
_TYPES: dict[str, object] = {
    "content": {
        media_type: {}
        for media_type in (
            "application/sparql-results+json",
            "application/sparql-results+xml",
            "text/csv",
            "text/tab-separated-values",
            "text/turtle",
            "application/n-triples",
            "application/n-quads",
            "application/trig",
            "application/ld+json",
            "application/rdf+xml",
        )
    }
}


class AnswerBrokeOff(Exception):
    """Raised inside a body that can't be ended cleanly, so that the connection is closed and the client sees it."""


@router.get("/sparql", operation_id="sparqlByGet", summary="SPARQL 1.1 query", responses={200: _TYPES})
@router.head("/sparql", include_in_schema=False)
async def sparql_by_get(request: Request, base: Base, pool: Pool, budget: Budget, terms: Terms) -> Response:
    """`?query=`, `default-graph-uri`, `named-graph-uri`; without a query the service description."""
    if not request.query_params:
        address = str(request.url.replace(query=""))
        return _described(request, base, service_description(base, address))
    return await _answer(request, base, pool, budget, terms)


@router.post("/sparql", operation_id="sparqlByPost", summary="SPARQL 1.1 query", responses={200: _TYPES})
async def sparql_by_post(request: Request, base: Base, pool: Pool, budget: Budget, terms: Terms) -> Response:
    """The query as form field `query`, or as body of type application/sparql-query."""
    return await _answer(request, base, pool, budget, terms)


@router.options("/sparql", include_in_schema=False)
def sparql_options() -> Response:
    """What may be sent here."""
    return Response(status_code=204, headers=_ALLOW)


@router.get("/sparql/prefixes", operation_id="sparqlPrefixes", summary="Prefixes that every query may use")
def prefixes(request: Request) -> Response:
    """As JSON, or as the head of a query (`text/plain`, `text/turtle`)."""
    media_type = preferred(request.headers.get("accept"), ("application/json", "text/turtle", "text/plain"))
    if media_type in ("text/turtle", "text/plain"):
        lines = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
        return Response(lines, media_type=media_type, headers={"Vary": "Accept"})
    return JSONResponse(PREFIXES, headers={"Vary": "Accept"})


@router.get("/.well-known/void", operation_id="void", summary="VoID: what the data holds, in numbers")
@router.get("/void", include_in_schema=False)
async def void(request: Request, base: Base, pool: Pool) -> Response:
    """Triples, entities, classes and properties with their counts, vocabularies, dumps."""
    address = str(request.base_url).rstrip("/")
    return _described(request, base, await run_in_threadpool(void_description, base, pool, address))


def _described(request: Request, base: KnowledgeBase, graph: Graph) -> Response:
    media_type = preferred(request.headers.get("accept"), DESCRIPTION_TYPES)
    if media_type is None:
        return problem(406, "no media type that Accept allows", hint=f"one of {', '.join(DESCRIPTION_TYPES)}")
    headers = {"Vary": "Accept", "ETag": f'W/"{base.manifest.data_version}"'}
    return Response(serialize_sorted(graph, media_type), media_type=media_type, headers=headers)


async def _answer(
    request: Request, base: KnowledgeBase, pool: Pool, budget: Budget, terms: DeclaredTerms
) -> Response:
    client = request.client.host if request.client else "unknown"
    with budget.query(client):
        return await _counted(request, base, pool, budget, terms)


async def _counted(
    request: Request, base: KnowledgeBase, pool: Pool, budget: Budget, terms: DeclaredTerms
) -> Response:
    client = request.client.host if request.client else "unknown"
    started = time.monotonic()
    failed, seconds = True, 0.0
    try:
        asked = await read_request(request, accepts="query", most_bytes=_MOST_BYTES)
        types = answer_types(check_query_text(asked.text))
        media_type = preferred(", ".join(request.headers.getlist("accept")), types)
        if media_type is None:
            return problem(
                406, "no media type that Accept allows fits this query", hint=f"one of {', '.join(types)}"
            )
        failed = False
        etag = f'W/"{base.manifest.data_version}:{media_type}"'
        if request.method != "POST" and etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag, "Vary": "Accept"})
        answer = pool.submit(Query(asked.text, media_type, asked.default_graphs, asked.named_graphs))
        try:
            here = await _decided(request, answer)
            failed = isinstance(answer.error, InvalidInput)
            seconds = answer.seconds or time.monotonic() - started
        except BaseException:
            answer.close()
            raise
        if not here:
            answer.close()
            return Response(status_code=_GONE)
        return _response(
            terms.unknown(asked.text),
            answer,
            {"ETag": etag, "Vary": "Accept", "Content-Type": media_type},
            pool,
        )
    finally:
        budget.spend(client, seconds, error=failed)


async def _decided(request: Request, answer: SpooledAnswer) -> bool:
    """Wait until the status is known; False when the client left before."""
    waiting: Future[None] = answer.decided
    wrapped = asyncio.wrap_future(waiting)
    while not waiting.done():
        await asyncio.wait({wrapped}, timeout=_LOOK)
        if not waiting.done() and await request.is_disconnected():
            answer.cancel()
            return False
    return True


def _response(
    warnings: tuple[str, ...], answer: SpooledAnswer, headers: dict[str, str], pool: Pool
) -> Response:
    if warnings:
        headers["Whence-Warning"] = "; ".join(warnings)[:1000].encode("ascii", "replace").decode()
    if answer.error:
        error = answer.error
        answer.close()
        if warnings and not error.hint:
            error.hint = "; ".join(warnings)
        raise error
    if answer.state == "whole":
        headers["Whence-Rows"] = str(answer.rows)
        if answer.truncated:
            headers["Whence-Truncated"] = f"rows; limit={pool.limits.rows}"
        body = answer.body()
        answer.close()
        return Response(body, headers=headers)
    limits = pool.limits
    headers["Whence-Limits"] = f"rows={limits.rows}, bytes={limits.bytes}, seconds={limits.seconds:g}"
    return StreamingResponse(_pieces(answer, limits.seconds), headers=headers)


async def _pieces(answer: SpooledAnswer, seconds: float) -> AsyncIterator[bytes]:
    """The spooled answer as it grows.

    Raises `AnswerBrokeOff` where it ends before it is whole: at a limit, at the deadline, by an error.
    """
    place = 0
    try:
        while True:
            piece = await run_in_threadpool(answer.read, place, _PIECE, seconds)
            if piece is None:
                raise AnswerBrokeOff(str(answer.error or "a limit was reached"))
            if not piece:
                return
            place += len(piece)
            yield piece
    finally:
        answer.close()
