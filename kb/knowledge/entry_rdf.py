"""Entry ↔ RDF, both ways and without loss, driven by the `Term` beside each field of the model.

An entry is `dataset/{id}`; each part of it is `dataset/{id}#{field}-{i}`, so that order survives and every
statement can be pointed at.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from rdflib import DCTERMS, RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import DCAT
from rdflib.term import Node

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Part, Term
from kb.knowledge.entry_parts import Licence, Relation, Weights
from kb.knowledge.names import DATASET, WH, reference_iri, reference_of

Triple = tuple[URIRef, URIRef, Node]

#: Direct properties between two entries, by kind of relation.
RELATION_PROPERTIES = {
    "derived-from": WH.derivedFrom,
    "subset-of": WH.subsetOf,
    "part-of": WH.partOfDataset,
    "overlaps-with": WH.overlapsWith,
    "same-as": WH.sameDataAs,
    "synthetic-of": WH.syntheticOf,
    "companion-of": WH.companionOf,
}


def slug_of_code(value: str) -> str:
    """Controlled value as the last part of an IRI: `2D+t` → `2d-t`, `reportedNone` → `reported-none`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", value)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


@cache
def fields_of(model: type[Part]) -> tuple[tuple[str, Term, bool, Any], ...]:
    """(field, term, is a list, type of one value) for every field of the model that has a `Term`."""
    rows = []
    for name, info in model.model_fields.items():
        term = _term(info)
        if term is None:
            continue
        kind = _without_none(info.annotation)
        many = get_origin(kind) is tuple
        rows.append((name, term, many, get_args(kind)[0] if many else kind))
    return tuple(rows)


def _term(info: FieldInfo) -> Term | None:
    return next((item for item in info.metadata if isinstance(item, Term)), None)


@cache
def _codes(kind: Any, prefix: str) -> dict[URIRef, str]:  # noqa: ANN401
    return {WH[f"{prefix}-{slug_of_code(value)}"]: value for value in get_args(kind)}


def _to_node(term: Term, value: str | int | float) -> Node:
    """RDF node of one value, by the kind of its term."""
    makers: dict[str, Callable[[str], Node]] = {
        "concept": lambda text: WH[text],
        "entry": lambda text: DATASET[text],
        "reference": reference_iri,
        "code": lambda text: WH[f"{term.prefix}-{slug_of_code(text)}"],
        "uri": lambda text: Literal(text, datatype=XSD.anyURI),
        "date": lambda text: Literal(f"{text}T00:00:00Z", datatype=XSD.dateTime),
    }
    if term.kind in makers:
        return makers[term.kind](str(value))
    if isinstance(value, float):
        return Literal(format(Decimal(repr(value)), "f"), datatype=XSD.decimal)
    return Literal(value, datatype=XSD.integer if isinstance(value, int) else XSD.string)


def _from_node(term: Term, kind: Any, node: Node) -> str | int | float:  # noqa: ANN401
    """Value that `_to_node` made this node from."""
    readers: dict[str, Callable[[str], str]] = {
        "concept": lambda text: text.removeprefix(str(WH)),
        "entry": lambda text: text.removeprefix(str(DATASET)),
        "reference": reference_of,
        "code": lambda text: _codes(kind, term.prefix)[URIRef(text)],
        "date": lambda text: text[:10],
    }
    if term.kind in readers:
        return readers[term.kind](str(node))
    if kind in (int, float):
        return kind(str(node))  # type: ignore[no-any-return]
    return str(node)


def entry_triples(entry: DatasetEntry) -> Iterator[Triple]:
    """All triples that state this entry."""
    subject = DATASET[entry.id]
    yield subject, DCTERMS.identifier, Literal(entry.id, datatype=XSD.string)
    yield subject, DCTERMS.title, Literal(entry.name, datatype=XSD.string)
    yield subject, RDF.type, DCAT.Dataset
    yield from _part_triples(entry, subject, f"{subject}#")


def _part_triples(part: Part, subject: URIRef, stem: str) -> Iterator[Triple]:
    yield subject, RDF.type, part.rdf_class  # type: ignore[attr-defined]
    for name, term, many, _ in fields_of(type(part)):
        value = getattr(part, name)
        values = value if many else (value,)
        for position, item in enumerate((v for v in values if v is not None), start=1):
            if term.kind != "node":
                yield subject, WH[term.name], _to_node(term, item)
                continue
            child = URIRef(f"{stem}{name.replace('_', '-')}-{position}")
            yield subject, WH[term.name], child
            yield from _part_triples(item, child, f"{child}-")
            if term.shortcut:
                yield subject, WH[term.shortcut], WH[item.concept]
            if isinstance(item, Relation) and item.target is not None and item.grade == "stated":
                yield subject, RELATION_PROPERTIES[item.kind], DATASET[item.target]
            if isinstance(item, Weights):
                yield child, WH.pretrainedOn, subject
            if isinstance(item, Licence) and item.spdx is not None:
                yield child, WH.licenceTerms, WH[f"licence-{slug_of_code(item.spdx)}"]


def entry_graph(entry: DatasetEntry) -> Graph:
    """The entry as an rdflib graph."""
    graph = Graph()
    for triple in entry_triples(entry):
        graph.add(triple)
    return graph


def entry_from_graph(graph: Graph, entry_id: str) -> DatasetEntry:
    """Read an entry back; inverse of `entry_triples`."""
    subject = DATASET[entry_id]
    name = graph.value(subject, DCTERMS.title)
    return DatasetEntry.model_validate({"id": entry_id, "name": name, **_read(graph, subject, DatasetEntry)})


def _position(node: Node) -> int:
    return int(str(node).rpartition("-")[2])


def _read(graph: Graph, subject: Node, model: type[Part]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, term, many, kind in fields_of(model):
        nodes = list(graph.objects(subject, WH[term.name]))
        if not nodes:
            continue
        if term.kind == "node":
            found: list[Any] = [_read(graph, node, kind) for node in sorted(nodes, key=_position)]
        else:
            found = sorted(_from_node(term, kind, node) for node in nodes)
        values[name] = found if many else found[0]
    return values
