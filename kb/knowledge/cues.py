"""Words by which a sentence says that data are alike, in what, and how that was judged.

The table is `data/phrases/cues.tsv`; words are compared by their stems, so that "textures" meets "texture".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein
from snowballstemmer import stemmer

from kb.errors import InvalidFile
from kb.knowledge.folding import FoldedText
from kb.knowledge.tables import read_table

Role = Literal["likeness", "aspect", "method", "expression", "perhaps", "measure", "other", "data"]
_COLUMNS = ["words", "role", "senses"]
#: The stemmer would make them one with a word of another meaning.
_UNSTEMMED = frozenset(
    [
        "likely",
        "closed",
        "closing",
        "closely",
        "posed",
        "following",
        "setting",
        "settings",
        "meaning",
        "means",
        "imaging",
        "ordered",
    ]
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ENGLISH = stemmer("english")
_LONG, _LONGER = 6, 9  # letters of a word in which one, or two, may be wrong


class Cue(NamedTuple):
    """One wording, its role, and the senses it speaks for, likeliest first."""

    words: str
    role: Role
    senses: tuple[str, ...]


class Word(NamedTuple):
    """A word of a sentence: folded text, stem, and its place in the original."""

    text: str
    stem: str
    start: int
    end: int


class Hit(NamedTuple):
    """A cue found: the words from `first` up to `last`."""

    first: int
    last: int
    cue: Cue


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Stem of a folded word."""
    return word if word in _UNSTEMMED else str(_ENGLISH.stemWord(word))


def words_of(text: str) -> list[Word]:
    """Words of a text, with their places in Unicode code points."""
    folded = FoldedText.of(text)
    return [
        Word(found[0], stem(found[0]), *folded.place(found.start(), found.end()))
        for found in _WORD.finditer(folded.text)
    ]


def stems(words: str) -> tuple[str, ...]:
    """Stems of a wording."""
    return tuple(word.stem for word in words_of(words))


class Cues:
    """All cues, to be found in a sentence."""

    def __init__(self, cues: Iterable[Cue]) -> None:
        self._by_stems: dict[tuple[str, ...], list[Cue]] = {}
        for cue in cues:
            self._by_stems.setdefault(stems(cue.words), []).append(cue)
        self._longest = max(map(len, self._by_stems), default=0)
        self._known = {part for key in self._by_stems for part in key}
        self._meant = {
            word.text: key[0]
            for key, same in self._by_stems.items()
            for cue in same
            if len(key) == 1 and len(key[0]) >= _LONG and cue.role in ("likeness", "aspect")
            for word in words_of(cue.words)
        }
        self._mended: dict[str, str] = {}

    def _spelt(self, word: Word) -> str:
        """Stem of a word, or of the cue of which it is a misspelling (stems of misspellings are odd: words are compared)."""
        if word.stem in self._known or len(word.text) < _LONG:
            return word.stem
        if word.text not in self._mended:
            near = process.extractOne(
                word.text,
                self._meant.keys(),
                scorer=DamerauLevenshtein.distance,
                score_cutoff=1 + (len(word.text) > _LONGER),
            )
            right = near is not None and near[0][0] == word.text[0]
            self._mended[word.text] = self._meant[near[0]] if near and right else word.stem
        return self._mended[word.text]

    def find(self, words: list[Word]) -> list[Hit]:
        """Every cue of a sentence; of one role, the longest at a place."""
        hits: list[Hit] = []
        taken: dict[str, int] = {}
        spelt = tuple(self._spelt(word) for word in words)
        for first in range(len(words)):
            for last in range(min(len(words), first + self._longest), first, -1):
                for cue in self._by_stems.get(spelt[first:last], ()):
                    if first >= taken.get(cue.role, 0):
                        hits.append(Hit(first, last, cue))
                for hit in hits[::-1]:
                    if hit.first != first or hit.last != last:
                        break
                    taken[hit.cue.role] = last
        return _settled(hits)


def _settled(hits: list[Hit]) -> list[Hit]:
    """Without the cues inside a longer wording that stands for itself or for what is no data."""
    whole = [
        hit
        for hit in hits
        if hit.cue.role in ("other", "expression", "perhaps", "measure")
        and hit.last - hit.first > 1
        and not any(
            other.first < hit.last
            and hit.first < other.last
            and other.last - other.first > hit.last - hit.first
            for other in hits
            if other.cue.role == "aspect"
        )
    ]
    return [
        hit
        for hit in hits
        if not any(
            block.first <= hit.first
            and hit.last <= block.last
            and hit.last - hit.first < block.last - block.first
            for block in whole
        )
        and (
            hit in whole
            or hit.cue.role not in ("expression", "perhaps", "measure")
            or hit.last - hit.first == 1
        )
    ]


def read_cues(path: Path, known: Iterable[str]) -> list[Cue]:
    """Cues of the table.

    Raises `InvalidFile` naming line and field: a role or a sense that there is not (`known` holds names of senses).
    """
    names = set(known)
    found: list[Cue] = []
    for line, row in read_table(path, _COLUMNS):
        if not row[0].strip():
            raise InvalidFile(f"{path}:{line}: expected words, role and senses, found {row}")
        words, role, senses = row
        if role not in get_args(Role):
            raise InvalidFile(f"{path}:{line}: role: {role!r} is none of {', '.join(get_args(Role))}")
        given = tuple(filter(None, senses.split("|")))
        for sense in given:
            if sense not in names:
                raise InvalidFile(f"{path}:{line}: senses: no class {sense!r} in the ontology")
        found.append(Cue(words, role, given))  # type: ignore[arg-type]
    return found
