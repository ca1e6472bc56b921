"""Mappings of our concepts to other schemes: the SSSOM files, the statements they make, and what must hold for both.

The format is SSSOM TSV (https://mapping-commons.github.io/sssom/): metadata as YAML comments, then a table.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from rdflib import RDF, RDFS, SKOS, Graph, URIRef
from rdflib.term import Node
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kb.errors import InvalidFile, NotFound
from kb.knowledge.names import BASE, WH
from kb.knowledge.ontology_checks import Problems
from kb.knowledge.vocabulary import words

#: From the same meaning to a related one; the code is broader than our concept where `skos:broadMatch` says so.
MATCHES = (SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch)
#: A mapping that rests on a label nobody verified stays below this confidence.
DOUBTFUL = 0.5
LABELS_FILE = "verified_labels.tsv"
#: Words that schemes add to a name without changing what is named.
_ADDED = frozenset({"structure", "of", "the", "entire", "image", "imaging"})

_Model = TypeVar("_Model", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ConceptMapping(_Row):
    """One row of a mapping file: a concept of ours, a code, and how their meanings relate."""

    subject_id: str = Field(pattern=r"^wh:[A-Za-z0-9-]+$")
    subject_label: str = Field(min_length=1)
    predicate_id: Literal[
        "skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch", "skos:relatedMatch"
    ]
    object_id: str = Field(pattern=r"^[A-Za-z-]+:\S+$")
    object_label: str = Field(min_length=1)
    mapping_justification: Literal[
        "semapv:LexicalMatching", "semapv:ManualMappingCuration", "semapv:MappingChaining"
    ]
    author_label: str = Field(min_length=1)
    mapping_date: date
    confidence: float = Field(gt=0, le=1)
    object_source: str = Field(pattern=r"^[A-Za-z-]+:\S+$")
    see_also: str = Field(pattern=r"^https://")
    comment: str

    @property
    def concept(self) -> URIRef:
        """IRI of our concept."""
        return WH[self.subject_id.partition(":")[2]]

    @property
    def scheme(self) -> str:
        """Prefix of the code, which names its scheme."""
        return self.object_id.partition(":")[0]

    @property
    def curies(self) -> tuple[str, ...]:
        """Every CURIE of the row."""
        return (
            self.subject_id, self.predicate_id, self.object_id, self.mapping_justification, self.object_source,
        )  # fmt: skip

    @property
    def is_exact(self) -> bool:
        """Whether concept and code are said to mean the same."""
        return self.predicate_id == "skos:exactMatch"

    def __str__(self) -> str:
        return f"{self.subject_id} {self.predicate_id} {self.object_id}"


class MappingSet(_Row):
    """One mapping file."""

    sssom_version: Literal["1.0"]
    mapping_set_id: str = Field(pattern=rf"^{BASE}mappings/[a-z]+$")
    mapping_set_version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    mapping_set_title: str
    mapping_set_description: str
    license: str = Field(pattern=r"^https://creativecommons\.org/licenses/")
    mapping_provider: str
    curie_map: Mapping[str, str]
    rows: tuple[ConceptMapping, ...]

    @model_validator(mode="after")
    def _expandable(self) -> Self:
        for row in self.rows:
            for curie in row.curies:
                if (prefix := curie.partition(":")[0]) not in self.curie_map:
                    raise ValueError(f"{row}: no prefix {prefix!r} in curie_map")
        return self

    def expand(self, curie: str) -> URIRef:
        """IRI of a CURIE of this file."""
        prefix, _, local = curie.partition(":")
        return URIRef(self.curie_map[prefix] + local)


class VerifiedLabel(_Row):
    """The label of a code as it was read, and in which file; `no` where only one downstream file has it."""

    scheme: str
    identifier: str
    label: str
    where_read: str = Field(min_length=1)
    verified: Literal["yes", "no"]


class Mappings(BaseModel):
    """All mapping files with the labels that their codes were checked against."""

    model_config = ConfigDict(frozen=True)

    sets: tuple[MappingSet, ...]
    labels: Mapping[str, VerifiedLabel]

    @property
    def rows(self) -> Iterator[ConceptMapping]:
        """Rows of all files."""
        return chain.from_iterable(file.rows for file in self.sets)


def read_mappings(folder: Path) -> Mappings:
    """All mapping files of a folder and its verified labels.

    Raises `InvalidFile` on a row that is not as it should be, `NotFound` when there is no mapping file.
    """
    paths = sorted(folder.glob("*.sssom.tsv"))
    if not paths:
        raise NotFound(f"no mapping file (*.sssom.tsv) in {folder}")
    labels = [_checked(VerifiedLabel, row, folder / LABELS_FILE) for row in _table(folder / LABELS_FILE)]
    by_code = {f"{label.scheme}:{label.identifier}": label for label in labels}
    if len(by_code) < len(labels):
        raise InvalidFile(f"{folder / LABELS_FILE}: a code stands there twice")
    return Mappings(sets=tuple(_read_set(path) for path in paths), labels=by_code)


def _read_set(path: Path) -> MappingSet:
    head = "".join(line[1:] for line in _lines(path) if line.startswith("#"))
    try:
        metadata: Any = YAML(typ="safe", pure=True).load(head)
    except YAMLError as error:
        raise InvalidFile(f"{path}: the metadata is not YAML: {str(error).splitlines()[0]}") from error
    rows = [_checked(ConceptMapping, row, path) for row in _table(path)]
    return _checked(MappingSet, {**(metadata or {}), "rows": rows}, path)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        raise NotFound(f"no file {path}") from None


def _table(path: Path) -> Iterator[dict[str, str]]:
    body = (line for line in _lines(path) if not line.startswith("#"))
    return csv.DictReader(body, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)


def _checked(model: type[_Model], values: Mapping[Any, Any], path: Path) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidFile(
            f"{path}: {first['msg']}", field=".".join(map(str, first["loc"])) or None
        ) from error


def mapping_triples(mappings: Mappings) -> Iterator[tuple[URIRef, URIRef, URIRef]]:
    """The statements that the mapping files make."""
    for file in mappings.sets:
        for row in file.rows:
            yield file.expand(row.subject_id), file.expand(row.predicate_id), file.expand(row.object_id)


def name_words(name: str) -> tuple[str, ...]:
    """Words of a name without what schemes add to it: lower case, singular, no `structure of`, `entire`, `imaging`."""
    return tuple(word for word in words(name) if word not in _ADDED)


def names_of(ontology: Graph, concept: Node) -> set[str]:
    """Label and synonyms of a concept."""
    return {
        str(name)
        for predicate in (SKOS.prefLabel, RDFS.label, SKOS.altLabel)
        for name in ontology.objects(concept, predicate)
    }


def differs_from_ontology(mappings: Mappings, ontology: Graph) -> Problems:
    """Mappings that only the files, or only the ontology, state."""
    in_files = set(mapping_triples(mappings))
    stated = {
        triple
        for match in MATCHES
        for triple in ontology.triples((None, match, None))
        if str(triple[0]).startswith(str(WH))
    }
    return [f"only in the files: {_n3(triple)}" for triple in sorted(in_files - stated)] + [
        f"only in the ontology: {_n3(triple)}" for triple in sorted(stated - in_files)
    ]


def _n3(triple: Iterable[Node]) -> str:
    return " ".join(node.n3() for node in triple)


def wrong_subject_label(mappings: Mappings, ontology: Graph) -> Problems:
    """Rows whose concept goes by another label in the ontology, or does not exist there."""
    return [
        f"{row}: the ontology's label is not {row.subject_label!r}"
        for row in mappings.rows
        if row.subject_label
        not in {
            str(label)
            for predicate in (SKOS.prefLabel, RDFS.label)
            for label in ontology.objects(row.concept, predicate)
        }
    ]


def wrong_object_label(mappings: Mappings, ontology: Graph) -> Problems:
    """Rows whose code has no verified label or another one; labels of codes that nothing uses."""
    problems = []
    for row in mappings.rows:
        known = mappings.labels.get(row.object_id)
        if known is None:
            problems.append(f"{row}: the code is not in {LABELS_FILE}")
        elif known.label != row.object_label:
            problems.append(f"{row}: the code is called {known.label!r}, not {row.object_label!r}")
    used = {row.object_id for row in mappings.rows}
    return problems + [
        f"{code}: in {LABELS_FILE} but in no mapping" for code in mappings.labels if code not in used
    ]


def unexplained_words(mappings: Mappings, ontology: Graph) -> Problems:
    """Exact mappings between different words without a comment that says why they mean the same."""
    problems = []
    for row in mappings.rows:
        same = name_words(row.object_label) in {name_words(name) for name in names_of(ontology, row.concept)}
        lexical = row.mapping_justification == "semapv:LexicalMatching"
        if row.is_exact and not same and (lexical or not row.comment):
            problems.append(f"{row}: nothing of ours is called {row.object_label!r}")
    return problems


def several_exact(mappings: Mappings, ontology: Graph) -> Problems:
    """Concepts with two exact codes of one scheme, codes that are exact for two concepts."""
    codes, concepts = defaultdict(set), defaultdict(set)
    for row in mappings.rows:
        if row.is_exact:
            codes[row.subject_id, row.scheme].add(row.object_id)
            concepts[row.object_id].add(row.subject_id)
    return [
        f"{concept}: several exact codes of {scheme}: {', '.join(sorted(found))}"
        for (concept, scheme), found in codes.items()
        if len(found) > 1
    ] + [
        f"{code}: exact for several concepts: {', '.join(sorted(found))}"
        for code, found in concepts.items()
        if len(found) > 1
    ]


def related_twice(mappings: Mappings, ontology: Graph) -> Problems:
    """Pairs of concept and code that stand in two rows; SKOS lets exact exclude broad and related."""
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for row in mappings.rows:
        if (pair := (row.subject_id, row.object_id)) in seen:
            problems.append(f"{row}: the pair is also {seen[pair]}")
        seen[pair] = row.predicate_id
    return problems


def overstated(mappings: Mappings, ontology: Graph) -> Problems:
    """Mappings that are exact or confident although the label of their code was not verified."""
    return [
        f"{row}: the label of the code is not verified"
        for row in mappings.rows
        if (label := mappings.labels.get(row.object_id)) is not None
        and label.verified == "no"
        and (row.is_exact or row.confidence >= DOUBTFUL)
    ]


def untidy(mappings: Mappings, ontology: Graph) -> Problems:
    """Rows out of order, prefixes that expand differently in two files or are used in none."""
    problems = []
    expansions: dict[str, str] = {}
    for file in mappings.sets:
        order = [(row.subject_id, row.predicate_id, row.object_id) for row in file.rows]
        problems += [
            f"{file.mapping_set_id}: {b[0]} stands after {a[0]}" for a, b in pairwise(order) if a > b
        ]
        used = {curie.partition(":")[0] for row in file.rows for curie in row.curies}
        problems += [f"{file.mapping_set_id}: prefix {p} is unused" for p in file.curie_map.keys() - used]
        problems += [
            f"{file.mapping_set_id}: prefix {prefix} expands differently elsewhere"
            for prefix, expansion in file.curie_map.items()
            if expansions.setdefault(prefix, expansion) != expansion
        ]
    return problems


#: Name of a check → the check itself.
MAPPING_CHECKS: dict[str, Callable[[Mappings, Graph], Problems]] = {
    "mapping files and ontology say the same": differs_from_ontology,
    "subjects go by their label": wrong_subject_label,
    "each code has the label that was verified": wrong_object_label,
    "exact mappings share words or say why not": unexplained_words,
    "one exact code of a scheme, one concept of an exact code": several_exact,
    "one relation for a concept and a code": related_twice,
    "no unverified code is exact or confident": overstated,
    "mapping files in order": untidy,
}


def label_checked(mappings: Mappings, ontology: Graph, kind: URIRef) -> set[URIRef]:
    """Individuals of a class that have at least one code whose label was verified."""
    checked = {
        row.concept
        for row in mappings.rows
        if (label := mappings.labels.get(row.object_id)) is not None
        and label.verified == "yes"
        and label.label == row.object_label
    }
    return checked & {node for node in ontology.subjects(RDF.type, kind) if isinstance(node, URIRef)}
