"""Sentences in which expressions of likeness were labelled by hand: `data/phrases/sentences/*.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kb.errors import InvalidFile
from kb.knowledge.entry_base import Text


class Labelled(BaseModel):
    """One expression; `start` and `end` count Unicode code points of the sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    negated: bool = False
    senses: tuple[Text, ...] = Field(min_length=1, description="The right one first, then acceptable ones.")
    settled: bool = Field(description="Whether no question has to be asked.")


class LabelledSentence(BaseModel):
    """One sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Text
    style: Literal["paper", "email", "survey", "review", "proposal"]
    text: Text
    context: str | None = None
    expressions: tuple[Labelled, ...]

    @model_validator(mode="after")
    def _in_place(self) -> LabelledSentence:
        for one in self.expressions:
            if self.text[one.start : one.end] != one.text:
                raise ValueError(f"expressions: {one.text!r} doesn't stand at {one.start} to {one.end}")
        return self


def read_sentences(path: Path) -> list[LabelledSentence]:
    """Sentences of one part.

    Raises `InvalidFile`: unreadable, a field that doesn't fit, an id twice.
    """
    try:
        found = TypeAdapter(list[LabelledSentence]).validate_python(
            YAML(typ="safe", pure=False).load(path.read_text(encoding="utf-8"))
        )
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InvalidFile(f"{path}: can't be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidFile(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    names = [one.id for one in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidFile(f"{path}: id: {name!r} stands there twice")
    return found
