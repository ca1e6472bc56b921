"""The reference of the ontology's terms, at the addresses that their IRIs have under w3id.org."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from starlette.concurrency import run_in_threadpool

from api.negotiation import preferred
from api.problems import problem
from api.state import Base, Worker
from kb.answers import reference_pages as pages
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.sparql import ask
from kb.engines.sparql_worker import SparqlWorker, answer_types
from kb.knowledge.names import WH
from kb.knowledge.terms import KINDS, Kind, Reference, Term

router = APIRouter(tags=["pages"], include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
_PAGE = "text/html"
#: Column of the first page's table in which terms of a kind are counted.
_COLUMN: dict[Kind, str] = {
    kind: {"class": "classes", "individual": "individuals"}.get(kind, "properties") for kind in KINDS
}


@dataclass(frozen=True)
class Download:
    """A file that holds the whole ontology."""

    path: str
    label: str
    media_type: str


#: Shown on the first page in this order; the address of the whole ontology leads a program to one of them.
DOWNLOADS = (
    Download("/ontology/whence.ttl", "Turtle", "text/turtle"),
    Download("/ontology/whence.owl", "RDF/XML", "application/rdf+xml"),
    Download("/ontology/whence.jsonld", "JSON-LD", "application/ld+json"),
)


def download_for(accept: str, downloads: Sequence[Download]) -> Download | None:
    """The file that the Accept header likes better than a page; None where the page will do."""
    media_type = preferred(accept, (_PAGE, *(download.media_type for download in downloads)))
    return next((download for download in downloads if download.media_type == media_type), None)


@router.get("/ontology/")
def index(request: Request, base: Base, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """What the ontology is, its modules, how to cite it; with `q`, the terms found."""
    if (file := download_for(_accept(request), DOWNLOADS)) is not None:
        return RedirectResponse(file.path, status_code=303, headers={"Vary": "Accept"})
    reference = pages.read_terms(base)
    sections = {module.name: pages.sections(reference, module) for module in reference.modules}
    context: dict[str, object] = {
        "q": q,
        "found": pages.find_terms(reference, q),
        "columns": ("classes", "properties", "individuals", "all"),
        "tally": Counter((t.module, column) for t in reference.terms for column in (_COLUMN[t.kind], "all")),
        "senses": next((s for found in sections.values() for s in found if s.senses), None),
        "sections": sections,
        "version": ", ".join(sorted({module.version for module in reference.modules})),
        "licences": sorted({module.licence for module in reference.modules}),
        "creators": sorted({creator for module in reference.modules for creator in module.creators}),
        "year": max(module.created for module in reference.modules)[:4],
        "namespace": str(WH),
        "downloads": DOWNLOADS,
    }
    return _page(request, base, reference, "index", context)


@router.get("/module/{name}")
def module(request: Request, base: Base, name: str) -> Response:
    """All terms of one module as trees."""
    reference = pages.read_terms(base)
    found = reference.module(name)
    context: dict[str, object] = {
        "module": found,
        "sections": pages.sections(reference, found),
        "counts": pages.datasets_under(base),
    }
    return _page(request, base, reference, "module", context)


@router.get("/ontology/{name}")
async def term(request: Request, base: Base, worker: Worker, name: str) -> Response:
    """One term: a page, or its triples in the RDF form that Accept asks for; or one of the release files."""
    files = {path.name: path for path in base.generation.ontology.iterdir()}
    if name in files:
        return FileResponse(
            files[name], media_type=_media_type(name), headers={"Access-Control-Allow-Origin": "*"}
        )
    reference = pages.read_terms(base)
    return await _term(request, base, worker, reference, reference.term(name))


def _media_type(name: str) -> str:
    known = {download.path.rpartition("/")[2]: download.media_type for download in DOWNLOADS}
    return known.get(name, "text/tab-separated-values" if name.endswith(".tsv") else "text/plain")


@router.get("/sense/{name}")
async def sense(request: Request, base: Base, worker: Worker, name: str) -> Response:
    """The concept of a sense: the page of the class that it mirrors, or its triples."""
    reference = pages.read_terms(base)
    return await _term(request, base, worker, reference, reference.term(f"sense:{name}"))


async def _term(
    request: Request, base: KnowledgeBase, worker: SparqlWorker, reference: Reference, term: Term
) -> Response:
    query = f"DESCRIBE <{term.iri}>"
    offered = (_PAGE, *answer_types("DESCRIBE"))
    media_type = preferred(_accept(request), offered)
    if media_type is None:
        return problem(
            406, "no media type that Accept allows fits a term", hint=f"one of {', '.join(offered)}"
        )
    if media_type != _PAGE:
        answer = await run_in_threadpool(ask, worker, query, media_type)
        headers = {"Vary": "Accept", "Access-Control-Allow-Origin": "*"}
        return Response(answer.body, media_type=answer.media_type, headers=headers)
    if term.mirrors:
        href = pages.link(reference, term.iri).href
        return RedirectResponse(href, status_code=303, headers={"Vary": "Accept"})
    return await run_in_threadpool(_term_page, request, base, reference, term)


def _term_page(request: Request, base: KnowledgeBase, reference: Reference, term: Term) -> Response:
    under = pages.datasets_under(base)[term.name] if term.facet else None
    context: dict[str, object] = {
        "term": term,
        "module": reference.module(term.module),
        "paths": pages.paths(reference, term),
        "mentions": pages.mentions(reference, term),
        "datasets": under,
        "stating": pages.datasets_stating(base, term.name) if term.facet else None,
    }
    return _page(request, base, reference, "term", context)


def _accept(request: Request) -> str:
    return ", ".join(request.headers.getlist("accept"))


def _page(
    request: Request, base: KnowledgeBase, reference: Reference, name: str, context: dict[str, object]
) -> Response:
    shared = {"reference": reference, "link": pages.link, "manifest": base.manifest}
    return _TEMPLATES.TemplateResponse(
        request, f"ontology/{name}.html", shared | context, headers={"Vary": "Accept"}
    )
