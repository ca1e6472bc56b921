"""The W3C SPARQL 1.1 suites over HTTP, against an instance started for it.

    python -m benchmarks.w3c FOLDER

FOLDER holds the manifests of a checkout of w3c/rdf-tests (`sparql/sparql11`) or an older copy of them. Starts `whence serve
--conformance`, loads the data of each test by the Graph Store Protocol, and prints passed and run per suite with the names of
what failed, and whether the engine alone fails it too. Entailment regimes and remote SERVICE are left out and counted. Ends with
1 below the bars. The requests of the suites for Protocol and Graph Store Protocol are tests of ours: tests/api/test_conformance.py.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

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

from benchmarks.w3c_results import Table, answered, as_iri, expected, same

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
}
_OLD = ("data-r2", "sparql10", "sparql12")


class Instance:
    """The conformance instance, asked over HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.errors = 0

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
        self.errors += response.status_code >= 500
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
    for data in graph.objects(action, QT.data):
        server.load(file_of(data), None)
    for data in graph.objects(action, QT.graphData):
        name = graph.value(data, QT.graph) if isinstance(data, BNode) else data
        server.load(file_of(name), str(name))
    query = based(file_of(graph.value(action, QT.query)))
    accept = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}.get(result.suffix)
    kinds = accept or "application/sparql-results+json, application/n-triples;q=0.9"
    response = server.query(query, kinds)
    if not response.is_success:
        return False
    return same(
        answered(response.content, response.headers["content-type"].partition(";")[0]),
        expected(result, result.as_uri()),
    )


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
    }.get(kind.rpartition("#")[2])


def engine_fails_alone(graph: Graph, test: Node) -> bool:
    """Whether the query of an evaluation test gives another answer, or none, in the engine without HTTP."""
    action = graph.value(test, MF.action)
    if (query := graph.value(action, QT.query)) is None:
        return False
    store = Store()
    for data in graph.objects(action, QT.data):
        path = file_of(data)
        store.load(path=path, format=_FORMATS[path.suffix], base_iri=path.as_uri())
    for data in graph.objects(action, QT.graphData):
        path = file_of(data)
        store.load(
            path=path, format=_FORMATS[path.suffix], base_iri=path.as_uri(), to_graph=NamedNode(str(data))
        )
    try:
        result = file_of(graph.value(test, MF.result))
        found = store.query(based(file_of(query)))
        if isinstance(found, QuerySolutions | QueryBoolean):
            body, media = found.serialize(format=QueryResultsFormat.JSON), "application/sparql-results+json"
        else:
            body, media = found.serialize(format=RdfFormat.N_TRIPLES), "application/n-triples"
        return not same(answered(body or b"", media), expected(result, result.as_uri()))
    except Exception:
        return True


def main() -> None:
    """Run all suites and print the table."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m benchmarks.w3c FOLDER")
    passed: dict[str, int] = defaultdict(int)
    failed: dict[str, list[str]] = defaultdict(list)
    left_out = 0
    started = time.perf_counter()
    with instance() as server:
        for graph, test, path in tests(Path(sys.argv[1]).resolve()):
            action = graph.value(test, MF.action)
            kind = as_iri(graph.value(test, RDF.type))
            suite = suite_of(kind)
            if suite is None:
                continue
            if (
                (action, SD.entailmentRegime, None) in graph
                or (action, QT.serviceData, None) in graph
                or path.parent.name in ("service", "entailment")
            ):
                left_out += 1
                continue
            run = {"query evaluation": evaluated, "CSV and TSV": evaluated, "update evaluation": updated}.get(
                suite
            )
            try:
                right = run(server, graph, test) if run else syntax(server, graph, test, kind)
            except Exception as error:  # a test that can't be read is a failed test
                print(f"  {path.parent.name}: {type(error).__name__}: {str(error)[:150]}")
                right = False
            if right:
                passed[suite] += 1
                continue
            own = " (the engine alone, too)" if run is evaluated and engine_fails_alone(graph, test) else ""
            failed[suite].append(f"{path.parent.name}/{re.sub('.*#', '', str(test))}{own}")
        print(
            f"\n{time.perf_counter() - started:.0f} s, {server.errors} answers of 5xx, {left_out} tests left out\n"
        )
    print("| suite | passed | run |\n| --- | --- | --- |")
    low = server.errors > 0
    for suite in sorted({*passed, *failed}):
        run_ = passed[suite] + len(failed.get(suite, ()))
        low |= passed[suite] < _BARS[suite] * run_
        print(f"| {suite} | {passed[suite]} | {run_} |")
    for suite, names in failed.items():
        print(f"\n{suite}:\n  " + "\n  ".join(names))
    sys.exit(int(low))


if __name__ == "__main__":
    main()
