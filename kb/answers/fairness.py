"""Effects on people: gaps between subgroups by source for a target, and what sources report of the people in them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.candidate_factors import population_of
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.outcomes import OutcomesAnswer, outcomes
from kb.knowledge.difference import Difference
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FieldStatus

_WORDS: tuple[tuple[FieldStatus, str], ...] = (
    ("reported", "reported"), ("reportedNone", "reported to be none"), ("notReported", "not reported"),
    ("unknown", "not known whether reported"), ("notApplicable", "not applicable"),
)  # fmt: skip
#: Attributes by which effects on people are told apart; a country alone tells nothing of who was imaged.
_PERSONAL = ("sex", "age", "ethnicity", "skin-tone")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SubgroupOutcome(_Answer):
    """One source on one subgroup."""

    source: str
    subgroup: str
    metric: str
    value: float
    low: float | None
    high: float | None
    interval: str | None
    sd: float | None
    runs: int | None
    study: str
    subset: str | None
    test_set: str
    train: int | None
    refs: tuple[str, ...]


class SubgroupGap(_Answer):
    """A reported gap between two subgroups, for one source."""

    source: str
    metric: str
    study: str
    subset: str | None
    train: int | None
    runs: int | None
    gap: Difference
    excludes_zero: bool | None = Field(description="None: no interval reported.")


class Reporting(_Answer):
    """What is said of one attribute of people."""

    status: FieldStatus
    said: tuple[str, ...] = Field(description="As stated; of photographs it tells of people shown.")
    refs: tuple[str, ...]


class People(_Answer):
    """What is reported of the people in a dataset."""

    dataset: str
    name: str
    medical: bool
    attributes: dict[str, Reporting]
    statement: str


class FairnessAnswer(_Answer):
    """Subgroup evidence and population reporting; silence is said as silence."""

    target: str
    target_people: People | None = Field(description="None: the target has no entry.")
    outcomes: tuple[SubgroupOutcome, ...]
    gaps: tuple[SubgroupGap, ...]
    sources: tuple[People, ...] = Field(description="Datasets that were transferred to the target.")
    without_subgroups: tuple[str, ...] = Field(
        description="Sources measured on the target without any subgroup outcome."
    )
    note: str


def fairness(base: KnowledgeBase, target: str) -> FairnessAnswer:
    """What is known of effects on people when transferring to a target.

    Raises `NotFound` with near ids.
    """
    found = outcomes(base, target=target)
    rows = [row for view in found.groups for row in view.group.rows]
    rows += [row for view in found.subgroups for row in view.group.rows]
    datasets = [dataset for row in rows for dataset in row.datasets]
    datasets += [d for group in found.differences for one in group.differences for d in one.datasets]
    measured = [row.source_id for row in rows]
    measured += [d.source_id for group in found.differences for d in group.differences]
    measured += [d.versus_id for group in found.differences for d in group.differences if d.versus_id]
    by_group = tuple(_outcomes(found))
    with_groups = {one.source for one in by_group}
    gaps = tuple(_gaps(found))
    entry = base.entries.get(found.target or "")
    others = [d for d in dict.fromkeys(datasets) if d != found.target]
    return FairnessAnswer(
        target=found.target or target,
        target_people=people_of(entry) if entry else None,
        outcomes=by_group,
        gaps=gaps,
        sources=tuple(people_of(base.entries[dataset]) for dataset in others),
        without_subgroups=tuple(dict.fromkeys(name for name in measured if name not in with_groups)),
        note=_note(found, by_group, gaps),
    )


def _outcomes(found: OutcomesAnswer) -> Iterator[SubgroupOutcome]:
    for view in found.subgroups:
        group = view.group
        for row in group.rows:
            yield SubgroupOutcome(
                source=row.source_id,
                subgroup=group.subgroup or "",
                metric=group.metric,
                value=row.value,
                low=row.low,
                high=row.high,
                interval=row.interval,
                sd=row.sd,
                runs=row.runs,
                study=group.study,
                subset=group.subset,
                test_set=group.test_set,
                train=group.train,
                refs=row.refs,
            )


def _gaps(found: OutcomesAnswer) -> Iterator[SubgroupGap]:
    for group in found.gaps:
        for gap in group.differences:
            yield SubgroupGap(
                source=gap.source_id,
                metric=group.metric,
                study=group.study,
                subset=group.subset,
                train=group.train,
                runs=group.runs,
                gap=gap,
                excludes_zero=gap.excludes_zero,
            )


def _note(found: OutcomesAnswer, measured: tuple[SubgroupOutcome, ...], gaps: tuple[SubgroupGap, ...]) -> str:
    if found.note is not None:
        return found.note
    if not measured and not gaps:
        return (
            "No subgroup outcome on this target is on file: how fair its transfers are is not known, "
            "which is not that they are fair."
        )
    clear = sum(gap.excludes_zero is True for gap in gaps)
    return (
        f"{clear} of {len(gaps)} reported gaps have an interval that excludes 0. An interval that includes 0 does not "
        "show that a gap is absent; of several gaps looked at, some exclude 0 by chance."
    )


def people_of(entry: DatasetEntry) -> People:
    """What an entry reports of the people in it; photographs of things have no patients."""
    medical = entry.domain == "medical"
    attributes = {}
    for name, status in population_of(entry).items():
        said = [(_share(p.group, p.n, p.percent), p.refs) for p in entry.population if p.attribute == name]
        said += [(fact.value, fact.refs) for fact in entry.facts if fact.attribute == name]
        notes = [n.refs for n in entry.field_status if f"population.{name}" in n.fields and not said]
        refs = tuple(dict.fromkeys(ref for some in (*(r for _, r in said), *notes) for ref in some))
        attributes[name] = Reporting(
            status=status if medical else "notApplicable",
            said=tuple(dict.fromkeys(text for text, _ in said)),
            refs=refs,
        )
    return People(
        dataset=entry.id,
        name=entry.name,
        medical=medical,
        attributes=attributes,
        statement=_statement(attributes, medical=medical),
    )


def _share(group: str, n: int | None, percent: float | None) -> str:
    figures = [f"{n:,}" if n is not None else "", f"{percent:g} %" if percent is not None else ""]
    return f"{group} {', '.join(figure for figure in figures if figure)}"


def _statement(attributes: dict[str, Reporting], *, medical: bool) -> str:
    if not medical:
        shown = [name for name, one in attributes.items() if one.said]
        of_shown = f" ({', '.join(shown)} of the people in them is on file)" if shown else ""
        return f"no medical images: attributes of patients are not applicable, which is not the same as balanced{of_shown}"
    parts = [
        f"{words}: {', '.join(names)}"
        for status, words in _WORDS
        if (names := [name for name, one in attributes.items() if one.status == status])
    ]
    text = "; ".join(parts)
    if all(attributes[name].status != "reported" for name in _PERSONAL if name in attributes):
        text += "; no population reporting on sex, age, ethnicity or skin tone is on file, so nothing is known of whom it represents"
    return text
