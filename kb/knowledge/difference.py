"""Reported differences between sources or subgroups, with what the study says of their separability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.overlap import Overlaps, Risk
from kb.knowledge.study import FROM_SCRATCH, Outcome, SourceModel, Study, Target, outcome_key

Separable = Literal["yes", "no", "not reported"]
_WORST_FIRST: tuple[Risk, ...] = ("known", "possible", "not-checked")


class Difference(BaseModel):
    """A reported difference, with what was reported of its separability."""

    model_config = ConfigDict(frozen=True)

    id: str
    source: str = Field(description="Name in the study; none: trained from scratch.")
    source_id: str = Field(description="Name of what it was pretrained on, across studies.")
    versus: str | None = None
    versus_id: str | None = None
    datasets: tuple[str, ...] = Field(default=(), description="Entries either side was pretrained on.")
    subgroup: str | None = None
    minus: str | None = None
    value: float
    low: float | None = None
    high: float | None = None
    interval: str | None = Field(default=None, description="What the interval is, and at which level.")
    p: float | None = None
    p_below: float | None = None
    correction: str | None = None
    separable: Separable
    why: str
    overlap: Risk = Field(default="not-checked", description="The worst of both sides.")
    refs: tuple[str, ...]

    @property
    def excludes_zero(self) -> bool | None:
        """Whether the interval leaves out 0; None where there is none."""
        return None if self.low is None or self.high is None else self.low > 0 or self.high < 0


class DifferenceGroup(BaseModel):
    """Differences of one protocol, target, metric and training size; never absolute figures."""

    model_config = ConfigDict(frozen=True)

    id: str
    study: str
    study_title: str
    target: str | None = Field(description="Entry; None where the target has none.")
    target_key: str = Field(description="Entry, else the name in the study.")
    target_name: str
    subset: str | None
    task: str
    metric: str
    architecture: str
    strategies: tuple[str, ...]
    budget: str
    test_set: str
    train: int | None
    condition: str | None
    runs: int | None
    grade: str
    differences: tuple[Difference, ...]


def difference_groups(
    studies: Iterable[Study], entries: Mapping[str, DatasetEntry], overlaps: Overlaps
) -> list[DifferenceGroup]:
    """All reported differences, those of studies without absolute figures among them."""
    found: list[DifferenceGroup] = []
    for study in studies:
        targets = {target.id: target for target in study.targets}
        protocols = {protocol.id: protocol for protocol in study.protocols}
        rows: dict[tuple[str, str, str, int | None], list[Outcome]] = {}
        for outcome in study.outcomes:
            if outcome.is_difference:
                key = (outcome.protocol, outcome.target, outcome.metric, outcome.train)
                rows.setdefault(key, []).append(outcome)
        for key, outcomes in rows.items():
            target, protocol = targets[key[1]], protocols[key[0]]
            entry = entries.get(target.dataset or "")
            found.append(
                DifferenceGroup(
                    id=f"{study.id}/{'--'.join(str(part) for part in key if part)}",
                    study=study.id,
                    study_title=study.title,
                    target=target.dataset,
                    target_key=target.dataset or target.id,
                    target_name=entry.name if entry else target.other or target.id,
                    subset=target.subset,
                    task=target.task,
                    metric=key[2],
                    architecture=protocol.architecture,
                    strategies=protocol.strategies,
                    budget=protocol.budget,
                    test_set=protocol.test_set,
                    train=key[3],
                    condition=protocol.condition,
                    runs=protocol.seeds if isinstance(protocol.seeds, int) else protocol.folds,
                    grade=protocol.grade,
                    differences=tuple(difference_of(study, outcome, overlaps) for outcome in outcomes),
                )
            )
    return found


def difference_of(study: Study, outcome: Outcome, overlaps: Overlaps) -> Difference:
    """One difference of a study."""
    separable, why = _tested(outcome)
    protocol = next(one for one in study.protocols if one.id == outcome.protocol)
    target = next(one for one in study.targets if one.id == outcome.target)
    models = [model for model in study.models if model.id in (outcome.source, outcome.versus)]
    ids = {model.id: model.source_id for model in models}
    return Difference(
        id=f"{study.id}/{outcome_key(outcome)}",
        source=outcome.source,
        source_id=ids.get(outcome.source, FROM_SCRATCH),
        versus=outcome.versus,
        versus_id=None if outcome.versus is None else ids.get(outcome.versus, FROM_SCRATCH),
        datasets=tuple(dict.fromkeys(d for model in models for d in trained_on(model, target))),
        subgroup=outcome.subgroup,
        minus=outcome.minus,
        value=outcome.value,
        low=outcome.low,
        high=outcome.high,
        interval=interval_words(protocol.interval_kind, protocol.interval_level)
        if outcome.low is not None
        else None,
        p=outcome.p,
        p_below=outcome.p_below,
        correction=outcome.correction,
        separable=separable,
        why=why,
        overlap=min((_risk(model, target, overlaps) for model in models), key=_WORST_FIRST.index)
        if models
        else "not-checked",
        refs=study.refs,
    )


def trained_on(model: SourceModel, target: Target) -> tuple[str, ...]:
    """Entries that a model was trained on in a transfer to this target."""
    return tuple(d for d in model.datasets if not (model.without_target and d == target.dataset))


def interval_words(kind: str | None, level: float | None) -> str:
    """What an interval is, and at which level."""
    return f"{kind or 'interval of unstated kind'}{f' at {level:.0%}' if level else ''}"


def _risk(model: SourceModel, target: Target, overlaps: Overlaps) -> Risk:
    datasets = trained_on(model, target)
    return "known" if target.dataset in datasets else overlaps.risk(datasets, target.dataset)


def _tested(outcome: Outcome) -> tuple[Separable, str]:
    """Separability of a reported difference: by its p value, else by its interval."""
    test = f" ({outcome.correction} corrected)" if outcome.correction else ""
    if outcome.p is not None:
        return "yes" if outcome.p < 0.05 else "no", f"p {outcome.p:g}{test}"
    if outcome.p_below is not None:
        verdict: Separable = "yes" if outcome.p_below <= 0.05 else "not reported"
        return verdict, f"p below {outcome.p_below:g}{test}"
    if outcome.low is not None and outcome.high is not None:
        excludes = outcome.low > 0 or outcome.high < 0
        return "yes" if excludes else "no", f"interval {outcome.low:+.4f} to {outcome.high:+.4f}"
    return "not reported", "no interval and no test"
