"""What a dataset is, as far as senses of similarity that need no images compare it: sets, figures, and their references."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS, Facet, FieldStatus, StatusField
from kb.knowledge.entry_parts import ClassInventory, ClassLabel
from kb.knowledge.similarity_facts import Values, acquisition, annotation, figures, groups, scales, sites
from kb.knowledge.verdicts import whole_counts
from kb.knowledge.vocabulary import Vocabulary, words

Refs = tuple[str, ...]

#: Coarse image families that hold several kinds of imaging; every other kind of optical imaging is one of its own.
_FAMILIES = {
    "x-ray-imaging": "radiology",
    "magnetic-resonance-imaging": "radiology",
    "nuclear-medicine-imaging": "radiology",
    "ultrasound-imaging": "radiology",
    "angiography": "radiology",
    "microscopy": "microscopy",
}
_OPTICAL = "optical-imaging"
_OPHTHALMIC = ("ophthalmic-imaging", "optical-coherence-tomography")
_SIDES = ("left", "right")
_SHOWN = 12


@dataclass(frozen=True)
class Known:
    """What is compared, said in words, with its references."""

    said: str
    refs: Refs = ()


@dataclass(frozen=True, eq=False)
class Profile:
    """One dataset, in the catalogue or described: what is compared."""

    id: str
    medical: bool
    concepts: Mapping[Facet, frozenset[str]]  # with all that they entail inside the facet
    stated: Mapping[Facet, frozenset[str]]
    image_family: frozenset[str]
    classes: frozenset[str]
    proportions: tuple[float, ...]  # of the classes, largest first
    dimensions: frozenset[str]
    form: Values
    scale: Mapping[str, frozenset[float]]
    device: Values
    sites: Values
    groups: frozenset[tuple[str, str]]  # of people, by attribute
    annotation: Values
    figures: Mapping[str, float]
    status: Mapping[StatusField, FieldStatus]
    explain: Callable[[], Mapping[str, Known]]
    state: Callable[[Mapping[str, Known]], Mapping[str, str]]

    @cached_property
    def known(self) -> Mapping[str, Known]:
        """What each compared thing is, in words; made when first asked for, since most profiles are only ranked."""
        return self.explain()

    @cached_property
    def unusable(self) -> Mapping[str, str]:
        """What is stated but can't be compared, and why."""
        return self.state(self.known)


class Profiles:
    """Makes profiles, and holds what depends on the ontology alone: information content, steps between tasks.

    The information content is intrinsic: 1 - log(1 + concepts below) / log(concepts of the facet) (Seco, Veale and
    Hayes 2004). Below a concept is whatever entails it: narrower concepts, parts, and what lies in it.
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
    def task_closeness(self) -> Mapping[tuple[str, str], float]:
        """1 - steps between two task types over their nearest common broader one, by the most steps possible."""
        ups = {one.id: self._ups(one.id) for one in self._vocabulary if one.facet == "task"}
        depths = sorted((max(steps.values()) for steps in ups.values()), reverse=True)
        most = sum(depths[:2]) or 1
        found = {}
        for one, mine in ups.items():
            for other, theirs in ups.items():
                shared = mine.keys() & theirs.keys()
                steps = min((mine[c] + theirs[c] for c in shared), default=most)
                found[one, other] = 1 - min(steps, most) / most
        return found

    def _ups(self, concept: str) -> dict[str, int]:
        """Broader concepts, itself among them, and how many steps up they are."""
        steps = {concept: 0}
        waiting = [concept]
        for place in waiting:
            for broad in self._vocabulary[place].broader:
                if broad not in steps:
                    steps[broad] = steps[place] + 1
                    waiting.append(broad)
        return steps

    def of(self, entry: DatasetEntry) -> Profile:
        """Profile of an entry, or of a part of an entry that describes one's own data."""
        entailed = self._vocabulary.entailed_by(entry.concepts())
        concepts = {
            facet: frozenset(c for c in entailed if self._vocabulary[c].facet == facet) for facet in FACETS
        }
        family = self._image_family(entry, concepts["modality"])
        inventory = max(entry.classes, key=lambda one: len(one.names), default=None)
        classes = {self._class_key(entry.id, label): label for label in inventory.names} if inventory else {}
        proportions = _proportions(entry)

        def explain() -> Mapping[str, Known]:
            named = self._known_classes(classes, inventory) if inventory and classes else None
            return {
                **self._known_concepts(entry, concepts),
                **_known(entry, proportions),
                "family": Known(", ".join(sorted(family)) or "medical, otherwise not known"),
                **({"classes": named} if named else {}),
            }

        status = {name: note.status for note in entry.field_status for name in note.fields}
        return Profile(
            id=entry.id,
            medical=entry.domain == "medical",
            concepts=concepts,
            stated={facet: frozenset(entry.concepts(facet)) for facet in FACETS},
            image_family=family,
            classes=frozenset(classes),
            proportions=proportions,
            dimensions=frozenset(one.value for one in entry.dimensions),
            form=_form(entry),
            scale=scales(entry).values,
            device=acquisition(entry),
            sites=sites(entry),
            groups=groups(entry),
            annotation=annotation(entry),
            figures=figures(entry, proportions),
            status=status,
            explain=explain,
            state=partial(_unusable, entry),
        )

    def _image_family(self, entry: DatasetEntry, modality: frozenset[str]) -> frozenset[str]:
        """Natural images, radiology, microscopy, ophthalmic images, or another kind of optical imaging."""
        if entry.domain != "medical":
            return frozenset({"natural images"})
        optical = {c for c in modality if _OPTICAL in self._vocabulary[c].broader}
        found = {_FAMILIES[c] for c in modality if c in _FAMILIES and c != "angiography"}
        for kind in optical:
            if "microscopy" not in self._vocabulary.entailed(kind):
                name = "ophthalmic-imaging" if kind in _OPHTHALMIC else kind
                found.add(self._vocabulary[name].label)
        if not found and "angiography" in modality:  # of a kind that is not said
            found = {_FAMILIES["angiography"]}
        return frozenset(found)

    def _class_key(self, dataset: str, label: ClassLabel) -> str:
        """The concept that a class means, by curation or by its exact name; else its words.

        A bare number means something inside its dataset only.
        """
        if label.concept is not None:
            return label.concept
        key = words(label.name)
        if not any(character.isalpha() for word in key for character in word):
            return f"{dataset}: {label.name}"
        for name in (key, tuple(word for word in key if word not in _SIDES)):
            named = {
                one.id
                for one, _ in self._vocabulary.by_words.get(name, ())
                if one.facet in ("finding", "anatomy")
            }
            if len(named) == 1:
                return named.pop()
        return " ".join(key)

    def _known_classes(self, classes: Mapping[str, ClassLabel], inventory: ClassInventory) -> Known:
        said = [
            f"{label.name} (= {self._vocabulary[key].label})"
            if key in self._vocabulary and words(self._vocabulary[key].label) != words(label.name)
            else label.name
            for key, label in classes.items()
        ]
        more = f" and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
        return Known(f"{', '.join(said[:_SHOWN])}{more}", inventory.refs)

    def _known_concepts(
        self, entry: DatasetEntry, concepts: Mapping[Facet, frozenset[str]]
    ) -> dict[str, Known]:
        """Concepts of each facet as stated; where none is, what follows from those of the other facets."""
        found: dict[str, Known] = {}
        for facet in FACETS:
            if tags := entry.tags(facet):
                labels = (self._vocabulary[tag.concept].label for tag in tags)
                found[facet] = _said(labels, (tag.refs for tag in tags))
            elif held := concepts[facet]:
                broader = {up for one in held for up in self._vocabulary.entailed(one) - {one}}
                labels = (self._vocabulary[one].label for one in sorted(held - broader))
                tags = (*entry.modality, *entry.finding)
                text = f"{', '.join(labels)} (follows from what is stated)"
                found[facet] = _said([text], (tag.refs for tag in tags))
        return found


def _proportions(entry: DatasetEntry) -> tuple[float, ...]:
    """Shares of the classes, largest first, where every class of an inventory is counted."""
    counted = [
        sorted((label.n for label in one.names if label.n is not None), reverse=True)
        for one in entry.classes
        if one.names and all(label.n is not None for label in one.names)
    ]
    amounts: list[int] = max((numbers for numbers in counted if any(numbers)), key=len, default=[])
    return tuple(n / sum(amounts) for n in amounts)


def _form(entry: DatasetEntry) -> dict[str, frozenset[str]]:
    forms = [form for form in entry.form if form.stage == "released"] or list(entry.form)
    found = {
        "channels": frozenset(str(form.channels) for form in forms if form.channels),
        "bit depth": frozenset(str(form.bit_depth) for form in forms if form.bit_depth),
    }
    return {name: values for name, values in found.items() if values}


def _said(parts: Iterable[str], refs: Iterable[Refs]) -> Known:
    return Known(", ".join(dict.fromkeys(parts)), tuple(dict.fromkeys(ref for some in refs for ref in some)))


def _listed(values: Values) -> list[str]:
    return [f"{name} {', '.join(sorted(found))}" for name, found in values.items()]


def _known(entry: DatasetEntry, proportions: tuple[float, ...]) -> dict[str, Known]:
    """What is compared beside concepts and classes, in words, where there is anything."""
    scale = scales(entry)
    told = {
        name: [f for f in entry.facts if f.attribute in attributes] for name, attributes in _FACTS.items()
    }
    people: dict[str, list[str]] = {}
    for attribute, group in sorted(groups(entry)):
        people.setdefault(attribute, []).append(group)
    counts = [*whole_counts(entry, people=False), *whole_counts(entry, people=True), *entry.classes]
    numbers = [
        f"{name} {value:.2f}" if name.startswith("evenness") else f"{10**value:,.0f} {name}"
        for name, value in figures(entry, proportions).items()
    ]
    shares = ", ".join(f"{share:.0%}" for share in proportions[:_SHOWN])
    found = {
        "dimensions": _said((d.value for d in entry.dimensions), (d.refs for d in entry.dimensions)),
        "shares": _said([shares] if shares else [], (one.refs for one in entry.classes)),
        "form": _said(_listed(_form(entry)), (one.refs for one in entry.form)),
        "scale": Known(
            ", ".join(
                f"{kind} {', '.join(f'{value:g}' for value in sorted(values))}"
                for kind, values in scale.values.items()
            ),
            scale.refs,
        ),
        "device": _said(_listed(acquisition(entry)), (f.refs for f in told["device"])),
        "sites": _said(_listed(sites(entry)), (f.refs for f in told["sites"])),
        "people": _said(
            (f"{attribute} {', '.join(names)}" for attribute, names in people.items()),
            (*(p.refs for p in entry.population), *(f.refs for f in told["people"])),
        ),
        "labelling": _said(_listed(annotation(entry)), (one.refs for one in entry.labelling)),
        "figures": _said(numbers, (count.refs for count in counts)),
        "description": Known("the text of its entry"),
    }
    return {name: one for name, one in found.items() if one.said}


#: Facts that are compared under one name.
_FACTS: Mapping[str, tuple[str, ...]] = {
    "device": ("device", "protocol"),
    "sites": ("site-names", "country", "care-setting"),
    "people": ("sex", "age"),
}


def _unusable(entry: DatasetEntry, known: Mapping[str, Known]) -> dict[str, str]:
    """What is stated, but in words or a form that can't be compared."""
    stated = {
        name: any(fact.attribute in attributes for fact in entry.facts) for name, attributes in _FACTS.items()
    }
    stated["classes"] = bool(entry.classes)
    stated["shares"] = bool(entry.classes)
    stated["labelling"] = bool(entry.labelling)
    stated["scale"] = any(f.attribute in ("image-size", "spacing", "magnification") for f in entry.facts)
    why = {
        "classes": "is not known, only how many there are",
        "shares": "is not known for every class",
        "labelling": "is stated as mixed",
        "people": "is stated in words that name no group",
    }
    return {
        name: why.get(name, "is stated in words that name nothing comparable")
        for name, is_stated in stated.items()
        if is_stated and name not in known
    }
