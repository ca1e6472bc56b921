"""`whence candidates`: from which dataset should I transfer, for one target or for many from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import InvalidInput

if TYPE_CHECKING:
    from kb.answers.candidate_answer import Candidate, CandidatesAnswer

_SHOWN = (
    "ModalityConceptSimilarity", "AnatomyConceptSimilarity", "PathologyConceptSimilarity", "TaskFormulationSimilarity",
    "LabelSpaceSimilarity", "ColourChannelMatch", "DimensionalityMatch",
)  # fmt: skip


def candidates(
    target: Annotated[
        str | None,
        typer.Option(help="Id of an entry, file with part of an entry, or a description in words."),
    ] = None,
    sources: Annotated[list[str] | None, typer.Option(help="Only these sources; none: from scratch.")] = None,
    must: Annotated[
        list[str] | None,
        typer.Option(help="Condition on sources, such as licence=commercial or items>=10000."),
    ] = None,
    architecture: Annotated[str | None, typer.Option(help="Show weights of this architecture only.")] = None,
    strategy: Annotated[str | None, typer.Option(help="How you will transfer; recorded.")] = None,
    metric: Annotated[str, typer.Option(help="Metric of the expected outcome.")] = "auroc",
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="Study, target, or `family`: predict without it as well, for evaluation."),
    ] = None,
    composite: Annotated[
        list[str] | None, typer.Option(help="SENSE=WEIGHT: an order by weighted senses beside the table.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many sources to show beside the baselines.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    batch: Annotated[
        Path | None, typer.Option(help="JSON lines with id, target, sources; needs --out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON lines with rankings, for --batch.")] = None,
) -> None:
    """Show source candidates for a target: evidence, each similarity sense, predictions, rights, overlap."""
    from kb.answers.candidates import Wanted
    from kb.answers.candidates import candidates as find
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.target import target_of
    from kb.knowledge.requirement import requirement
    from kb.settings import read_settings

    base = KnowledgeBase.open(read_settings())
    if batch is not None:
        from kb.answers.candidates_batch import candidates_batch

        if out is None or target is not None:
            raise InvalidInput("--batch needs --out and no --target", hint="--batch in.jsonl --out out.jsonl")
        typer.echo(f"{candidates_batch(base, batch, out)} targets answered in {out}", err=True)
        return
    if target is None:
        raise InvalidInput("no target given", field="--target", hint="whence candidates --target chexpert")
    wanted = Wanted(
        sources=tuple(sources or ()),
        must=tuple(requirement(text, base.vocabulary) for text in must or ()),
        leave_out=tuple(leave_out or ()),
        architecture=architecture,
        strategy=strategy,
        metric=metric,
        limit=limit,
        composite=dict(map(_weight, composite or ())),
    )
    answer = find(base, target_of(base, target), wanted)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _lines(answer):
        typer.echo(line)


def _weight(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise InvalidInput(f"expected SENSE=WEIGHT, found {text!r}", field="--composite") from None


def _lines(answer: CandidatesAnswer) -> Iterator[str]:
    target = answer.target
    stated = "; ".join(f"{facet} {', '.join(values)}" for facet, values in target.stated.items())
    yield f"Target: {target.name}{f' [{target.id}]' if target.id else ''}: {stated or 'nothing stated'}"
    if target.not_understood:
        yield f"Not understood: {', '.join(target.not_understood)}"
    yield f"Predicted without the outcomes on: {', '.join(target.left_out) or 'none; it is not on file'}"
    for kept in answer.conditions:
        yield f"Condition {kept.condition}: kept out {kept.fails:,}; not known for {kept.unknown:,}, which stay"
    group = 0
    for one in answer.candidates:
        if one.group != group:
            group = one.group
            yield f"\nGroup {group} (no clear difference inside it)"
        yield from _candidate(one)
        if answer.architecture:
            for file in one.weights:
                licence = file.licence or "licence not stated"
                yield f"     weights {file.architecture}: {file.url} ({licence}; input: {file.input})"
    if answer.composite:
        weights = " + ".join(f"{weight:g} x {name}" for name, weight in answer.composite.weights.items())
        yield f"\nCompositeRanking, as asked for: {weights}"
        for row in answer.composite.rows:
            parts = ", ".join(f"{name} {value:.2f}" for name, value in row.parts.items())
            yield f"   {row.value:.3f}  {row.source}  ({parts})"
    yield ""
    yield from (f"Note: {note}" for note in answer.notes)
    yield f"{answer.considered:,} sources considered, data {answer.data_version}"


def _candidate(one: Candidate) -> Iterator[str]:
    flag = " OVERLAP" if one.overlap.warning else ""
    yield f"  {one.name}  [{one.source}]{' baseline' if one.baseline else ''}{flag}"
    expected = one.predicted
    text = f"{expected.score:+.2f} [{expected.low:+.2f}, {expected.high:+.2f}] standard units"
    if expected.outcome:
        middle, low, high = expected.outcome
        text += f", {expected.metric} {middle:.3f} [{low:.3f}, {high:.3f}]"
    yield f"     predicted {text}: {expected.basis}"
    for title, rows in (
        ("measured", one.measured),
        ("measured on a target like it", one.measured_elsewhere[:2]),
    ):
        for row in rows:
            interval = f" [{row.low:.4f}, {row.high:.4f}]" if row.low is not None else ""
            behind = "highest in this report" if row.place == 1 else {"yes": "clearly behind the best", "no": "no clear difference to the best", "not reported": "difference to the best not tested"}[row.clearly_behind]  # fmt: skip
            on = "" if title == "measured" else f" {row.target}:"
            yield f"     {title}:{on} {row.metric} {row.value:.4f}{interval}, {row.place} of {row.of}, {behind} ({row.study})"
    senses = [
        f"{sense} {found.value:.2f}"
        for sense in _SHOWN
        if (found := one.similarities.get(sense)) is not None and found.value is not None
    ]
    if senses:
        yield f"     {', '.join(senses)}"
    if one.overlap.warning:
        yield f"     {one.overlap.warning}: {'; '.join(one.overlap.path) or 'itself'}"
    for mark, leaning in (("+", "for"), ("-", "against"), ("?", "open")):
        for factor in one.factors:
            if factor.leaning == leaning and factor.factor not in (
                "factor-evidence",
                "factor-split-and-version-integrity",
            ):
                yield f"     {mark} {factor.statement}"
