"""Identifiers that were given up: replaced by another record, or withdrawn with a reason; none is ever reused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kb.errors import InvalidFile
from kb.knowledge.entry_base import IsoDate, Text

#: Path of an IRI of ours, such as `dataset/chexpert`.
Place = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[A-Za-z0-9][A-Za-z0-9/_-]*$", max_length=400)]


class Retired(BaseModel):
    """Why an identifier stands for nothing any more, and what took its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Text = Field(title="Why")
    date: IsoDate = Field(title="When")
    successor: Place | None = Field(default=None, title="What replaced it; none: withdrawn")

    @property
    def state(self) -> Literal["replaced", "withdrawn"]:
        """Whether the reader is led on or told why there is nothing."""
        return "withdrawn" if self.successor is None else "replaced"


def read_retired(path: Path) -> dict[str, Retired]:
    """Retired identifiers by their place; a missing file has none.

    Raises `InvalidFile` when the file is broken, a successor is itself, or successors lead in a circle.
    """
    if not path.is_file():
        return {}
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        found = TypeAdapter(dict[Place, Retired]).validate_python(document or {})
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InvalidFile(f"{path}: can't be read: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidFile(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for place in found:
        try:
            last_of(place, found)
        except ValueError as error:
            raise InvalidFile(f"{path}: {place}: {error}") from error
    return found


def last_of(place: str, retired: Mapping[str, Retired]) -> str:
    """Where the chain of successors ends: a current place, or a withdrawn one.

    Raises `ValueError` for a circle.
    """
    passed = {place}
    while (entry := retired.get(place)) is not None and entry.successor is not None:
        place = entry.successor
        if place in passed:
            raise ValueError(f"its successors lead back to {place}")
        passed.add(place)
    return place


def reused(retired: Mapping[str, Retired], current: Iterable[str]) -> list[str]:
    """Places that were given up and stand for something again, which must not be."""
    return sorted(set(retired) & set(current))
