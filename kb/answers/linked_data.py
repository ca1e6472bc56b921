"""Linked data: what an IRI of ours stands for, the documents that describe it, and what became of retired ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple
from rapidfuzz import fuzz, process
from rdflib import DCTERMS, FOAF, RDF, RDFS, VOID, XSD

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import read_terms
from kb.engines.description import Descriptions, to_text
from kb.engines.store import to_triple
from kb.errors import InvalidInput, NotFound
from kb.knowledge.described_entry import RECORD_LICENCE_URL
from kb.knowledge.entry_rdf import entry_triples
from kb.knowledge.names import BASE, GRAPH, WH
from kb.knowledge.retired import Retired, last_of, read_retired

#: Suffix of a document → its media type; in the order in which equals are preferred.
DOCUMENTS: dict[str, str] = {
    "html": "text/html",
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "json": "application/json",
}
RDF_SUFFIXES = ("ttl", "jsonld", "nt", "rdf")
#: The whole catalogue, as /void describes it.
CATALOGUE = BASE + "void#whence"

#: First step of a path → what stands there, in words.
KINDS: dict[str, str] = {
    "dataset": "dataset",
    "study": "study",
    "model": "pretrained model",
    "outcome": "outcome",
    "assessment": "similarity assessment",
    "estimate": "transferability estimate",
    "expectation": "expectation",
    "rationale": "rationale",
    "phrase": "phrase",
    "reference": "reference",
    "ontology": "term",
    "sense": "sense",
    "module": "ontology module",
}
_TERMS = ("ontology", "sense", "module")
#: Most bytes of a path that is looked for among near ones.
_LONGEST = 300
_NEAR = 75


@dataclass(frozen=True)
class Resource:
    """Something that an IRI of ours stands for; `place` is the IRI's path under the base."""

    place: str

    @property
    def iri(self) -> str:
        """The IRI."""
        return BASE + self.place

    @property
    def kind(self) -> str:
        """First step of the path."""
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        """The path after its first step."""
        return self.place.partition("/")[2]


def descriptions(base: KnowledgeBase) -> Descriptions:
    """Reader of the generation's store."""
    return _opened(base.generation.store)


@lru_cache(maxsize=2)
def _opened(store: Path) -> Descriptions:
    """A generation never changes, so its path stands for its content."""
    return Descriptions(store)


def retired(base: KnowledgeBase) -> dict[str, Retired]:
    """Identifiers that were given up, by place."""
    path = base.settings.data / "retired.yaml"
    return _read_retired(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def _read_retired(path: Path, _changed: int) -> dict[str, Retired]:
    return read_retired(path)


def successor(base: KnowledgeBase, place: str) -> str | None:
    """Where the successors of a replaced place end; None where the place stands or its chain ends withdrawn."""
    known = retired(base)
    last = last_of(place, known)
    return None if last == place or last in known else last


def withdrawn(base: KnowledgeBase, place: str) -> Retired | None:
    """Why there is nothing at a place any more; None where there is, or where another took its place."""
    known = retired(base)
    return known.get(last_of(place, known))


def find(base: KnowledgeBase, place: str) -> Resource:
    """What stands at a place such as `outcome/chen2019-med3d/…`.

    Raises `NotFound` with near ids.
    """
    resource = Resource(place)
    if exists(base, resource):
        return resource
    if resource.kind == "dataset":
        base.entry(resource.name[:_LONGEST])  # raises, naming near ids
    if resource.kind in ("ontology", "sense"):
        prefix = "sense:" if resource.kind == "sense" else ""
        read_terms(base).term(prefix + resource.name[:_LONGEST])
    if resource.kind == "module":
        read_terms(base).module(resource.name[:_LONGEST])
    raise NotFound(
        f"no {KINDS.get(resource.kind, 'record')} with the id {resource.name[:_LONGEST]!r}",
        hint=_near(base, resource),
    )


def exists(base: KnowledgeBase, resource: Resource) -> bool:
    """Whether the generation says anything of it."""
    if resource.kind == "dataset":
        return resource.name in base.entries
    if not resource.name or not _is_iri(resource.iri):
        return False
    reader = descriptions(base)
    if reader.asserted(resource.iri):
        return True
    return resource.kind == "reference" and bool(reader.pointing(str(WH.reference), resource.iri))


def _is_iri(text: str) -> bool:
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


def _near(base: KnowledgeBase, resource: Resource) -> str | None:
    if len(resource.name) > _LONGEST:
        return None
    names = [iri.removeprefix(BASE) for iri in descriptions(base).subjects.get(resource.kind, ())]
    close = process.extract(resource.place, names, scorer=fuzz.ratio, limit=3, score_cutoff=_NEAR)
    found = ", ".join(name.partition("/")[2] for name, _, _ in close)
    return f"did you mean {found}?" if found else None


def triples(base: KnowledgeBase, resource: Resource) -> set[Triple]:
    """What is asserted of the resource and its parts; of a term also what follows."""
    if resource.kind == "dataset":
        return {to_triple(triple) for triple in entry_triples(base.entries[resource.name])}
    reader = descriptions(base)
    if resource.kind in _TERMS:
        return reader.everything(resource.iri) | reader.pointing(str(RDFS.isDefinedBy), resource.iri)
    found = reader.asserted(resource.iri)
    if resource.kind == "study":
        for part in reader.parts_in(str(GRAPH[resource.place]), resource.iri):
            found |= reader.asserted(part)
        found |= reader.pointing(str(WH.reportedIn), resource.iri)
    if resource.kind == "reference":
        found |= reader.pointing(str(WH.reference), resource.iri)
    return found


def document_iri(resource: Resource, suffix: str) -> str:
    """IRI of a document about the resource."""
    return f"{resource.iri}.{suffix}"


def about_document(resource: Resource, suffix: str) -> Iterator[Triple]:
    """What a document says of itself: its subject, its licence, the catalogue it is of."""
    document = NamedNode(document_iri(resource, suffix))
    for predicate, value in (
        (RDF.type, NamedNode(str(FOAF.Document))),
        (FOAF.primaryTopic, NamedNode(resource.iri)),
        (DCTERMS.license, NamedNode(RECORD_LICENCE_URL)),
        (DCTERMS["format"], Literal(DOCUMENTS[suffix], datatype=NamedNode(str(XSD.string)))),
        (VOID.inDataset, NamedNode(CATALOGUE)),
    ):
        yield Triple(document, NamedNode(str(predicate)), value)


def rdf_document(base: KnowledgeBase, resource: Resource, suffix: str) -> bytes:
    """RDF of the resource in one of `RDF_SUFFIXES`.

    Raises `InvalidInput` for another suffix.
    """
    if suffix not in RDF_SUFFIXES:
        raise InvalidInput(f"no RDF form has the suffix {suffix!r}", hint=f"one of {', '.join(RDF_SUFFIXES)}")
    everything = triples(base, resource) | set(about_document(resource, suffix))
    return to_text(everything, DOCUMENTS[suffix], {"foaf": str(FOAF), "void": str(VOID)})


def places(base: KnowledgeBase) -> Iterable[str]:
    """Places of everything that has a page of its own, for a sitemap: records of evidence through their studies."""
    subjects = descriptions(base).subjects
    yield from (f"dataset/{entry_id}" for entry_id in sorted(base.entries))
    yield from ("ontology/",)
    terms = (term for term in read_terms(base).terms if not term.mirrors)
    yield from sorted(term.iri.removeprefix(BASE) for term in terms if term.iri.startswith(BASE))
    for kind in ("module", "study", "model", "phrase", "outcome", "assessment", "estimate"):
        yield from (iri.removeprefix(BASE) for iri in subjects.get(kind, ()))


def records_of(base: KnowledgeBase, resource: Resource) -> list[str]:
    """IRIs of the records that a study reports; of anything else none."""
    if resource.kind != "study":
        return []
    found = descriptions(base).pointing(str(WH.reportedIn), resource.iri)
    return sorted(triple.subject.value for triple in found if isinstance(triple.subject, NamedNode))
