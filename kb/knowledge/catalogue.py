"""The catalogue as files: read all entries and check what no single entry can show."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kb.errors import InvalidFile, NotFound
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.entry_yaml import read_entry
from kb.knowledge.suggestions import did_you_mean
from kb.knowledge.vocabulary import Vocabulary


def read_catalogue(folder: Path, vocabulary: Vocabulary) -> dict[str, DatasetEntry]:
    """All entries of `folder` by id, checked against the vocabulary and against each other.

    Raises `InvalidFile` at the first broken file, `NotFound` when the folder has none.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise NotFound(
            f"no entries (*.yaml) in {folder}", hint="set WHENCE_DATA to the folder that holds datasets/"
        )
    entries = {path.stem: read_entry(path) for path in paths}
    for entry in entries.values():
        check_entry(entry, entries, vocabulary, where=str(folder / f"{entry.id}.yaml"))
    return entries


def check_entry(entry: DatasetEntry, entries: Collection[str], vocabulary: Vocabulary, *, where: str) -> None:
    """Check that concepts exist, stand in their own facet, and that related entries exist.

    Raises `InvalidFile`; `where` starts its message.
    """
    for facet in FACETS:
        for position, tag in enumerate(entry.tags(facet)):
            field = f"{facet}.{position}.concept"
            if tag.concept not in vocabulary:
                known = [concept.id for concept in vocabulary if concept.facet == facet]
                raise InvalidFile(
                    f"{where}: {field}: no concept {tag.concept!r}", hint=did_you_mean(tag.concept, known)
                )
            actual = vocabulary[tag.concept].facet
            if actual != facet:
                raise InvalidFile(
                    f"{where}: {field}: {tag.concept!r} is a concept of {actual}; move it there"
                )
    for position, relation in enumerate(entry.relations):
        field = f"relations.{position}.target"
        if relation.target == entry.id:
            raise InvalidFile(f"{where}: {field}: an entry can't be related to itself")
        if relation.target is not None and relation.target not in entries:
            raise InvalidFile(
                f"{where}: {field}: no entry {relation.target!r}", hint=did_you_mean(relation.target, entries)
            )
