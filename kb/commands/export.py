"""`whence export` and `whence export-entry`: the catalogue, or one entry of it, in formats that others read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import InvalidInput


def export(
    form: Annotated[str, typer.Option("--format", help="ttl, nq, jsonld, csv, parquet, or all.")] = "ttl",
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
    dictionary: Annotated[
        bool, typer.Option(help="Print the data dictionary of the rows (Markdown) and write nothing.")
    ] = False,
) -> None:
    """Write the whole catalogue to a file with the data version in its name; the same bytes for one generation."""
    from kb.answers.export import MEDIA_TYPES, export_format, write_export
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.knowledge.entry_row import data_dictionary
    from kb.settings import read_settings

    if dictionary:
        typer.echo(data_dictionary(), nl=False)
        return
    formats = list(MEDIA_TYPES) if form == "all" else [export_format(form)]
    base = KnowledgeBase.open(read_settings())
    for one in formats:
        path = write_export(base, one, out)
        typer.echo(f"{path.stat().st_size:>12,}  {path}")


def export_entry(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an entry.")],
    form: Annotated[
        str, typer.Option("--format", help="croissant, schema.org, dcat, datacite, bibtex or csv.")
    ] = "croissant",
    out: Annotated[Path | None, typer.Option(help="File to write; none: standard output.")] = None,
) -> None:
    """Print one entry as Croissant, schema.org, DCAT, DataCite, BibTeX or a CSV row."""
    from kb.answers.export_entry import export_entry as render
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    exported = render(KnowledgeBase.open(read_settings()), entry_id, form)
    if out is None:
        sys.stdout.buffer.write(exported.text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(exported.text.encode())
    except OSError as error:
        raise InvalidInput(f"can't write {out}: {error.strerror}") from error
    typer.echo(f"{out}: {exported.media_type}", err=True)
