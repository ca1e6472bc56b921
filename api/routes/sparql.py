"""The SPARQL endpoint: queries only, evaluated by the worker."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.negotiation import preferred
from api.problems import problem
from api.state import Worker
from kb.answers.sparql import ask
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_worker import SparqlWorker, answer_types
from kb.errors import InvalidInput, QueryRefused

router = APIRouter(tags=["sparql"])

_MOST_BYTES = 400_000
_TYPES: dict[str, object] = {
    "content": {
        "application/sparql-results+json": {},
        "application/sparql-results+xml": {},
        "text/csv": {},
        "text/tab-separated-values": {},
        "text/turtle": {},
        "application/n-triples": {},
        "application/ld+json": {},
    }
}


@router.get("/sparql", operation_id="sparqlByGet", summary="SPARQL 1.1 query", responses={200: _TYPES})
async def sparql_by_get(request: Request, worker: Worker) -> Response:
    """`?query=`; the answer's form follows the Accept header."""
    return await _answer(request, worker, _only(request.query_params.getlist("query")))


@router.post("/sparql", operation_id="sparqlByPost", summary="SPARQL 1.1 query", responses={200: _TYPES})
async def sparql_by_post(request: Request, worker: Worker) -> Response:
    """The query as form field `query`, or as body of type application/sparql-query."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return problem(413, f"the request is larger than {_MOST_BYTES:,} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8", field="body") from error
    if kind == "application/sparql-query":
        return await _answer(request, worker, text)
    if kind == "application/sparql-update":
        raise _no_update()
    if kind == "application/x-www-form-urlencoded":
        form = parse_qs(text, keep_blank_values=True)
        if "update" in form:
            raise _no_update()
        return await _answer(request, worker, _only(form.get("query", [])))
    return problem(
        415,
        f"can't read a body of type {kind or '(none given)'}",
        hint="send application/sparql-query, or a form with the field query",
    )


def _no_update() -> QueryRefused:
    return QueryRefused(
        "this endpoint only reads; SPARQL Update is refused",
        hint="data changes through curation, not through SPARQL",
    )


def _only(queries: list[str]) -> str:
    if len(queries) != 1:
        raise InvalidInput(f"expected one query, found {len(queries)}", field="query")
    return queries[0]


async def _answer(request: Request, worker: SparqlWorker, query: str) -> Response:
    for name in ("default-graph-uri", "named-graph-uri"):
        if name in request.query_params:
            raise InvalidInput(
                "choosing graphs by parameter is not supported", field=name, hint="use GRAPH in the query"
            )
    types = answer_types(check_query_text(query))
    media_type = preferred(", ".join(request.headers.getlist("accept")), types)
    if media_type is None:
        return problem(
            406, "no media type that Accept allows fits this query", hint=f"one of {', '.join(types)}"
        )
    answer = await run_in_threadpool(ask, worker, query, media_type)
    headers = {"Vary": "Accept", "Whence-Rows": str(answer.rows), "Access-Control-Allow-Origin": "*"}
    if answer.truncated:
        headers["Whence-Truncated"] = f"rows; limit={worker.limits.rows}"
    return Response(answer.body, media_type=answer.media_type, headers=headers)
