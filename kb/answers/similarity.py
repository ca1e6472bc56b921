"""How alike are two datasets? Every sense that needs no images, computed now, beside what was published or rated.

Values of different senses, methods or directions are never added up or ranked against each other here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import read_terms
from kb.answers.target import target_of
from kb.engines.encoder import Vectors
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.names import WH
from kb.knowledge.similarity import DOCUMENTATION, Assessed, assess, record
from kb.knowledge.study import Rated, Rating, Study
from kb.knowledge.terms import Reference

#: Sense of quoted claims: a number may be shown, never ranked or combined.
UNSPECIFIED = "UnspecifiedSimilarity"
TextVectors = Mapping[str, Vectors]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Compared(_Record):
    """One of the two datasets."""

    id: str
    name: str
    in_catalogue: bool = Field(description="Not so: described by the one who asks.")


class Stored(_Record):
    """A rating or computed value of a study, as it was published."""

    study: str
    title: str
    rating: str
    sense: str
    label: str
    basis: str
    method: str
    method_label: str
    direction: str
    minimum: float | None
    maximum: float | None = Field(description="None: not stated, or unbounded.")
    symmetric: bool = Field(description="Whether the method gives the same value for the other order.")
    source: str = Field(description="As in the study; the other order is shown for symmetric methods only.")
    target: str
    value: float
    sd: float | None
    n: int | None = Field(description="Sample size.")
    proxy: str | None = Field(description="Entry that the value was computed on in place of the source.")
    version: str
    encoder: str | None
    raters: int | str | None
    instrument: str | None
    grade: str
    file: str | None
    note: str | None
    usable: bool = Field(description="False: shown only, never ranked, combined or used to predict.")
    refs: tuple[str, ...]


class Versions(_Record):
    """What computed values depend on beside the entries."""

    ontology: str
    encoder: str


class SimilarityAnswer(_Record):
    """Two datasets, sense by sense."""

    source: Compared
    target: Compared
    computed: tuple[Assessed, ...]
    stored: tuple[Stored, ...]
    needs_images: tuple[str, ...] = Field(description="Senses that only images can give.")
    versions: Versions
    data_version: str


def similarity(base: KnowledgeBase, source: str, target: str, *, files: bool = False) -> SimilarityAnswer:
    """Similarity of a source and a target: ids, or descriptions in words; files too where `files` is on.

    Raises `NotFound` for an unknown id, with near ids; `InvalidInput` for a description that says nothing usable.
    """
    return between(
        base, dataset(base, source, "source", files=files), dataset(base, target, "target", files=files)
    )


def between(base: KnowledgeBase, source: DatasetEntry, target: DatasetEntry) -> SimilarityAnswer:
    """Similarity of two entries, either of which may be a description."""
    reference = read_terms(base)
    return SimilarityAnswer(
        source=_compared(base, source),
        target=_compared(base, target),
        computed=computed(base, source, target, text_vectors(base, (source, target))),
        stored=tuple(_stored(base, reference, source.id, target.id)),
        needs_images=tuple(
            term.name
            for term in reference.terms
            if term.sense is not None and term.sense.storable and term.sense.needs_images
        ),
        versions=versions(base),
        data_version=base.manifest.data_version,
    )


def text_vectors(base: KnowledgeBase, entries: Sequence[DatasetEntry]) -> TextVectors:
    """Sentence embedding of the text of each entry, by id; of length 1."""
    vectors = base.encoder.encode([base.text_of(entry) for entry in entries])
    return {entry.id: vector for entry, vector in zip(entries, vectors, strict=True)}


def computed(
    base: KnowledgeBase, source: DatasetEntry, target: DatasetEntry, vectors: TextVectors
) -> tuple[Assessed, ...]:
    """Every sense that facts and texts give."""
    profiler = base.evidence.profiler
    one, other = profiler.of(source), profiler.of(target)
    cosine = max(-1.0, min(1.0, float(vectors[source.id] @ vectors[target.id])))
    return (*assess(one, other, profiler), record(DOCUMENTATION, cosine, one, other))


def dataset(base: KnowledgeBase, given: str, role: str, *, files: bool) -> DatasetEntry:
    """Entry for an id, or the part of an entry that a file or a description in words gives.

    One word that names no file is taken for an id. Raises as `similarity` does.
    """
    text = given.strip()
    if text and len(text.split()) == 1 and not (files and text.endswith((".yaml", ".yml", ".json"))):
        return base.entry(text)
    found = target_of(base, text, files=files)
    return found.entry if found.id else found.entry.model_copy(update={"id": f"described-{role}"})


def versions(base: KnowledgeBase) -> Versions:
    """Versions of the ontology and of the text encoder."""
    manifest = base.manifest
    return Versions(
        ontology=read_terms(base).module("similarity").version,
        encoder=f"{manifest.model_name} ({manifest.model})",
    )


def _compared(base: KnowledgeBase, entry: DatasetEntry) -> Compared:
    return Compared(id=entry.id, name=entry.name, in_catalogue=entry.id in base.entries)


def _stored(base: KnowledgeBase, reference: Reference, source: str, target: str) -> Iterator[Stored]:
    """Values of the studies for this pair; those for the other order where the method is symmetric."""
    for study in base.evidence.studies:
        for rating in study.ratings:
            symmetric = _is_symmetric(reference, f"method-{rating.method}")
            straight = [pair for pair in rating.values if (pair.source, pair.target) == (source, target)]
            other_way = [pair for pair in rating.values if (pair.target, pair.source) == (source, target)]
            for pair in straight or (other_way if symmetric else []):
                yield _published(study, rating, pair, reference, symmetric=symmetric)


def _published(study: Study, rating: Rating, pair: Rated, reference: Reference, *, symmetric: bool) -> Stored:
    method = f"method-{rating.method}"
    return Stored(
        study=study.id,
        title=study.title,
        rating=rating.id,
        sense=rating.sense,
        label=reference.term(rating.sense).label,
        basis=rating.basis,
        method=method,
        method_label=reference.term(method).label,
        direction=rating.direction,
        minimum=rating.minimum,
        maximum=rating.maximum,
        symmetric=symmetric,
        source=pair.source,
        target=pair.target,
        value=pair.value,
        sd=pair.sd,
        n=pair.n,
        proxy=pair.source_proxy,
        version=rating.version,
        encoder=rating.encoder,
        raters=rating.raters,
        instrument=rating.instrument,
        grade=rating.grade,
        file=rating.file,
        note=rating.note,
        usable=rating.sense != UNSPECIFIED,
        refs=study.refs,
    )


def _is_symmetric(reference: Reference, method: str) -> bool:
    """What the ontology declares of a method; what it does not declare symmetric is not."""
    facts = {fact.predicate: fact.values for fact in reference.term(method).facts}
    return any(value.text == "true" for value in facts.get(str(WH.isSymmetric), ()))
