"""`whence outcomes`, `alignment`, `fairness`: what was measured, and what it allows to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kb.answers.alignment_answer import Example, SenseAlignment
    from kb.answers.fairness import FairnessAnswer
    from kb.answers.outcomes import OutcomesAnswer
    from kb.knowledge.agreement import Pooled
    from kb.knowledge.comparison import ComparisonGroup, MeasuredRow
    from kb.knowledge.difference import Difference, DifferenceGroup

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def outcomes(
    target: Annotated[str | None, typer.Option(help="Id of an entry transferred to.")] = None,
    source: Annotated[str | None, typer.Option(help="Id of an entry transferred from, or none.")] = None,
    study: Annotated[str | None, typer.Option(help="Id of a study.")] = None,
    as_json: Json = False,
) -> None:
    """Show measured transfers, with what their intervals and tests allow to say."""
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.outcomes import outcomes as find
    from kb.settings import read_settings

    answer = find(KnowledgeBase.open(read_settings()), target=target, source=source, study=study)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _outcomes(answer):
        typer.echo(line)


def _outcomes(answer: OutcomesAnswer) -> Iterator[str]:
    for view in answer.groups:
        yield from _group(view.group)
        yield f"   {view.statement}"
    for title, views in (("Subgroup", answer.subgroups), ("Test condition", answer.conditions)):
        for one in views:
            yield f"\n{title}: {one.of}"
            yield from _group(one.group)
            yield f"   {one.statement}"
    for title, groups in (
        ("Differences between sources", answer.differences),
        ("Gaps between subgroups", answer.gaps),
    ):
        for group in groups:
            yield f"\n{title}, as reported: {_heading(group)}"
            yield from (f"   {_difference(one)}" for one in group.differences)
    if answer.note:
        yield answer.note
        return
    yield f"\n{answer.rule}"


def _heading(group: ComparisonGroup | DifferenceGroup) -> str:
    subset = f" ({group.subset})" if group.subset else ""
    train = f", {group.train:,} training images" if group.train else ""
    how = f"{group.metric}, {group.architecture}, {', '.join(group.strategies)}{train}"
    return f"{group.target_name}{subset}: {how} [{group.study}]"


def _group(group: ComparisonGroup) -> Iterator[str]:
    yield f"\n{_heading(group)}"
    yield f"   test set: {group.test_set}; split by {group.split_unit}; budget: {group.budget}"
    yield from (_row(row) for row in group.rows)


def _row(row: MeasuredRow) -> str:
    spread = f" [{row.low:.4f}, {row.high:.4f}] {row.interval}" if row.low is not None else ""
    if row.sd is not None:
        spread = f" sd {row.sd:.4f} over {row.spread_over or 'what is not reported'}"
    runs = f", {row.runs} runs" if row.runs else ""
    runs = ", ONE RUN" if row.runs == 1 else runs
    flags = f" OVERLAP {row.overlap}" if row.overlap_path else ""
    flags = " TARGET ITSELF" if row.itself else flags
    path = f" ({'; '.join(row.overlap_path)})" if row.overlap_path else ""
    unsaid = f"; not reported: {', '.join(row.not_reported)}" if row.not_reported else ""
    return f"   {row.value:.4f}  {row.source_name}{spread}{runs}{unsaid}{flags}{path}"


def _difference(one: Difference) -> str:
    interval = f" [{one.low:+.4f}, {one.high:+.4f}] {one.interval}" if one.low is not None else ""
    what = f"{one.source} minus {one.versus}" if one.versus else ""
    what = f"{one.source}: {one.subgroup} minus {one.minus}" if one.minus else what
    flag = f" OVERLAP {one.overlap}" if one.overlap != "not-checked" else ""
    said = {"yes": "separable", "no": "not separable", "not reported": "separability not reported"}
    return f"{what} {one.value:+.4f}{interval}: {said[one.separable]} ({one.why}){flag}"


def alignment(
    sense: Annotated[str | None, typer.Option(help="One sense; all where none is given.")] = None,
    as_json: Json = False,
) -> None:
    """Is more similar better? Agreement of each similarity sense with measured outcomes, and counter-examples."""
    from kb.answers.alignment import alignment as find
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    answer = find(KnowledgeBase.open(read_settings()), sense)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for one in answer.senses:
        for line in _sense(one, whole=sense is not None):
            typer.echo(line)
    for name, why in answer.refused.items():
        typer.echo(f"{name}: refused, {why}")
    if answer.not_assessed:
        typer.echo(f"Without a value here: {', '.join(answer.not_assessed)}")
    typer.echo(answer.note)


def _sense(one: SenseAlignment, *, whole: bool) -> Iterator[str]:
    proxies = f"; {one.proxies} assessments were made on a proxy" if one.proxies else ""
    yield f"{one.key} ({one.basis}, {one.method}, {one.direction}): {_pooled(one.pooled)}: {one.statement}{proxies}"
    shown = 3 if whole else 1
    for title, examples in (
        ("more similar, yet worse", one.more_similar_yet_worse),
        ("less similar, yet better", one.less_similar_yet_better if whole else ()),
        ("more similar, and better", one.supporting if whole else ()),
    ):
        yield from (f"   {title}: {_example(example)}" for example in examples[:shown])
    if whole:
        yield f"   without sources that may hold items of the target: {_pooled(one.without_overlap)}"
        for group in one.groups:
            tau = f"tau {group.tau:+.2f}" if group.tau is not None else f"no tau, {group.why_not}"
            yield f"   {group.target}, {group.metric} [{group.study}]: {tau}, {group.n} sources"
        left = ", ".join(f"{reason} {n}" for reason, n in one.left_out.items())
        yield f"   measured rows left out: {left or 'none'}"


def _pooled(found: Pooled) -> str:
    figure = "no tau"
    if found.tau is not None:
        figure = f"tau {found.tau:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
    return f"{figure}, {found.targets} targets of {found.families} families"


def _example(example: Example) -> str:
    more, less = example.more_similar, example.less_similar
    sides = ", ".join(
        f"{one.source} (similarity {one.similarity:.3f}) {one.outcome:.4f}{' by proxy ' + one.proxy if one.proxy else ''}"
        for one in (more, less)
    )
    overlap = " OVERLAP" if {more.overlap, less.overlap} != {"not-checked"} else ""
    refs = ", ".join(dict.fromkeys((*more.refs[:1], *less.refs[:1])))
    return f"{example.target}, {example.metric}: {sides}; separable: {example.separable}{overlap} [{refs}]"


def fairness(
    target: Annotated[str, typer.Option(help="Id of an entry transferred to.")],
    as_json: Json = False,
) -> None:
    """Show subgroup outcomes and gaps by source, and what sources report of the people in them."""
    from kb.answers.fairness import fairness as find
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    answer = find(KnowledgeBase.open(read_settings()), target)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _fairness(answer):
        typer.echo(line)


def _fairness(answer: FairnessAnswer) -> Iterator[str]:
    if answer.target_people is not None:
        yield f"Target {answer.target}: {answer.target_people.statement}"
    for metric in dict.fromkeys((*(o.metric for o in answer.outcomes), *(g.metric for g in answer.gaps))):
        yield f"\n{metric}"
        for one in answer.outcomes:
            if one.metric == metric:
                interval = f" [{one.low:.3f}, {one.high:.3f}]" if one.low is not None else ""
                runs = f", {one.runs} runs" if one.runs else ", runs not reported"
                yield f"   {one.source}, {one.subgroup}: {one.value:.3f}{interval}{runs} [{one.study}]"
        for gap in answer.gaps:
            if gap.metric == metric:
                zero = {True: "excludes 0", False: "includes 0", None: "no interval"}[gap.excludes_zero]
                yield f"   gap {_difference(gap.gap)}; interval {zero}"
    yield "\nSources, and what is reported of the people in them"
    yield from (f"   {people.name} [{people.dataset}]: {people.statement}" for people in answer.sources)
    if answer.without_subgroups:
        yield f"   measured on the target without subgroups: {', '.join(answer.without_subgroups)}"
    yield answer.note
