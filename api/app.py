"""The FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

import kb
from api.problems import install_problems
from api.routes import (
    candidates,
    concepts,
    datasets,
    evidence,
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
from kb.answers.sparql import ask, open_worker
from kb.settings import Settings

_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Application over the published generation; settings come from the environment unless given.

    Raises `NotReady` at start-up when nothing was built.
    """
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        base = KnowledgeBase.open(chosen)
        base.load()
        worker = open_worker(chosen)
        counted = ask(worker, "SELECT (COUNT(?d) AS ?n) { ?d a wh:ImagingDataset }", "text/csv")
        app.state.whence = State(base=base, worker=worker, stored=int(counted.body.split()[1]))
        try:
            yield
        finally:
            worker.close()

    app = FastAPI(
        title="Whence",
        summary="From which dataset should I transfer?",
        version=kb.__version__,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from a CDN; /openapi.json stands
        redoc_url=None,
    )

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _SECURITY.items():
            response.headers.setdefault(name, value)
        state: State | None = getattr(request.app.state, "whence", None)
        if state is not None:
            response.headers["Whence-Data-Version"] = state.base.manifest.data_version
        return response

    install_problems(app)
    for routes in (
        search,
        candidates,
        evidence,
        similarity,
        resolve,
        datasets,
        concepts,
        sparql,
        service,
        ontology,
        pages,
    ):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app
