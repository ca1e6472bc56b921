"""Shape of an answer of search: hits with the parts of their relevance, and what was understood and searched."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entry_base import Facet
from kb.knowledge.facet_values import PlainFacet
from kb.knowledge.interpretation import Interpretation, Scope
from kb.knowledge.verdicts import Verdict

HitStatus = Literal["matches", "may match", "near"]
Hold = Literal["stated", "entailed", "broader", "missing"]
FacetName = Facet | PlainFacet


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConceptMatch(_Answer):
    """How a concept of the query stands to an entry, with the words that led to it."""

    concept: str
    label: str
    facet: Facet
    words: str = Field(description="Words of the query; empty for a concept that it only describes.")
    scope: Scope = Field(description="How the words name the concept.")
    hold: Hold = Field(
        description="Stated by the entry, entailed by what it states, only broader, or missing."
    )


class Part(_Answer):
    """A part of search relevance: what it is, how it was computed, and what it adds."""

    kind: Literal[
        "ConceptMatch", "ConceptFocus", "DocumentationTextSimilarity", "DescribedConceptMatch", "LexicalMatch",
        "NameMatch", "PreferenceMatch", "DocumentationPrior",
    ]  # fmt: skip
    basis: Literal["MetadataComputed", "TextComputed"]
    method: str
    direction: Literal["higher is closer"] = "higher is closer"
    minimum: float = 0.0
    maximum: float = 1.0
    value: float
    weight: float


class Relevance(_Answer):
    """Order of an answer: meaningful only within it, and not a similarity of datasets."""

    sense: Literal["SearchRelevance"] = "SearchRelevance"
    basis: str = "weighted sum of the parts"
    value: float
    parts: tuple[Part, ...]

    def part(self, kind: str) -> Part:
        """The part of that kind.

        Raises `StopIteration` for a kind that there is not.
        """
        return next(part for part in self.parts if part.kind == kind)


class Hit(_Answer):
    """One entry of an answer."""

    rank: int
    id: str
    name: str
    url: str | None
    description: str
    status: HitStatus
    lacks: tuple[str, ...] = Field(default=(), description="What keeps it from matching, or is not known.")
    concepts: tuple[ConceptMatch, ...] = Field(description="Concepts of the query and how they stand to it.")
    checked: tuple[Verdict, ...] = Field(description="Each condition with the fact that decides it.")
    terms: tuple[str, ...] = Field(default=(), description="Words of the query that its text holds.")
    relevance: Relevance


class Excluded(_Answer):
    """A condition and how many entries it alone keeps out: they meet all others."""

    condition: str
    words: str
    fails: int
    unknown: int


class FacetCount(_Answer):
    """How many of the matching entries have a value; entries may have several."""

    value: str
    label: str
    count: int
    broader: tuple[str, ...] = Field(default=(), description="Values that this one is counted under as well.")


class SearchAnswer(_Answer):
    """Entries for a query in three lists, with what was understood and what was searched."""

    query: str
    interpretation: Interpretation
    searched: int = Field(description="How many entries were compared.")
    data_version: str
    matching: int = Field(description="Entries that match.")
    may_match_count: int = Field(description="Entries of which a fact that decides is not known.")
    results: tuple[Hit, ...] = Field(description="Entries that match, best first.")
    may_match: tuple[Hit, ...] = Field(
        description="Entries that may match: a fact that decides is not known."
    )
    near: tuple[Hit, ...] = Field(description="Entries that do not match, each with what it lacks.")
    excluded: tuple[Excluded, ...] = Field(description="What each condition alone kept out.")
    note: str | None = Field(default=None, description="Why nothing matches, where nothing does.")
    facets: dict[FacetName, tuple[FacetCount, ...]] = Field(description="Counts over the matching entries.")
    next: str | None = Field(default=None, description="Cursor of the next page; none on the last one.")
