"""SQLite FTS5 over the texts of entries: BM25 for words that are no concept."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from kb.knowledge.folding import FoldedText
from kb.knowledge.stopwords import STOPWORDS

_MOST_TERMS = 64


class TextIndex:
    """Words of entries, with accents and English endings folded away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    @staticmethod
    def build(path: Path, texts: Iterable[tuple[str, str]]) -> None:
        """Write an index of name and text; rows are numbered from 0 in the order given."""
        with sqlite3.connect(path) as database:
            database.execute(
                "CREATE VIRTUAL TABLE entry USING fts5(name, text, tokenize='porter unicode61 remove_diacritics 2')"
            )
            numbered = ((row, *text) for row, text in enumerate(texts))
            database.executemany("INSERT INTO entry (rowid, name, text) VALUES (?, ?, ?)", numbered)
        database.close()

    def scores(self, query: str) -> list[tuple[int, float]]:
        """Rows that share a word with the query, each with its BM25, higher is better; names count three times.

        The query is taken as words only: no operator of FTS5 in it has an effect.
        """
        terms = {token.text for token in FoldedText.of(query).tokens() if token.text not in STOPWORDS}
        if not terms:
            return []
        asked = " OR ".join(f'"{term}"' for term in sorted(terms)[:_MOST_TERMS])
        return self._connection.execute(
            "SELECT rowid, -bm25(entry, 3.0, 1.0) FROM entry WHERE entry MATCH ?", (asked,)
        ).fetchall()

    def terms_of(self, query: str, rows: Sequence[int]) -> list[tuple[str, ...]]:
        """For each of the rows the words of the query that it holds, in the order of the query."""
        found: dict[int, list[str]] = {row: [] for row in rows}
        terms = dict.fromkeys(token.text for token in FoldedText.of(query).tokens())
        chosen = ", ".join(str(int(row)) for row in rows)
        for term in [term for term in terms if term not in STOPWORDS][:_MOST_TERMS]:
            holding = self._connection.execute(
                f"SELECT rowid FROM entry WHERE entry MATCH ? AND rowid IN ({chosen})",  # noqa: S608 - integers
                (f'"{term}"',),
            )
            for (row,) in holding:
                found[row].append(term)
        return [tuple(found[row]) for row in rows]

    def holds(self, word: str) -> bool:
        """Whether any entry's text holds the word, in any of its English endings."""
        row = self._connection.execute(
            "SELECT 1 FROM entry WHERE entry MATCH ? LIMIT 1", (f'"{word}"',)
        ).fetchone()
        return row is not None

    @property
    def _connection(self) -> sqlite3.Connection:
        """Connection of this thread; the file never changes."""
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(f"file:{self._path}?mode=ro&immutable=1", uri=True)
        connection: sqlite3.Connection = self._local.connection
        return connection
