"""The W3C suites whose tests are HTTP requests: Protocol, Graph Store Protocol, Service Description.

Their manifests describe each request and what is expected of the answer (`ht:Request`, since 2023); older copies say it in prose
only, and such tests are left out and counted. A suite runs in the order of its manifest: some tests ask what others left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.term import Node

from benchmarks.w3c_results import Table, answered

HT = Namespace("http://www.w3.org/2011/http#")
CNT = Namespace("http://www.w3.org/2011/content#")
MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
#: Bodies of the suite use these two and do not always declare them.
_PREFIXES = "@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n@prefix v: <http://www.w3.org/2006/vcard/ns#> .\n"
_TABULAR = {
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
}
_GRAPHS = {"text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"}
#: Every property that the Service Description recommendation declares.
_DECLARED = {
    SD[name]
    for name in (
        "endpoint", "feature", "defaultEntailmentRegime", "entailmentRegime", "defaultSupportedEntailmentProfile",
        "supportedEntailmentProfile", "extensionFunction", "extensionAggregate", "languageExtension",
        "supportedLanguage", "propertyFeature", "defaultDataset", "availableGraphs", "resultFormat", "inputFormat",
        "defaultGraph", "namedGraph", "name", "graph",
    )
}  # fmt: skip


@dataclass
class Requests:
    """One run of these suites against one instance; remembers the address that a POST made."""

    http: httpx.Client
    errors: int = 0
    made: str = "/store/nothing-was-made"
    host: str = field(init=False)

    def __post_init__(self) -> None:
        self.host = self.http.base_url.netloc.decode()

    def protocol(self, graph: Graph, test: Node) -> bool:
        """Whether all requests of a protocol test are answered as expected."""
        return all(self._exchanged(graph, one, str(test)) for one in requests_of(graph, test))

    def graph_store(self, graph: Graph, test: Node) -> bool:
        """Whether a request to the graph store is answered as expected, with the triples expected."""
        return all(self._stored(graph, one) for one in requests_of(graph, test))

    def described(self, test: Node) -> bool:
        """Whether the service description is RDF, names its endpoint, and uses terms as declared."""
        response = self._sent("GET", "/sparql", b"", {"Accept": "text/turtle"})
        if not response.is_success or _media_type(response) not in _GRAPHS:
            return False
        graph = Graph().parse(data=response.content, format=_media_type(response))
        name = str(test)
        if "endpoint" in name:
            return (None, SD.endpoint, URIRef(str(response.url))) in graph
        if "schema" in name:
            used = {term for term in graph.predicates() if str(term).startswith(str(SD))}
            services = set(graph.subjects(RDF.type, SD.Service))
            named = set(graph.objects(None, SD.namedGraph))
            return (
                bool(services)
                and used <= _DECLARED
                and set(graph.subjects(SD.endpoint)) <= services
                and set(graph.subjects(SD.name)) <= named
            )
        return len(graph) > 0

    def _exchanged(self, graph: Graph, request: Node, name: str) -> bool:
        method, path, body, headers = self._read(graph, request)
        kind = headers.get("content-type", "")
        update = kind.startswith("application/sparql-update") or (
            "update" in name and not kind.startswith("application/sparql-query")
        )
        path = re.sub(r"^/sparql/?", "/update" if update else "/sparql", path)
        response = self._sent(method, path, body, headers)
        wanted = graph.value(request, HT.resp)
        statuses = {str(status)[-3] for status in graph.objects(wanted, MF.expectedStatus)}
        if str(response.status_code)[0] not in statuses:
            return False
        match str(graph.value(wanted, MF.expectedFormat) or ""):
            case "boolean":
                truth = graph.value(wanted, MF.expectedBoolean)
                found = self._table(response)
                return (
                    found is not None
                    and found.truth is not None
                    and (truth is None or found.truth == (str(truth).lower() == "true"))
                )
            case "tabular":
                found = self._table(response)
                return found is not None and (not name.endswith("update_base_uri") or _one_resolved(found))
            case "RDF":
                return _media_type(response) in _GRAPHS and _parses(response)
        return True

    def _stored(self, graph: Graph, request: Node) -> bool:
        method, path, body, headers = self._read(graph, request)
        if headers.get("content-type", "").startswith("multipart/"):
            body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        response = self._sent(method, path, body, headers)
        wanted = graph.value(request, HT.resp)
        if response.status_code not in _allowed(
            method, path, int(str(graph.value(wanted, HT.statusCodeValue)))
        ):
            return False
        if method == "POST" and response.status_code == 201:
            self.made = response.headers.get("location", self.made)
        content = graph.value(wanted, HT.body)
        if content is None or method == "HEAD":
            return True
        text = _PREFIXES + self._filled(str(graph.value(content, CNT.chars)))
        return isomorphic(
            Graph().parse(data=response.content, format=_media_type(response)),
            Graph().parse(data=text, format="turtle", publicID=str(response.url)),
        )

    def _read(self, graph: Graph, request: Node) -> tuple[str, str, bytes, dict[str, str]]:
        headers = {}
        if (listed := graph.value(request, HT.headers)) is not None:
            for one in Collection(graph, listed):
                name = str(graph.value(one, HT.fieldName)).lower()
                if name not in ("host", "content-length", "location"):
                    headers[name] = str(graph.value(one, HT.fieldValue))
        body = b""
        if (content := graph.value(request, HT.body)) is not None:
            encoding = str(graph.value(content, CNT.characterEncoding) or "utf-8")
            body = self._filled(str(graph.value(content, CNT.chars))).encode(encoding)
        path = self._filled(str(graph.value(request, HT.absolutePath)))
        return str(graph.value(request, HT.methodName)), path, body, headers

    def _filled(self, text: str) -> str:
        return (
            text.replace("$GRAPHSTORE$", "/store")
            .replace("$HOST$", self.host)
            .replace("$NEWPATH$", self.made)
        )

    def _table(self, response: httpx.Response) -> Table | None:
        if _media_type(response) not in _TABULAR:
            return None
        found = answered(response.content, _media_type(response))
        return found if isinstance(found, Table) else None

    def _sent(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        response = self.http.request(method, path, content=body, headers=headers)
        self.errors += response.status_code >= 500
        return response


def requests_of(graph: Graph, test: Node) -> Iterator[Node]:
    """The requests of a test, in their order; none where the manifest has only prose."""
    for action in graph.objects(test, MF.action):
        for listed in graph.objects(action, HT.requests):
            yield from Collection(graph, listed)


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip()


def _parses(response: httpx.Response) -> bool:
    try:
        Graph().parse(data=response.content, format=_media_type(response))
    except (SyntaxError, ValueError):
        return False
    return True


def _allowed(method: str, path: str, status: int) -> set[int]:
    """Statuses that say what the expected one says; the default graph is always there, and so never created."""
    if method in ("GET", "HEAD") or status >= 400:
        return {status}
    return {200, 201, 204} if "default" in path else {201} if status == 201 else {200, 204}


def _one_resolved(found: Table) -> bool:
    values = [row.get("o") for row in found.rows]
    return (
        len(values) == 1
        and not isinstance(values[0], BNode | Literal)
        and str(values[0]).startswith("http")
        and str(values[0]) != "test"
    )
