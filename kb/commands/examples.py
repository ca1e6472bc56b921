"""`whence examples`: queries to learn the endpoint from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import InvalidInput


def examples(
    example_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of an example: its text; none: the list.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Markdown file to write, with the first rows of each answer.")
    ] = None,
) -> None:
    """List the example queries by the question they answer, or print one: whence examples ID | whence sparql -."""
    from kb.answers.example_queries import GROUPS, as_file, example
    from kb.answers.example_queries import examples as read
    from kb.settings import read_settings

    settings = read_settings()
    if write is not None:
        if example_id is not None:
            raise InvalidInput("--write is for all examples", field="ID", hint="leave the id out")
        _write(write)
        return
    if example_id is not None:
        one = example(settings, example_id)
        typer.echo(one.model_dump_json(indent=2) if as_json else as_file(one).rstrip())
        return
    found = read(settings)
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found], indent=2, ensure_ascii=False))
        return
    for group, title in GROUPS.items():
        typer.echo(f"{title}")
        for one in found:
            if one.group == group:
                typer.echo(f"  {one.id}\n      {one.question}")


def _write(path: Path) -> None:
    from kb.answers.example_queries import as_markdown, examples, first_rows
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.sparql import open_pool
    from kb.settings import read_settings

    settings = read_settings()
    version = KnowledgeBase.open(settings).manifest.data_version
    pool = open_pool(settings)
    try:
        found = [(one, first_rows(pool, one, most=3)) for one in examples(settings)]
    finally:
        pool.close()
    try:
        path.write_text(as_markdown(found, version), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"can't write {path}: {error}", field="--write") from error
    typer.echo(f"{path}: {len(found)} examples, data {version}")
