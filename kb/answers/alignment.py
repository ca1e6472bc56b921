"""Is more similar better? Per sense, how similarity and measured outcome agree in order, and what speaks against it.

Agreement is Kendall's tau-b inside a comparison group, averaged over the groups of a target and then over targets. A
source enters by one dataset with an entry: pools, training from scratch and the target itself are counted as left out.
Senses, and ways of assessing one, are never put together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from statistics import fmean, pstdev
from typing import NamedTuple

from kb.answers.alignment_answer import AlignmentAnswer, Example, GroupAlignment, Point, SenseAlignment
from kb.answers.alignment_senses import Way, ways_of
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.outcomes import groups_of, studies_of
from kb.answers.reference_pages import read_terms
from kb.answers.similarity import UNSPECIFIED
from kb.errors import InvalidInput, NotFound
from kb.knowledge.agreement import LEAST_SOURCES, LEAST_TARGETS, Pooled, pooled, rank_agreement
from kb.knowledge.comparison import ComparisonGroup, MeasuredRow
from kb.knowledge.predictor_evidence import groups as families_of
from kb.knowledge.study import FROM_SCRATCH
from kb.knowledge.suggestions import did_you_mean

_SHOWN = 3
#: Families below which a bootstrap over them says too little of how they vary.
_FEW = 6
REFUSED = (
    "its authors do not say in which sense they compared: the numbers are shown with the pair and never ranked, "
    "combined or used to predict"
)
NOTE = (
    "What these studies show, not a law: few targets, sources chosen by the authors, and several senses looked at, so "
    "that about one interval in twenty excludes 0 by chance. A similarity is no measure of transfer."
)


class _Aligned(NamedTuple):
    """A comparison group with what a sense says of its sources."""

    group: ComparisonGroup
    points: tuple[Point, ...]
    record: GroupAlignment


def alignment(base: KnowledgeBase, sense: str | None = None) -> AlignmentAnswer:
    """How similarity and outcome agree, for one sense or for all.

    Raises `NotFound` for what is no sense, with those that are; `InvalidInput` for a sense that is never ranked.
    """
    asked = None if sense is None else sense.strip()
    if asked == UNSPECIFIED:
        raise InvalidInput(f"{UNSPECIFIED} is never ranked: {REFUSED}", field="sense")
    terms = read_terms(base).terms
    storable = {one.name for one in terms if one.sense is not None and one.sense.storable} - {UNSPECIFIED}
    ways = ways_of(base)
    assessed = {name for way in ways for name in (way.key, way.sense)}
    if asked is not None and asked not in assessed | storable:
        near = did_you_mean(asked, assessed)
        listed = f"the senses are {', '.join(sorted(storable))}"
        raise NotFound(f"no sense {asked!r}", hint=f"{near} {listed}" if near else listed, field="sense")
    chosen = [way for way in ways if asked in (None, way.key, way.sense)]
    families = families_of(base.evidence.rows)
    lacking = storable - assessed
    stored = {rating.sense for study in studies_of(base) for rating in study.ratings}
    return AlignmentAnswer(
        senses=tuple(_sense(base, way, families) for way in chosen),
        refused={UNSPECIFIED: REFUSED} if asked is None and UNSPECIFIED in stored else {},
        not_assessed=tuple(sorted(lacking if asked is None else lacking & {asked})),
        note=NOTE if chosen else f"No value of {asked} is on file, and none can be computed without images.",
    )


def _sense(base: KnowledgeBase, way: Way, families: Sequence[frozenset[str]]) -> SenseAlignment:
    whole = [group for group in groups_of(base) if group.subgroup is None and group.condition is None]
    found = [_aligned(group, way) for group in whole if len(group.rows) > 1]
    found = [one for one in found if one.points]
    all_, apart = (pooled(_by_target(found, name), families) for name in ("tau", "tau_without_overlap"))
    against, support = _examples(found, way)
    worse = _spread(against, lambda one: one.more_similar, ())
    return SenseAlignment(
        sense=way.sense,
        key=way.key,
        label=way.label,
        basis=way.basis,
        method=way.method,
        assessed_by=way.by,
        version=way.version,
        direction="higher-is-more-similar" if way.higher else "lower-is-more-similar",
        pooled=all_,
        without_overlap=apart,
        statement=_statement(all_, apart),
        proxies=len({(p.source, p.target) for one in found for p in one.points if p.proxy}),
        left_out=dict(sum((Counter(one.record.left_out) for one in found), Counter())),
        groups=tuple(one.record for one in found),
        points=tuple(point for one in found for point in one.points),
        more_similar_yet_worse=worse,
        less_similar_yet_better=_spread(against, lambda one: one.less_similar, worse),
        supporting=_spread(support, lambda one: one.more_similar, ()),
    )


def _aligned(group: ComparisonGroup, way: Way) -> _Aligned:
    points, left_out = [], Counter[str]()
    for row in group.rows:
        point, reason = _point(group, row, way)
        if point is None:
            left_out[reason] += 1
        else:
            points.append(point)
    datasets = _datasets(group, points)
    tau = _tau(group, way, points)
    why_not = None
    if tau is None:
        why_not = (
            f"{datasets} datasets, {LEAST_SOURCES} needed"
            if datasets < LEAST_SOURCES
            else "all sources are equally similar, or all did equally well"
        )
    separate = [point for point in points if point.overlap == "not-checked"]
    return _Aligned(
        group,
        tuple(points),
        GroupAlignment(
            group=group.id,
            study=group.study,
            target=group.target_key,
            metric=group.metric,
            higher_is_better=group.higher_is_better,
            n=len(points),
            datasets=datasets,
            tau=tau,
            tau_without_overlap=_tau(group, way, separate),
            why_not=why_not,
            left_out=dict(left_out),
        ),
    )


def _point(group: ComparisonGroup, row: MeasuredRow, way: Way) -> tuple[Point | None, str]:
    """The point of a row, or why it has none."""
    target = group.target
    if target is None or (reason := _excluded(row)):
        return None, "target without an entry" if target is None else reason
    found = way.of(row.datasets[0], target)
    if found is None:
        return None, "no value of this sense"
    point = Point(
        source=row.source_id,
        target=target,
        group=group.id,
        similarity=found.value,
        outcome=row.value,
        outcome_id=row.id,
        proxy=found.proxy,
        overlap=row.overlap,
        refs=tuple(dict.fromkeys((*row.refs, *found.refs))),
    )
    return point, ""


def _excluded(row: MeasuredRow) -> str:
    """Why a source has no similarity to the target that would say anything; empty where it has."""
    if row.source == FROM_SCRATCH:
        return "trained from scratch"
    if not row.datasets:
        return "source without an entry"
    if len(row.datasets) > 1:
        return "several datasets in one source"
    return "the target itself" if row.itself else ""


def _datasets(group: ComparisonGroup, points: Iterable[Point]) -> int:
    """Different datasets among the sources: two networks of one dataset are equally similar to anything."""
    of = {row.id: row.datasets for row in group.rows}
    return len({of[point.outcome_id] for point in points})


def _tau(group: ComparisonGroup, way: Way, points: Sequence[Point]) -> float | None:
    if _datasets(group, points) < LEAST_SOURCES:
        return None
    sign = 1 if way.higher == group.higher_is_better else -1
    tau = rank_agreement([point.similarity for point in points], [point.outcome for point in points])
    return None if tau is None else sign * tau


def _by_target(found: Iterable[_Aligned], name: str) -> dict[str, float]:
    """Mean over the groups of each target, so that a target measured twice counts once."""
    taus: dict[str, list[float]] = {}
    for one in found:
        if (tau := getattr(one.record, name)) is not None:
            taus.setdefault(one.record.target, []).append(tau)
    return {target: fmean(of) for target, of in taus.items()}


def _statement(found: Pooled, apart: Pooled) -> str:
    """What the agreement shows, and what makes it doubtful."""
    if found.tau is None:
        return (
            f"not enough: {found.targets} targets of {found.families} families have an order of {LEAST_SOURCES} or more "
            f"datasets, {LEAST_TARGETS} families are needed"
        )
    parts = [f"{found.verdict}, on average over targets"]
    if found.verdict not in ("no clear agreement", apart.verdict):
        parts.append(f"without sources that may hold items of the target: {apart.verdict}")
    if found.families < _FEW:
        parts.append(f"an interval over {found.families} families is narrower than it should be")
    return "; ".join(parts)


Ranked = list[tuple[tuple[bool, float], Example]]


def _examples(found: Iterable[_Aligned], way: Way) -> tuple[Ranked, Ranked]:
    """Pairs against and for the claim, tested differences first, then by the product of both gaps in spreads.

    A pair without clear difference in outcome is an example of nothing.
    """
    against: Ranked = []
    support: Ranked = []
    for one in found:
        group, rows = one.group, {row.id: row for row in one.group.rows}
        spread = pstdev([p.outcome for p in one.points]) or 1.0
        wide = pstdev([p.similarity for p in one.points]) or 1.0
        for first, second in combinations(one.points, 2):
            if first.similarity == second.similarity or first.outcome == second.outcome:
                continue
            more, less = first, second
            if (first.similarity > second.similarity) != way.higher:
                more, less = second, first
            separable, why = group.separable(rows[more.outcome_id], rows[less.outcome_id])
            if separable == "no":
                continue
            gaps = abs(more.similarity - less.similarity) / wide * abs(more.outcome - less.outcome) / spread
            example = Example(
                group=group.id,
                target=group.target_key,
                metric=group.metric,
                more_similar=more,
                less_similar=less,
                separable=separable,
                why=why,
            )
            better = (more.outcome > less.outcome) == group.higher_is_better
            (support if better else against).append(((separable == "yes", gaps), example))
    return against, support


def _spread(
    ranked: Ranked, side: Callable[[Example], Point], shown: Sequence[Example]
) -> tuple[Example, ...]:
    """The strongest that differ in the source looked at; none of those shown already."""
    chosen: list[Example] = []
    for _, example in _strongest(ranked):
        if (
            len(chosen) < _SHOWN
            and example not in shown
            and side(example).source not in _sources(chosen, side)
        ):
            chosen.append(example)
    return tuple(chosen)


def _sources(examples: Iterable[Example], side: Callable[[Example], Point]) -> Iterator[str]:
    return (side(example).source for example in examples)


def _strongest(ranked: Ranked) -> Ranked:
    return sorted(ranked, key=lambda item: (not item[0][0], -item[0][1], item[1].group))
