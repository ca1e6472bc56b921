"""SHACL through pySHACL: which nodes of a graph break which closed-world rule, and what would mend them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rdflib import RDF, RDFS, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.sparql import Query
from rdflib.query import Result
from rdflib.term import Node

from kb.errors import InvalidFile, NotFound, NotReady

#: Path operators of SHACL that stand behind their path, in SPARQL's notation.
_SUFFIX = {SH.zeroOrMorePath: "*", SH.oneOrMorePath: "+", SH.zeroOrOnePath: "?"}


@dataclass(frozen=True, order=True)
class Violation:
    """One broken rule at one node; the fields are those of a SHACL result, as text, IRIs in full.

    Only the message and a path over several properties abbreviate IRIs, with the prefixes of the shapes.
    """

    focus: str
    path: str
    value: str
    shape: str
    severity: str
    message: str

    def __str__(self) -> str:
        said = re.split(r"[/#]", self.value)[-1] in self.message
        found = "" if said else f" (found {self.value})"
        return f"{self.focus}: {self.message}{found} [{self.shape}]"


def load_shapes(folder: Path) -> Graph:
    """All Turtle files of shapes in a folder as one graph.

    Raises `InvalidFile` when a file does not parse, `NotFound` when there is none.
    """
    files = sorted(folder.glob("*.ttl"))
    if not files:
        raise NotFound(f"no shapes (*.ttl) in {folder}")
    graph = Graph()
    for file in files:
        try:
            graph.parse(file, format="turtle")
        except Exception as error:  # rdflib's parsers raise many types
            raise InvalidFile(f"{file}: not Turtle: {str(error).splitlines()[0]}") from error
    return graph


def violations(data: Graph, shapes: Graph, ontology: Graph | None = None) -> tuple[Violation, ...]:
    """Rules that nodes of `data` break, sorted; warnings and infos are among them, by their severity.

    The ontology is context: of it only what the shapes name is laid beside the data, its own individuals are
    not judged, and nothing is inferred beyond subclasses. What was taken from a pair of shapes and ontology is
    kept, so pass a new graph rather than one that was changed. Raises `NotReady` when pySHACL is missing.
    """
    try:
        from pyshacl.graph_abstraction import DataGraph
        from pyshacl.validator import Validator
    except ImportError as error:
        raise NotReady(
            f"shapes can't be checked: {error.name} is not installed", hint="pip install 'whence[build]'"
        ) from error
    mixed = _PlanKeeping()
    for triple in _plain(data):
        mixed.add(triple)
    if ontology is not None:
        for triple in _context(shapes, ontology):
            mixed.add(triple)
    validator = Validator(
        DataGraph.from_rdflib_graph(mixed),
        shacl_graph=Graph(),
        options={"inplace": True, "inference": "none"},
    )
    validator.shacl_graph = _harvested(shapes)
    _, report, _ = validator.run()
    judged = set(data.subjects())
    names = {prefix: namespace for prefix, namespace in shapes.namespaces() if prefix}
    found = {
        _violation(report, result, shapes, names)
        for result in report.objects(None, SH.result)
        if _focus(report, result) in judged
    }
    return tuple(sorted(found))


class _PlanKeeping(Graph):
    """Graph that parses each query once: pySHACL sends the same text again for every focus node."""

    def query(self, query_object: str | Query, *args: Any, **kwargs: Any) -> Result:  # noqa: ANN401
        plan = _plan(query_object) if isinstance(query_object, str) else query_object
        return super().query(plan, *args, **kwargs)


@lru_cache(maxsize=1024)
def _plan(text: str) -> Query:
    return prepareQuery(text)


@lru_cache(maxsize=4)
def _harvested(shapes: Graph) -> object:
    """The shapes as pySHACL reads them, which takes longer than checking one record against them."""
    from pyshacl.shapes_graph import ShapesGraph

    copy = Graph()  # pySHACL adds triples of its own
    for triple in _plain(shapes):
        copy.add(triple)
    for prefix, namespace in shapes.namespaces():
        copy.bind(prefix, namespace)
    return ShapesGraph(copy)


def _plain(triples: Iterable[tuple[Node, Node, Node]]) -> Iterator[tuple[Node, Node, Node]]:
    """Triples with one form of text: rdflib holds "a" and "a"^^xsd:string apart, RDF 1.1 does not."""
    for subject, predicate, value in triples:
        if isinstance(value, Literal) and value.datatype == XSD.string:
            yield subject, predicate, Literal(str(value))
        else:
            yield subject, predicate, value


@lru_cache(maxsize=4)
def _context(shapes: Graph, ontology: Graph) -> tuple[tuple[Node, Node, Node], ...]:
    """What the shapes need of the ontology: subclasses, statements with properties that they name, and types."""
    named = _named(shapes)
    classes = {cls for name in named for cls in ontology.transitive_subjects(RDFS.subClassOf, name)}
    kept: list[tuple[Node, Node, Node]] = []
    for subject, predicate, value in _plain(ontology):
        if predicate == RDF.type:
            wanted = value in classes
        elif predicate == RDFS.subClassOf:
            wanted = subject in classes and isinstance(value, URIRef)
        else:
            wanted = predicate in named
        if wanted:
            kept.append((subject, predicate, value))
    return tuple(kept)


def _named(shapes: Graph) -> frozenset[Node]:
    """IRIs that the shapes speak of, in their triples or in the text of their queries."""
    namespaces = {
        str(shapes.value(declared, SH.prefix)): str(shapes.value(declared, SH.namespace))
        for declared in shapes.objects(None, SH.declare)
    }
    ours = tuple(namespaces.values())
    named: set[Node] = {o for o in shapes.objects() if isinstance(o, URIRef) and str(o).startswith(ours)}
    for text in shapes.objects(None, SH.select):
        for prefix, local in re.findall(r"\b([a-z]+):([A-Za-z][\w-]*)", str(text)):
            if prefix in namespaces:
                named.add(URIRef(namespaces[prefix] + local))
    return frozenset(named)


def _focus(report: Graph, result: Node) -> Node | None:
    return report.value(result, SH.focusNode)


def _violation(report: Graph, result: Node, shapes: Graph, names: dict[str, URIRef]) -> Violation:
    constraint = report.value(result, SH.sourceConstraint)
    shape = constraint if isinstance(constraint, URIRef) else report.value(result, SH.sourceShape)
    path = report.value(result, SH.resultPath)
    if path is None or isinstance(path, BNode):  # the report may hold a copy without the path's own triples
        path = shapes.value(shape, SH.path) or path
    value = report.value(result, SH.value)
    message = "; ".join(sorted(str(message) for message in report.objects(result, SH.resultMessage)))
    for prefix, namespace in names.items():
        message = message.replace(str(namespace), f"{prefix}:")
    return Violation(
        focus=str(_focus(report, result)),
        shape=str(shape),
        path="" if path is None else _path_text(path, shapes, names),
        value="" if value is None or value == _focus(report, result) else str(value),
        severity=str(report.value(result, SH.resultSeverity)).removeprefix(str(SH)),
        message=message,
    )


def _path_text(path: Node, shapes: Graph, names: dict[str, URIRef]) -> str:
    """A SHACL path as SPARQL writes it; a single property stays a full IRI, a longer path is abbreviated."""
    if isinstance(path, URIRef):
        return str(path)
    return _steps(path, shapes, names)


def _steps(path: Node, shapes: Graph, names: dict[str, URIRef]) -> str:
    if isinstance(path, URIRef):
        for prefix, namespace in names.items():
            if path.startswith(str(namespace)):
                return f"{prefix}:{path.removeprefix(str(namespace))}"
        return path.n3()
    if (inverse := shapes.value(path, SH.inversePath)) is not None:
        return "^" + _steps(inverse, shapes, names)
    if (choices := shapes.value(path, SH.alternativePath)) is not None:
        return "(" + "|".join(_steps(step, shapes, names) for step in Collection(shapes, choices)) + ")"
    for operator, suffix in _SUFFIX.items():
        if (inner := shapes.value(path, operator)) is not None:
            return _steps(inner, shapes, names) + suffix
    return "/".join(_steps(step, shapes, names) for step in Collection(shapes, path))
