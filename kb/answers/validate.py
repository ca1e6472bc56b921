"""Check files of entries and studies one by one, as a curator would before committing them, and write them in canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.errors import InvalidFile, NotFound
from kb.knowledge.catalogue import check_entry
from kb.knowledge.coverage import contradicted_fields, is_gold, silent_fields
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_yaml import read_entry, to_yaml
from kb.knowledge.studies import check_study
from kb.knowledge.study_yaml import read_study, study_to_yaml
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
    """Verdict on each file, or on all entries and studies when no file is named.

    `write` rewrites files that are valid but not in canonical form. A file in a folder `evidence` is a study.
    Raises `NotFound` for a file that is not there, and where there is no file at all.
    """
    ontology = load_ontology(settings.ontology)
    vocabulary = Vocabulary.from_graph(ontology)
    catalogue = sorted(settings.datasets.glob("*.yaml"))
    chosen = list(paths) or [*catalogue, *sorted((settings.data / "evidence").glob("*.yaml"))]
    if not chosen:
        raise NotFound(
            f"no files in {settings.data}", hint="set WHENCE_DATA to the folder that holds datasets/"
        )
    known = {path.stem for path in (*catalogue, *chosen)}
    for path in chosen:
        if not path.is_file():
            raise NotFound(f"no file {path}", hint="name files such as data/datasets/chexpert.yaml")
        try:
            if path.resolve().parent.name == "evidence":
                study = read_study(path)
                check_study(study, known, ontology, where=str(path))
                yield FileVerdict(path, tuple(_form(path, study_to_yaml(study), write=write)), ())
                continue
            entry = read_entry(path)
            check_entry(entry, known, vocabulary, where=str(path))
        except InvalidFile as error:
            yield FileVerdict(path, (str(error),), ())
            continue
        problems = [
            f"{path}: field_status: {field} holds a value; take it out of the statuses"
            for field in contradicted_fields(entry)
        ]
        problems += _form(path, to_yaml(entry), write=write and not problems)
        yield FileVerdict(path, tuple(problems), tuple(_notes(entry)))


def _form(path: Path, canonical: str, *, write: bool) -> Iterator[str]:
    if path.read_text(encoding="utf-8") == canonical:
        return
    if write:
        path.write_text(canonical, encoding="utf-8")
    else:
        yield f"{path}: not in canonical form; whence validate --write {path}"


def _notes(entry: DatasetEntry) -> Iterator[str]:
    if is_gold(entry):
        yield "gold: every field has a value or a status"
    elif entry.description is not None and (silent := silent_fields(entry)):
        yield f"not gold yet, nothing said on: {', '.join(silent)}"
