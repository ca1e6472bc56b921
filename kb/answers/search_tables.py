"""What search looks up for every entry at once: concepts held, conditions met, names, words and vectors.

Rows are entries in the order of their vectors. Nothing here depends on a query; all of it is made once per generation.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from kb.answers.described_conditions import DescribedConditions
from kb.answers.interpret import Lexicon, interpret
from kb.engines.encoder import OnnxEncoder, Vectors
from kb.engines.text_index import TextIndex
from kb.engines.vector_index import VectorIndex
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Facet
from kb.knowledge.facet_values import PlainFacet, plain_values
from kb.knowledge.interpretation import Constraint, Interpretation
from kb.knowledge.verdicts import Status, status_of
from kb.knowledge.vocabulary import Concept, Vocabulary, words

Booleans = NDArray[np.bool_]
Floats = NDArray[np.float64]
FACETS: tuple[Facet, ...] = get_args(Facet)
_STATUS: dict[Status, int] = {"fails": 0, "unknown": 1, "holds": 2}
_QUERIES_KEPT = 1024
_CONDITIONS_KEPT = 512


class SearchIndexes(NamedTuple):
    """What answers about closeness and words: of entries, and of definitions of concepts."""

    encoder: OnnxEncoder
    entries: VectorIndex
    concepts: VectorIndex
    texts: TextIndex
    conditions: DescribedConditions


class SearchTables:
    """Entries × concepts, and the look-ups beside them."""

    def __init__(
        self, entries: dict[str, DatasetEntry], vocabulary: Vocabulary, indexes: SearchIndexes
    ) -> None:
        self.entries = list(entries.values())
        self.ids = list(entries)
        self.row_of = {entry_id: row for row, entry_id in enumerate(self.ids)}
        self.vocabulary = vocabulary
        self.texts = indexes.texts
        self._encoder = indexes.encoder
        self._conditions = indexes.conditions
        self._index = indexes.entries
        self._concept_index = indexes.concepts
        self.concepts = [concept.id for concept in vocabulary]
        self.column_of = {concept: column for column, concept in enumerate(self.concepts)}
        self.facet_of: dict[str, Facet] = {concept.id: concept.facet for concept in vocabulary}
        self.encode = lru_cache(maxsize=_QUERIES_KEPT)(self._encode)
        self.status = lru_cache(maxsize=_CONDITIONS_KEPT)(self._status)
        self.compositions = lru_cache(maxsize=None)(self._compositions)
        self.kinds = lru_cache(maxsize=None)(self._kinds)

    def load(self) -> None:
        """Make all tables now, so that the first query is as fast as the others."""
        (
            len(self.entailed),
            len(self.stated),
            len(self.silent),
            len(self.breadth),
            len(self.prior),
            len(self.facet_values),
        )
        for text in ("ready cerebrl vesels", "ready chexprt"):
            interpret(text, self.lexicon)

    def understand(self, query: str) -> Interpretation:
        """What a query means: by its words, and by what the rest of its clauses describes."""
        return self._conditions.add(query, interpret(query, self.lexicon))

    @cached_property
    def _entailed_of(self) -> list[frozenset[str]]:
        return [self.vocabulary.entailed_by(entry.concepts()) for entry in self.entries]

    @cached_property
    def entailed(self) -> Booleans:
        """Entries × concepts: stated, or following from what is stated."""
        return self._table(self._entailed_of)

    @cached_property
    def stated(self) -> Booleans:
        """Entries × concepts: stated by the entry itself."""
        return self._table([frozenset(entry.concepts()) for entry in self.entries])

    def _table(self, rows: list[frozenset[str]]) -> Booleans:
        table = np.zeros((len(self.entries), len(self.concepts)), dtype=np.bool_)
        for row, concepts in enumerate(rows):
            table[row, [self.column_of[concept] for concept in concepts]] = True
        return table

    @cached_property
    def medical(self) -> Booleans:
        """Entries of medical images."""
        return np.array([entry.domain == "medical" for entry in self.entries])

    @cached_property
    def silent(self) -> dict[Facet, Booleans]:
        """For each facet the entries that say nothing about it; what is no medical image has nothing to say."""
        return {
            facet: np.array(
                [
                    entry.domain == "medical"
                    and not any(self.facet_of[concept] == facet for concept in self._entailed_of[row])
                    for row, entry in enumerate(self.entries)
                ]
            )
            for facet in FACETS
        }

    @cached_property
    def breadth(self) -> dict[Facet, Floats]:
        """For each facet how many most specific concepts an entry states."""
        breadth = {facet: np.zeros(len(self.entries)) for facet in FACETS}
        for row, entry in enumerate(self.entries):
            stated = set(entry.concepts())
            for concept in stated:
                if not any(concept in self.vocabulary.entailed(other) for other in stated - {concept}):
                    breadth[self.facet_of[concept]][row] += 1
        return breadth

    @cached_property
    def prior(self) -> Floats:
        """How well known an entry is: lists and studies that name it, on a logarithmic scale from 0 to 1."""
        named = np.array(
            [math.log1p(len(entry.rows) + 3 * len(entry.evidence_names)) for entry in self.entries]
        )
        return named / named.max() if len(named) and named.max() > 0 else named

    @cached_property
    def facet_values(self) -> list[tuple[tuple[PlainFacet, str], ...]]:
        """For each entry its values of the facets without a hierarchy."""
        return [tuple(plain_values(entry)) for entry in self.entries]

    @cached_property
    def lexicon(self) -> Lexicon:
        """Names that a query may use."""
        return Lexicon.of(
            self.vocabulary, dict(zip(self.ids, self.entries, strict=True)), self._encoder.words
        )

    @property
    def english(self) -> frozenset[str]:
        """Words that are hardly misspellings."""
        return self._encoder.words

    def _encode(self, query: str) -> Vectors:
        return self._encoder.encode([query])

    def cosines(self, query: str) -> Floats:
        """Cosine of the query with the text of each entry."""
        return _by_row(self._index, self.encode(query))

    def concept_cosines(self, query: str) -> Floats:
        """Cosine of the query with label and definition of each concept."""
        return _by_row(self._concept_index, self.encode(query))

    def words(self, query: str) -> Floats:
        """BM25 of each entry as a share of the best."""
        scores = np.zeros(len(self.entries))
        if found := self.texts.scores(query):
            rows, values = zip(*found, strict=True)
            scores[list(rows)] = np.maximum(values, 0.0)
        return scores / scores.max() if scores.any() else scores

    def _status(self, constraint: Constraint) -> NDArray[np.int8]:
        return np.array(
            [
                _STATUS[status_of(entry, constraint, self._entailed_of[row], self.facet_of)]
                for row, entry in enumerate(self.entries)
            ],
            dtype=np.int8,
        )

    def _compositions(self, concept_id: str) -> tuple[tuple[str, str], ...]:
        """Two concepts that together come to one: ultrasound and fetus to fetal ultrasound, PET and CT to PET/CT.

        Only where one of its names says no more than the two do.
        """
        concept = self.vocabulary[concept_id]
        places = {"modality": concept.depicts, "finding": concept.located_in}.get(concept.facet, ())
        pairs = [
            *(
                (broad, place)
                for broad in concept.broader
                if self.vocabulary[broad].broader
                for place in places
            ),
            *combinations(concept.broader, 2),
        ]
        return tuple(
            (one, other)
            for one, other in pairs
            if self._says_no_more(concept, (self.vocabulary[one], self.vocabulary[other]))
        )

    def _kinds(self, concept_id: str) -> tuple[str, ...]:
        """Broader concepts of which a name ends a name of this one: CT of non-contrast CT."""
        names = [words(name) for name in _names(self.vocabulary[concept_id])]
        return tuple(
            broad
            for broad in self.vocabulary.entailed(concept_id) - {concept_id}
            if any(
                name[-len(end) :] == end and len(name) > len(end)
                for end in map(words, _names(self.vocabulary[broad]))
                for name in names
                if end
            )
        )

    @staticmethod
    def _says_no_more(concept: Concept, parts: tuple[Concept, ...]) -> bool:
        said = {"imaging", "image", "scan"} | {
            word for part in parts for name in _names(part) for word in words(name)
        }
        return any(set(words(name)) <= said for name in _names(concept))

    def entailed_by(self, row: int) -> frozenset[str]:
        """Concepts of one entry, stated or following."""
        return self._entailed_of[row]


FAILS: Literal[0] = 0
UNKNOWN: Literal[1] = 1
HOLDS: Literal[2] = 2


def _names(concept: Concept) -> tuple[str, ...]:
    return (concept.label, *concept.synonyms, *concept.hidden)


def _by_row(index: VectorIndex, vector: Vectors) -> Floats:
    values, rows = index.nearest(vector, len(index))
    cosines = np.empty(len(index))
    cosines[rows[0]] = values[0]
    return cosines
