"""Conditions that a query states in no listed wording: the nearest of known wordings, clause by clause.

A clause is looked at only where a word in it that was not understood stands in one of the wordings, and no condition was found in
it: the encoder costs more than all else in reading a query. The threshold was set
on development queries: there, no clause about something else comes as close to a wording of a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from kb.answers.interpret import about_own_data, preferred
from kb.engines.encoder import Vectors
from kb.engines.vector_index import VectorIndex
from kb.knowledge.condition_wordings import ConditionWording
from kb.knowledge.cues import stem
from kb.knowledge.folding import FoldedText, fold
from kb.knowledge.interpretation import Constraint, Interpretation
from kb.knowledge.stopwords import STOPWORDS

_NEAR = 0.5
_FEWEST = 2  # words of a clause
_FINE = re.compile(r"\b(?:fine|ok|okay|acceptable|no problem|don['’]?t (?:care|mind))\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:!?()\n]|\.(?!\d)|\b(?:but|so|because|which|where|and|aber|mais|pero|ma)\b")
_BEGIN = re.compile(
    r"\b(?:that|whose|with|without|no|my|our|i|we|you|for|from|on|if|must|can|could|may|has|have)\b",
    re.IGNORECASE,
)


class DescribedConditions:
    """Known wordings of conditions, ready to be compared with."""

    def __init__(
        self,
        wordings: Sequence[ConditionWording],
        index: VectorIndex,
        encode: Callable[[list[str]], Vectors],
    ) -> None:
        """`index`: vectors of the wordings, in their order."""
        self._wordings = wordings
        self._index = index
        self._encode = encode
        self._telling = {
            stem(token.text)
            for one in wordings
            if one.kind
            for token in FoldedText.of(one.wording).tokens()
            if token.text not in STOPWORDS
        }

    def add(self, query: str, meant: Interpretation) -> Interpretation:
        """The interpretation with the conditions that its words not understood describe."""
        clauses = [clause for clause in _clauses(query) if self._open(query[slice(*clause)], meant)]
        if not clauses:
            return meant
        cosines, rows = self._index.nearest(self._encode([query[slice(*place)] for place in clauses]), 1)
        folded = FoldedText.of(query).text
        found: list[Constraint] = []
        taken: list[tuple[int, int]] = []
        for place in np.argsort(-cosines[:, 0], kind="stable"):
            (start, end), wording = clauses[place], self._wordings[int(rows[place, 0])]
            if cosines[place, 0] < _NEAR or any(start < last and first < end for first, last in taken):
                continue
            taken.append((start, end))
            if wording.kind is None or about_own_data(folded, start, end) or _FINE.search(query, start, end):
                continue
            found.append(
                Constraint(
                    kind=wording.kind,
                    words=query[start:end],
                    strength="preferred" if preferred(folded, start, end) else "required",
                    negated=wording.negated,
                    values=wording.values,
                )
            )
        if not found:
            return meant
        read = " ".join(one.words for one in found)
        return meant.model_copy(
            update={
                "constraints": (*meant.constraints, *found),
                "not_understood": tuple(word for word in meant.not_understood if word not in read),
            }
        )

    def _open(self, clause: str, meant: Interpretation) -> bool:
        """Whether a telling word of a clause was not understood, and no condition was found in it."""
        return any(
            word in clause and stem(fold(word)) in self._telling for word in meant.not_understood
        ) and not any(one.words in clause for one in meant.constraints)


def _clauses(query: str) -> list[tuple[int, int]]:
    """Clauses, and what follows a word inside one that may begin a condition: "CT that our company could sell"."""
    places, start = [], 0
    for gap in [*_CLAUSE.finditer(query), None]:
        end = gap.start() if gap else len(query)
        inside = [start, *(found.start() for found in _BEGIN.finditer(query, start + 1, end))]
        for first in inside:
            text = query[first:end]
            if len(text.split()) >= _FEWEST:
                begin = first + len(text) - len(text.lstrip())
                places.append((begin, begin + len(text.strip())))
        start = gap.end() if gap else end
    return places
