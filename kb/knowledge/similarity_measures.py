"""The measures behind the senses of similarity: each takes source, target and what depends on the ontology.

A measure returns None where a fact is missing on either side; it never takes a missing fact for a mismatch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from kb.knowledge.entry_base import Facet
from kb.knowledge.profiles import Profile, Profiles
from kb.knowledge.similarity_facts import ITEMS, SCALES, Values

Measure = Callable[[Profile, Profile, Profiles], float | None]


def concept_closeness(facet: Facet) -> Measure:
    """Information content of shared concepts by that of all, whatever they entail included (simGIC)."""

    def measure(source: Profile, target: Profile, profiles: Profiles) -> float | None:
        one, other = source.concepts[facet], target.concepts[facet]
        if not one or not other:
            return None
        content = profiles.content
        whole = math.fsum(content[concept] for concept in one | other)
        shared = math.fsum(content[concept] for concept in one & other)
        return shared / whole if whole else None  # nothing below the root is known of either

    return measure


def image_family_match(source: Profile, target: Profile, _: Profiles) -> float | None:
    """1 where the datasets share a coarse image family."""
    if source.medical != target.medical:
        return 0.0
    if not source.image_family or not target.image_family:
        return None
    return float(not source.image_family.isdisjoint(target.image_family))


def task_closeness(source: Profile, target: Profile, profiles: Profiles) -> float | None:
    """Mean, over the tasks of either side, of the closeness to the closest task of the other."""
    one, other = source.stated["task"], target.stated["task"]
    if not one or not other:
        return None
    close = profiles.task_closeness
    there = math.fsum(max(close[a, b] for b in other) for a in one) / len(one)
    back = math.fsum(max(close[a, b] for a in one) for b in other) / len(other)
    return (there + back) / 2


def shared_classes(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Shared classes by all classes."""
    if not source.classes or not target.classes:
        return None
    return len(source.classes & target.classes) / len(source.classes | target.classes)


def contained_classes(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Share of the target's classes that the source has."""
    if not source.classes or not target.classes:
        return None
    return len(source.classes & target.classes) / len(target.classes)


def share_distance(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Jensen-Shannon distance of class shares, the largest of one against the largest of the other."""
    one, other = source.proportions, target.proportions
    if not one or not other:
        return None
    size = max(len(one), len(other))
    terms = []
    for p, q in zip((*one, *[0.0] * (size - len(one))), (*other, *[0.0] * (size - len(other))), strict=True):
        middle = (p + q) / 2
        terms += [share * math.log2(share / middle) / 2 for share in (p, q) if share]
    return math.sqrt(min(1.0, max(0.0, math.fsum(terms))))


def dimension_match(source: Profile, target: Profile, _: Profiles) -> float | None:
    """1 where both have items of one dimensionality."""
    if not source.dimensions or not target.dimensions:
        return None
    return float(not source.dimensions.isdisjoint(target.dimensions))


def agreement(name: Literal["form", "device", "annotation"]) -> Measure:
    """Share of the attributes recorded for both that have a value in common."""

    def measure(source: Profile, target: Profile, _: Profiles) -> float | None:
        one: Values = getattr(source, name)
        other: Values = getattr(target, name)
        shared = one.keys() & other.keys()
        return sum(not one[key].isdisjoint(other[key]) for key in shared) / len(shared) if shared else None

    return measure


def scale_distance(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Doublings between the closest scales of the first kind that both record."""
    for kind in SCALES:
        if kind in source.scale and kind in target.scale:
            return min(
                abs(math.log2(a) - math.log2(b)) for a in source.scale[kind] for b in target.scale[kind]
            )
    return None


def shared_sites(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Shared by all institutions, countries and care settings, of the kinds that both record."""
    kinds = source.sites.keys() & target.sites.keys()
    shared = sum(len(source.sites[kind] & target.sites[kind]) for kind in kinds)
    return shared / sum(len(source.sites[kind] | target.sites[kind]) for kind in kinds) if kinds else None


def group_coverage(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Share of the target's groups of people that the source has, for attributes that both report."""
    reported = {attribute for attribute, _ in source.groups}
    wanted = {group for group in target.groups if group[0] in reported}
    return len(source.groups & wanted) / len(wanted) if wanted else None


def figure_distance(source: Profile, target: Profile, _: Profiles) -> float | None:
    """Root mean square difference of the summary figures that both have; a number of items must be among them."""
    one, other = source.figures, target.figures
    shared = one.keys() & other.keys()
    if shared.isdisjoint(ITEMS):
        return None
    return math.sqrt(math.fsum((one[name] - other[name]) ** 2 for name in shared) / len(shared))


def attributes_on_both_sides(fact: str, source: Profile, target: Profile) -> tuple[str, ...]:
    """Which attributes of a compared thing both sides record; nothing for a thing that has none."""
    held: Mapping[str, tuple[Iterable[str], Iterable[str]]] = {
        "form": (source.form, target.form),
        "device": (source.device, target.device),
        "labelling": (source.annotation, target.annotation),
        "sites": (source.sites, target.sites),
        "people": ((a for a, _ in source.groups), (a for a, _ in target.groups)),
        "figures": (source.figures, target.figures),
    }
    if fact == "scale":
        return tuple(kind for kind in SCALES if kind in source.scale and kind in target.scale)[:1]
    one, other = held.get(fact, ((), ()))
    return tuple(sorted(set(one) & set(other)))
