"""Tab-separated tables of `data/phrases`: rows with their line, or an error that names file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.errors import InvalidFile


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Number of the line and cells of each row after the head.

    Raises `InvalidFile`: unreadable, another head, or a row with more or fewer cells.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path}: can't be read: {error}") from error
    if not rows or rows[0] != list(columns):
        raise InvalidFile(f"{path}:1: columns: expected {', '.join(columns)}")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise InvalidFile(f"{path}:{line}: found {len(row)} columns, expected {', '.join(columns)}")
        yield line, row
