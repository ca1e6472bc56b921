"""What a running service holds: the settings, one knowledge base, one pool of SPARQL processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.client_budget import ClientBudget
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.sparql import DeclaredTerms
from kb.engines.sparql_pool import SparqlPool


@dataclass(frozen=True)
class State:
    """Opened at start-up, closed at shut-down."""

    base: KnowledgeBase
    pool: SparqlPool
    budget: ClientBudget
    terms: DeclaredTerms
    stored: int  # entries that the store held at start-up; a generation never changes


def _state(request: Request) -> State:
    state: State = request.app.state.whence
    return state


def _base(request: Request) -> KnowledgeBase:
    return _state(request).base


def _pool(request: Request) -> SparqlPool:
    return _state(request).pool


def _budget(request: Request) -> ClientBudget:
    return _state(request).budget


def _stored(request: Request) -> int:
    return _state(request).stored


Base = Annotated[KnowledgeBase, Depends(_base)]
Pool = Annotated[SparqlPool, Depends(_pool)]


def _terms(request: Request) -> DeclaredTerms:
    return _state(request).terms


Budget = Annotated[ClientBudget, Depends(_budget)]
Stored = Annotated[int, Depends(_stored)]
Terms = Annotated[DeclaredTerms, Depends(_terms)]
