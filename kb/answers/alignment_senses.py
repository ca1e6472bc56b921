"""The ways in which senses of similarity are assessed: computed from entries, or stored in a study as published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search_tables import Floats
from kb.answers.similarity import UNSPECIFIED
from kb.knowledge.similarity import DOCUMENTATION, SENSES, Sense, record, values
from kb.knowledge.study import UNSTATED, Rated, Rating, Study


class AssessedPair(NamedTuple):
    """One value of one pair."""

    value: float
    proxy: str | None
    refs: tuple[str, ...]


class Way(NamedTuple):
    """A sense as it is assessed in one way; values of different ways never meet."""

    key: str
    sense: str
    label: str
    basis: str
    method: str
    by: str
    version: str | None
    higher: bool
    of: Callable[[str, str], AssessedPair | None]  # entries: source, target


@lru_cache(maxsize=2)
def ways_of(base: KnowledgeBase) -> tuple[Way, ...]:
    """All ways that give a rank; `UnspecifiedSimilarity` never does."""
    return (*_Computed(base).ways(), *_stored(base))


class _Computed:
    """Senses computed from entries; each pair once."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        self._found: dict[tuple[str, str], Mapping[str, float | None]] = {}
        self._cosines: dict[str, Floats] = {}  # target → with every entry

    def ways(self) -> Iterator[Way]:
        """One way for each sense and method."""
        for sense in (*SENSES, DOCUMENTATION):
            yield Way(
                key=sense.key,
                sense=sense.sense,
                label=sense.label,
                basis=sense.basis,
                method=sense.method,
                by="computed here",
                version=None,
                higher=sense.higher,
                of=self._of(sense),
            )

    def _of(self, sense: Sense) -> Callable[[str, str], AssessedPair | None]:
        def of(source: str, target: str) -> AssessedPair | None:
            value = self._value(sense, source, target)
            if value is None:
                return None
            profiles = self._base.evidence.profiles
            return AssessedPair(value, None, record(sense, value, profiles[source], profiles[target]).refs)

        return of

    def _value(self, sense: Sense, source: str, target: str) -> float | None:
        if sense.key == DOCUMENTATION.key:
            tables = self._base.search_tables
            if target not in self._cosines:
                self._cosines[target] = tables.cosines(self._base.text_of(self._base.entries[target]))
            return max(-1.0, min(1.0, float(self._cosines[target][tables.row_of[source]])))
        if (source, target) not in self._found:
            evidence = self._base.evidence
            one, other = evidence.profiles[source], evidence.profiles[target]
            self._found[source, target] = values(one, other, evidence.profiler)
        return self._found[source, target][sense.key]


def _stored(base: KnowledgeBase) -> Iterator[Way]:
    labels = {sense.sense: sense.label for sense in SENSES}
    for study in base.evidence.studies:
        for rating in study.ratings:
            if rating.sense != UNSPECIFIED:
                yield _published(study, rating, labels.get(rating.sense, rating.sense))


def _published(study: Study, rating: Rating, label: str) -> Way:
    pairs: dict[tuple[str, str], Rated] = {(one.source, one.target): one for one in rating.values}

    def of(source: str, target: str) -> AssessedPair | None:
        # A value for the other order is never taken over, not even where the method is symmetric: it was not published.
        one = pairs.get((source, target))
        return None if one is None else AssessedPair(one.value, one.source_proxy, study.refs)

    return Way(
        key=f"{rating.sense}/{study.id}/{rating.id}",
        sense=rating.sense,
        label=label,
        basis=rating.basis,
        method=f"method-{rating.method}",
        by=study.id,
        version=None if rating.version in UNSTATED else rating.version,
        higher=rating.direction == "higher-is-more-similar",
        of=of,
    )
