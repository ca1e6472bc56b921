"""Look a concept up by label, synonym, code or the beginning of a name, for autocompletion and for the curious."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput
from kb.knowledge.entry_base import Facet
from kb.knowledge.vocabulary import Concept, words

Scope = Literal["label", "synonym", "code", "label beginning", "synonym beginning", "words within"]
_ORDER: tuple[Scope, ...] = (
    "label",
    "synonym",
    "code",
    "label beginning",
    "synonym beginning",
    "words within",
)
_MOST = 100


class ConceptHit(BaseModel):
    """A concept with the name that matched and how."""

    model_config = ConfigDict(frozen=True)

    id: str
    iri: str
    facet: Facet
    label: str
    definition: str
    synonyms: tuple[str, ...]
    broader: tuple[str, ...] = Field(description="Ids of the next broader concepts, wholes and places.")
    codes: tuple[str, ...] = Field(description="The same or a related concept in other schemes.")
    datasets: int = Field(description="Entries that state the concept or a narrower one.")
    matched: str
    scope: Scope


def find_concepts(
    base: KnowledgeBase, query: str, *, facet: Facet | None = None, limit: int = 10
) -> tuple[ConceptHit, ...]:
    """Concepts for a query: exact names and codes first, then beginnings, then names that contain its words.

    Raises `InvalidInput` when the query has no words or the limit is out of range.
    """
    if not words(query):
        raise InvalidInput(
            "the query has no words", field="q", hint="type the beginning of a name, or a code"
        )
    if not 1 <= limit <= _MOST:
        raise InvalidInput(f"expected 1 to {_MOST}, found {limit}", field="limit")
    found = [
        (_ORDER.index(scope), len(matched), concept.label, concept, matched, scope)
        for concept in base.vocabulary
        if facet in (None, concept.facet) and (match := _match(concept, query)) is not None
        for scope, matched in (match,)
    ]
    found.sort(key=lambda item: item[:3])
    return tuple(_hit(base, concept, matched, scope) for *_, concept, matched, scope in found[:limit])


def _match(concept: Concept, query: str) -> tuple[Scope, str] | None:
    """Best way in which the query names the concept, with the name."""
    return min(_matches(concept, query), key=lambda match: _ORDER.index(match[0]), default=None)


def _matches(concept: Concept, query: str) -> Iterator[tuple[Scope, str]]:
    asked, beginning = words(query), query.strip().casefold()
    if concept.id == query:
        yield "label", concept.label
    translations = (name for _, name in concept.translations)
    for name in (concept.label, *concept.synonyms, *concept.hidden, *translations):
        is_label = name == concept.label
        if words(name) == asked:
            yield "label" if is_label else "synonym", name
        if name.casefold().startswith(beginning):
            yield "label beginning" if is_label else "synonym beginning", name
        if set(asked) <= set(words(name)):
            yield "words within", name
    if re.search(r"\d{3}", query):
        for code in concept.codes:
            if _bare(code).endswith(_bare(query)):
                yield "code", code


def _bare(code: str) -> str:
    """Code without the punctuation in which its spellings differ: `UBERON:0002048` is `UBERON_0002048`."""
    return re.sub(r"[^0-9a-z]", "", code.casefold())


def _hit(base: KnowledgeBase, concept: Concept, matched: str, scope: Scope) -> ConceptHit:
    return ConceptHit(
        id=concept.id,
        iri=str(concept.iri),
        facet=concept.facet,
        label=concept.label,
        definition=concept.definition,
        synonyms=concept.synonyms,
        broader=concept.parents,
        codes=concept.codes,
        datasets=sum(concept.id in held for held in base.entailed_concepts.values()),
        matched=matched,
        scope=scope,
    )
