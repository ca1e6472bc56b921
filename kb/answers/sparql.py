"""Answer a SPARQL query: check it, pick the media type, let a process of the pool evaluate it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from kb.engines.generation import current_generation
from kb.engines.sparql_guard import check_query_text, terms_of
from kb.engines.sparql_pool import Places, SparqlPool
from kb.engines.sparql_process import Limits, Query
from kb.engines.sparql_results import answer_types
from kb.errors import InvalidInput
from kb.knowledge.names import BASE, PREFIXES, WH
from kb.knowledge.terms import Reference
from kb.settings import Settings

_OWN = (str(WH), BASE + "sense/")


@dataclass(frozen=True)
class SparqlAnswer:
    """Serialised answer; `truncated` when there were more rows than the limit allows."""

    media_type: str
    body: bytes
    rows: int
    truncated: bool


def open_pool(settings: Settings, places: Places | None = None) -> SparqlPool:
    """Processes over the published generation; they start with the first query unless `start` is called."""
    limits = Limits(
        seconds=settings.sparql_seconds,
        rows=settings.sparql_rows,
        bytes=settings.sparql_bytes,
        memory=settings.sparql_memory,
    )
    return SparqlPool(current_generation(settings.home).store, limits, places)


def ask(pool: SparqlPool, query: str, media_type: str | None = None) -> SparqlAnswer:
    """Whole answer to a query, in `media_type` or the default of its form.

    Raises `InvalidInput`, `QueryRefused`, `TooExpensive` or `Busy`.
    """
    types = answer_types(check_query_text(query))
    if media_type is not None and media_type not in types:
        raise InvalidInput(
            f"this query can't be answered as {media_type}", field="accept", hint=f"one of {', '.join(types)}"
        )
    answer = pool.submit(Query(query, media_type or types[0]))
    try:
        while answer.state == "running":
            answer.read(answer.size, 1, seconds=pool.limits.seconds)
        if answer.error:
            raise answer.error
        return SparqlAnswer(media_type or types[0], answer.body(), answer.rows, answer.truncated)
    finally:
        answer.close()


class DeclaredTerms:
    """All terms of our own namespaces, to tell which ones of a query there are not."""

    def __init__(self, reference: Reference) -> None:
        self._declared = {term.iri for term in reference.terms}
        self._by_name = {iri.rpartition("/")[2]: iri for iri in self._declared}

    def unknown(self, query: str) -> tuple[str, ...]:
        """Terms that a query uses and that are declared nowhere, each with near ones."""
        found = []
        for iri, written in terms_of(query, PREFIXES).items():
            if not iri.startswith(_OWN) or iri in self._declared or iri.endswith("/"):
                continue
            place, _, name = iri.rpartition("/")
            prefix = "" if written.startswith("<") else written.rpartition(":")[0] + ":"
            near = [self._by_name[match] for match in get_close_matches(name, self._by_name, n=2, cutoff=0.7)]
            close = [one.replace(place + "/", prefix) if prefix else f"<{one}>" for one in near]
            found.append(
                f"unknown term {written}" + (f", did you mean {' or '.join(close)}?" if close else "")
            )
        return tuple(found)
