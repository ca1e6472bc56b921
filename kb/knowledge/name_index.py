"""Names of concepts in a text: exact, inflected, joined, inside a compound, misspelt, in any language.

Names in another language count where the text speaks that language, or where the word is no English word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import snowballstemmer
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from kb.knowledge.folding import UNSPACED, FoldedText, Token, fold
from kb.knowledge.interpretation import Scope
from kb.knowledge.stopwords import FILLERS, STOPWORDS, languages_of
from kb.knowledge.vocabulary import Concept, Vocabulary, singular

_LONGEST = 9
_UNSPACED = ("zh", "ja")
_STEMMER = snowballstemmer.stemmer("english")


@dataclass(frozen=True)
class Name:
    """One name of one concept."""

    concept: Concept
    text: str
    scope: Scope
    language: str


@dataclass(frozen=True)
class Match:
    """A stretch of a folded text that names concepts, any one of which may be meant."""

    start: int
    end: int
    names: tuple[Name, ...]
    scope: Scope
    confidence: float


def tokens_of(text: str) -> tuple[str, ...]:
    """Words of a name or text for comparison: folded, without plural endings."""
    return tuple(singular(token.text) for token in FoldedText.of(text).tokens())


def _stemmed(key: tuple[str, ...]) -> str:
    """Words without their endings; what is laparoscopic has the stem of laparoscopy."""
    return " ".join(stem.rstrip("i") for stem in _STEMMER.stemWords(key))


def _names(vocabulary: Vocabulary) -> Iterator[Name]:
    for concept in vocabulary:
        yield Name(concept, concept.label, "label", "en")
        for name in (*concept.synonyms, *concept.hidden):
            yield Name(concept, name, "synonym", "en")
        for language, name in concept.translations:
            yield Name(concept, name, "other language", language)


class NameIndex:
    """All names of all concepts, ready to be found in texts."""

    def __init__(self, vocabulary: Vocabulary, english: Collection[str]) -> None:
        """`english`: words that are no misspelling (the encoder's own words)."""
        self._vocabulary = vocabulary
        self._english = english
        self._exact: dict[tuple[str, ...], list[Name]] = {}
        self._unspaced: dict[str, list[Name]] = {}
        for name in _names(vocabulary):
            if UNSPACED.search(name.text):
                self._unspaced.setdefault("".join(fold(name.text).split()), []).append(name)
            elif key := tokens_of(name.text):
                self._exact.setdefault(key, []).append(name)
        for key, names in list(self._exact.items()):
            telling = [word for word in key if word not in FILLERS]
            if len(telling) == 1 < len(key) and len(telling[0]) >= 6 and telling[0] not in english:
                parts = [replace(name, scope="part of a name") for name in names if name.language == "en"]
                self._exact.setdefault((telling[0],), parts)

    @property
    def keys(self) -> Collection[tuple[str, ...]]:
        """Words of all names that are written with spaces."""
        return self._exact.keys()

    @cached_property
    def _joined(self) -> dict[str, list[Name]]:
        return self._rekeyed("".join, least=5)

    @cached_property
    def _stems(self) -> dict[str, list[Name]]:
        return self._rekeyed(_stemmed, least=5, languages=("en",))

    def _rekeyed(
        self, rule: Callable[[tuple[str, ...]], str], least: int, languages: Collection[str] | None = None
    ) -> dict[str, list[Name]]:
        found: dict[str, list[Name]] = {}
        for key, names in self._exact.items():
            text = rule(key)
            if len(text) >= least:
                chosen = [name for name in names if languages is None or name.language in languages]
                if chosen:
                    found.setdefault(text, []).extend(chosen)
        return found

    @cached_property
    def _german(self) -> dict[str, list[Name]]:
        """Single German words, by which compounds are taken apart."""
        return {
            key[0]: names
            for key, all_names in self._exact.items()
            if len(key) == 1 and len(key[0]) >= 4
            and (names := [name for name in all_names if name.language == "de"])
        }  # fmt: skip

    @cached_property
    def _words(self) -> list[str]:
        """Single words of all names, for spelling."""
        return sorted({word for key in self._exact for word in key if len(word) >= 4 and word.isalpha()})

    @cached_property
    def _phrases(self) -> dict[int, list[str]]:
        """English names of two and three words, for spelling."""
        found: dict[int, list[str]] = {2: [], 3: []}
        for key, names in self._exact.items():
            if len(key) in found and any(name.language == "en" for name in names):
                found[len(key)].append(" ".join(key))
        return found

    @cached_property
    def _word_set(self) -> frozenset[str]:
        return frozenset(word for key in self._exact for word in key)

    def find(self, text: FoldedText, free: Iterable[tuple[int, int]] = ()) -> list[Match]:
        """All names in a text, none overlapping another or a stretch in `free`; surest and longest first."""
        taken = bytearray(len(text.text))
        for start, end in free:
            taken[start:end] = b"\1" * (end - start)
        spoken = languages_of(text)
        matches: list[Match] = []

        def add(start: int, end: int, names: Iterable[Name], scope: Scope | None, confidence: float) -> bool:
            chosen = self._specific(names)
            if not chosen or any(taken[start:end]):
                return False
            taken[start:end] = b"\1" * (end - start)
            matches.append(Match(start, end, chosen, scope or chosen[0].scope, confidence))
            return True

        for start, end, names in self._find_unspaced(text.text):
            if add(start, end, names, None, 1.0):
                matches.extend(self._inside(text.text, matches[-1]))
        tokens = [_acronym(token, text) for token in text.tokens() if not UNSPACED.search(token.text)]
        self._exactly(windows(tokens, least=2), text, spoken, add)
        self._misspelt_phrases(tokens, taken, add)
        self._exactly(windows(tokens, 1), text, spoken, add)
        left = [token for token in tokens if not any(taken[token.start : token.end])]
        self._joined_or_inflected(left, text, spoken, add)
        for token in left:
            if not any(taken[token.start : token.end]):
                self._compound(token, spoken, add)
            if not any(taken[token.start : token.end]):
                self._misspelt(token, spoken, add)
        return sorted(matches, key=lambda match: match.start)

    def _joined_or_inflected(
        self, left: list[Token], text: FoldedText, spoken: Collection[str], add: Callable[..., bool]
    ) -> None:
        """Names written together or apart, and names with other endings."""
        for window in windows(left, 3):
            start, end = window[0].start, window[-1].end
            if end - start > sum(len(token.text) for token in window) + 2 * len(window):
                continue  # not neighbours
            joined = "".join(singular(token.text) for token in window)
            if joined not in STOPWORDS and joined not in FILLERS:
                names = self._usable(self._joined.get(joined, ()), window, text, spoken)
                if names and not (len(window) == 1 and joined in self._english):
                    add(start, end, names, "joined words", 0.95)
        for window in windows(left, 4):
            start, end = window[0].start, window[-1].end
            if any(token.text in STOPWORDS for token in (window[0], window[-1])):
                continue
            if all(token.text in FILLERS for token in window):
                continue
            stem = _stemmed(tuple(singular(token.text) for token in window))
            if names := self._stems.get(stem, []):
                add(start, end, names, "inflection", 0.9)

    def _exactly(
        self,
        windows: Iterator[list[Token]],
        text: FoldedText,
        spoken: Collection[str],
        add: Callable[..., bool],
    ) -> None:
        for window in windows:
            key = tuple(singular(token.text) for token in window)
            if all(token.text in FILLERS for token in window):
                continue  # pretraining, transfer learning: what it is for, and not what it shows
            if key in self._exact and (names := self._usable(self._exact[key], window, text, spoken)):
                add(window[0].start, window[-1].end, names, None, 1.0)

    def _inside(self, text: str, match: Match) -> Iterator[Match]:
        """Names of other facets inside a name of an unspaced script: the CT of a chest CT."""
        facets = {name.concept.facet for name in match.names}
        place = match.start
        while place < match.end:
            for end in range(match.end, place, -1):
                piece = "".join(text[place:end].split())
                if (place, end) == (match.start, match.end):
                    continue
                names = self._unspaced.get(piece) or self._exact.get((piece,)) or []
                if other := self._specific(
                    name
                    for name in names
                    if name.concept.facet not in facets
                    and not (name.concept.facet == "anatomy" and "finding" in facets)  # a finding has its own
                ):
                    yield Match(place, end, other, "other language", 0.9)
                    place = end
                    break
            else:
                place += 1

    def _specific(self, names: Iterable[Name]) -> tuple[Name, ...]:
        """Without the concepts that another one of the same words entails, each concept once."""
        by_concept = {name.concept.id: name for name in reversed(list(names))}
        held = {concept: self._vocabulary.entailed_by([concept]) - {concept} for concept in by_concept}
        return tuple(
            name
            for concept, name in reversed(by_concept.items())
            if not any(concept in others for other, others in held.items() if other != concept)
        )

    def _find_unspaced(self, text: str) -> Iterator[tuple[int, int, list[Name]]]:
        longest = max(map(len, self._unspaced), default=0)
        start = 0
        while start < len(text):
            if text[start].isspace() or (
                start and text[start].isascii() and text[start - 1].isascii() and text[start - 1].isalnum()
            ):
                start += 1
                continue
            piece, ends = "", []
            for end in range(start, min(len(text), start + longest + 4)):
                if not text[end].isspace():
                    piece += text[end]
                    ends.append((piece, end + 1))
            for name, end in reversed(ends):
                if name in self._unspaced:
                    yield start, end, self._unspaced[name]
                    start = end
                    break
            else:
                start += 1

    def _usable(
        self, names: Iterable[Name], window: list[Token], text: FoldedText, spoken: Collection[str]
    ) -> list[Name]:
        """Names that the words can be taken for: short ones only in capitals, foreign ones only where spoken."""
        word = window[0].text if len(window) == 1 else ""
        written = text.words(window[0].start, window[-1].end)
        small = bool(word) and (word in STOPWORDS or len(word) < 2)
        if small and not (written.isupper() and len(word) > 1):
            return []
        usable = [
            name
            for name in names
            if name.language == "en"
            or name.language in spoken
            or not word
            or (word not in self._english and len(word) >= 4)
        ]
        english = [name for name in usable if name.language == "en"]
        return english or usable

    def _compound(self, token: Token, spoken: Collection[str], add: Callable[..., bool]) -> None:
        """German compounds: the longest known words in it, from left to right, if they make up most of it."""
        word = token.text
        if len(word) < 7 or word in self._english:
            return
        pieces: list[tuple[int, int, list[Name]]] = []
        place = covered = 0
        while place < len(word) - 3:
            for end in range(len(word), place + 3, -1):
                piece = word[place:end]
                names = self._german.get(piece) or self._german.get(singular(piece)) or []
                if names or piece in STOPWORDS:
                    covered += end - place
                    if names:
                        pieces.append((place, end, names))
                    place = end
                    break
            else:
                place += 1
        if covered >= (0.4 if "de" in spoken else 0.75) * len(word):
            for start, end, names in pieces:
                add(token.start + start, token.start + end, names, "part of a word", 0.8)

    def _misspelt(self, token: Token, spoken: Collection[str], add: Callable[..., bool]) -> None:
        word = singular(token.text)
        if (
            len(word) < 4 or not word.isalpha() or word in self._english or token.text in self._english
            or word in STOPWORDS or word in FILLERS or word in self._word_set
        ):  # fmt: skip
            return
        if correct := self.correction(word, foreign=any(language not in _UNSPACED for language in spoken)):
            names = self._exact.get((correct,), [])
            english = [name for name in names if name.language == "en"] or names
            add(token.start, token.end, english, "spelling", 0.8)

    def correction(self, word: str, *, foreign: bool = False) -> str | None:
        """The word of a name that a misspelt word is likely meant to be; None when none is near.

        `foreign`: the text is in another language, so that a word only somewhat alike is more likely one of its own.
        """
        most = (1 if len(word) < 7 else 2 if len(word) < 11 else 3) - foreign
        found = process.extract(
            word, self._words, scorer=DamerauLevenshtein.distance, score_cutoff=most, limit=12
        )
        if not found:
            return None
        best = min(
            found,
            key=lambda item: (
                item[1],
                item[0][0] != word[0],
                not any(name.language == "en" for name in self._exact.get((item[0],), [])),
                item[0],
            ),
        )
        return best[0]

    def _misspelt_phrases(self, tokens: list[Token], taken: bytearray, add: Callable[..., bool]) -> None:
        """Two or three words of which one at least is right: `brian tumor`."""
        for window in windows(tokens, 3):
            if len(window) < 2 or any(token.text in STOPWORDS for token in window):
                continue
            key = [singular(token.text) for token in window]
            start, end = window[0].start, window[-1].end
            wrong = [word for word in key if word not in self._word_set]
            if any(taken[start:end]) or not wrong or len(wrong) == len(key) == 3 or min(map(len, wrong)) < 4:
                continue
            fixed = tuple(
                word if word in self._word_set or word in self._english else self.correction(word) or word
                for word in key
            )
            if fixed in self._exact and any(name.language == "en" for name in self._exact[fixed]):
                add(
                    start,
                    end,
                    [name for name in self._exact[fixed] if name.language == "en"],
                    "spelling",
                    0.8,
                )
                continue
            found = process.extractOne(
                " ".join(key), self._phrases[len(key)], scorer=DamerauLevenshtein.distance, score_cutoff=2
            )
            if found and found[1] <= max(1, len(" ".join(key)) // 8):
                add(start, end, self._exact[tuple(found[0].split())], "spelling", 0.75)


def _acronym(token: Token, text: FoldedText) -> Token:
    """MRIs, CTs: the plural of capitals."""
    written = text.words(token.start, token.end)
    plural = len(written) > 2 and written.endswith("s") and written[:-1].isupper()
    return Token(token.text[:-1], token.start, token.end) if plural else token


def windows(tokens: list[Token], longest: int = _LONGEST, *, least: int = 1) -> Iterator[list[Token]]:
    """Runs of tokens, longest first, then from left to right."""
    for size in range(min(longest, len(tokens)), least - 1, -1):
        for start in range(len(tokens) - size + 1):
            yield tokens[start : start + size]
