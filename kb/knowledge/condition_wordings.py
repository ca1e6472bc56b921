"""Ways to word a condition of search, by which an unlisted wording is recognised: rows of `data/phrases/conditions.tsv`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict

from kb.errors import InvalidFile
from kb.knowledge.interpretation import ConstraintKind
from kb.knowledge.tables import read_table

_COLUMNS = ["kind", "values", "negated", "wording"]


class ConditionWording(BaseModel):
    """One wording and the condition that it states; no kind where it states none."""

    model_config = ConfigDict(frozen=True)

    kind: ConstraintKind | None
    values: tuple[str, ...]
    negated: bool
    wording: str


def read_condition_wordings(path: Path) -> list[ConditionWording]:
    """All rows of the table.

    Raises `InvalidFile` naming line and field.
    """
    found = []
    for line, row in read_table(path, _COLUMNS):
        if not row[3].strip():
            raise InvalidFile(f"{path}:{line}: expected {', '.join(_COLUMNS)}, found {row}")
        kind, values, negated, wording = row
        if kind and kind not in get_args(ConstraintKind):
            raise InvalidFile(
                f"{path}:{line}: kind: {kind!r} is none of {', '.join(get_args(ConstraintKind))}"
            )
        if negated not in ("", "yes"):
            raise InvalidFile(f"{path}:{line}: negated: expected yes or nothing, found {negated!r}")
        found.append(
            ConditionWording(
                kind=kind or None,
                values=tuple(filter(None, values.split("|"))),
                negated=bool(negated),
                wording=wording,
            )
        )
    return found
