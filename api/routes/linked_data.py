"""Routes of the IRIs of Whence: records, references, graphs; sitemap and robots for those who follow links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.templating import Jinja2Templates

from api.dereferencing import Shown, dereference
from api.routes.datasets import get_dataset
from api.state import Base
from kb.answers import linked_data
from kb.answers.entry_page import entry_page
from kb.answers.export_entry import ENTRY_FORMATS
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.linked_data import DOCUMENTS, KINDS, Resource
from kb.answers.record_page import record_page
from kb.errors import NotFound

router = APIRouter(tags=["linked data"], include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
_READING = ["GET", "HEAD"]
#: Kinds that are not in the ontology, which has routes of its own.
_RECORDS = tuple(kind for kind in KINDS if kind not in ("ontology", "sense", "module", "dataset"))
#: Addresses in one file of the sitemap; the protocol allows 50,000.
_IN_ONE_SITEMAP = 10_000
_SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@router.api_route("/dataset/{name}", methods=_READING)
def dataset(request: Request, base: Base, name: str) -> Response:
    """An entry of the catalogue."""

    def page(resource: Resource) -> Response:
        entry = base.entry(resource.name)
        context = {
            "page": entry_page(base, entry),
            "documents": _documents(resource),
            "exports": list(ENTRY_FORMATS),
            "manifest": base.manifest,
        }
        return _TEMPLATES.TemplateResponse(request, "linked_data/dataset.html", context)

    def data(resource: Resource) -> Response:
        return JSONResponse(get_dataset(base, resource.name).model_dump(mode="json"))

    return dereference(request, base, f"dataset/{name}", Shown(page, data))


def _record(kind: str) -> Callable[..., Any]:
    def record(request: Request, base: Base, name: str) -> Response:
        # The server has undone the escapes of the address; the IRI of a reference has them.
        place = f"{kind}/{_escaped(name) if kind == 'reference' else name}"
        shown = Shown(lambda found: show_record(request, base, found), _data(base))
        return dereference(request, base, place, shown)

    record.__doc__ = f"A {KINDS[kind]}."
    return record


for _kind in _RECORDS:
    router.add_api_route(f"/{_kind}/{{name:path}}", _record(_kind), methods=_READING, name=_kind)


def _escaped(name: str) -> str:
    code, slash, locator = name.partition("/")
    return code + slash + quote(locator, safe="")


def _data(base: KnowledgeBase) -> Callable[[Resource], Response]:
    return lambda resource: JSONResponse(record_page(base, resource).model_dump(mode="json"))


def show_record(request: Request, base: KnowledgeBase, resource: Resource) -> Response:
    """Page of a record."""
    context = {
        "page": record_page(base, resource),
        "documents": _documents(resource),
        "manifest": base.manifest,
    }
    return _TEMPLATES.TemplateResponse(request, "linked_data/record.html", context)


def _documents(resource: Resource) -> dict[str, str]:
    """Media type → address of each document but the page."""
    place = quote(resource.place, safe="/%")
    return {kind: f"/{place}.{suffix}" for suffix, kind in DOCUMENTS.items() if suffix != "html"}


@router.api_route("/graph/{name:path}", methods=_READING)
def graph(base: Base, name: str) -> Response:
    """A named graph: what it is about, or the description of the whole."""
    kind, _, rest = name.partition("/")
    if kind in ("dataset", "study") and linked_data.exists(base, Resource(name)):
        return RedirectResponse(f"/{kind}/{quote(rest)}", status_code=303)
    if name == "ontology":
        return RedirectResponse("/ontology/", status_code=303)
    if name in ("inferred", "provenance", "phrases"):
        return RedirectResponse("/void", status_code=303)
    raise NotFound(
        f"no graph {name[:200]!r}",
        hint="one of ontology, inferred, provenance, phrases, dataset/ID, study/ID",
    )


@router.api_route("/sitemap.xml", methods=_READING)
def sitemap(request: Request, base: Base) -> Response:
    """Index of the sitemap's files."""
    here = str(request.base_url).rstrip("/")
    count = -(-len(_places(base)) // _IN_ONE_SITEMAP)
    items = "".join(
        f"<sitemap><loc>{escape(here)}/sitemap/{number}.xml</loc></sitemap>\n"
        for number in range(1, count + 1)
    )
    return _xml(f"<sitemapindex {_SITEMAP}>\n{items}</sitemapindex>\n")


@router.api_route("/sitemap/{number}.xml", methods=_READING)
def sitemap_file(request: Request, base: Base, number: int) -> Response:
    """One file of the sitemap: addresses of pages."""
    here = str(request.base_url).rstrip("/")
    places = _places(base)[(number - 1) * _IN_ONE_SITEMAP : number * _IN_ONE_SITEMAP] if number > 0 else []
    if not places:
        raise NotFound(f"the sitemap has no file {number}", hint="see /sitemap.xml")
    items = "".join(
        f"<url><loc>{escape(here)}/{escape(quote(place, safe='/%'))}</loc></url>\n" for place in places
    )
    return _xml(f"<urlset {_SITEMAP}>\n{items}</urlset>\n")


def _places(base: KnowledgeBase) -> list[str]:
    """Addresses of pages, that of the whole first."""
    return ["", *(place if place.endswith("/") else f"{place}.html" for place in linked_data.places(base))]


def _xml(body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', media_type="application/xml")


@router.api_route("/robots.txt", methods=_READING)
def robots(request: Request) -> Response:
    """Pages and documents are for everybody; questions to engines are not for crawlers."""
    here = str(request.base_url).rstrip("/")
    return PlainTextResponse(
        "User-agent: *\nDisallow: /sparql?\nDisallow: /api/\nDisallow: /?q=\nAllow: /\n"
        f"Sitemap: {here}/sitemap.xml\n"
    )
