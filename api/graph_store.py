"""SPARQL 1.1 Graph Store HTTP Protocol (W3C, 2013) over one Oxigraph store, by `?graph=`, `?default` or the path itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from urllib.parse import urljoin

from fastapi import Request, Response
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse, serialize
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.negotiation import preferred
from api.problems import problem
from kb.engines.sparql_results import GRAPH_TYPES
from kb.errors import InvalidInput

GraphName = NamedNode | DefaultGraph
_WRITTEN = {
    media_type: form
    for media_type, form in GRAPH_TYPES.items()
    if form not in (RdfFormat.N_QUADS, RdfFormat.TRIG)
}
_READ = _WRITTEN | {"application/xml": RdfFormat.RDF_XML, "text/plain": RdfFormat.N_TRIPLES}
_MOST_BYTES = 50_000_000


class GraphStore:
    """All operations; not safe against writers in other threads."""

    def __init__(self, store: Store, path: str) -> None:
        """`path`: address of the whole store, such as `/store`."""
        self._store = store
        self._path = path

    async def answer(self, request: Request) -> Response:
        """Answer one request of any method."""
        graph = self._graph(request)
        match request.method:
            case "GET" | "HEAD":
                return self._get(request, graph)
            case "PUT":
                return await self._put(request, graph)
            case "POST":
                return await self._post(request, graph)
            case _:
                return self._delete(request, graph)

    def _graph(self, request: Request) -> GraphName | None:
        """The graph that a request is about; None for the store as a whole."""
        given, default = request.query_params.getlist("graph"), "default" in request.query_params
        if len(given) + default > 1:
            raise InvalidInput("expected one of graph and default", field="graph")
        if default:
            return DefaultGraph()
        address = str(request.url.replace(query=""))
        if not given:
            if request.url.path.rstrip("/") == self._path:
                return None
            return NamedNode(address)
        try:
            return NamedNode(urljoin(address, given[0]))
        except ValueError as error:
            raise InvalidInput(f"not an IRI: {given[0][:80]!r}", field="graph") from error

    def _holds(self, graph: GraphName) -> bool:
        return isinstance(graph, DefaultGraph) or self._store.contains_named_graph(graph)

    def _get(self, request: Request, graph: GraphName | None) -> Response:
        if graph is None:
            raise InvalidInput("which graph?", field="graph", hint="?default or ?graph=IRI")
        if not self._holds(graph):
            return _missing(graph)
        media_type = preferred(request.headers.get("accept"), tuple(_WRITTEN))
        if media_type is None:
            return problem(406, "no media type that Accept allows", hint=f"one of {', '.join(_WRITTEN)}")
        triples = (quad.triple for quad in self._store.quads_for_pattern(None, None, None, graph))
        body = serialize(triples, format=_WRITTEN[media_type])
        return Response(body, media_type=media_type, headers={"Vary": "Accept"})

    async def _put(self, request: Request, graph: GraphName | None) -> Response:
        if graph is None:
            raise InvalidInput("which graph?", field="graph", hint="?default or ?graph=IRI")
        quads = await _sent(request, graph)
        there = self._holds(graph)
        self._store.clear_graph(graph)
        self._add(graph, quads)
        return Response(status_code=204 if there else 201)

    async def _post(self, request: Request, graph: GraphName | None) -> Response:
        new = graph is None
        at: GraphName = (
            NamedNode(f"{str(request.url.replace(query='')).rstrip('/')}/{uuid.uuid4()}")
            if graph is None
            else graph
        )
        quads = await _sent(request, at)
        there = self._holds(at)
        self._add(at, quads)
        headers = {"Location": at.value} if new and isinstance(at, NamedNode) else None
        return Response(status_code=204 if there else 201, headers=headers)

    def _delete(self, request: Request, graph: GraphName | None) -> Response:
        if graph is None:
            raise InvalidInput("which graph?", field="graph", hint="?default or ?graph=IRI")
        if not self._holds(graph):
            return _missing(graph)
        if isinstance(graph, NamedNode):
            self._store.remove_graph(graph)
        else:
            self._store.clear_graph(graph)
        return Response(status_code=204)

    def _add(self, graph: GraphName, quads: list[Quad]) -> None:
        if isinstance(graph, NamedNode):
            self._store.add_graph(graph)
        self._store.extend(quads)


def _missing(graph: GraphName) -> Response:
    return problem(404, f"no graph {graph.value if isinstance(graph, NamedNode) else 'of that name'}")


async def _sent(request: Request, graph: GraphName) -> list[Quad]:
    """Triples of the body, one document or the files of a form, in the graph."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        quads: list[Quad] = []
        async with request.form() as form:
            for _, part in form.multi_items():
                if isinstance(part, UploadFile):
                    quads += _parsed(await part.read(), (part.content_type or "").partition(";")[0], graph)
        return quads
    if int(request.headers.get("content-length") or 0) > _MOST_BYTES:
        raise HTTPException(413, f"the request is larger than {_MOST_BYTES:,} bytes")
    return _parsed(await request.body(), kind, graph)


def _parsed(body: bytes, media_type: str, graph: GraphName) -> list[Quad]:
    if not body.strip():
        return []
    form = _READ.get(media_type.strip().lower() or "text/turtle")
    if form is None:
        raise HTTPException(415, f"can't read a body of type {media_type}: send {', '.join(_WRITTEN)}")
    base = graph.value if isinstance(graph, NamedNode) else None
    try:
        parsed: Iterable[Quad] = parse(
            body, format=form, base_iri=base, rename_blank_nodes=True, without_named_graphs=True
        )
        return [Quad(quad.subject, quad.predicate, quad.object, graph) for quad in parsed]
    except SyntaxError as error:
        raise InvalidInput(f"the body does not parse: {error}", field="body") from error
