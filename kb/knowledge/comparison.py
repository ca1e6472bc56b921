"""Outcomes that may be compared, and whether a difference between them is more than noise.

Comparison happens inside a group only: one study, target, subset, test set, task, metric, architecture, strategies,
budget, training size, subgroup and test condition. "Better" needs an interval or a reported test.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.difference import Difference, Separable, difference_of, interval_words, trained_on
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.overlap import Overlaps, Risk
from kb.knowledge.study import FROM_SCRATCH, Outcome, Protocol, SourceModel, Study, Target, outcome_key

#: Errors of a difference beyond which it counts as separable where nothing was tested: about 95 %.
ERRORS = 2.0


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class MeasuredRow(_Record):
    """One measured outcome of one source."""

    id: str
    source: str = Field(description="Name of the pretrained model in the study; none: trained from scratch.")
    source_id: str = Field(description="Name of what it was pretrained on, across studies.")
    datasets: tuple[str, ...] = Field(description="Entries it was pretrained on.")
    source_name: str
    value: float
    low: float | None = None
    high: float | None = None
    interval: str | None = Field(default=None, description="What the interval is, and at which level.")
    sd: float | None = None
    spread_over: str | None = None
    runs: int | None = Field(default=None, description="Seeds or folds; None: not reported.")
    not_reported: tuple[str, ...] = Field(default=(), description="What the study does not say.")
    grade: str
    refs: tuple[str, ...]
    file: str | None = None
    overlap: Risk = Field(description="Whether the source may hold items of the target.")
    overlap_path: tuple[str, ...] = ()
    itself: bool = Field(default=False, description="The source is the target itself.")
    note: str | None = None


class ComparisonGroup(_Record):
    """Outcomes of one comparable protocol, best first."""

    id: str
    study: str
    study_title: str
    target: str | None = Field(description="Entry; None where the target has none.")
    target_key: str = Field(description="Entry, else the name in the study.")
    target_name: str
    subset: str | None
    task: str
    metric: str
    higher_is_better: bool
    architecture: str
    strategies: tuple[str, ...]
    budget: str
    test_set: str
    split_unit: str
    train: int | None
    subgroup: str | None
    condition: str | None
    rows: tuple[MeasuredRow, ...]
    differences: tuple[Difference, ...] = ()
    gaps: tuple[Difference, ...] = Field(default=(), description="Between subgroups, for one source.")

    def separable(self, one: MeasuredRow, other: MeasuredRow) -> tuple[Separable, str]:
        """Whether two rows differ by more than noise, and why that is said."""
        for difference in self.differences:
            if {difference.source, difference.versus} == {one.source, other.source}:
                return difference.separable, f"reported: {difference.why}"
        first, second = _error(one), _error(other)
        if first is None or second is None:
            return "not reported", "no interval, test or spread over runs for both"
        apart = abs(one.value - other.value)
        limit = ERRORS * (first**2 + second**2) ** 0.5
        return (
            "yes" if apart > limit else "no",
            f"|{apart:.4f}| against {ERRORS:g} standard errors, {limit:.4f}",
        )

    @property
    def leading(self) -> tuple[str, ...]:
        """Sources of which the best one is not known to be better."""
        best = self.rows[0]
        return tuple(row.source for row in self.rows if row is best or self.separable(best, row)[0] != "yes")


def _error(row: MeasuredRow) -> float | None:
    """Standard error of a value: of its interval, taken as one of 95 %, or by the spread over runs."""
    if row.low is not None and row.high is not None:
        return (row.high - row.low) / 2 / 1.96
    if row.sd is not None and row.runs and row.runs > 1:
        return row.sd / math.sqrt(row.runs)
    return None


def comparison_groups(
    studies: Iterable[Study],
    entries: Mapping[str, DatasetEntry],
    overlaps: Overlaps,
    lower_is_better: Collection[str] = (),
) -> list[ComparisonGroup]:
    """All groups of all studies; subgroup outcomes and changed conditions form groups of their own."""
    return [
        group for study in studies for group in _Grouped(study, entries, overlaps, lower_is_better).groups()
    ]


class _Grouped:
    """Groups of one study."""

    def __init__(
        self,
        study: Study,
        entries: Mapping[str, DatasetEntry],
        overlaps: Overlaps,
        lower_is_better: Collection[str],
    ) -> None:
        self._study = study
        self._entries = entries
        self._overlaps = overlaps
        self._lower = lower_is_better
        self._models = {model.id: model for model in study.models}
        self._targets = {target.id: target for target in study.targets}
        self._protocols = {protocol.id: protocol for protocol in study.protocols}

    def groups(self) -> Iterator[ComparisonGroup]:
        """Groups in the order of the file."""
        rows: dict[tuple[object, ...], list[Outcome]] = {}
        for outcome in self._study.outcomes:
            if not outcome.is_difference:
                rows.setdefault(_key(outcome), []).append(outcome)
        for key, outcomes in rows.items():
            first = outcomes[0]
            target, protocol = self._targets[first.target], self._protocols[first.protocol]
            higher = first.metric not in self._lower
            made = sorted(
                (self._row(outcome) for outcome in outcomes),
                key=lambda row: (-row.value if higher else row.value, row.source),
            )
            yield ComparisonGroup(
                id=f"{self._study.id}/{'--'.join(str(part) for part in key if part)}",
                study=self._study.id,
                study_title=self._study.title,
                target=target.dataset,
                target_key=target.dataset or target.id,
                target_name=self._name(target.dataset) or target.other or target.id,
                subset=target.subset,
                task=target.task,
                metric=first.metric,
                higher_is_better=higher,
                architecture=protocol.architecture,
                strategies=protocol.strategies,
                budget=protocol.budget,
                test_set=protocol.test_set,
                split_unit=protocol.split_unit,
                train=first.train,
                subgroup=first.subgroup,
                condition=protocol.condition,
                rows=tuple(made),
                differences=tuple(self._differences(first)),
                gaps=tuple(self._gaps(first)) if first.subgroup is None else (),
            )

    def _name(self, dataset: str | None) -> str | None:
        entry = self._entries.get(dataset or "")
        return entry.name if entry else dataset

    def _row(self, outcome: Outcome) -> MeasuredRow:
        target, protocol = self._targets[outcome.target], self._protocols[outcome.protocol]
        model = self._models.get(outcome.source)
        risk, path, itself = self._overlap(model, target)
        runs = protocol.seeds if isinstance(protocol.seeds, int) else protocol.folds
        kind = interval_words(protocol.interval_kind, protocol.interval_level)
        stated = {
            "test set": protocol.test_set,
            "split unit": protocol.split_unit,
            "budget": protocol.budget,
            "seeds": runs if runs else "notReported",
            "spread": "reported" if outcome.sd is not None or outcome.low is not None else "notReported",
        }
        return MeasuredRow(
            id=f"{self._study.id}/{outcome_key(outcome)}",
            source=outcome.source,
            source_id=model.source_id if model else FROM_SCRATCH,
            datasets=model.datasets if model else (),
            source_name=self._source_name(model),
            value=outcome.value,
            low=outcome.low,
            high=outcome.high,
            interval=kind if outcome.low is not None else None,
            sd=outcome.sd,
            spread_over=protocol.spread_over,
            runs=runs,
            not_reported=tuple(n for n, value in stated.items() if value in ("notReported", "unknown")),
            grade=protocol.grade,
            refs=self._study.refs,
            file=protocol.file,
            overlap=risk,
            overlap_path=path,
            itself=itself,
            note=outcome.note,
        )

    def _source_name(self, model: SourceModel | None) -> str:
        if model is None:
            return "trained from scratch"
        names = (
            " + ".join(self._name(dataset) or dataset for dataset in model.datasets)
            or model.other
            or model.id
        )
        return f"{names} ({model.variant})" if model.variant else names

    def _overlap(self, model: SourceModel | None, target: Target) -> tuple[Risk, tuple[str, ...], bool]:
        if model is None or target.dataset is None:
            return "not-checked", (), False
        datasets = trained_on(model, target)
        itself = target.dataset in datasets
        risk = "known" if itself else self._overlaps.risk(datasets, target.dataset)
        for dataset in datasets:
            if path := self._overlaps.path(dataset, target.dataset):
                return risk, tuple(f"{step.source} {step.kind} {step.target}" for step in path), itself
        return risk, (), itself

    def _differences(self, of: Outcome) -> Iterator[Difference]:
        """Differences between sources reported for the same target, metric, subgroup and training size.

        They may have a protocol entry of their own, with another kind of interval: the runs are the same.
        """
        for outcome in self._study.outcomes:
            same = (outcome.target, outcome.metric, outcome.subgroup) == (of.target, of.metric, of.subgroup)
            if outcome.versus is not None and same and self._same_runs(outcome, of):
                yield difference_of(self._study, outcome, self._overlaps)

    def _gaps(self, of: Outcome) -> Iterator[Difference]:
        for outcome in self._study.outcomes:
            same = (outcome.target, outcome.metric) == (of.target, of.metric)
            if outcome.minus is not None and same and self._same_runs(outcome, of):
                yield difference_of(self._study, outcome, self._overlaps)

    def _same_runs(self, one: Outcome, other: Outcome) -> bool:
        first, second = self._protocols[one.protocol], self._protocols[other.protocol]
        return one.train == other.train and _runs(first) == _runs(second)


def _key(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.protocol, outcome.target, outcome.metric, outcome.subgroup, outcome.train)


def _runs(protocol: Protocol) -> tuple[object, ...]:
    """What makes two protocols the same runs, however their intervals were made."""
    return (
        protocol.architecture,
        protocol.strategies,
        protocol.budget,
        protocol.test_set,
        protocol.condition,
    )
