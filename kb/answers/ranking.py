"""Order entries by what a query was taken to mean: named concepts first, then closeness, words and names.

Weights were set on the development queries of `data/evaluation/search/` (`benchmarks/search.py --tune`), never on the
test queries. The shape follows what was found there: concepts decide, embeddings order what concepts leave tied, and
take over where a query names nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kb.answers.search_tables import FAILS, HOLDS, UNKNOWN, Booleans, Floats, SearchTables
from kb.knowledge.entry_base import Facet
from kb.knowledge.interpretation import Constraint, Interpretation, Mention


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of search relevance."""

    concepts: float = 1.0
    focus: float = 0.15
    text: float = 0.6
    described: float = 0.25
    words: float = 0.5
    name: float = 3.0
    wishes: float = 0.6
    documented: float = 0.1
    #: What a broader concept counts, where the entry states only that.
    broader: float = 0.5
    task: float = 1.0
    #: Share of the best alternative within a facet, against the mean of all.
    best: float = 0.25
    #: Closeness below which no concept is taken to be described, and how fast less close ones count less.
    described_from: float = 0.25
    described_fall: float = 0.04
    #: Weight of described concepts where the named ones are not to be trusted.
    described_alone: float = 1.0
    #: How fast a named concept loses trust whose definition is further from the query than the nearest.
    named_fall: float = 0.03
    #: What a named modality adds to the share of words that are understood.
    technical: float = 0.2
    #: Trust from which named concepts are required.
    strict_from: float = 0.5


SHIPPED = Weights()
#: Value of the name part up to which an entry is only related to what the query names.
_EVERYWHERE = frozenset(("cell", "tissue"))
_RELATED = 0.4
#: Cosine within which descriptions count as near as the nearest.
_NEAR = 0.15


@dataclass(frozen=True)
class Requirement:
    """Something that an entry has to meet, and whether each does: fails, unknown or holds."""

    said: str
    words: str
    status: NDArray[np.int8]
    constraint: Constraint | None = None


@dataclass(frozen=True)
class Ranked:
    """All entries scored for one interpretation; arrays are in the order of the entries."""

    score: Floats
    parts: dict[str, Floats]
    weights: dict[str, float]
    requirements: tuple[Requirement, ...]
    described: tuple[tuple[str, float], ...]
    trust: float

    @cached_property
    def matches(self) -> Booleans:
        """Entries that meet every requirement."""
        return np.asarray(np.all([need.status == HOLDS for need in self.requirements], axis=0))

    @cached_property
    def may_match(self) -> Booleans:
        """Entries that fail none, and of which something is not known."""
        open_ = np.all([need.status != FAILS for need in self.requirements], axis=0)
        return np.asarray(open_ & ~self.matches)

    @cached_property
    def near(self) -> Booleans:
        """Entries that fail one requirement."""
        return np.asarray(np.sum([need.status == FAILS for need in self.requirements], axis=0) == 1)

    def order(self, chosen: Booleans) -> list[int]:
        """Rows of the chosen entries, best first; ties by identifier."""
        rows = np.flatnonzero(chosen)
        return [int(row) for row in rows[np.argsort(-self.score[rows], kind="stable")]]


def rank(
    tables: SearchTables, query: str, meant: Interpretation, *, guess: bool = True, weights: Weights = SHIPPED
) -> Ranked:
    """Score all entries. `guess`: concepts that the query describes without naming them may be taken into account."""
    groups = grouped(meant.concepts)
    held = {group: held_by(tables, group) for group in groups}
    broader = {group: broader_of(tables, group) & ~held[group] for group in groups}
    trust = _trust(meant, groups, weights) if guess else 1.0
    sure = _sure(tables, query, groups, trust, weights)
    coverage, by_facet = _coverage(groups, held, broader, sure, weights)
    strict = trust >= weights.strict_from
    described = _described(tables, query, by_facet if strict else (), weights) if trust < 1 else ()
    names = _names(tables, meant)
    constraints = {constraint: tables.status(constraint) for constraint in dict.fromkeys(meant.constraints)}
    parts = {
        "concepts": np.broadcast_to(coverage, len(tables.ids)),
        "focus": _focus(tables, by_facet, held),
        "text": tables.cosines(query),
        "described": _described_share(tables, described, weights),
        "words": tables.words(query),
        "name": _spread(names, len(tables.ids)),
        "wishes": _wishes(constraints, len(tables.ids)),
        "documented": tables.prior,
    }
    used = {part: float(getattr(weights, part)) for part in parts}
    used["focus"] *= trust
    used["described"] = trust * weights.described + (1 - trust) * weights.described_alone
    score = np.sum([used[part] * values for part, values in parts.items()], axis=0)
    requirements = [
        *(_facets(tables, by_facet, held, broader, names) if strict else ()),
        *(
            Requirement(constraint.said, constraint.words, status, constraint)
            for constraint, status in constraints.items()
            if constraint.strength == "required"
        ),
    ]
    if meant.known_items and not (strict and groups):
        requirements.append(_named(tables, meant, names))
    elif not strict:
        requirements.append(_close(parts["text"], parts["described"]))
    anything = Requirement("in the catalogue", "", np.full(len(tables.ids), HOLDS, dtype=np.int8))
    return Ranked(score, parts, used, tuple(requirements or [anything]), described, trust)


def _trust(meant: Interpretation, groups: tuple[tuple[Mention, ...], ...], weights: Weights) -> float:
    """How far the named concepts are the whole of what is asked.

    Who describes a thing without its name uses words that name other things: the neck of the womb.
    """
    understood = sum(len(mention.words.split()) for mention in {m.words: m for m in meant.concepts}.values())
    understood += sum(len(item.words.split()) for item in {i.words: i for i in meant.known_items}.values())
    left = len(meant.not_understood)
    share = understood / (understood + left) if understood + left else 1.0
    technical = any(mention.facet == "modality" for group in groups for mention in group)
    return min(1.0, share + (weights.technical if technical else 0.0))


def grouped(mentions: Iterable[Mention]) -> tuple[tuple[Mention, ...], ...]:
    """Mentions by the words that led to them: any one of a group may be meant."""
    groups: dict[tuple[int, int, str], list[Mention]] = {}
    for mention in mentions:
        groups.setdefault((mention.start, mention.end, mention.words), []).append(mention)
    return tuple(tuple(group) for group in groups.values())


def held_by(tables: SearchTables, group: tuple[Mention, ...]) -> Booleans:
    """Entries for which one of the concepts holds: stated, entailed, or put together from what they state."""
    columns = [tables.column_of[mention.concept] for mention in group]
    held = np.asarray(tables.entailed[:, columns].any(axis=1))
    for mention in group:
        for broad, place in tables.compositions(mention.concept):
            held |= tables.stated[:, tables.column_of[broad]] & tables.entailed[:, tables.column_of[place]]
    return held


def broader_of(tables: SearchTables, group: tuple[Mention, ...]) -> Booleans:
    """Entries that state something broader of the same facet, where it may be, and so may hold what is asked."""
    above = {
        broad
        for mention in group
        for broad in tables.vocabulary.entailed(mention.concept) - {mention.concept}
        if tables.facet_of[broad] == mention.facet
    }
    stated = np.asarray(tables.stated[:, [tables.column_of[concept] for concept in above]].any(axis=1))
    places = {
        place
        for mention in group
        if mention.facet == "finding"
        for _, place in tables.compositions(mention.concept)
    }
    if not places:
        return stated
    around = {tables.column_of[broad] for place in places for broad in tables.vocabulary.entailed(place)}
    there = tables.entailed[:, [tables.column_of[place] for place in places]].any(axis=1)
    about = tables.stated[:, list(around)].any(axis=1)
    return stated & np.asarray(there | about | tables.silent["anatomy"])


def _coverage(
    groups: tuple[tuple[Mention, ...], ...],
    held: dict[tuple[Mention, ...], Booleans],
    broader: dict[tuple[Mention, ...], Booleans],
    sure: dict[tuple[Mention, ...], float],
    weights: Weights,
) -> tuple[Floats, dict[Facet, list[tuple[Mention, ...]]]]:
    """Weighted share of the query's concepts that hold, and the groups by facet."""
    by_facet: dict[Facet, list[tuple[Mention, ...]]] = {}
    for group in groups:
        by_facet.setdefault(group[0].facet, []).append(group)
    total: Floats = np.zeros(1)
    whole = 0.0
    for facet, members in by_facet.items():
        shares = np.array(
            [sure[group] * (held[group] + weights.broader * broader[group]) for group in members]
        )
        weight = weights.task if facet == "task" else 1.0
        total = total + weight * (
            weights.best * shares.max(axis=0) + (1 - weights.best) * shares.mean(axis=0)
        )
        whole += weight
    return (total / whole if whole else total), by_facet


def _sure(
    tables: SearchTables, query: str, groups: tuple[tuple[Mention, ...], ...], trust: float, weights: Weights
) -> dict[tuple[Mention, ...], float]:
    """How sure it is that a named concept is meant: its definition is near the query, or all else is understood."""
    if trust >= 1 or not groups:
        return {group: max(mention.confidence for mention in group) for group in groups}
    cosines = tables.concept_cosines(query)
    most = float(cosines.max())
    sure = {}
    for group in groups:
        closest = max(float(cosines[tables.column_of[mention.concept]]) for mention in group)
        near = float(np.exp((closest - most) / weights.named_fall))
        sure[group] = max(mention.confidence for mention in group) * (trust + (1 - trust) * near)
    return sure


def _focus(
    tables: SearchTables,
    by_facet: dict[Facet, list[tuple[Mention, ...]]],
    held: dict[tuple[Mention, ...], Booleans],
) -> Floats:
    """How much of what an entry is about was asked for: collections of everything come after what is meant."""
    focus = np.zeros(len(tables.ids))
    used = [facet for facet in by_facet if facet != "task"]
    for facet in used:
        holds = np.any([held[group] for group in by_facet[facet]], axis=0)
        focus += holds / np.sqrt(np.maximum(tables.breadth[facet], 1))
    return focus / len(used) if used else focus


def _described(
    tables: SearchTables, query: str, named: Iterable[Facet], weights: Weights
) -> tuple[tuple[str, float], ...]:
    """Concepts that the query describes: nearest definitions, of facets of which it names nothing."""
    cosines = tables.concept_cosines(query)
    free = {facet for facet in ("modality", "anatomy", "finding") if facet not in set(named)}
    found: list[tuple[str, float]] = []
    for column in np.argsort(-cosines)[:40]:
        concept, cosine = tables.concepts[column], float(cosines[column])
        if cosine < weights.described_from or len(found) == 10:
            break
        if tables.facet_of[concept] in free:
            found.append((concept, cosine))
    return tuple(found)


def _described_share(
    tables: SearchTables, described: tuple[tuple[str, float], ...], weights: Weights
) -> Floats:
    """Share of the described concepts that hold, the closest counting most."""
    share = np.zeros(len(tables.ids))
    if not described:
        return share
    closest = max(cosine for _, cosine in described)
    whole = 0.0
    for concept, cosine in described:
        weight = float(np.exp((cosine - closest) / weights.described_fall))
        share += weight * tables.entailed[:, tables.column_of[concept]]
        whole += weight
    return closest * share / whole


def _names(tables: SearchTables, meant: Interpretation) -> dict[int, float]:
    """Rows of entries that the query names, and, for less, of those that they were made from or with."""
    named = {
        tables.row_of[item.id]: item.confidence * (0.9 if item.scope == "series" else 1.0)
        for item in meant.known_items
        if item.id in tables.row_of
    }
    return {**{row: _RELATED * value for row, value in _related(tables, named).items()}, **named}


def _related(tables: SearchTables, named: dict[int, float]) -> dict[int, float]:
    """Entries in relation to a named one, or of its series."""
    if not named:
        return {}
    related: dict[int, float] = {}
    families = {
        tables.entries[row].family: value for row, value in named.items() if tables.entries[row].family
    }
    targets = {tables.ids[row]: value for row, value in named.items()}
    direct = {
        relation.target: value
        for row, value in named.items()
        for relation in tables.entries[row].relations
        if relation.target
    }
    for row, entry in enumerate(tables.entries):
        values = [targets[relation.target] for relation in entry.relations if relation.target in targets]
        if entry.id in direct:
            values.append(direct[entry.id])
        if entry.family in families:
            values.append(0.8 * families[entry.family])
        if values and row not in named:
            related[row] = max(values)
    return related


def _spread(values: dict[int, float], n: int) -> Floats:
    spread = np.zeros(n)
    for row, value in values.items():
        spread[row] = value
    return spread


def _wishes(statuses: dict[Constraint, NDArray[np.int8]], n: int) -> Floats:
    """Share of the preferences that hold; what is unknown counts a little more than what fails."""
    wished = [status for constraint, status in statuses.items() if constraint.strength == "preferred"]
    if not wished:
        return np.zeros(n)
    return np.asarray(np.mean([(status == HOLDS) + 0.3 * (status == UNKNOWN) for status in wished], axis=0))


def _facets(
    tables: SearchTables,
    by_facet: Mapping[Facet, list[tuple[Mention, ...]]],
    held: dict[tuple[Mention, ...], Booleans],
    broader: dict[tuple[Mention, ...], Booleans],
    names: dict[int, float],
) -> Iterator[Requirement]:
    """One of the named concepts of each facet, unless the query names the entry itself.

    A modality or anatomy that an entry does not state although it states another one is held against it. A finding or
    task is not: lists of findings are rarely complete. Of a modality or anatomy that no entry at all states, only
    those that its own name calls a kind of may hold it: CT of non-contrast CT, but not X-ray of bone densitometry.
    """
    for facet, all_members in by_facet.items():
        members = _telling(all_members)
        holds = np.any([held[group] for group in members], axis=0)
        if facet == "task":
            may = np.ones_like(holds)
        elif facet == "finding":
            may = tables.medical
        elif holds.any():
            may = np.any([broader[group] for group in members], axis=0) | tables.silent[facet]
        else:
            may = np.any([kinds_of(tables, group) for group in members], axis=0)
        status = np.where(may, UNKNOWN, FAILS).astype(np.int8)
        status[holds] = HOLDS
        for row, value in names.items():
            status[row] = HOLDS if value > _RELATED else max(status[row], UNKNOWN)
        labels = dict.fromkeys(mention.label for group in members for mention in group)
        words = dict.fromkeys(group[0].words for group in members)
        yield Requirement(f"{facet} {' or '.join(labels)}", ", ".join(words), status)


def _telling(groups: list[tuple[Mention, ...]]) -> list[tuple[Mention, ...]]:
    """Without what is part of everything, where something else is named: the cells of the cervix."""
    telling = [group for group in groups if not all(mention.concept in _EVERYWHERE for mention in group)]
    return telling or groups


def kinds_of(tables: SearchTables, group: tuple[Mention, ...]) -> Booleans:
    """Entries of what the concepts' own names call them a kind of."""
    columns = [tables.column_of[broad] for mention in group for broad in tables.kinds(mention.concept)]
    return np.asarray(tables.entailed[:, columns].any(axis=1))


def _named(tables: SearchTables, meant: Interpretation, names: dict[int, float]) -> Requirement:
    """The entries that the query names; those in relation to them may be meant."""
    status = np.full(len(tables.ids), FAILS, dtype=np.int8)
    for row, value in names.items():
        status[row] = HOLDS if value > _RELATED else UNKNOWN
    matched = dict.fromkeys(item.matched for item in meant.known_items)
    words = dict.fromkeys(item.words for item in meant.known_items)
    return Requirement(f"is {' or '.join(matched)}", ", ".join(words), status)


def _close(cosines: Floats, described: Floats) -> Requirement:
    """Where nothing sure is named: description near the query, or most of what it describes."""
    near = (cosines >= cosines.max() - _NEAR) | ((described > 0) & (described >= 0.6 * described.max()))
    some = (cosines >= cosines.max() - 2 * _NEAR) | (described > 0)
    status = np.where(near, HOLDS, np.where(some, UNKNOWN, FAILS)).astype(np.int8)
    return Requirement("description close to the query", "", status)
