"""What a dataset is, as far as similarity senses that need no images compare it: sets, figures and where they come from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Facet, FieldStatus, StatusField
from kb.knowledge.folding import FoldedText
from kb.knowledge.verdicts import whole_counts
from kb.knowledge.vocabulary import Vocabulary, singular

Refs = tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """A value that is compared, said in words, with its references."""

    said: str
    refs: Refs = ()


@dataclass(frozen=True, eq=False)
class Profile:
    """One dataset, in the catalogue or described; `known` says in words what each field holds and by which reference."""

    id: str
    medical: bool
    concepts: Mapping[Facet, frozenset[str]]  # with all that they entail inside the facet
    stated: Mapping[Facet, frozenset[str]]
    image_family: frozenset[str]
    classes: frozenset[str]
    proportions: tuple[float, ...]  # of the classes, largest first
    dimensions: frozenset[str]
    channels: frozenset[int]
    bit_depths: frozenset[int]
    scale: Mapping[str, float]  # millimetres a pixel, magnification, pixels a side
    device: Mapping[str, frozenset[str]]
    sites: frozenset[str]
    groups: frozenset[tuple[str, str]]  # of people, by attribute
    annotation: Mapping[str, frozenset[str]]
    figures: Mapping[str, float]  # decimal logarithms, and decades of years
    known: Mapping[str, Known] = field(default_factory=dict)
    status: Mapping[StatusField, FieldStatus] = field(default_factory=dict)


class Profiles:
    """Makes profiles and holds the information content of concepts.

    The information content is intrinsic: 1 - log(1 + concepts below) / log(concepts of the facet) (Seco, Veale and
    Hayes 2004), so that it depends on the version of the ontology alone.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @cached_property
    def content(self) -> Mapping[str, float]:
        """Information content of each concept, from 0 for the root of a facet to 1 for a leaf."""
        below: dict[str, int] = {}
        sizes: dict[Facet, int] = {}
        for concept in self._vocabulary:
            sizes[concept.facet] = sizes.get(concept.facet, 0) + 1
            for broad in self._vocabulary.entailed(concept.id) - {concept.id}:
                if self._vocabulary[broad].facet == concept.facet:
                    below[broad] = below.get(broad, 0) + 1
        return {
            concept.id: max(0.0, 1 - math.log1p(below.get(concept.id, 0)) / math.log(sizes[concept.facet]))
            for concept in self._vocabulary
        }

    @cached_property
    def task_steps(self) -> Mapping[str, Mapping[str, int]]:
        """For each task its broader tasks, itself among them, and how many steps up they are."""
        return {concept.id: self._ups(concept.id) for concept in self._vocabulary if concept.facet == "task"}

    @cached_property
    def most_task_steps(self) -> int:
        """Largest number of steps possible between two task types."""
        depths = sorted((max(ups.values()) for ups in self.task_steps.values()), reverse=True)
        return sum(depths[:2]) or 1

    def _ups(self, concept: str) -> dict[str, int]:
        steps = {concept: 0}
        waiting = [concept]
        for place in waiting:
            for broad in self._vocabulary[place].broader:
                if broad not in steps:
                    steps[broad] = steps[place] + 1
                    waiting.append(broad)
        return steps

    def of(self, entry: DatasetEntry) -> Profile:
        """Profile of an entry or of a description of one's own data."""
        facets: tuple[Facet, ...] = ("modality", "anatomy", "task", "finding")
        stated = {facet: frozenset(entry.concepts(facet)) for facet in facets}
        entailed = self._vocabulary.entailed_by(entry.concepts())
        concepts = {
            facet: frozenset(c for c in entailed if self._vocabulary[c].facet == facet) for facet in facets
        }
        inventory = max(entry.classes, key=lambda one: len(one.names), default=None)
        names = inventory.names if inventory else ()
        amounts = sorted((label.n for label in names if label.n), reverse=True)
        complete = len(amounts) == len(names) and sum(amounts) > 0
        forms = [form for form in entry.form if form.stage == "released"] or list(entry.form)
        return Profile(
            id=entry.id,
            medical=entry.domain == "medical",
            concepts=concepts,
            stated=stated,
            image_family=self._image_family(entry, concepts["modality"]),
            classes=frozenset(self._class_key(label.name, label.concept) for label in names),
            proportions=tuple(n / sum(amounts) for n in amounts) if complete else (),
            dimensions=frozenset(one.value for one in entry.dimensions),
            channels=frozenset(form.channels for form in forms if form.channels),
            bit_depths=frozenset(form.bit_depth for form in forms if form.bit_depth),
            scale=_scale(entry),
            device={
                name: words
                for name in ("device", "protocol", "magnification")
                if (words := _texts(f.value for f in entry.facts if f.attribute == name))
            },
            sites=_texts(
                part
                for f in entry.facts
                if f.attribute == "site-names"
                for part in re.split(r"[;,]", f.value)
            ),
            groups=frozenset(
                (share.attribute, share.group.casefold())
                for share in entry.population
                if (share.n or 0) > 0 or (share.percent or 0) > 0
            ),
            annotation=_annotation(entry),
            figures=_figures(entry),
            known=_known(entry),
            status={name: note.status for note in entry.field_status for name in note.fields},
        )

    def _image_family(self, entry: DatasetEntry, modality: frozenset[str]) -> frozenset[str]:
        """Natural images, or the kinds of imaging right below the root of the modalities."""
        if entry.domain != "medical":
            return frozenset({entry.domain.partition("-")[0]})
        roots = {c for c in modality if not self._vocabulary[c].broader}
        return frozenset(c for c in modality if set(self._vocabulary[c].broader) & roots)

    def _class_key(self, name: str, concept: str | None) -> str:
        """The concept that a class means, by curation or by its exact name; else its words."""
        if concept is not None:
            return concept
        words = tuple(singular(token.text) for token in FoldedText.of(name).tokens())
        named = {
            one.id
            for one, _ in self._vocabulary.by_words.get(words, ())
            if one.facet in ("finding", "anatomy")
        }
        return named.pop() if len(named) == 1 else " ".join(words)


def _texts(values: Iterable[str]) -> frozenset[str]:
    return frozenset(text for value in values if (text := " ".join(value.casefold().split())))


def _scale(entry: DatasetEntry) -> dict[str, float]:
    found: dict[str, float] = {}
    for form in entry.form:
        values = {
            "pixel spacing in mm": form.pixel_mm,
            "magnification": form.magnification,
            "pixels a side": max(form.width or 0, form.height or 0) or None,
        }
        for name, value in values.items():
            if value and (form.stage == "released" or name not in found):
                found[name] = float(value)
    return found


def _annotation(entry: DatasetEntry) -> dict[str, frozenset[str]]:
    found = {
        "method": frozenset(one.method for one in entry.labelling),
        "annotators": frozenset(str(one.annotators) for one in entry.labelling if one.annotators),
        "expertise": _texts(one.expertise for one in entry.labelling if one.expertise),
    }
    return {name: values for name, values in found.items() if values}


def _figures(entry: DatasetEntry) -> dict[str, float]:
    items = max((count.n for count in whole_counts(entry, people=False)), default=None)
    people = max((count.n for count in whole_counts(entry, people=True)), default=None)
    classes = max((one.n or len(one.names) for one in entry.classes), default=None)
    years = max((year.value for year in entry.years), default=None)
    found = {
        "items": math.log10(items) if items else None,
        "patients": math.log10(people) if people else None,
        "classes": math.log10(classes) if classes else None,
        "year": years / 10 if years else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _known(entry: DatasetEntry) -> dict[str, Known]:
    """What the compared fields hold, in words."""
    found: dict[str, Known] = {}

    def add(name: str, said: Iterable[object], refs: Iterable[Refs]) -> None:
        if text := ", ".join(dict.fromkeys(str(one) for one in said)):
            found[name] = Known(text, tuple(dict.fromkeys(ref for some in refs for ref in some)))

    facets: tuple[Facet, ...] = ("modality", "anatomy", "task", "finding")
    for facet in facets:
        tags = entry.tags(facet)
        add(facet, (tag.concept for tag in tags), (tag.refs for tag in tags))
    add("domain", [entry.domain], [])
    named = [one for one in entry.classes if one.names]
    add("classes", (label.name for one in named for label in one.names), (one.refs for one in named))
    add("dimensions", (one.value for one in entry.dimensions), (one.refs for one in entry.dimensions))
    add(
        "channels",
        (f"{one.channels} channels" for one in entry.form if one.channels),
        (one.refs for one in entry.form),
    )
    add(
        "scale",
        (f"{name} {value:g}" for name, value in _scale(entry).items()),
        (one.refs for one in entry.form),
    )
    told = [f for f in entry.facts if f.attribute in ("device", "protocol", "magnification")]
    add("device", (f.value for f in told), (f.refs for f in told))
    sites = [f for f in entry.facts if f.attribute == "site-names"]
    add("sites", (f.value for f in sites), (f.refs for f in sites))
    add(
        "population",
        (f"{p.attribute} {p.group}" for p in entry.population),
        (p.refs for p in entry.population),
    )
    add("labelling", (one.method for one in entry.labelling), (one.refs for one in entry.labelling))
    add(
        "figures",
        (
            f"{name} {10**value:,.0f}" if name != "year" else f"year {10 * value:.0f}"
            for name, value in _figures(entry).items()
        ),
        (count.refs for count in entry.counts),
    )
    return found
