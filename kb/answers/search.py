"""Find entries for a query in plain words: concepts of the ontology, names, and closeness of descriptions.

The order is *search relevance*: a sum of named parts with fixed weights, all of which stand in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput
from kb.knowledge.entry_base import Facet
from kb.knowledge.vocabulary import words

#: Weights of the parts of search relevance. Set by hand, not fitted: a matched concept counts about as much as
#: the spread of cosines within an answer, an exact name more than everything else.
WEIGHTS = {"DocumentationTextSimilarity": 1.0, "ConceptMatch": 0.5, "NameMatch": 1.0}
_MOST_RESULTS = 200
_LONGEST_NAME = 12


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Mention(_Answer):
    """A concept that the query names, with the words that led to it."""

    concept: str
    label: str
    facet: Facet
    words: str
    matched: str = Field(description="Label or synonym of the concept that the words are.")


class TextPart(_Answer):
    """How close the entry's description is to the query."""

    sense: Literal["DocumentationTextSimilarity"] = "DocumentationTextSimilarity"
    basis: Literal["TextComputed"] = "TextComputed"
    method: str
    direction: Literal["higher is closer"] = "higher is closer"
    minimum: float = -1.0
    maximum: float = 1.0
    value: float
    weight: float


class ConceptPart(_Answer):
    """Which of the query's concepts the entry states or entails."""

    kind: Literal["ConceptMatch"] = "ConceptMatch"
    basis: Literal["MetadataComputed"] = "MetadataComputed"
    method: str = "share of the query's concepts that hold for the entry, stated or entailed"
    matched: tuple[str, ...] = Field(description="Labels of the concepts that hold.")
    missing: tuple[str, ...] = Field(description="Labels of the concepts that are not known to hold.")
    value: float
    weight: float


class NamePart(_Answer):
    """Whether the query names the entry."""

    kind: Literal["NameMatch"] = "NameMatch"
    basis: Literal["MetadataComputed"] = "MetadataComputed"
    method: str = "the query contains the entry's name or an alias as a whole"
    value: float
    weight: float


class Relevance(_Answer):
    """Order of an answer: meaningful only within it, and not a similarity of datasets."""

    sense: Literal["SearchRelevance"] = "SearchRelevance"
    basis: str = "weighted sum of the parts"
    value: float
    text: TextPart
    concepts: ConceptPart
    name: NamePart


class Hit(_Answer):
    """One entry of an answer."""

    rank: int
    id: str
    name: str
    url: str | None
    description: str
    relevance: Relevance


class SearchAnswer(_Answer):
    """Entries for a query, with what was understood and what was searched."""

    query: str
    understood: tuple[Mention, ...]
    searched: int = Field(description="How many entries were compared.")
    data_version: str
    results: tuple[Hit, ...]


def search(base: KnowledgeBase, query: str, *, limit: int = 10) -> SearchAnswer:
    """Entries for a query, best first.

    Raises `InvalidInput` when the query is empty or too long, or the limit out of range.
    """
    query = check_query(base, query)
    if not 1 <= limit <= _MOST_RESULTS:
        raise InvalidInput(f"expected 1 to {_MOST_RESULTS}, found {limit}", field="limit")
    mentions = tuple(_mentions(base, query))
    named = _named(base, query)
    cosines = base.index.nearest(base.encoder.encode([query]), len(base.index))
    ids = list(base.entries)
    cosine_of = {ids[row]: float(cosine) for cosine, row in zip(cosines[0][0], cosines[1][0], strict=True)}
    groups = _groups(mentions)

    def value(entry_id: str) -> float:
        held, _ = _held(base, entry_id, groups)
        return _value(cosine_of[entry_id], len(held), len(groups), entry_id in named)

    ordered = sorted(cosine_of, key=lambda entry_id: (-value(entry_id), entry_id))
    return SearchAnswer(
        query=query,
        understood=mentions,
        searched=len(ordered),
        data_version=base.manifest.data_version,
        results=tuple(
            Hit(
                rank=rank,
                id=entry_id,
                name=base.entries[entry_id].name,
                url=base.entries[entry_id].url,
                description=base.describe(base.entries[entry_id]),
                relevance=_relevance(base, entry_id, cosine_of[entry_id], groups, entry_id in named),
            )
            for rank, entry_id in enumerate(ordered[:limit], start=1)
        ),
    )


def check_query(base: KnowledgeBase, query: str) -> str:
    """The query without surrounding space and control characters.

    Raises `InvalidInput` when nothing is left or it is too long.
    """
    longest = base.settings.query_characters
    clean = "".join(character if character.isprintable() else " " for character in query).strip()
    if not words(clean):
        raise InvalidInput(
            "the query has no words", field="q", hint="say what the images show, or name a dataset"
        )
    if len(clean) > longest:
        raise InvalidInput(
            f"the query has {len(clean):,} characters, at most {longest:,} are read",
            field="q",
            hint="shorten it",
        )
    return clean


def _spans(query: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """All word spans of the query, longest first at each start."""
    tokens = words(query)
    for start in range(len(tokens)):
        for end in range(min(len(tokens), start + _LONGEST_NAME), start, -1):
            yield start, end, tokens[start:end]


def _mentions(base: KnowledgeBase, query: str) -> Iterator[Mention]:
    """Concepts named in the query, longest words first, no word used twice."""
    taken = 0
    seen: set[str] = set()
    for start, end, span in _spans(query):
        if start < taken or span not in base.vocabulary.by_words:
            continue
        taken = end
        for concept, name in base.vocabulary.by_words[span]:
            if concept.id not in seen:
                seen.add(concept.id)
                yield Mention(
                    concept=concept.id,
                    label=concept.label,
                    facet=concept.facet,
                    words=" ".join(span),
                    matched=name,
                )


def _named(base: KnowledgeBase, query: str) -> set[str]:
    """Entries that the query names; a name that is also a word for a concept is not taken as one."""
    return {
        entry_id
        for _, _, span in _spans(query)
        if span in base.by_name and span not in base.vocabulary.by_words
        for entry_id in base.by_name[span]
    }


def _groups(mentions: tuple[Mention, ...]) -> list[list[Mention]]:
    """Mentions by the words that led to them: words with several concepts are satisfied by any one."""
    groups: dict[str, list[Mention]] = {}
    for mention in mentions:
        groups.setdefault(mention.words, []).append(mention)
    return list(groups.values())


def _held(
    base: KnowledgeBase, entry_id: str, groups: list[list[Mention]]
) -> tuple[list[Mention], list[Mention]]:
    """One mention of each group that holds for the entry, and one of each that does not."""
    concepts = base.entailed_concepts[entry_id]
    held, missing = [], []
    for group in groups:
        hit = next((mention for mention in group if mention.concept in concepts), None)
        if hit is None:
            missing.append(group[0])
        else:
            held.append(hit)
    return held, missing


def _value(cosine: float, held: int, groups: int, named: bool) -> float:
    parts = {
        "DocumentationTextSimilarity": cosine,
        "ConceptMatch": held / groups if groups else 0.0,
        "NameMatch": float(named),
    }
    return sum(WEIGHTS[part] * value for part, value in parts.items())


def _relevance(
    base: KnowledgeBase, entry_id: str, cosine: float, groups: list[list[Mention]], named: bool
) -> Relevance:
    held, missing = _held(base, entry_id, groups)
    return Relevance(
        value=_value(cosine, len(held), len(groups), named),
        text=TextPart(
            method=f"cosine of {base.manifest.model_name} sentence embeddings of query and description",
            value=cosine,
            weight=WEIGHTS["DocumentationTextSimilarity"],
        ),
        concepts=ConceptPart(
            matched=tuple(mention.label for mention in held),
            missing=tuple(mention.label for mention in missing),
            value=len(held) / len(groups) if groups else 0.0,
            weight=WEIGHTS["ConceptMatch"],
        ),
        name=NamePart(value=float(named), weight=WEIGHTS["NameMatch"]),
    )
