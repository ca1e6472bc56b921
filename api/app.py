"""The FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import kb
from api.client_budget import ClientBudget
from api.crowd import Crowd
from api.headers import Headers
from api.problems import install_problems
from api.routes import (
    candidates,
    concepts,
    datasets,
    evidence,
    examples,
    exports,
    linked_data,
    llms,
    ontology,
    pages,
    resolve,
    search,
    service,
    similarity,
    sparql,
)
from api.state import State
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import read_terms
from kb.answers.sparql import DeclaredTerms, ask, open_pool
from kb.engines.sparql_pool import Places
from kb.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Application over the published generation; settings come from the environment unless given.

    Raises `NotReady` at start-up when nothing was built.
    """
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        base = KnowledgeBase.open(chosen)
        base.load()
        places = Places(chosen.sparql_free, chosen.sparql_long, chosen.sparql_waiting)
        pool = open_pool(chosen, places)
        pool.start()
        counted = ask(pool, "SELECT (COUNT(?d) AS ?n) { ?d a wh:ImagingDataset }", "text/csv")
        app.state.whence = State(
            base=base,
            pool=pool,
            budget=ClientBudget(
                chosen.sparql_client_seconds, chosen.sparql_client_errors, chosen.sparql_client_queries
            ),
            terms=DeclaredTerms(read_terms(base)),
            stored=int(counted.body.split()[1]),
        )
        try:
            yield
        finally:
            pool.close()

    app = FastAPI(
        title="Whence",
        summary="From which dataset should I transfer?",
        version=kb.__version__,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from a CDN; /openapi.json stands
        redoc_url=None,
    )

    app.add_middleware(Crowd)
    app.add_middleware(Headers)
    install_problems(app)
    for routes in (
        search,
        candidates,
        evidence,
        similarity,
        resolve,
        datasets,
        exports,
        concepts,
        examples,
        sparql,
        service,
        ontology,
        linked_data,
        llms,
        pages,
    ):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app
