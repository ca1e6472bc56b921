"""Measured transfers in view: by target, source or study, inside their comparison groups, subgroup gaps apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput, NotFound
from kb.knowledge.comparison import ERRORS, ComparisonGroup, MeasuredRow
from kb.knowledge.difference import DifferenceGroup, Separable, difference_groups
from kb.knowledge.study import FROM_SCRATCH, Study
from kb.knowledge.suggestions import did_you_mean

#: How two rows are told apart, as every answer says it.
RULE = (
    "Separable: by the reported test or interval of the difference; else where two values lie more than "
    f"{ERRORS:g} standard errors of their difference apart (from their intervals, or spread over runs); "
    "else not reported. Values of different groups do not compare."
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Pair(_Answer):
    """Two sources of one group, the better figure first, and whether the difference is more than noise."""

    one: str
    other: str
    separable: Separable
    why: str


class GroupView(_Answer):
    """A comparison group with what its figures allow to say."""

    group: ComparisonGroup
    leading: tuple[str, ...] = Field(description="Sources of which the best is not known to be better.")
    one_run: bool = Field(description="Some value is of one run only.")
    pairs: tuple[Pair, ...] = Field(description="Pairs with a verdict; for all others none is reported.")
    not_reported: int = Field(description="Pairs of which nobody can say whether they differ.")
    statement: str


class SubgroupView(_Answer):
    """Outcomes of one subgroup of people, or under a changed test condition."""

    of: str
    group: ComparisonGroup
    pairs: tuple[Pair, ...]
    statement: str


class OutcomesAnswer(_Answer):
    """What was measured. Values of different groups do not compare."""

    target: str | None
    source: str | None
    study: str | None
    groups: tuple[GroupView, ...]
    subgroups: tuple[SubgroupView, ...] = Field(description="By subgroup of people.")
    conditions: tuple[SubgroupView, ...] = Field(description="Under changed conditions of the test.")
    differences: tuple[DifferenceGroup, ...] = Field(description="Reported differences between sources.")
    gaps: tuple[DifferenceGroup, ...] = Field(description="Reported differences between subgroups.")
    rule: str = RULE
    note: str | None = None


def studies_of(base: KnowledgeBase) -> list[Study]:
    """All studies."""
    return base.evidence.studies


def groups_of(base: KnowledgeBase) -> list[ComparisonGroup]:
    """All comparison groups."""
    return base.evidence.groups


@lru_cache(maxsize=2)
def differences_of(base: KnowledgeBase) -> tuple[DifferenceGroup, ...]:
    """All reported differences, those of studies without absolute figures among them."""
    return tuple(difference_groups(studies_of(base), base.entries, base.evidence.overlaps))


def outcomes(
    base: KnowledgeBase, *, target: str | None = None, source: str | None = None, study: str | None = None
) -> OutcomesAnswer:
    """Comparison groups and differences that concern a target, a source, a study, or all of them.

    Raises `NotFound` with near names for one that neither the catalogue nor the evidence knows.
    """
    target, source, study = (name.strip() if name is not None else None for name in (target, source, study))
    _check(base, target, source, study)
    chosen = [
        group
        for group in groups_of(base)
        if (target is None or group.target_key == target)
        and (study is None or group.study == study)
        and (source is None or any(_is(row, source) for row in group.rows))
    ]
    compared = [
        kept
        for group in differences_of(base)
        if (target is None or group.target_key == target)
        and (study is None or group.study == study)
        and (kept := _of_source(group, source)).differences
    ]
    return OutcomesAnswer(
        target=target,
        source=source,
        study=study,
        groups=tuple(_view(g) for g in chosen if g.subgroup is None and g.condition is None),
        subgroups=tuple(_part(g, g.subgroup) for g in chosen if g.subgroup is not None),
        conditions=tuple(
            _part(g, g.condition) for g in chosen if g.condition is not None and g.subgroup is None
        ),
        differences=tuple(_only(compared, between_subgroups=False)),
        gaps=tuple(_only(compared, between_subgroups=True)),
        note=None if chosen or compared else _nothing(base),
    )


def _check(base: KnowledgeBase, target: str | None, source: str | None, study: str | None) -> None:
    """What is asked for is an entry, or a name that the studies use."""
    groups, differences = groups_of(base), differences_of(base)
    measured = {one.target_key for one in groups} | {one.target_key for one in differences}
    sources = {row.source_id for group in groups for row in group.rows}
    sources |= {row.source for group in groups for row in group.rows} | {FROM_SCRATCH}
    for kind, name, known in (("target", target, measured), ("source", source, sources)):
        if name == "":
            raise InvalidInput("nothing given", field=kind, hint="leave it out to see all")
        if name is not None and name not in known and name not in base.entries:
            near = did_you_mean(name.lower(), known) or did_you_mean(name.lower(), base.entries)
            raise NotFound(f"no dataset with the id {name!r}", hint=near, field=kind)
    ids = [one.id for one in studies_of(base)]
    if study is not None and study not in ids:
        raise NotFound(
            f"no study {study!r}",
            hint=did_you_mean(study.lower(), ids) or f"one of {', '.join(ids)}",
            field="study",
        )


def _is(row: MeasuredRow, source: str) -> bool:
    return source in (row.source_id, row.source) or source in row.datasets


def _of_source(group: DifferenceGroup, source: str | None) -> DifferenceGroup:
    """The group with the differences that have this source on either side."""
    if source is None:
        return group
    kept = tuple(
        one
        for one in group.differences
        if source in (one.source, one.versus, one.source_id, one.versus_id, *one.datasets)
    )
    return group.model_copy(update={"differences": kept})


def _only(groups: list[DifferenceGroup], *, between_subgroups: bool) -> Iterator[DifferenceGroup]:
    for group in groups:
        kept = tuple(one for one in group.differences if (one.minus is not None) == between_subgroups)
        if kept:
            yield group.model_copy(update={"differences": kept})


def _view(group: ComparisonGroup) -> GroupView:
    pairs = tuple(_pairs(group))
    return GroupView(
        group=group,
        leading=group.leading,
        one_run=any(row.runs == 1 for row in group.rows),
        pairs=pairs,
        not_reported=len(group.rows) * (len(group.rows) - 1) // 2 - len(pairs),
        statement=statement(group),
    )


def _part(group: ComparisonGroup, of: str | None) -> SubgroupView:
    return SubgroupView(of=of or "", group=group, pairs=tuple(_pairs(group)), statement=statement(group))


def _pairs(group: ComparisonGroup) -> Iterator[Pair]:
    for one, other in combinations(group.rows, 2):
        separable, why = group.separable(one, other)
        if separable != "not reported":
            yield Pair(one=one.source, other=other.source, separable=separable, why=why)


def _nothing(base: KnowledgeBase) -> str:
    groups, differences = groups_of(base), differences_of(base)
    targets = sorted({one.target_key for one in groups} | {one.target_key for one in differences})
    studies = sorted({one.id for one in studies_of(base)})
    return (
        "Nothing on file was measured there, which is not that it was never tried. "
        f"Targets on file: {', '.join(targets)}. Studies: {', '.join(studies)}."
    )


def statement(group: ComparisonGroup) -> str:
    """What a group shows, in one sentence that claims no more than its intervals and tests do."""
    best = group.rows[0]
    if len(group.rows) == 1:
        return f"Only {best.source_name} was measured; there is nothing to compare it with."
    verdicts = [(row, group.separable(best, row)[0]) for row in group.rows[1:]]
    behind = [row.source_name for row, found in verdicts if found == "yes"]
    level = [row.source_name for row, found in verdicts if found == "no"]
    open_ = len(verdicts) - len(behind) - len(level)
    parts = [f"{best.source_name} is {'highest' if group.higher_is_better else 'lowest'} in this report"]
    if behind:
        parts.append(f"separable from {', '.join(behind)}")
    if level:
        parts.append(f"no clear difference to {', '.join(level)}")
    if open_:
        parts.append(f"not known whether separable from {open_} other{'s' if open_ > 1 else ''}")
    return "; ".join(parts) + "."
