"""Check entry files one by one, as a curator would before committing them, and write them in canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.errors import InvalidFile, NotFound
from kb.knowledge.catalogue import check_entry
from kb.knowledge.coverage import contradicted_fields, is_gold, silent_fields
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_yaml import read_entry, to_yaml
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings


class FileVerdict(NamedTuple):
    """What is wrong with one file (nothing: it may be committed), and what a curator may want to know."""

    path: Path
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def validate_files(
    settings: Settings, paths: Sequence[Path], *, write: bool = False
) -> Iterator[FileVerdict]:
    """Verdict on each file, or on all entries of the catalogue when no file is named.

    `write` rewrites files that are valid but not in canonical form.
    Raises `NotFound` for a file that is not there.
    """
    vocabulary = Vocabulary.from_graph(load_ontology(settings.ontology))
    chosen = list(paths) or sorted(settings.datasets.glob("*.yaml"))
    known = {path.stem for path in settings.datasets.glob("*.yaml")} | {path.stem for path in chosen}
    for path in chosen:
        if not path.is_file():
            raise NotFound(f"no file {path}", hint="name files such as data/datasets/chexpert.yaml")
        try:
            entry = read_entry(path)
            check_entry(entry, dict.fromkeys(known, entry), vocabulary, where=str(path))
        except InvalidFile as error:
            yield FileVerdict(path, (str(error),), ())
            continue
        yield FileVerdict(path, tuple(_problems(path, entry, write=write)), tuple(_notes(entry)))


def _problems(path: Path, entry: DatasetEntry, *, write: bool) -> Iterator[str]:
    for field in contradicted_fields(entry):
        yield f"{path}: field_status: {field} holds a value; take it out of the statuses"
    if path.read_text(encoding="utf-8") != to_yaml(entry):
        if write:
            path.write_text(to_yaml(entry), encoding="utf-8")
        else:
            yield f"{path}: not in canonical form; whence validate --write {path}"


def _notes(entry: DatasetEntry) -> Iterator[str]:
    if is_gold(entry):
        yield "gold: every field has a value or a status"
    elif entry.description is not None and (silent := silent_fields(entry)):
        yield f"not gold yet, nothing said on: {', '.join(silent)}"
