"""Find entries for a query in plain words, keep every stated condition, and say why each one is there.

The flow: `interpret` the words, `rank` all entries, sort them into three lists, explain the ones that are shown.
"""

from __future__ import annotations

import base64
import hashlib
import json

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.nothing_matches import excluded, why_nothing
from kb.answers.ranking import rank
from kb.answers.search_answer import SearchAnswer
from kb.answers.search_explanation import Explained
from kb.answers.search_facets import facet_counts
from kb.answers.search_tables import SearchTables
from kb.errors import InvalidInput
from kb.knowledge.folding import FoldedText
from kb.knowledge.interpretation import Interpretation

_MOST_RESULTS = 200
_MOST_NEAR = 5


def search(
    base: KnowledgeBase,
    query: str,
    *,
    limit: int = 10,
    cursor: str | None = None,
    interpretation: Interpretation | None = None,
) -> SearchAnswer:
    """Entries for a query, best first: those that match, then those that may, then near misses.

    `limit` counts the first two lists together; `cursor` goes on where an answer ended; `interpretation` stands in for
    what the query would be taken to mean. Raises `InvalidInput` when the query is empty or too long, the limit out of
    range, the cursor not one of this query and data version, or the interpretation names an unknown concept.
    """
    query = check_query(base, query)
    if not 1 <= limit <= _MOST_RESULTS:
        raise InvalidInput(f"expected 1 to {_MOST_RESULTS}, found {limit}", field="limit")
    tables = base.search_tables
    if interpretation is not None:
        _check(tables, interpretation)
    meant = interpretation or tables.understand(query)
    key = _key(base, query, meant)
    start = _offset(cursor, key)
    ranked = rank(tables, query, meant, guess=interpretation is None)
    note = why_nothing(tables, query, ranked, meant)
    matches = ranked.matches if note is None else ranked.matches & False
    may_match = ranked.may_match if note is None else ranked.may_match & False
    found, maybe = ranked.order(matches), ranked.order(may_match)
    explained = Explained(base, query, meant, ranked)

    end = start + limit
    near = ranked.order(ranked.near)[:_MOST_NEAR] if start == 0 and end > len(found) else []
    return SearchAnswer(
        query=query,
        interpretation=explained.interpretation,
        searched=len(tables.ids),
        data_version=base.manifest.data_version,
        matching=len(found),
        may_match_count=len(maybe),
        results=explained.hits(found[start:end], "matches", start + 1),
        may_match=explained.hits(
            maybe[max(0, start - len(found)) : max(0, end - len(found))],
            "may match",
            max(start, len(found)) + 1,
        ),
        near=explained.hits(near, "near", len(found) + len(maybe) + 1),
        excluded=excluded(ranked),
        note=note,
        facets=facet_counts(tables, matches),
        next=_cursor(key, end) if end < len(found) + len(maybe) else None,
    )


def check_query(base: KnowledgeBase, query: str) -> str:
    """The query without surrounding space and control characters.

    Raises `InvalidInput` when nothing is left or it is too long.
    """
    longest = base.settings.query_characters
    clean = "".join(character if character.isprintable() else " " for character in query).strip()
    if len(clean) > longest:
        raise InvalidInput(
            f"the query has {len(clean):,} characters, at most {longest:,} are read",
            field="q",
            hint="shorten it",
        )
    if not FoldedText.of(clean).tokens():
        raise InvalidInput(
            "the query has no words", field="q", hint="say what the images show, or name a dataset"
        )
    return clean


def _check(tables: SearchTables, interpretation: Interpretation) -> None:
    named = [
        *(("concepts", mention.concept) for mention in interpretation.concepts),
        *(
            ("constraints", value)
            for constraint in interpretation.constraints
            if constraint.kind == "concept"
            for value in constraint.values
        ),
    ]
    for field, concept in named:
        if concept not in tables.column_of:
            raise InvalidInput(
                f"no concept {concept!r} in the ontology",
                field=f"interpretation.{field}",
                hint="GET /api/concepts?q=... finds concepts by name",
            )
    for item in interpretation.known_items:
        if item.id not in tables.row_of:
            raise InvalidInput(f"no dataset {item.id!r}", field="interpretation.known_items")


def _key(base: KnowledgeBase, query: str, meant: Interpretation) -> str:
    """What a cursor belongs to: the data version, the query and what it was taken to mean."""
    text = "\0".join((base.manifest.data_version, query, meant.model_dump_json()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cursor(key: str, offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, offset]).encode()).decode().rstrip("=")


def _offset(cursor: str | None, key: str) -> int:
    if cursor is None:
        return 0
    try:
        belongs, offset = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"not a cursor: {cursor[:40]!r}", field="cursor", hint="use `next` of an answer as it is"
        ) from error
    if belongs != key or not isinstance(offset, int) or offset < 0:
        raise InvalidInput(
            "the cursor is of another query or data version", field="cursor", hint="start again without one"
        )
    return offset
