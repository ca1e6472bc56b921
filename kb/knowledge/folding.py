"""Text made comparable: lower case, without accents, with the way back to the places in the original."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = {"ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"}
#: Han, kana and their marks: scripts written without spaces.
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005\u3006"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_TOKEN = re.compile(rf"[^\W_{_UNSPACED}]+(?:&[^\W_{_UNSPACED}]+)?|[{_UNSPACED}]+")


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    lower = unicodedata.normalize("NFKC", character).casefold()
    if UNSPACED.search(lower):
        return lower  # the marks of kana are letters of their own
    plain = "".join(_SPECIAL.get(c, c) for c in lower)
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))


@dataclass(frozen=True)
class Token:
    """A word of a folded text, with its place there."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class FoldedText:
    """A text in lower case without accents; `origin[i]` is the place in the original of folded character i."""

    original: str
    text: str
    origin: tuple[int, ...]

    @classmethod
    def of(cls, original: str) -> FoldedText:
        """Fold a text character by character."""
        pieces, origin = [], []
        for place, character in enumerate(original):
            piece = _folded(character) if character.isprintable() else " "
            pieces.append(piece)
            origin.extend([place] * len(piece))
        return cls(original, "".join(pieces), (*origin, len(original)))

    def tokens(self) -> list[Token]:
        """Words, and runs of characters of scripts without spaces."""
        return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(self.text)]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Place in the original of a stretch of the folded text."""
        return self.origin[start], self.origin[end - 1] + 1 if end > start else self.origin[start]

    def words(self, start: int, end: int) -> str:
        """The original's words for a stretch of the folded text."""
        first, last = self.place(start, end)
        return self.original[first:last]


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Folded form of a text."""
    return FoldedText.of(text).text
