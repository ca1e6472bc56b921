"""The evidence of a knowledge base, read once: studies, comparison groups, what the predictor learns from, overlaps."""

from __future__ import annotations

from functools import cached_property, lru_cache

from kb.knowledge.comparison import ComparisonGroup, comparison_groups
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.overlap import Overlaps
from kb.knowledge.predictor import Predictor
from kb.knowledge.predictor_evidence import Evidence, Facts, evidence_of, facts_of
from kb.knowledge.profiles import Profile, Profiles
from kb.knowledge.study import Study
from kb.knowledge.vocabulary import Vocabulary


class EvidenceBase:
    """What is known of transfers, and of datasets as far as it is compared."""

    def __init__(
        self, studies: list[Study], entries: dict[str, DatasetEntry], vocabulary: Vocabulary
    ) -> None:
        self.studies = studies
        self._entries = entries
        self._vocabulary = vocabulary
        self.predictor = lru_cache(maxsize=64)(self._predictor)

    @cached_property
    def overlaps(self) -> Overlaps:
        """Paths by which datasets may share items."""
        return Overlaps(self._entries)

    @cached_property
    def groups(self) -> list[ComparisonGroup]:
        """All comparison groups."""
        return comparison_groups(self.studies, self._entries, self.overlaps)

    @cached_property
    def rows(self) -> Evidence:
        """Absolute outcomes as the predictor reads them."""
        return evidence_of(self.studies, self._entries, self._vocabulary)

    @cached_property
    def facts(self) -> dict[str, Facts]:
        """Facts of each entry as the predictor reads them."""
        return {entry_id: facts_of(entry, self._vocabulary) for entry_id, entry in self._entries.items()}

    @cached_property
    def profiler(self) -> Profiles:
        """Makes profiles of entries and descriptions."""
        return Profiles(self._vocabulary)

    @cached_property
    def profiles(self) -> dict[str, Profile]:
        """Profile of each entry."""
        return {entry_id: self.profiler.of(entry) for entry_id, entry in self._entries.items()}

    def family(self, target: str) -> frozenset[str]:
        """The target and the targets on file that may share items with it."""
        near = {name for name in self.rows.targets if self.overlaps.path(name, target) is not None}
        return frozenset(near | {target})

    def _predictor(self, left_out: frozenset[str]) -> Predictor:
        """Predictor fitted without the outcomes on these targets and of these studies."""
        kept = self.rows.without(left_out)
        rows = tuple(row for row in kept.rows if row.study not in left_out)
        return Predictor(Evidence(rows, kept.sources, kept.targets, kept.alike))

    def load(self) -> None:
        """Make everything now, so that the first answer is as fast as the others."""
        len(self.groups), len(self.facts), len(self.profiles), len(self.profiler.content)
        self.predictor(frozenset())
