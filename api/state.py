"""What a running service holds: the settings, one knowledge base, one SPARQL worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.sparql_worker import SparqlWorker


@dataclass(frozen=True)
class State:
    """Opened at start-up, closed at shut-down."""

    base: KnowledgeBase
    worker: SparqlWorker
    stored: int  # entries that the store held at start-up; a generation never changes


def _state(request: Request) -> State:
    state: State = request.app.state.whence
    return state


def _base(request: Request) -> KnowledgeBase:
    return _state(request).base


def _worker(request: Request) -> SparqlWorker:
    return _state(request).worker


def _stored(request: Request) -> int:
    return _state(request).stored


Base = Annotated[KnowledgeBase, Depends(_base)]
Worker = Annotated[SparqlWorker, Depends(_worker)]
Stored = Annotated[int, Depends(_stored)]
