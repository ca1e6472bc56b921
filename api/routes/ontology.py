"""The reference of the ontology's terms, at the addresses that their IRIs have under w3id.org."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates

from api.dereferencing import Shown, dereference
from api.negotiation import preferred
from api.routes.linked_data import show_record
from api.state import Base
from kb.answers import reference_pages as pages
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.linked_data import Resource
from kb.answers.record_page import record_page
from kb.errors import NotFound
from kb.knowledge.names import BASE, WH
from kb.knowledge.terms import KINDS, Kind, Reference, Term

router = APIRouter(tags=["pages"], include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
_PAGE = "text/html"
_READING = ["GET", "HEAD"]
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


@router.api_route("/ontology/", methods=_READING)
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


@router.api_route("/module/{name}", methods=_READING)
def module(request: Request, base: Base, name: str) -> Response:
    """All terms of one module as trees, or what the ontology says of the module."""

    def page(resource: Resource) -> Response:
        reference = pages.read_terms(base)
        found = reference.module(resource.name)
        context: dict[str, object] = {
            "module": found,
            "sections": pages.sections(reference, found),
            "counts": pages.datasets_under(base),
        }
        return _page(request, base, reference, "module", context)

    def data(resource: Resource) -> Response:
        return JSONResponse(pages.read_terms(base).module(resource.name).model_dump(mode="json"))

    return dereference(request, base, f"module/{name}", Shown(page, data))


@router.api_route("/module/{name}/{version}", methods=_READING)
def module_version(base: Base, name: str, version: str) -> Response:
    """A version of a module: the one that is served leads to the module."""
    served = pages.read_terms(base).module(name).version
    if version != served:
        raise NotFound(
            f"version {version[:40]!r} of the module {name} is not served", hint=f"version {served} is"
        )
    return RedirectResponse(f"/module/{name}", status_code=303)


@router.api_route("/ontology/{name}", methods=_READING)
def term(request: Request, base: Base, name: str) -> Response:
    """One term: a page, its triples or its JSON; or one of the release files."""
    files = {path.name: path for path in base.generation.ontology.iterdir()}
    if name in files:
        return FileResponse(files[name], media_type=_media_type(name))
    reference = pages.read_terms(base)
    known = reference.by_name.get(name)
    if known is not None and not known.iri.startswith(BASE):
        return _term_page(request, base, reference, known)  # its IRI is another's, who describes it
    return _term(request, base, f"ontology/{name}")


def _media_type(name: str) -> str:
    known = {download.path.rpartition("/")[2]: download.media_type for download in DOWNLOADS}
    return known.get(name, "text/tab-separated-values" if name.endswith(".tsv") else "text/plain")


@router.api_route("/sense/{name}", methods=_READING)
def sense(request: Request, base: Base, name: str) -> Response:
    """The concept of a sense: the page of the class that it mirrors, or its triples."""
    mirrored = pages.read_terms(base).by_iri.get(f"{BASE}sense/{name}")
    href = pages.link(pages.read_terms(base), mirrored.iri).href if mirrored and mirrored.mirrors else None
    return _term(request, base, f"sense/{name}", href)


def _term(request: Request, base: KnowledgeBase, path: str, elsewhere: str | None = None) -> Response:
    reference = pages.read_terms(base)

    def page(resource: Resource) -> Response:
        found = reference.by_iri.get(resource.iri)
        if found is None:
            return show_record(request, base, resource)
        if found.mirrors:
            return RedirectResponse(pages.link(reference, found.iri).href, status_code=303)
        return _term_page(request, base, reference, found)

    def data(resource: Resource) -> Response:
        found = reference.by_iri.get(resource.iri) or record_page(base, resource)
        return JSONResponse(found.model_dump(mode="json"))

    return dereference(request, base, path, Shown(page, data, elsewhere))


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
    return _TEMPLATES.TemplateResponse(request, f"ontology/{name}.html", shared | context)
