"""Answer a SPARQL query: check it, pick the media type, let the worker evaluate it."""

from __future__ import annotations

from kb.engines.generation import current_generation
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_worker import Limits, SparqlAnswer, SparqlWorker, answer_types
from kb.errors import InvalidInput
from kb.settings import Settings


def open_worker(settings: Settings) -> SparqlWorker:
    """Worker over the published generation; its process starts with the first query."""
    limits = Limits(
        seconds=settings.sparql_seconds,
        rows=settings.sparql_rows,
        bytes=settings.sparql_bytes,
        memory=settings.sparql_memory,
    )
    return SparqlWorker(current_generation(settings.home).store, limits)


def ask(worker: SparqlWorker, query: str, media_type: str | None = None) -> SparqlAnswer:
    """Answer to a query, in `media_type` or the default of its form.

    Raises `InvalidInput`, `QueryRefused` or `TooExpensive`.
    """
    types = answer_types(check_query_text(query))
    if media_type is not None and media_type not in types:
        raise InvalidInput(
            f"this query can't be answered as {media_type}", field="accept", hint=f"one of {', '.join(types)}"
        )
    return worker.query(query, media_type or types[0])
