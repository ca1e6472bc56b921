"""SHACL shapes of an entry, written out from the model itself: the same fields, bounds, lists and rules.

What pydantic refuses in a file, these shapes refuse in RDF, and the other way round; a test holds both against one
list of cases.
"""

from __future__ import annotations

from typing import Any

from rdflib import RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS, SH
from rdflib.term import Node

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS, Part, Rule, Term
from kb.knowledge.entry_rdf import fields_of, slug_of_code
from kb.knowledge.names import BASE, DATASET, WH

SHAPE = f"{BASE}shape/"
_FACET_CLASSES = {
    "modality": WH.Modality,
    "anatomy": WH.AnatomicalStructure,
    "task": WH.Task,
    "finding": WH.Finding,
}
_DATATYPES = {"string": XSD.string, "integer": XSD.integer, "number": XSD.decimal}
#: JSON Schema keyword → SHACL constraint.
_BOUNDS = {
    "minimum": SH.minInclusive,
    "maximum": SH.maxInclusive,
    "exclusiveMinimum": SH.minExclusive,
    "exclusiveMaximum": SH.maxExclusive,
    "minLength": SH.minLength,
    "maxLength": SH.maxLength,
    "pattern": SH.pattern,
}


def entry_shapes() -> Graph:
    """Shapes for the entry and each of its parts."""
    graph = Graph()
    graph.bind("sh", SH)
    graph.bind("wh", WH)
    graph.bind("shape", SHAPE)
    done: set[type[Part]] = set()
    _node_shape(graph, DatasetEntry, done)
    shape = _shape_iri(DatasetEntry)
    title = _property(graph, shape, DCTERMS.title, "name", "preferred name")
    for predicate, value in (
        (SH.minCount, 1),
        (SH.maxCount, 1),
        (SH.minLength, 1),
        (SH.datatype, XSD.string),
    ):
        graph.add((title, predicate, value if isinstance(value, URIRef) else Literal(value)))
    for facet in FACETS:
        path = BNode()
        steps: list[Node] = [WH[f"{facet}Statement"], WH.concept]
        Collection(graph, path, steps)
        rule = _property(graph, shape, path, f"{facet}-concept", f"a concept of the facet {facet}")
        graph.add((rule, SH["class"], _FACET_CLASSES[facet]))
        graph.add(
            (
                rule,
                SH.message,
                Literal(f"{facet}: the concept is not one of this facet; move it to its own", lang="en"),
            )
        )
    return graph


def _shape_iri(model: type[Part]) -> URIRef:
    return URIRef(SHAPE + str(model.rdf_class).removeprefix(str(WH)))  # type: ignore[attr-defined]


def _property(graph: Graph, shape: URIRef, path: Node, name: str, what: str) -> URIRef:
    constraint = URIRef(f"{shape}-{name.replace('_', '-')}")
    graph.add((shape, SH.property, constraint))
    graph.add((constraint, RDF.type, SH.PropertyShape))
    graph.add((constraint, SH.path, path))
    graph.add((constraint, SH.name, Literal(name)))
    graph.add((constraint, SH.description, Literal(what, lang="en")))
    return constraint


def _node_shape(graph: Graph, model: type[Part], done: set[type[Part]]) -> None:
    if model in done:
        return
    done.add(model)
    shape = _shape_iri(model)
    graph.add((shape, RDF.type, SH.NodeShape))
    graph.add((shape, SH.targetClass, model.rdf_class))  # type: ignore[attr-defined]
    schema = model.model_json_schema()
    for name, term, many, kind in fields_of(model):
        info = model.model_fields[name]
        field = _without_null(schema["properties"][name])
        constraint = _property(graph, shape, WH[term.name], name, info.title or name)
        if info.is_required():
            graph.add((constraint, SH.minCount, Literal(field.get("minItems", 0 if many else 1))))
        if not many:
            graph.add((constraint, SH.maxCount, Literal(1)))
        _value(graph, constraint, term, kind, _without_null(field["items"]) if many else field)
        if term.kind == "node":
            _node_shape(graph, kind, done)
    for number, rule in enumerate(model.rules, start=1):
        _rule(graph, shape, model, rule, number)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return dict(option)
    return schema


def _value(graph: Graph, constraint: URIRef, term: Term, kind: Any, schema: dict[str, Any]) -> None:  # noqa: ANN401
    """What one value must be."""
    if term.kind == "node":
        graph.add((constraint, SH["class"], kind.rdf_class))
        return
    if term.kind == "code":
        values = schema.get("enum") or [schema["const"]]
        _listed(graph, constraint, [WH[f"{term.prefix}-{slug_of_code(value)}"] for value in values])
        return
    if term.kind in ("concept", "entry", "reference"):
        graph.add((constraint, SH.nodeKind, SH.IRI))
        if term.kind != "reference":
            start = WH if term.kind == "concept" else DATASET
            graph.add((constraint, SH.pattern, Literal(f"^{start}[a-z0-9]+(-[a-z0-9]+)*$")))
            graph.add((constraint, SH.maxLength, Literal(len(start) + schema["maxLength"])))
        return
    if term.kind == "date":
        graph.add((constraint, SH.datatype, XSD.dateTime))
        graph.add((constraint, SH.pattern, Literal(r"T00:00:00(Z|\+00:00)$")))
        return
    if "enum" in schema:
        _listed(graph, constraint, [Literal(value, datatype=XSD.string) for value in schema["enum"]])
        return
    graph.add((constraint, SH.datatype, XSD.anyURI if term.kind == "uri" else _DATATYPES[schema["type"]]))
    for keyword, predicate in _BOUNDS.items():
        if keyword in schema:
            bound = schema[keyword]
            datatype = XSD.decimal if schema["type"] == "number" else None
            graph.add((constraint, predicate, Literal(bound, datatype=datatype)))


def _listed(graph: Graph, constraint: URIRef, values: list[Node]) -> None:
    head = BNode()
    Collection(graph, head, values)
    graph.add((constraint, SH["in"], head))


def _rule(graph: Graph, shape: URIRef, model: type[Part], rule: Rule, number: int) -> None:
    """A rule over several fields, as a node shape of its own with the rule's message."""
    terms = {name: term for name, term, _, _ in fields_of(model)}
    present: list[Node] = [_has(graph, WH[terms[name].name]) for name in rule.fields]
    iri = URIRef(f"{shape}-rule-{number}")
    graph.add((iri, RDF.type, SH.NodeShape))
    graph.add((iri, SH.message, Literal(rule.message, lang="en")))
    graph.add((iri, SH.targetClass, model.rdf_class))  # type: ignore[attr-defined]
    if rule.kind == "not-both":
        alone = BNode()
        others = BNode()
        Collection(graph, others, present[1:])
        graph.add((alone, SH["or"], others))
        both = BNode()
        pair_members: list[Node] = [present[0], alone]
        Collection(graph, both, pair_members)
        pair = BNode()
        graph.add((pair, SH["and"], both))
        graph.add((iri, SH["not"], pair))
        return
    options = BNode()
    Collection(graph, options, present)
    graph.add((iri, SH.xone if rule.kind == "exactly-one" else SH["or"], options))


def _has(graph: Graph, path: URIRef) -> BNode:
    node, constraint = BNode(), BNode()
    graph.add((node, SH.property, constraint))
    graph.add((constraint, SH.path, path))
    graph.add((constraint, SH.minCount, Literal(1)))
    return node
