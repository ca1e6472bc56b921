"""The whole catalogue as one file: Turtle, N-Quads, JSON-LD, CSV, Parquet; the same bytes for one generation."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, Field
from rdflib import DCTERMS, RDF, XSD, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.namespace import DCAT
from rdflib.term import Node

from kb.answers.export_entry import described
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.dump import StoreDump
from kb.engines.generation import Generation
from kb.engines.parquet import write_parquet
from kb.errors import InvalidInput, NotReady
from kb.knowledge.dcat import CATALOGUE, DCAT_VERSION
from kb.knowledge.described_entry import CREDIT, HOME_PAGE, RECORD_LICENCE, RECORD_LICENCE_URL, DescribedEntry
from kb.knowledge.entry_row import COLUMNS, cells, csv_lines
from kb.knowledge.names import GRAPH, PREFIXES, PROVENANCE_GRAPH
from kb.settings import Settings

ExportFormat = Literal["ttl", "nq", "jsonld", "csv", "parquet"]
MEDIA_TYPES: dict[ExportFormat, str] = {
    "ttl": "text/turtle",
    "nq": "application/n-quads",
    "jsonld": "application/ld+json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
CONTENTS: dict[ExportFormat, str] = {
    "ttl": "entries, evidence and provenance as asserted, in one graph",
    "nq": "all named graphs: ontology, phrases, entries, evidence, provenance, and what follows from them",
    "jsonld": "the same as Turtle",
    "csv": "one row for each entry",
    "parquet": "one row for each entry, lists as lists",
}
#: One file is made at a time.
_MAKING = threading.Lock()


class ExportFile(BaseModel):
    """One file of the whole catalogue."""

    name: str
    format: ExportFormat
    contents: str
    media_type: str
    bytes: int
    sha256: str


class ExportIndex(BaseModel):
    """All files of the published data version."""

    data_version: str
    licence: str = Field(description="Licence of the records, not of the data they describe.")
    credit: str
    files: list[ExportFile]


def export_format(name: str) -> ExportFormat:
    """The format of this name.

    Raises `InvalidInput` naming those there are.
    """
    if name not in MEDIA_TYPES:
        raise InvalidInput(
            f"no format {name!r}", field="format", hint=f"one of {', '.join(get_args(ExportFormat))}"
        )
    return name


def export_name(data_version: str, form: ExportFormat) -> str:
    """Name of the file that holds this data version."""
    return f"whence-{data_version}.{form}"


def write_export(base: KnowledgeBase, form: ExportFormat, folder: Path) -> Path:
    """Write one file into `folder`, whole or not at all.

    Raises `InvalidInput` when the folder can't be written to.
    """
    target = folder / export_name(base.manifest.data_version, form)
    unfinished: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".export-", dir=folder)
        os.close(handle)
        unfinished = Path(name)
        _write(base, form, unfinished)
        unfinished.chmod(0o644)
        unfinished.replace(target)
    except OSError as error:
        raise InvalidInput(
            f"can't write {target}: {error.strerror or error}", hint="name a folder"
        ) from error
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
    return target


def published_export(base: KnowledgeBase, form: ExportFormat) -> Path:
    """The file of this generation, made on first demand in a process of its own and kept beside its store.

    Raises `NotReady` while one is being made, and when it can't be made.
    """
    path = base.generation.folder / "exports" / export_name(base.manifest.data_version, form)
    if path.is_file():
        return path
    if not _MAKING.acquire(blocking=False):  # waiting requests would use up the threads that answer others
        raise NotReady("an export is being made", hint="ask again in some seconds")
    try:
        # Some hundred megabytes and some seconds of Python: not in the process that answers.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            pool.submit(_make, base.settings, base.generation.folder, form).result()
    except InvalidInput as error:
        raise NotReady(error.message, hint="the home folder must be writable") from error
    finally:
        _MAKING.release()
    return path


def _make(settings: Settings, folder: Path, form: ExportFormat) -> None:
    write_export(KnowledgeBase(settings, Generation(folder)), form, folder / "exports")


@cache
def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def export_file(path: Path, form: ExportFormat) -> ExportFile:
    """What there is to say of a finished file, which never changes."""
    return ExportFile(
        name=path.name,
        format=form,
        contents=CONTENTS[form],
        media_type=MEDIA_TYPES[form],
        bytes=path.stat().st_size,
        sha256=_digest(path),
    )


def export_index(base: KnowledgeBase) -> ExportIndex:
    """All files, made where they are missing.

    Raises `NotReady` as `published_export` does.
    """
    return ExportIndex(
        data_version=base.manifest.data_version,
        licence=RECORD_LICENCE_URL,
        credit=CREDIT,
        files=[export_file(published_export(base, form), form) for form in get_args(ExportFormat)],
    )


def _write(base: KnowledgeBase, form: ExportFormat, path: Path) -> None:
    if form == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(csv_lines(_rows(base)))
    elif form == "parquet":
        metadata = {
            "whence.data_version": base.manifest.data_version,
            "whence.credit": CREDIT,
            "whence.licence": RECORD_LICENCE,
        }
        columns = {column.name: column.kind for column in COLUMNS}
        write_parquet(path, columns, map(cells, _rows(base)), metadata)
    else:
        _write_rdf(base, form, path)


def _rows(base: KnowledgeBase) -> Iterator[DescribedEntry]:
    return (described(base, base.entries[entry_id]) for entry_id in sorted(base.entries))


def _write_rdf(base: KnowledgeBase, form: ExportFormat, path: Path) -> None:
    dump = StoreDump(base.generation.store)
    with path.open("wb") as stream:
        if form == "nq":
            dump.write_nquads(stream, _heading(base))
            return
        if form == "ttl":
            stream.writelines(f"# {line}\n".encode() for line in _heading(base))
        dump.write_merged(stream, MEDIA_TYPES[form], PREFIXES, _is_asserted, _about(base))


def _heading(base: KnowledgeBase) -> tuple[str, ...]:
    return (
        f"Whence, data version {base.manifest.data_version}, by {CREDIT}: {HOME_PAGE}",
        f"Licence of the records: {RECORD_LICENCE}, {RECORD_LICENCE_URL}; the data they describe have their own.",
    )


def _is_asserted(graph: str) -> bool:
    """Whether a graph holds entries, evidence or provenance."""
    return graph == str(PROVENANCE_GRAPH) or graph.startswith((str(GRAPH["dataset/"]), str(GRAPH["study/"])))


def _about(base: KnowledgeBase) -> Iterator[tuple[Node, Node, Node]]:
    """Whose the records are; what the provenance of the store does not say."""
    yield CATALOGUE, RDF.type, DCAT.Catalog
    yield CATALOGUE, DCTERMS.title, RdfLiteral("Whence", datatype=XSD.string)
    yield CATALOGUE, DCTERMS.creator, RdfLiteral(CREDIT, datatype=XSD.string)
    yield CATALOGUE, DCTERMS.license, URIRef(RECORD_LICENCE_URL)
    yield CATALOGUE, DCAT_VERSION, RdfLiteral(base.manifest.data_version, datatype=XSD.string)
