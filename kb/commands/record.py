"""`whence record`: write down what was chosen, over what, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kb.errors import InvalidInput


def record(
    target: Annotated[str, typer.Option(help="Id of an entry, file with part of one, or a description.")],
    choice: Annotated[str, typer.Option(help="The source that was chosen; none: from scratch.")],
    because: Annotated[str, typer.Option(help="Why, in your words.")],
    sense: Annotated[
        list[str] | None, typer.Option(help="Sense of similarity that the reason rests on.")
    ] = None,
    must: Annotated[list[str] | None, typer.Option(help="Condition that sources had to meet.")] = None,
    sources: Annotated[list[str] | None, typer.Option(help="Only these were considered.")] = None,
    form: Annotated[str, typer.Option("--format", help="markdown, latex, bibtex or json-ld.")] = "markdown",
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
) -> None:
    """Write the record of a choice: a paragraph, the table at this data version, and everything cited."""
    from kb.answers.candidates import Wanted
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.selection_record import FORMATS, selection_record
    from kb.answers.target import target_of
    from kb.knowledge.requirement import requirement
    from kb.settings import read_settings

    if form not in FORMATS:
        raise InvalidInput(f"unknown format {form!r}", field="--format", hint=f"one of {', '.join(FORMATS)}")
    base = KnowledgeBase.open(read_settings())
    wanted = Wanted(
        sources=tuple(sources or ()), must=tuple(requirement(text, base.vocabulary) for text in must or ())
    )
    made = selection_record(
        base, target_of(base, target), choice, because, senses=tuple(sense or ()), wanted=wanted
    )
    for one in made.wordings:
        senses = ", ".join(reading.name for reading in one.senses)
        typer.echo(f'the reason says "{one.text}". {one.question} Answer by --sense: {senses}', err=True)
    text = FORMATS[form](made)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"can't write {out}: {error}", field="--out") from error
