"""What a query in plain words was taken to mean: concepts, constraints, names, and what was not understood.

An `Interpretation` is data: a caller can correct any part of it and search again with the corrected one.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entry_base import Facet, Slug

#: How the words of a query led to a concept, from the surest to the least sure.
Scope = Literal[
    "label", "synonym", "other language", "inflection", "joined words", "part of a word", "part of a name", "spelling", "description"
]  # fmt: skip
Strength = Literal["required", "preferred"]
ConstraintKind = Literal[
    "concept", "items", "patients", "year", "dimension", "labels", "permission", "access", "classes", "reports",
    "weights", "evidence", "domain", "platform", "licence", "dataset",
]  # fmt: skip
Language = Literal["en", "de", "fr", "es", "it", "zh", "ja"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mention(_Part):
    """A concept that the query names or describes, with the words that led to it."""

    concept: Slug
    label: str
    facet: Facet
    words: str = Field(description="As they stand in the query.")
    start: int = Field(ge=0, description="First character of the words, in Unicode code points.")
    end: int = Field(ge=0, description="After the last character of the words.")
    matched: str = Field(description="Label or synonym of the concept that the words are.")
    scope: Scope = "label"
    language: Language = "en"
    confidence: float = Field(
        default=1.0, ge=0, le=1, description="1 for words that are a name of the concept."
    )


class Constraint(_Part):
    """A condition that the query states; a required one that fails keeps an entry out of the results."""

    kind: ConstraintKind
    words: str = Field(description="As they stand in the query.")
    strength: Strength = "required"
    negated: bool = False
    minimum: int | None = Field(default=None, description="Inclusive.")
    maximum: int | None = Field(default=None, description="Inclusive.")
    values: tuple[str, ...] = Field(default=(), description="Concepts or codes of which one has to hold.")

    @property
    def said(self) -> str:
        """The condition in words."""
        text: str = self.kind
        if self.values:
            text += " " + " or ".join(self.values)
        if self.minimum is not None:
            text += f" at least {self.minimum:,}" if self.kind != "year" else f" from {self.minimum}"
        if self.maximum is not None:
            text += f" at most {self.maximum:,}" if self.kind != "year" else f" until {self.maximum}"
        return f"not {text}" if self.negated else text


class KnownItem(_Part):
    """An entry that the query names."""

    id: Slug
    words: str
    matched: str = Field(description="Name or alias of the entry.")
    scope: Literal["name", "alias", "spelling", "series"] = "name"
    confidence: float = Field(default=1.0, ge=0, le=1)


class Interpretation(_Part):
    """The whole of what was understood."""

    concepts: tuple[Mention, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    known_items: tuple[KnownItem, ...] = ()
    not_understood: tuple[str, ...] = Field(default=(), description="Words that led to nothing.")
