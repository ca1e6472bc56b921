"""A record of evidence, a phrase or a reference as a reader meets it: statements with names in place of IRIs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from pyoxigraph import Literal, NamedNode, Triple

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.linked_data import KINDS, Resource, triples
from kb.answers.reference_pages import link, read_terms
from kb.knowledge.names import BASE, DATASET, REFERENCE, WH, reference_of
from kb.knowledge.terms import Reference

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_TITLES = (
    "http://purl.org/dc/terms/title",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    str(WH.phraseText),
)
#: Most records of one kind that a page lists by name.
_MOST = 200


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Value(_Frozen):
    """What stands in a cell: words, and where they lead."""

    text: str
    href: str | None = None
    iri: str | None = None


class Statement(_Frozen):
    """All values of one property."""

    property: Value
    values: tuple[Value, ...]


class PartOfRecord(_Frozen):
    """A part with an IRI of its own, `…#id`."""

    id: str
    statements: tuple[Statement, ...]


class Members(_Frozen):
    """Records that name this one by one property."""

    property: Value
    total: int
    values: tuple[Value, ...]


class RecordPage(_Frozen):
    """One record."""

    iri: str
    kind: str
    title: str
    statements: tuple[Statement, ...]
    parts: tuple[PartOfRecord, ...]
    named_by: tuple[Members, ...]


def record_page(base: KnowledgeBase, resource: Resource) -> RecordPage:
    """All that is asserted of the record, in words."""
    reference = read_terms(base)
    found = triples(base, resource)
    own: dict[str, list[Triple]] = defaultdict(list)
    pointing: dict[str, list[Value]] = defaultdict(list)
    for triple in found:
        if not isinstance(triple.subject, NamedNode):
            continue
        subject = triple.subject.value
        if subject == resource.iri or subject.startswith(f"{resource.iri}#"):
            own[subject].append(triple)
        else:
            pointing[triple.predicate.value].append(_value(base, reference, triple.subject))
    title = next(
        (
            triple.object.value
            for name in _TITLES
            for triple in own[resource.iri]
            if triple.predicate.value == name and isinstance(triple.object, Literal)
        ),
        f"{KINDS[resource.kind][:1].upper()}{KINDS[resource.kind][1:]} {_short(resource)}",
    )
    return RecordPage(
        iri=resource.iri,
        kind=KINDS[resource.kind],
        title=title,
        statements=_statements(base, reference, own.pop(resource.iri)),
        parts=tuple(
            PartOfRecord(id=iri.partition("#")[2], statements=_statements(base, reference, own[iri]))
            for iri in sorted(own)
        ),
        named_by=tuple(
            Members(
                property=_term(reference, predicate),
                total=len(values),
                values=tuple(sorted(values, key=lambda value: value.text)[:_MOST]),
            )
            for predicate, values in sorted(pointing.items())
        ),
    )


def _short(resource: Resource) -> str:
    return reference_of(resource.iri) if resource.kind == "reference" else resource.name


def _statements(base: KnowledgeBase, reference: Reference, found: Iterable[Triple]) -> tuple[Statement, ...]:
    by_property: dict[str, list[Value]] = defaultdict(list)
    for triple in found:
        by_property[triple.predicate.value].append(_value(base, reference, triple.object))
    ordered = sorted(by_property, key=lambda iri: (iri != _TYPE, _term(reference, iri).text.casefold(), iri))
    return tuple(
        Statement(
            property=_term(reference, iri),
            values=tuple(sorted(by_property[iri], key=lambda value: (value.text, value.href or ""))),
        )
        for iri in ordered
    )


def _term(reference: Reference, iri: str) -> Value:
    found = link(reference, iri)
    return Value(text="kind" if iri == _TYPE else found.text, href=found.href, iri=iri)


def _value(base: KnowledgeBase, reference: Reference, node: object) -> Value:
    if isinstance(node, Literal):
        text = node.value
        is_address = text.startswith(("https://", "http://")) and node.datatype.value.endswith("#anyURI")
        return Value(text=text, href=text if is_address else None)
    if not isinstance(node, NamedNode):
        return Value(text="(unnamed)")
    iri = node.value
    if iri in reference.by_iri or not iri.startswith(BASE):
        found = link(reference, iri)
        is_address = not found.external or iri.startswith(("https://", "http://"))
        return Value(text=found.text, href=found.href if is_address else None, iri=iri)
    place = iri.removeprefix(BASE)
    text = place.partition("/")[2]
    if iri.startswith(str(DATASET)):
        entry_id, _, part = iri.removeprefix(str(DATASET)).partition("#")
        text = base.names.get(entry_id, entry_id) + (f", {part}" if part else "")
    elif iri.startswith(str(REFERENCE)):
        text = reference_of(iri)
    elif "#" in place:
        text = place.partition("#")[2]
    return Value(text=text, href="/" + quote(place, safe="/:#%"), iri=iri)
