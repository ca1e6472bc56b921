"""SQLite FTS5 over the texts of entries: BM25 for words that are no concept."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
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
    def build(path: Path, texts: Mapping[str, tuple[str, str]]) -> None:
        """Write an index of name and text by entry id."""
        with sqlite3.connect(path) as database:
            database.execute(
                "CREATE VIRTUAL TABLE entry USING fts5(id UNINDEXED, name, text, tokenize='porter unicode61 remove_diacritics 2')"
            )
            database.executemany(
                "INSERT INTO entry VALUES (?, ?, ?)", [(i, *text) for i, text in texts.items()]
            )
        database.close()

    def scores(self, query: str, limit: int = 2000) -> dict[str, float]:
        """BM25 of the entries that share a word with the query, higher is better; names count three times.

        The query is taken as words only: no operator of FTS5 in it has an effect.
        """
        terms = {token.text for token in FoldedText.of(query).tokens() if token.text not in STOPWORDS}
        if not terms:
            return {}
        asked = " OR ".join(f'"{term}"' for term in sorted(terms)[:_MOST_TERMS])
        rows = self._connection.execute(
            "SELECT id, -bm25(entry, 0.0, 3.0, 1.0) FROM entry WHERE entry MATCH ? ORDER BY 2 DESC LIMIT ?",
            (asked, limit),
        )
        return {str(entry_id): float(score) for entry_id, score in rows}

    def terms_of(self, query: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """For each of the entries the words of the query that it holds, in the order of the query."""
        found: dict[str, list[str]] = {entry_id: [] for entry_id in ids}
        terms = dict.fromkeys(token.text for token in FoldedText.of(query).tokens())
        chosen = ", ".join("?" for _ in ids)
        for term in [term for term in terms if term not in STOPWORDS][:_MOST_TERMS]:
            rows = self._connection.execute(
                f"SELECT id FROM entry WHERE entry MATCH ? AND id IN ({chosen})",  # noqa: S608 - question marks
                (f'"{term}"', *ids),
            )
            for (entry_id,) in rows:
                found[entry_id].append(term)
        return {entry_id: tuple(words) for entry_id, words in found.items()}

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
