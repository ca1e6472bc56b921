"""Names of entries in a query: exact, written together or apart, or misspelt."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.folding import FoldedText, Token
from kb.knowledge.interpretation import KnownItem
from kb.knowledge.name_index import tokens_of
from kb.knowledge.stopwords import FILLERS, STOPWORDS
from kb.knowledge.vocabulary import singular

_LONGEST = 12
_MOST_OF_A_STEM = 25


class KnownItems:
    """Names and aliases of all entries."""

    def __init__(
        self,
        entries: Mapping[str, DatasetEntry],
        concept_names: Collection[tuple[str, ...]],
        english: Collection[str],
    ) -> None:
        """`concept_names` and `english` name things that are hardly meant as the name of an entry."""
        self._entries = entries
        self._english = english
        self._concept_names = concept_names
        self._concept_words = frozenset(word for name in concept_names for word in name) | FILLERS | STOPWORDS
        self._exact: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._shortened: set[tuple[str, ...]] = set()
        self._families: dict[tuple[str, ...], list[str]] = {}
        for entry in entries.values():
            for name in (entry.name, *entry.aliases, entry.id.replace("-", " ")):
                self._add(entry.id, name)
                if short := re.fullmatch(r"(.*[A-Za-z])[ '-]?([012]\d)", name):
                    self._add(entry.id, f"{short[1]} 20{short[2]}")
            if entry.family:
                self._families.setdefault(unsung(entry.family), []).append(entry.id)

    def _add(self, entry_id: str, name: str) -> None:
        key = tokens_of(name)
        if key and key not in self._concept_names:
            named = self._exact.setdefault(key, [])
            if entry_id not in {known for known, _ in named}:
                named.append((entry_id, name))
            if len(key) > 2 and key[-1].isdigit() and self._kind(key[:-1]) == "own":
                self._exact.setdefault(key[:-1], []).append((entry_id, name))
                self._shortened.add(key[:-1])

    def _kind(self, key: tuple[str, ...]) -> Literal["own", "everyday", "descriptive"]:
        """Whether a name is a word of its own, made of everyday words, or made of words for concepts."""
        if all(word in self._concept_words for word in key):
            return "descriptive"
        if all(word in self._english or word in self._concept_words or word.isdigit() for word in key):
            return "own" if len(key) > 3 else "everyday"
        return "own"

    @cached_property
    def _joined(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for key in self._exact.keys() - self._shortened:
            for words in (key, tuple(word for word in key if word not in FILLERS)):
                if self._kind(words) == "own" and len("".join(words)) >= 4:
                    found.setdefault("".join(words), key)
        return found

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """First word of names, without its digits, where it is a word of its own: lascarqs of LAScarQS 2022."""
        found: dict[str, list[str]] = {}
        hosts = {word for e in self._entries.values() for name in e.platforms for word in tokens_of(name)}
        common = hosts | self._concept_words | set(self._english)
        for key, named in self._exact.items():
            stem = key[0].rstrip("0123456789")
            if len(stem) >= 4 and stem not in common:
                found.setdefault(stem, []).extend(entry_id for entry_id, _ in named)
        return {stem: ids for stem, ids in found.items() if len(set(ids)) <= _MOST_OF_A_STEM}

    @cached_property
    def _choices(self) -> list[str]:
        return [joined for joined in self._joined if len(joined) >= 5]

    def find(self, text: FoldedText) -> tuple[tuple[KnownItem, ...], list[tuple[int, int]]]:
        """Entries named in a text and the places of their names in the folded text."""
        tokens = text.tokens()
        items: dict[str, KnownItem] = {}
        places: list[tuple[int, int]] = []
        for size in range(min(_LONGEST, len(tokens)), 0, -1):
            for first in range(len(tokens) - size + 1):
                window = tokens[first : first + size]
                start, end = window[0].start, window[-1].end
                if any(start < taken_end and taken_start < end for taken_start, taken_end in places):
                    continue
                if found := self._match(window, text):
                    key, scope, confidence = found
                    if self._kind(key) != "descriptive":
                        places.append((start, end))
                    for entry_id, name in self._exact[key]:
                        own = (
                            scope
                            if scope == "spelling"
                            else "name"
                            if name == self._entries[entry_id].name
                            else "alias"
                        )
                        items.setdefault(
                            entry_id,
                            KnownItem(
                                id=entry_id,
                                words=text.words(start, end),
                                matched=name,
                                scope=own,
                                confidence=confidence,
                            ),
                        )
        self._series(tokens, text, items, places)
        self._stem(tokens, text, items, places)
        return tuple(items.values()), places

    def _series(
        self,
        tokens: list[Token],
        text: FoldedText,
        items: dict[str, KnownItem],
        places: list[tuple[int, int]],
    ) -> None:
        """Entries of a series that the text names; with a year, the edition of that year."""
        years = {int(token.text) for token in tokens if re.fullmatch(r"(?:19|20)\d\d", token.text)}
        for size in range(min(4, len(tokens)), 0, -1):
            for first in range(len(tokens) - size + 1):
                window = tokens[first : first + size]
                start, end = window[0].start, window[-1].end
                key = tuple(token.text for token in window)
                if key not in self._families or any(start < b and a < end for a, b in places):
                    continue
                if key in self._concept_names or (
                    all(word in self._english for word in key) and not text.words(start, end).isupper()
                ):
                    continue
                places.append((start, end))
                members = self._families[key]
                meant = [i for i in members if self._entries[i].edition in years] if years else []
                for entry_id in members:
                    items.setdefault(
                        entry_id,
                        KnownItem(
                            id=entry_id,
                            words=text.words(start, end),
                            matched=self._entries[entry_id].family or "",
                            scope="series",
                            confidence=0.9 if entry_id in meant else 0.5,
                        ),
                    )

    def _stem(
        self,
        tokens: list[Token],
        text: FoldedText,
        items: dict[str, KnownItem],
        places: list[tuple[int, int]],
    ) -> None:
        """Entries whose name begins with a word of the text that is no other word; digits of a year decide."""
        years = {
            token.text[-2:] for token in tokens if re.fullmatch(r"\D*(?:(?:19|20)\d\d|\d\d)", token.text)
        }
        for token in tokens:
            stem = singular(token.text).rstrip("0123456789")
            if stem not in self._stems or any(token.start < b and a < token.end for a, b in places):
                continue
            places.append((token.start, token.end))
            for entry_id in dict.fromkeys(self._stems[stem]):
                entry = self._entries[entry_id]
                dated = any(entry.name.rstrip().endswith(year) or f"{year}-" in entry_id for year in years)
                items.setdefault(
                    entry_id,
                    KnownItem(
                        id=entry_id,
                        words=text.words(token.start, token.end),
                        matched=entry.name,
                        scope="series",
                        confidence=0.9 if dated else 0.6,
                    ),
                )

    def _match(self, window: list[Token], text: FoldedText) -> tuple[tuple[str, ...], str, float] | None:
        key = tuple(singular(token.text) for token in window)
        if key in self._exact and self._meant(key, window, text):
            return key, "name", 1.0
        if len(window) > 4:
            return None
        joined = "".join(key)
        if all(word in STOPWORDS or word in FILLERS for word in key):
            return None
        if joined in self._joined and joined not in self._english and joined not in self._concept_words:
            return self._joined[joined], "name", 0.95
        plain = any(
            (word in self._english or word in self._concept_words) and not word.isdigit() for word in key
        )
        if len(joined) >= 6 and not plain and len(window) <= 2:
            most = 1 if len(joined) < 9 else 2
            near = process.extractOne(
                joined, self._choices, scorer=DamerauLevenshtein.distance, score_cutoff=most
            )
            if near is not None and _digits(near[0]) == _digits(joined) and near[0][0] == joined[0]:
                return self._joined[near[0]], "spelling", 0.8
        return None

    def _meant(self, key: tuple[str, ...], window: list[Token], text: FoldedText) -> bool:
        """Whether words that are a name are meant as one."""
        kind = self._kind(key)
        if kind == "descriptive":
            return len(key) > 4
        written = text.words(window[0].start, window[-1].end)
        if kind == "everyday" or len("".join(key)) < 3:
            around = [token for token in text.tokens() if token not in window]
            alone = all(token.text in FILLERS or token.text in STOPWORDS for token in around)
            return written.isupper() or (alone and len("".join(key)) > 2)
        return True


def unsung(text: str) -> tuple[str, ...]:
    """Words of a name of a series, which may end in s."""
    return tuple(token.text for token in FoldedText.of(text).tokens())


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())
