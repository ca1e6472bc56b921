"""An empty SPARQL instance for the W3C test suites: query, update and graph store, on loopback, holding nothing of ours.

It shares the reading of requests, negotiation and the writing of results with the public endpoint. Queries are evaluated in this
process: whoever reaches loopback may stop it. SERVICE and LOAD are parsed and not carried out: a SERVICE clause reads a graph
of that name, a LOAD does nothing. CLEAR GRAPH of a graph that is not there succeeds, as the suite for the Protocol has it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request, Response
from pyoxigraph import NamedNode, QueryBoolean, QuerySolutions, Store, serialize

from api.graph_store import GraphStore
from api.negotiation import preferred
from api.problems import install_problems, problem
from api.sparql_request import ProtocolRequest, read_request
from kb.answers.sparql_description import DESCRIPTION_TYPES, service_description
from kb.engines.sparql_guard import OPAQUE
from kb.engines.sparql_results import GRAPH_TYPES, TABLE_TYPES, answer_types, boolean, table
from kb.engines.store import serialize_sorted
from kb.errors import InvalidInput

_MOST_BYTES = 50_000_000
_IRI = r"(?:<[^<>\"{}|^`\\\s]*>|[\w.-]*:[\w.:%-]*)"
_SERVICE = re.compile(r"\bSERVICE(?:\s+SILENT)?\b", re.IGNORECASE)
_CLEAR = re.compile(r"\bCLEAR\s+GRAPH\b", re.IGNORECASE)
_BRACES = re.compile(r"[{}]|\b(?P<short>DELETE\s+WHERE)\b|\b(?P<where>WHERE)\b", re.IGNORECASE)
_LOAD = re.compile(rf"\bLOAD(?:\s+SILENT)?\s*{_IRI}(?:\s*INTO\s+GRAPH\s*{_IRI})?", re.IGNORECASE)


def create_conformance_app() -> FastAPI:
    """Application with a store of its own in a temporary folder."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with TemporaryDirectory(prefix="whence-conformance-") as folder:
            app.state.store = Store(str(Path(folder) / "store"))
            app.state.graphs = GraphStore(app.state.store, "/store")
            yield
            del app.state.graphs, app.state.store

    app = FastAPI(title="Whence, conformance instance", lifespan=lifespan, docs_url=None, redoc_url=None)
    install_problems(app)

    @app.api_route("/sparql", methods=["GET", "HEAD", "POST"])
    async def sparql(request: Request) -> Response:
        """SPARQL 1.1 query, or the service description."""
        if request.method != "POST" and not request.query_params:
            return _description(request)
        asked = await read_request(request, accepts="query", most_bytes=_MOST_BYTES)
        return _queried(request, request.app.state.store, asked)

    @app.api_route("/update", methods=["GET", "POST"])
    async def update(request: Request) -> Response:
        """SPARQL 1.1 update."""
        asked = await read_request(request, accepts="update", most_bytes=_MOST_BYTES)
        try:
            request.app.state.store.update(_update_text(asked), base_iri=_base(request))
        except (SyntaxError, ValueError) as error:
            raise InvalidInput(str(error).splitlines()[0], field="update") from error
        except (RuntimeError, OSError) as error:
            return _not_carried_out(error)
        return Response(status_code=204)

    @app.api_route("/store", methods=["GET", "HEAD", "PUT", "POST", "DELETE"])
    @app.api_route("/store/{path:path}", methods=["GET", "HEAD", "PUT", "POST", "DELETE"])
    async def graph_store(request: Request) -> Response:
        """SPARQL 1.1 Graph Store Protocol."""
        graphs: GraphStore = request.app.state.graphs
        return await graphs.answer(request)

    return app


def _base(request: Request) -> str:
    return str(request.url.replace(query=""))


def _description(request: Request) -> Response:
    media_type = preferred(request.headers.get("accept"), DESCRIPTION_TYPES)
    if media_type is None:
        return problem(406, "no media type that Accept allows", hint=f"one of {', '.join(DESCRIPTION_TYPES)}")
    body = serialize_sorted(service_description(None, _base(request), update=True), media_type)
    return Response(body, media_type=media_type, headers={"Vary": "Accept"})


def _queried(request: Request, store: Store, asked: ProtocolRequest) -> Response:
    text = _outside_opaque(asked.text, _SERVICE, "GRAPH")
    try:
        result = store.query(text, base_iri=_base(request), **_dataset(asked))
        tabular = isinstance(result, QueryBoolean | QuerySolutions)
        types = answer_types("SELECT" if tabular else "CONSTRUCT")
        media_type = preferred(", ".join(request.headers.getlist("accept")), types)
        if media_type is None:
            return problem(406, "no media type that Accept allows fits", hint=f"one of {', '.join(types)}")
        if isinstance(result, QueryBoolean):
            body = boolean(bool(result), TABLE_TYPES[media_type])
        elif isinstance(result, QuerySolutions):
            names = [variable.value for variable in result.variables]
            rows = [tuple(row[name] for name in names) for row in result]
            body = b"".join(table(names, rows, TABLE_TYPES[media_type]))
        else:
            body = serialize(result, format=GRAPH_TYPES[media_type]) or b""
    except (SyntaxError, ValueError) as error:
        raise InvalidInput(str(error).splitlines()[0], field="query") from error
    except (RuntimeError, OSError) as error:
        return _not_carried_out(error)
    return Response(body, headers={"Content-Type": media_type, "Vary": "Accept"})


def _not_carried_out(error: Exception) -> Response:
    """It parses, and asks for what there is not: a graph, a function."""
    return problem(422, str(error).splitlines()[0])


def _dataset(asked: ProtocolRequest) -> dict[str, Any]:
    if not (asked.default_graphs or asked.named_graphs):
        return {}
    default, named = (
        [NamedNode(name) for name in names] for names in (asked.default_graphs, asked.named_graphs)
    )
    return {"default_graph": default, "named_graphs": named}


def _update_text(asked: ProtocolRequest) -> str:
    """The update without LOAD, and with the dataset of its parameters as USING clauses, which is all the engine takes."""
    text = _outside_opaque(asked.text, _LOAD, "INSERT DATA {}")
    text = _outside_opaque(text, _CLEAR, "CLEAR SILENT GRAPH")
    clauses = [f"USING <{name}>" for name in asked.default_graphs]
    clauses += [f"USING NAMED <{name}>" for name in asked.named_graphs]
    if not clauses:
        return text
    pieces, place, depth = [], 0, 0
    for match in _BRACES.finditer(_blank(text)):
        if match["short"]:
            raise InvalidInput(
                "DELETE WHERE takes no dataset",
                field="using-graph-uri",
                hint="write DELETE { … } WHERE { … }",
            )
        if match["where"] and depth == 0:
            pieces += [text[place : match.start("where")], " ".join(clauses), " "]
            place = match.start("where")
        depth += {"{": 1, "}": -1}.get(match[0], 0)
    return "".join([*pieces, text[place:]])


def _outside_opaque(text: str, pattern: re.Pattern[str], put: str) -> str:
    """Replace where no string, comment or name is."""
    pieces, place = [], 0
    for match in pattern.finditer(_blank(text)):
        pieces += [text[place : match.start()], put]
        place = match.end()
    return "".join([*pieces, text[place:]])


def _blank(text: str) -> str:
    """The text with its strings and comments blank; every place is where it was."""
    return OPAQUE.sub(
        lambda match: match[0] if match[0].startswith(("<", ":")) else " " * len(match[0]), text
    )
