"""Example queries: as JSON for an editor, as pages with their first rows, and as text."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field

from api.negotiation import preferred
from api.state import Base, Pool
from kb.answers.example_queries import (
    GROUPS,
    ExampleAnswer,
    ExampleQuery,
    as_file,
    example,
    examples,
    first_rows,
)
from kb.engines.sparql_pool import SparqlPool
from kb.errors import WhenceError
from kb.settings import Settings

router = APIRouter(tags=["sparql"])
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
_ROWS = 10
_QUERY = "application/sparql-query"


class ServedExample(BaseModel):
    """An example with the addresses to run and to read it."""

    id: str
    title: str
    group: str = Field(description="Code of the group.")
    group_title: str
    question: str
    about: str = Field(description="What the query shows about asking.")
    text: str = Field(description="The query; its prefixes are predeclared.")
    run: str = Field(description="Address that answers it.")
    page: str = Field(description="Address of its page.")


class ExampleList(BaseModel):
    """All examples, by group."""

    groups: dict[str, str]
    examples: list[ServedExample]


class _Answers:
    """First rows of examples that were shown before; a data version never changes its answers."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], ExampleAnswer] = {}
        self._lock = threading.Lock()

    def of(self, pool: SparqlPool, version: str, one: ExampleQuery) -> ExampleAnswer:
        """First rows; one page asks the engine at a time. Raises what `first_rows` raises."""
        key = (version, one.id, one.text)
        with self._lock:
            if key not in self._known:
                self._known = {known: rows for known, rows in self._known.items() if known[0] == version}
                self._known[key] = first_rows(pool, one, _ROWS)
            return self._known[key]


_ANSWERS = _Answers()


def _served(one: ExampleQuery) -> ServedExample:
    return ServedExample(
        **one.model_dump(),
        group_title=one.group_title,
        run=f"/sparql?query={quote(one.text, safe='')}",
        page=f"/sparql/examples/{one.id}",
    )


def _list(settings: Settings) -> ExampleList:
    return ExampleList(groups={**GROUPS}, examples=[_served(one) for one in examples(settings)])


@router.get(
    "/sparql/examples",
    operation_id="sparqlExamples",
    summary="Example queries by the question they answer",
    response_model=ExampleList,
)
@router.head("/sparql/examples", include_in_schema=False)
def list_examples(request: Request, base: Base) -> Response:
    """JSON, or a page for a browser."""
    found = _list(base.settings)
    accept = ", ".join(request.headers.getlist("accept"))
    headers = {"Vary": "Accept"}
    if preferred(accept, ("application/json", "text/html")) == "text/html":
        context = {"found": found, "manifest": base.manifest}
        return _TEMPLATES.TemplateResponse(request, "examples/index.html", context, headers=headers)
    return JSONResponse(found.model_dump(mode="json"), headers=headers)


@router.api_route("/sparql/examples/{name}", methods=["GET", "HEAD"], include_in_schema=False)
def show_example(request: Request, base: Base, pool: Pool, name: Annotated[str, "id or id.rq"]) -> Response:
    """Page of one example with its first rows; `ID.rq` and `application/sparql-query` are its text."""
    one = example(base.settings, name.removesuffix(".rq"))
    accept = ", ".join(request.headers.getlist("accept"))
    kind = _QUERY if name.endswith(".rq") else preferred(accept, ("text/html", _QUERY, "application/json"))
    headers = {} if name.endswith(".rq") else {"Vary": "Accept"}
    if kind == _QUERY:
        return Response(as_file(one), headers=headers | {"Content-Type": f"{_QUERY}; charset=utf-8"})
    if kind == "application/json":
        return JSONResponse(_served(one).model_dump(mode="json"), headers=headers)
    answer, trouble = None, None
    try:
        answer = _ANSWERS.of(pool, f"{base.manifest.data_version}-{base.manifest.inputs}", one)
    except WhenceError as error:  # a crowded service still shows the query
        trouble = str(error)
    context = {"one": _served(one), "answer": answer, "trouble": trouble, "manifest": base.manifest}
    return _TEMPLATES.TemplateResponse(request, "examples/example.html", context, headers=headers)
