"""`whence resolve` and `whence annotate`: which sense of similarity a phrase has, and what to ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from kb.answers.resolve import ExpressionAnswer


def resolve(
    phrase: Annotated[
        str | None, typer.Argument(help="Phrase, sentence or paragraph; - reads standard input.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="What stands around it; decides between senses.")
    ] = None,
    batch: Annotated[
        Path | None, typer.Option(help="JSON lines with id, phrase, context; needs --out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON lines that answer --batch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say what a phrase of likeness may mean, and which question would settle it."""
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.resolve import resolve as find
    from kb.answers.resolve import resolve_batch
    from kb.settings import read_settings

    base = KnowledgeBase.open(read_settings())
    if batch is not None:
        if out is None or phrase is not None:
            raise InvalidInput(
                "--batch needs --out and no phrase", hint="whence resolve --batch in.jsonl --out out.jsonl"
            )
        typer.echo(f"{resolve_batch(base, batch, out)} texts resolved into {out}")
        return
    if phrase is None:
        raise InvalidInput("nothing to resolve", field="phrase", hint='whence resolve "visually similar"')
    answer = find(base, sys.stdin.read() if phrase == "-" else phrase, context)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    if not answer.expressions:
        typer.echo("No expression of likeness between data was found.")
    for expression in answer.expressions:
        for line in _lines(expression):
            typer.echo(line)


def annotate(
    file: Annotated[Path, typer.Argument(help="Text or Markdown.")],
    rewrite: Annotated[bool, typer.Option(help="Propose precise wordings.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
) -> None:
    """Write a text with each expression of likeness marked, and a table of the senses it may have."""
    from kb.answers.annotate import annotated, expressions_of
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"can't read {file}: {error}") from error
    if out is not None and out.resolve() == file.resolve():
        raise InvalidInput("--out is the file itself", field="--out", hint="name another file")
    base = KnowledgeBase.open(read_settings())
    made = annotated(text, expressions_of(base, text), rewrite=rewrite)
    if out is None:
        typer.echo(made, nl=False)
        return
    try:
        out.write_text(made, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"can't write {out}: {error}", field="--out") from error


def _lines(expression: ExpressionAnswer) -> Iterator[str]:
    denied = ", denied" if expression.negated else ""
    yield f'"{expression.text}" (characters {expression.start} to {expression.end}{denied})'
    for reading in expression.senses:
        yield f"  {reading.confidence:4.0%}  {reading.name}: {reading.definition}"
        if reading.compared:
            rests = f"; rests on {', '.join(reading.bases)}" if reading.bases else ""
            yield f"        compares {reading.compared}{rests}"
        if reading.methods:
            yield f"        could be assessed by {', '.join(reading.methods)}"
        if reading.because:
            yield f"        because of {', '.join(reading.because)}"
    yield f"  ask: {expression.question}" if expression.question else "  settled: nothing has to be asked"
