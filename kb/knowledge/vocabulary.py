"""Concepts of the ontology: labels, hierarchies, and what stating one concept entails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from rdflib import RDF, SKOS, Graph, Literal, URIRef

from kb.errors import InvalidFile, NotFound
from kb.knowledge.entry_base import FACETS, Facet
from kb.knowledge.names import WH

#: Properties that attach codes of other schemes, from the same meaning to a related one.
_CODES = (SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch, WH.code)
_LABELS = (SKOS.prefLabel, SKOS.altLabel, SKOS.hiddenLabel)
#: Class of the individuals of each facet.
FACET_CLASSES: Mapping[Facet, URIRef] = {
    "modality": WH.Modality,
    "anatomy": WH.AnatomicalStructure,
    "task": WH.Task,
    "finding": WH.Finding,
}


class Concept(BaseModel):
    """A named individual of the ontology; ids are the last part of the IRI."""

    model_config = ConfigDict(frozen=True)

    id: str
    facet: Facet
    label: str
    synonyms: tuple[str, ...] = ()
    hidden: tuple[str, ...] = Field(default=(), description="Words that lead to it but are no names of it.")
    translations: tuple[tuple[str, str], ...] = Field(default=(), description="Language and name.")
    definition: str = ""
    broader: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()
    located_in: tuple[str, ...] = ()
    depicts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def iri(self) -> URIRef:
        """IRI of the concept."""
        return WH[self.id]

    @property
    def parents(self) -> tuple[str, ...]:
        """Concepts that hold wherever this one does: broader, whole, place."""
        return self.broader + self.part_of + self.located_in


def load_ontology(folder: Path) -> Graph:
    """All Turtle modules of the ontology as one graph.

    Raises `InvalidFile` when a module does not parse, `NotFound` when there is none.
    """
    modules = sorted(folder.glob("*.ttl"))
    if not modules:
        raise NotFound(
            f"no ontology module (*.ttl) in {folder}", hint="set WHENCE_ONTOLOGY to the folder that has them"
        )
    graph = Graph()
    for module in modules:
        try:
            graph.parse(module, format="turtle")
        except Exception as error:  # rdflib's parsers raise many types
            raise InvalidFile(f"{module}: not Turtle: {str(error).splitlines()[0]}") from error
    return graph


def load_labels(folder: Path) -> Graph:
    """Names of concepts in other languages, and words that lead to them: `labels/*.ttl` beside the modules.

    Kept apart from the modules because nothing follows from them, and out of the store, where every query for a
    `skos:prefLabel` would have to name its language. They serve look-up by name.
    Raises `InvalidFile` when a file does not parse or states something other than a label.
    """
    graph = Graph()
    for path in sorted((folder / "labels").glob("*.ttl")):
        one = Graph()
        try:
            one.parse(path, format="turtle")
        except Exception as error:  # rdflib's parsers raise many types
            raise InvalidFile(f"{path}: not Turtle: {str(error).splitlines()[0]}") from error
        for subject, predicate, name in one:
            if predicate not in _LABELS or not isinstance(name, Literal) or name.language != path.stem:
                raise InvalidFile(
                    f"{path}: {subject} {predicate} {name!r}: only labels in {path.stem!r} belong here"
                )
        graph += one
    return graph


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Words of a text for comparison: lower case, without punctuation and plural endings."""
    acronyms = re.sub(r"\b([A-Z]{2,})s\b", r"\1", text)  # MRIs, CTs
    return tuple(singular(word) for word in re.findall(r"[^\W_]+(?:&[^\W_]+)?", acronyms.casefold()))


def singular(word: str) -> str:
    """An English word without the ending of its plural."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


class Vocabulary:
    """All concepts, by id, with their closure."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._concepts = {concept.id: concept for concept in concepts}

    @classmethod
    def from_graph(cls, graph: Graph) -> Vocabulary:
        """Read the concepts of all four facets from the ontology."""

        def ids(subject: URIRef, predicate: URIRef) -> tuple[str, ...]:
            return tuple(sorted(str(o).removeprefix(str(WH)) for o in graph.objects(subject, predicate)))

        def english(subject: URIRef, predicate: URIRef) -> tuple[str, ...]:
            names = graph.objects(subject, predicate)
            return tuple(sorted(str(o) for o in names if isinstance(o, Literal) and o.language == "en"))

        def translations(subject: URIRef) -> tuple[tuple[str, str], ...]:
            names = (o for p in (SKOS.prefLabel, SKOS.altLabel) for o in graph.objects(subject, p))
            return tuple(
                sorted(
                    (o.language, str(o))
                    for o in names
                    if isinstance(o, Literal) and o.language not in (None, "en")
                )
            )

        concepts = []
        for facet, facet_class in FACET_CLASSES.items():
            for subject in sorted(
                {s for s in graph.subjects(RDF.type, facet_class) if isinstance(s, URIRef)}
            ):
                concepts.append(
                    Concept(
                        id=str(subject).removeprefix(str(WH)),
                        facet=facet,
                        label=next(iter(english(subject, SKOS.prefLabel)), str(subject)),
                        synonyms=english(subject, SKOS.altLabel),
                        hidden=english(subject, SKOS.hiddenLabel),
                        translations=translations(subject),
                        definition=str(graph.value(subject, SKOS.definition) or ""),
                        broader=ids(subject, SKOS.broader),
                        part_of=ids(subject, WH.partOf),
                        located_in=ids(subject, WH.locatedIn),
                        depicts=ids(subject, WH.depicts),
                        codes=tuple(
                            code for p in _CODES for code in sorted(map(str, graph.objects(subject, p)))
                        ),
                    )
                )
        return cls(concepts)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Inverse of `to_json`."""
        return cls(TypeAdapter(list[Concept]).validate_json(text))

    def to_json(self) -> str:
        """All concepts as JSON, for a generation."""
        return TypeAdapter(list[Concept]).dump_json(list(self)).decode()

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def __len__(self) -> int:
        return len(self._concepts)

    def __contains__(self, concept_id: object) -> bool:
        return concept_id in self._concepts

    def __getitem__(self, concept_id: str) -> Concept:
        try:
            return self._concepts[concept_id]
        except KeyError:
            raise NotFound(f"no concept {concept_id!r} in the ontology") from None

    @cached_property
    def _entailed(self) -> dict[str, frozenset[str]]:
        known: dict[str, frozenset[str]] = {}

        def visit(concept_id: str, path: tuple[str, ...]) -> frozenset[str]:
            if concept_id in path:
                raise InvalidFile(f"ontology: cycle {' -> '.join((*path, concept_id))}")
            if concept_id not in known:
                parents = self[concept_id].parents
                known[concept_id] = frozenset({concept_id}).union(
                    *(visit(p, (*path, concept_id)) for p in parents)
                )
            return known[concept_id]

        for concept_id in self._concepts:
            visit(concept_id, ())
        return known

    def entailed(self, concept_id: str) -> frozenset[str]:
        """The concept and all of its facet that hold wherever it does (broader, whole, place), transitively."""
        self[concept_id]
        return self._entailed[concept_id]

    def entailed_by(self, concept_ids: Iterable[str]) -> frozenset[str]:
        """All concepts that hold for a dataset of which these are stated, what its modalities depict among them.

        This is what the property chains of the ontology say; the store's inferred graph is tested against it.
        """
        held = frozenset[str]().union(*(self.entailed(concept_id) for concept_id in concept_ids))
        depicted = {structure for concept_id in held for structure in self[concept_id].depicts}
        return held.union(*(self.entailed(structure) for structure in depicted))

    @cached_property
    def by_words(self) -> dict[tuple[str, ...], tuple[tuple[Concept, str], ...]]:
        """Word sequence → concepts that go by it, each with the label or synonym as written."""
        found: dict[tuple[str, ...], dict[str, tuple[Concept, str]]] = {}
        for concept in self:
            for name in (concept.label, *concept.synonyms):
                if key := words(name):
                    found.setdefault(key, {}).setdefault(concept.id, (concept, name))
        return {key: tuple(value.values()) for key, value in found.items()}


def facet_of(name: str) -> Facet:
    """Check that a name is one of the four facets."""
    for facet in FACETS:
        if facet == name:
            return facet
    raise NotFound(f"no facet {name!r}", hint=f"one of {', '.join(FACETS)}")
