"""`whence similarity` and `whence compare`: two datasets sense by sense, two to five side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kb.answers.compare import Cell, CompareAnswer
    from kb.answers.similarity import SimilarityAnswer, Stored
    from kb.knowledge.similarity import Assessed

_DATASET = "Id of an entry, file with part of an entry, or a description in words."
_STATUS = {
    "reportedNone": "reported to be none",
    "notReported": "not reported",
    "unknown": "not known",
    "notApplicable": "not applicable",
}


def similarity(
    source: Annotated[str, typer.Argument(help=_DATASET)],
    target: Annotated[str, typer.Argument(help=_DATASET)],
    facts: Annotated[bool, typer.Option(help="Say what was compared, and by which reference.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say how alike a source and a target are, sense by sense, or which fact is missing."""
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.similarity import similarity as find
    from kb.settings import read_settings

    answer = find(KnowledgeBase.open(read_settings()), source, target, files=True)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _similarity(answer, facts=facts):
        typer.echo(line)


def compare(
    datasets: Annotated[list[str], typer.Argument(help=f"Two to five. {_DATASET}")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Put two to five datasets side by side: what is known of each, and each sense of similarity between them."""
    from kb.answers.compare import compare as find
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    answer = find(KnowledgeBase.open(read_settings()), datasets, files=True)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _compare(answer):
        typer.echo(line)


def _similarity(answer: SimilarityAnswer, *, facts: bool) -> Iterator[str]:
    for role, side in (("Source", answer.source), ("Target", answer.target)):
        yield f"{role}: {side.name}{f' [{side.id}]' if side.in_catalogue else ' (described)'}"
    yield "\nComputed from what is recorded, each sense by itself:"
    width = max(len(_title(one)) for one in answer.computed)
    for one in answer.computed:
        yield f"  {_title(one):<{width}}  {_value(one)}"
        if facts:
            yield f"      {one.how}"
            yield from (f"      {text}" for text in one.compared)
            if one.refs:
                yield f"      [{', '.join(one.refs)}]"
    yield ""
    if answer.stored:
        yield "Published or rated:"
        for stored in answer.stored:
            yield from _stored(stored)
    else:
        yield "Published or rated: nothing is on file for this pair"
    yield f"Only images can give: {', '.join(answer.needs_images)}"
    yield f"data {answer.data_version}, ontology {answer.versions.ontology}, texts by {answer.versions.encoder}"


def _title(one: Assessed) -> str:
    return f"{one.sense} (containment)" if one.method == "method-containment" else one.sense


def _value(one: Assessed) -> str:
    if one.value is None:
        return f"not computable: {'; '.join(one.missing)}"
    on = f"; by {', '.join(one.attributes)}" if one.attributes else ""
    order = "" if one.symmetric else "; for this order"
    return f"{one.value:.2f}  {_range(one)}{on}{order}"


def _range(one: Assessed | Stored) -> str:
    """Range and direction of the numbers of a method."""
    low = "" if one.minimum is None else f"{one.minimum:g}"
    high = "" if one.maximum is None else f"{one.maximum:g}"
    bounds = f"{low} to {high}" if low and high else f"from {low}, unbounded" if low else "bounds not stated"
    return f"({bounds}; {one.direction.replace('-is-', ' is ').replace('-', ' ')})"


def _stored(one: Stored) -> Iterator[str]:
    spread = f" (SD {one.sd:.3f})" if one.sd is not None else ""
    shown = "" if one.usable else "; shown only, never ranked: what was compared is not stated"
    yield f"  {one.sense}  {one.value:g}{spread}  {_range(one)}{shown}"
    details = {"version": one.version, "encoder": one.encoder, "raters": one.raters}
    said = [
        f"{name} {_STATUS.get(str(value), value)}"
        for name, value in details.items()
        if value not in (None, "notApplicable")
    ]
    yield f"      {one.source} to {one.target}: {', '.join((one.basis, one.method_label, *said))}"
    if one.proxy:
        yield f"      computed on {one.proxy} in place of {one.source}"
    yield f"      {one.study}, {one.grade} [{', '.join(one.refs)}]"


def _compare(answer: CompareAnswer) -> Iterator[str]:
    width = max(map(len, answer.datasets))
    for one in answer.datasets:
        yield f"{one:<{width}}  {answer.names[one]}"
    for row in answer.facts:
        yield f"\n{row.fact}"
        yield from (f"  {cell.dataset:<{width}}  {_cell(cell)}" for cell in row.cells)
    yield "\nSimilarity, sense by sense; numbers of different senses are not comparable"
    for sense in answer.senses:
        first = sense.pairs[0].assessed
        yield f"\n{_title(first)}  {_range(first)}, {first.method.removeprefix('method-')}"
        for pair in sense.pairs:
            arrow = "and" if first.symmetric else "to"
            found = pair.assessed
            on = f"  by {', '.join(found.attributes)}" if found.attributes else ""
            value = (
                f"not computable: {'; '.join(found.missing)}"
                if found.value is None
                else f"{found.value:.2f}{on}"
            )
            yield f"  {pair.source} {arrow} {pair.target}: {value}"
    yield f"\ndata {answer.data_version}, ontology {answer.versions.ontology}, texts by {answer.versions.encoder}"


def _cell(cell: Cell) -> str:
    if not cell.values:
        return _STATUS.get(cell.status, cell.status)
    return "; ".join(cell.values)
