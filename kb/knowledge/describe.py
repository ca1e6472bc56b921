"""Texts of an entry in our own words, rendered from its facts: to be read, to be embedded, to be searched."""

from __future__ import annotations

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Facet
from kb.knowledge.entry_parts import Count
from kb.knowledge.vocabulary import Concept, Vocabulary

_DIMENSIONS = {
    "2D": "two-dimensional",
    "3D": "three-dimensional",
    "2D+t": "video",
    "3D+t": "time-resolved 3D",
}
_DOMAINS = {"medical": "medical", "natural": "natural", "natural-texture": "natural-texture"}
#: How one dataset stands to another, to be read after a name.
RELATION_WORDS = {
    "derived-from": "derived from",
    "subset-of": "a subset of",
    "part-of": "part of",
    "overlaps-with": "sharing items with",
    "same-as": "the same data as",
    "synthetic-of": "synthesised from",
    "companion-of": "released together with",
}
_MOST_CLASSES = 25


def describe(entry: DatasetEntry, vocabulary: Vocabulary, names: dict[str, str] | None = None) -> str:
    """Written description, or two to five sentences rendered from the facts.

    `names` gives the names of other entries by id, for relations; an id without a name stands as it is.
    """
    if entry.description is not None:
        return entry.description
    sentences = (_subject(entry, vocabulary), _size(entry), _history(entry, names or {}), _use(entry))
    return " ".join(sentence for sentence in sentences if sentence)


def entry_text(entry: DatasetEntry, vocabulary: Vocabulary, names: dict[str, str]) -> str:
    """Text of an entry that is embedded: what its facts say, then what a curator wrote.

    Its score against a query is documentation-text similarity.
    """
    facts = describe(entry.model_copy(update={"description": None}), vocabulary, names)
    return f"{facts} {entry.description}" if entry.description is not None else facts


def indexed_text(entry: DatasetEntry, vocabulary: Vocabulary, names: dict[str, str]) -> str:
    """Text of an entry that is searched by words: the same, and all English names of what it states or entails."""
    concepts = [vocabulary[concept] for concept in sorted(vocabulary.entailed_by(entry.concepts()))]
    spoken = " ; ".join(name for concept in concepts for name in (concept.label, *concept.synonyms))
    return f"{entry_text(entry, vocabulary, names)} {spoken}"


def concept_text(concept: Concept) -> str:
    """Text of a concept that is embedded, to be found by a description of the thing."""
    return f"{concept.label}: {concept.definition}"


def _labels(entry: DatasetEntry, vocabulary: Vocabulary, facet: Facet) -> str:
    """Labels of the facet's most specific concepts: what another one entails goes without saying."""
    stated = entry.concepts(facet)
    implied = {broad for concept in stated for broad in vocabulary.entailed(concept) - {concept}}
    return _listed([vocabulary[concept].label for concept in stated if concept not in implied])


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def _subject(entry: DatasetEntry, vocabulary: Vocabulary) -> str:
    dimensions = _listed([_DIMENSIONS[dimension.value] for dimension in entry.dimensions])
    kind = f"{_DOMAINS[entry.domain]} {'image and text' if entry.content == 'images-and-text' else 'image'} dataset"
    text = f"{entry.name} is a {' '.join(part for part in (dimensions, kind) if part)}"
    if modality := _labels(entry, vocabulary, "modality"):
        text += f" acquired by {modality}"
    if anatomy := _labels(entry, vocabulary, "anatomy"):
        text += f", showing {anatomy}"
    if finding := _labels(entry, vocabulary, "finding"):
        text += f", about {finding}"
    if task := _labels(entry, vocabulary, "task"):
        text += f", for {task}"
    return text + "."


def _count(count: Count) -> str:
    unit: str = "items (unit not stated)" if count.unit == "unstated" else count.unit
    if count.n == 1:
        unit = "study" if unit == "studies" else unit.removesuffix("s")
    return f"{count.n:,} {unit}" + (f" ({count.split})" if count.split else "")


def _size(entry: DatasetEntry) -> str:
    counts = [count for count in entry.counts if count.split is None]
    with_unit = {count.n for count in counts if count.unit != "unstated"}
    whole = [_count(count) for count in counts if count.unit != "unstated" or count.n not in with_unit]
    units = {count.unit for count in counts if count.unit != "unstated"}
    parts = []
    if whole:
        disagree = any(len({count.n for count in counts if count.unit == unit}) > 1 for unit in units)
        parts.append(("References count " if disagree else "It has ") + _listed(list(dict.fromkeys(whole))))
    for inventory in entry.classes:
        names = [label.name for label in inventory.names]
        if names:
            more = f" and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
            parts.append(f"classes: {', '.join(names[:_MOST_CLASSES])}{more}")
        elif inventory.n is not None:
            parts.append(f"{inventory.n} classes" if inventory.n > 1 else "one class")
    return "; ".join(parts)[:1].upper() + "; ".join(parts)[1:] + "." if parts else ""


def _history(entry: DatasetEntry, names: dict[str, str]) -> str:
    parts = []
    if entry.years:
        parts.append("released " + " or ".join(str(year.value) for year in entry.years))
    if entry.family:
        parts.append(f"in the series {entry.family}")
    for relation in entry.relations:
        if relation.grade == "stated":
            other = relation.target_name or names.get(relation.target or "", relation.target or "")
            parts.append(f"{RELATION_WORDS[relation.kind]} {other}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def _use(entry: DatasetEntry) -> str:
    parts = [f"Access: {access.route}" for access in entry.access if access.basis == "stated"]
    parts += [f"licence: {licence.stated}" for licence in entry.licences]
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""
