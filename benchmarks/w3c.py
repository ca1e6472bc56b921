"""The W3C SPARQL 1.1 suites over HTTP, against an instance started for it.

    python -m benchmarks.w3c FOLDER

FOLDER holds the manifests of a checkout of w3c/rdf-tests (`sparql/sparql11`) or an older copy of them. Starts `whence serve
--conformance`, loads the data of each test by the Graph Store Protocol, and prints passed and run per suite with the names of
what failed, and whether the engine alone fails it too. Left out and counted: entailment regimes, remote SERVICE, and requests
that a manifest describes in prose only (of those, tests/api/test_conformance.py has its own). Ends with 1 below the bars.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx
from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    parse,
    serialize,
)
from rdflib import RDF, BNode, Graph, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.namespace import RDFS
from rdflib.term import Node

from benchmarks.w3c_requests import Requests, requests_of
from benchmarks.w3c_results import Table, answered, as_iri, expected, has_order, same

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
QT = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-query#")
UT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
DAWGT = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-dawg#")
_FORMATS = {".ttl": RdfFormat.TURTLE, ".nt": RdfFormat.N_TRIPLES, ".rdf": RdfFormat.RDF_XML}
_BARS = {
    "query evaluation": 0.952,
    "update evaluation": 1.0,
    "query syntax": 1.0,
    "update syntax": 1.0,
    "CSV and TSV": 1.0,
    "protocol": 1.0,
    "graph store protocol": 1.0,
    "service description": 1.0,
}
_FROM = re.compile(r"\bFROM\s+(?:NAMED\s+)?<([^<>\s]*)>", re.IGNORECASE)
#: ORDER BY outside of all braces, which is that of the whole query.
_ORDERED = re.compile(r"\bORDER\s+BY\b[^{}]*$", re.IGNORECASE)
#: Folders of remote SERVICE and of entailment regimes; suites whose misses may be the engine's own.
_LEFT_OUT = ("service", "entailment")
_EVALUATED = ("query evaluation", "CSV and TSV")
_OLD = ("data-r2", "sparql10", "sparql12")


class Instance:
    """The conformance instance, asked over HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._errors = 0
        self.requests = Requests(http)

    @property
    def errors(self) -> int:
        """Answers of 5xx so far."""
        return self._errors + self.requests.errors

    def clear(self) -> None:
        """Empty the store."""
        self.update("DROP ALL")

    def load(self, path: Path, graph: str | None) -> None:
        """Put a file into the default graph (added to what is there) or a named one."""
        triples = (
            quad.triple for quad in parse(path=path, format=_FORMATS[path.suffix], base_iri=path.as_uri())
        )
        body = serialize(triples, format=RdfFormat.N_TRIPLES)
        place = {"default": ""} if graph is None else {"graph": graph}
        self._sent(
            "POST", "/store", params=place, content=body, headers={"Content-Type": "application/n-triples"}
        )

    def query(self, text: str, accept: str) -> httpx.Response:
        """Answer to a query."""
        return self._sent(
            "POST",
            "/sparql",
            content=text.encode(),
            headers={"Content-Type": "application/sparql-query", "Accept": accept},
        )

    def update(self, text: str) -> httpx.Response:
        """Answer to an update."""
        return self._sent(
            "POST", "/update", content=text.encode(), headers={"Content-Type": "application/sparql-update"}
        )

    def graph(self, name: str | None) -> Graph:
        """A graph as it stands."""
        place = {"default": ""} if name is None else {"graph": name}
        response = self._sent("GET", "/store", params=place, headers={"Accept": "application/n-triples"})
        return Graph().parse(data=response.text if response.is_success else "", format="nt")

    def names(self) -> set[str]:
        """Graphs that hold anything."""
        found = answered(
            self.query("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }", "text/csv").content, "text/csv"
        )
        return {str(row["g"]) for row in found.rows} if isinstance(found, Table) else set()

    def _sent(self, method: str, path: str, **more: object) -> httpx.Response:
        response = self._http.request(method, path, **more)  # type: ignore[arg-type]
        self._errors += response.status_code >= 500
        return response


@contextmanager
def instance() -> Iterator[Instance]:
    """An instance of its own, ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "kb.cli", "serve", "--conformance", "--port", str(port)]
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            for _ in range(100):
                try:
                    http.get("/sparql")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield Instance(http)
    finally:
        process.terminate()
        process.wait(timeout=20)


def tests(folder: Path) -> Iterator[tuple[Graph, Node, Path]]:
    """All approved tests with the graph of their manifest."""
    for path in sorted(folder.rglob("manifest.ttl")):
        if any(part in _OLD for part in path.parts):
            continue
        graph = Graph().parse(path, publicID=path.as_uri())
        for entries in graph.objects(None, MF.entries):
            for test in Collection(graph, entries):
                if graph.value(test, DAWGT.approval) not in (DAWGT.Withdrawn, DAWGT.Rejected):
                    yield graph, test, path


def file_of(term: object) -> Path:
    """The file that an IRI of a manifest names."""
    return Path(unquote(urlsplit(str(as_iri(term))).path))


def based(path: Path) -> str:
    """Text of a query with the address of its file as base."""
    return f"BASE <{path.as_uri()}>\n{path.read_text(encoding='utf-8')}"


def evaluated(server: Instance, graph: Graph, test: Node) -> bool:
    """Whether a query evaluation test passes."""
    action, result = graph.value(test, MF.action), file_of(graph.value(test, MF.result))
    server.clear()
    for path, name in dataset(graph, action):
        server.load(path, name)
    query = based(file_of(graph.value(action, QT.query)))
    accept = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}.get(result.suffix)
    kinds = accept or "application/sparql-results+json, application/n-triples;q=0.9"
    response = server.query(query, kinds)
    if not response.is_success:
        return False
    found = answered(response.content, response.headers["content-type"].partition(";")[0])
    return same(found, wanted(query, result))


def dataset(graph: Graph, action: Node | None) -> Iterator[tuple[Path, str | None]]:
    """Files of an evaluation test with the graph that each goes into; those that only FROM names go into their own."""
    given = set()
    for data in graph.objects(action, QT.data):
        yield file_of(data), None
    for data in graph.objects(action, QT.graphData):
        name = graph.value(data, QT.graph) if isinstance(data, BNode) else data
        given.add(str(name))
        yield file_of(name), str(name)
    query = file_of(graph.value(action, QT.query))
    for found in dict.fromkeys(_FROM.findall(query.read_text(encoding="utf-8"))):
        address = urljoin(query.as_uri(), found)
        if address not in given and urlsplit(address).scheme == "file" and file_of(URIRef(address)).is_file():
            yield file_of(URIRef(address)), address


def wanted(query: str, result: Path) -> Table | Graph:
    """The expected answer; its order counts where the whole query is ordered, and the values have an order."""
    answer = expected(result, result.as_uri())
    if isinstance(answer, Table) and _ORDERED.search(query):
        answer.ordered = has_order(answer)
    return answer


def updated(server: Instance, graph: Graph, test: Node) -> bool:
    """Whether an update evaluation test passes."""
    server.clear()
    action, result = graph.value(test, MF.action), graph.value(test, MF.result)
    for place in graph.objects(action, UT.data):
        server.load(file_of(place), None)
    for name, path in _named(graph, action):
        server.load(path, name)
    if not server.update(based(file_of(graph.value(action, UT.request)))).is_success:
        return False
    wanted = Graph()
    for place in graph.objects(result, UT.data):
        wanted.parse(file_of(place))
    named = dict(_named(graph, result))
    filled = {name for name, path in named.items() if len(Graph().parse(path, publicID=path.as_uri()))}
    return (
        isomorphic(server.graph(None), wanted)
        and server.names() == filled
        and all(
            isomorphic(server.graph(name), Graph().parse(path, publicID=path.as_uri()))
            for name, path in named.items()
        )
    )


def _named(graph: Graph, node: Node | None) -> Iterator[tuple[str, Path]]:
    for data in graph.objects(node, UT.graphData):
        path = graph.value(data, UT.graph) or graph.value(data, UT.data)
        yield str(graph.value(data, RDFS.label)), file_of(path)


def syntax(server: Instance, graph: Graph, test: Node, kind: URIRef) -> bool:
    """Whether a syntax test passes: refused with 400 or not; 422 says that it parses and names what there is not."""
    text = file_of(graph.value(test, MF.action)).read_text(encoding="utf-8")
    server.clear()
    response = server.update(text) if "Update" in kind else server.query(text, "*/*")
    parses = response.is_success or response.status_code == 422
    return parses if "Positive" in kind else response.status_code == 400


def suite_of(kind: str) -> str | None:
    """Name of the suite that a kind of test belongs to."""
    if "Syntax" in kind:
        return "update syntax" if "Update" in kind else "query syntax"
    return {
        "QueryEvaluationTest": "query evaluation",
        "CSVResultFormatTest": "CSV and TSV",
        "UpdateEvaluationTest": "update evaluation",
        "ProtocolTest": "protocol",
        "GraphStoreProtocolTest": "graph store protocol",
        "ServiceDescriptionTest": "service description",
    }.get(kind.rpartition("#")[2])


def engine_fails_alone(graph: Graph, test: Node) -> bool:
    """Whether the query of an evaluation test gives another answer, or none, in the engine without HTTP."""
    action = graph.value(test, MF.action)
    if (query := graph.value(action, QT.query)) is None:
        return False
    store = Store()
    for path, name in dataset(graph, action):
        place = None if name is None else NamedNode(name)
        store.load(path=path, format=_FORMATS[path.suffix], base_iri=path.as_uri(), to_graph=place)
    try:
        result = file_of(graph.value(test, MF.result))
        text = based(file_of(query))
        found = store.query(text)
        if isinstance(found, QuerySolutions | QueryBoolean):
            body, media = found.serialize(format=QueryResultsFormat.JSON), "application/sparql-results+json"
        else:
            body, media = found.serialize(format=RdfFormat.N_TRIPLES), "application/n-triples"
        return not same(answered(body or b"", media), wanted(text, result))
    except (SyntaxError, ValueError, RuntimeError, OSError):
        return True


def runner(server: Instance, graph: Graph, test: Node) -> tuple[str, Callable[[], bool]] | None:
    """The suite of a test and what runs it; None for a test that is left out."""
    action, kind = graph.value(test, MF.action), as_iri(graph.value(test, RDF.type))
    suite = suite_of(kind)
    if (
        suite is None
        or (action, SD.entailmentRegime, None) in graph
        or (action, QT.serviceData, None) in graph
    ):
        return None
    if suite in ("protocol", "graph store protocol") and not any(requests_of(graph, test)):
        return None
    runs: dict[str, Callable[[], bool]] = {
        "query evaluation": lambda: evaluated(server, graph, test),
        "CSV and TSV": lambda: evaluated(server, graph, test),
        "update evaluation": lambda: updated(server, graph, test),
        "service description": lambda: server.requests.described(test),
        "protocol": lambda: protocol(server, graph, test),
        "graph store protocol": lambda: server.requests.graph_store(graph, test),
    }
    return suite, runs.get(suite, lambda: syntax(server, graph, test, kind))


def protocol(server: Instance, graph: Graph, test: Node) -> bool:
    """Whether the requests of a protocol test are answered as expected, over the graphs that it names."""
    server.clear()
    for name, path in _named(graph, test):
        server.load(path, name)
    return server.requests.protocol(graph, test)


def main() -> None:
    """Run all suites and print the table."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m benchmarks.w3c FOLDER")
    passed: dict[str, list[str]] = defaultdict(list)
    failed: dict[str, list[str]] = defaultdict(list)
    left_out: dict[str, int] = defaultdict(int)
    started = time.perf_counter()
    with instance() as server:
        for graph, test, path in tests(Path(sys.argv[1]).resolve()):
            found = None if path.parent.name in _LEFT_OUT else runner(server, graph, test)
            if found is None:
                left_out[path.parent.name] += 1
                continue
            suite, run = found
            name = f"{path.parent.name}/{re.sub('.*#', '', str(test))}"
            try:
                right = run()
            except Exception as error:  # a test that can't be read is a failed test
                print(f"  {name}: {type(error).__name__}: {str(error)[:150]}")
                right = False
            own = not right and suite in _EVALUATED and engine_fails_alone(graph, test)
            (passed if right else failed)[suite].append(name + " (the engine alone, too)" * own)
        seconds, errors = time.perf_counter() - started, server.errors
    print(f"\n{seconds:.0f} s, {errors} answers of 5xx\n\n| suite | passed | run |\n| --- | --- | --- |")
    low = errors > 0
    for suite in sorted({*passed, *failed}):
        right_, run_ = len(passed[suite]), len(passed[suite]) + len(failed[suite])
        low |= right_ < _BARS[suite] * run_
        print(f"| {suite} | {right_} | {run_} |")
    for suite, names in failed.items():
        if names:
            print(f"\n{suite}:\n  " + "\n  ".join(names))
    print(
        "\nleft out: "
        + (", ".join(f"{name} {number}" for name, number in sorted(left_out.items())) or "none")
    )
    sys.exit(int(low))


if __name__ == "__main__":
    main()
