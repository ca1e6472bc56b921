"""From an IRI of ours to a document about it: 303 by negotiation, suffixes, 301, 404, 406, 410, signposting links."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

from api.negotiation import preferred
from api.problems import problem
from kb.answers import linked_data
from kb.answers.export_entry import ENTRY_FORMATS
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.linked_data import DOCUMENTS, KINDS, RDF_SUFFIXES, Resource
from kb.knowledge.described_entry import RECORD_LICENCE_URL
from kb.knowledge.names import BASE
from kb.knowledge.retired import Retired

_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent / "templates")
_LINKSET = "linkset"
_LINKSET_TYPE = "application/linkset+json"
#: What a page is about, in the types of schema.org, where there is one that fits.
_ABOUT = {
    "dataset": "Dataset",
    "ontology": "DefinedTerm",
    "sense": "DefinedTerm",
    "module": "DefinedTermSet",
    "outcome": "Observation",
    "assessment": "Observation",
}


@dataclass(frozen=True)
class Shown:
    """Makes the HTML and the JSON of a resource; one that is shown on the page of another is led `elsewhere`."""

    page: Callable[[Resource], Response]
    data: Callable[[Resource], Response]
    elsewhere: str | None = None


class Link(NamedTuple):
    """A typed link of a page."""

    target: str
    rel: str
    type: str | None = None

    def __str__(self) -> str:
        """As a value of the header."""
        return f'<{self.target}>; rel="{self.rel}"' + (f'; type="{self.type}"' if self.type else "")


def dereference(request: Request, base: KnowledgeBase, path: str, shown: Shown) -> Response:
    """Answer for an IRI, given by its path under the base, or for a document about it (`path.suffix`).

    Raises `NotFound` with near ids.
    """
    place, suffix = _split(base, path)
    if (gone := linked_data.withdrawn(base, place)) is not None:
        return _gone(request, base, place, gone)
    if (successor := linked_data.successor(base, place)) is not None:
        target = _path(successor) + (f".{suffix}" if suffix else "")
        links = Link(BASE + successor, "successor-version")
        return RedirectResponse(target, status_code=301, headers={"Link": str(links)})
    resource = linked_data.find(base, place)
    if suffix is None:
        return _see_other(request, resource, shown.elsewhere)
    etag = f'W/"{base.manifest.data_version}-{base.manifest.inputs}"'
    if _held(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    response = _document(request, base, resource, suffix, shown)
    response.headers.setdefault("ETag", etag)
    return response


def _split(base: KnowledgeBase, path: str) -> tuple[str, str | None]:
    stem, dot, suffix = path.rpartition(".")
    if not dot or suffix not in (*DOCUMENTS, _LINKSET):
        return path, None
    # A reference to a file can itself end like a document.
    if path.startswith("reference/") and linked_data.exists(base, Resource(path)):
        return path, None
    return stem, suffix


def _path(place: str, suffix: str = "") -> str:
    return "/" + quote(place, safe="/%") + suffix


def _see_other(request: Request, resource: Resource, elsewhere: str | None) -> Response:
    media_type = _wanted(request, DOCUMENTS.values())
    if media_type is None:
        return problem(
            406,
            f"no media type that Accept allows fits a {KINDS[resource.kind]}",
            headers={"Vary": "Accept"},
            hint=f"one of {', '.join(DOCUMENTS.values())}",
            offered={kind: _path(resource.place, f".{suffix}") for suffix, kind in DOCUMENTS.items()},
        )
    suffix = next(suffix for suffix, kind in DOCUMENTS.items() if kind == media_type)
    target = elsewhere if elsewhere and suffix == "html" else _path(resource.place, f".{suffix}")
    return RedirectResponse(target, status_code=303, headers={"Vary": "Accept"})


def _wanted(request: Request, offered: Iterable[str]) -> str | None:
    return preferred(", ".join(request.headers.getlist("accept")), tuple(offered))


def _held(request: Request, etag: str) -> bool:
    """Whether the reader holds this version already (RFC 9110, section 13.1.2: compared weakly)."""
    weak = etag.removeprefix("W/")
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return "*" in held or weak in held


def _document(
    request: Request, base: KnowledgeBase, resource: Resource, suffix: str, shown: Shown
) -> Response:
    licence = Link(RECORD_LICENCE_URL, "license")
    if suffix == "html":
        response = shown.page(resource)
        if response.status_code == 200:
            response.headers["Link"] = ", ".join(map(str, signposts(request, resource)))
        return response
    if suffix == _LINKSET:
        return Response(_linkset(request, base, resource), media_type=_LINKSET_TYPE)
    if suffix == "json":
        response = shown.data(resource)
    else:
        body = linked_data.rdf_document(base, resource, suffix)
        kind = DOCUMENTS[suffix]
        response = Response(body, headers={"Content-Type": kind})
    response.headers["Link"] = f"{Link(resource.iri, 'describes')}, {licence}"
    return response


def signposts(request: Request, resource: Resource) -> list[Link]:
    """Links of a landing page (signposting.org, level 1), for a program that came to the page."""
    here = str(request.base_url).rstrip("/")
    about = ["AboutPage", *([_ABOUT[resource.kind]] if resource.kind in _ABOUT else [])]
    links = [
        Link(resource.iri, "cite-as"),
        *(Link(f"https://schema.org/{name}", "type") for name in about),
        Link(RECORD_LICENCE_URL, "license"),
        *(
            Link(here + _path(resource.place, f".{suffix}"), "describedby", DOCUMENTS[suffix])
            for suffix in (*RDF_SUFFIXES, "json")
        ),
    ]
    if resource.kind == "dataset":
        exports = f"{here}/api/datasets/{resource.name}/export/"
        links += [
            Link(exports + name, "describedby", form.media_type.partition(";")[0])
            for name, form in ENTRY_FORMATS.items()
        ]
        links.append(Link(here + "/", "collection", "text/html"))
    elif resource.kind in ("outcome", "assessment", "estimate"):
        study = resource.name.partition("/")[0]
        links.append(Link(here + _path(f"study/{study}"), "collection", "text/html"))
    links.append(Link(here + _path(resource.place, f".{_LINKSET}"), "linkset", _LINKSET_TYPE))
    return links


def _linkset(request: Request, base: KnowledgeBase, resource: Resource) -> str:
    """The same links as a document (RFC 9264), with the records of a study as its items."""
    here = str(request.base_url).rstrip("/")
    context: dict[str, object] = {"anchor": here + _path(resource.place, ".html")}
    by_rel: dict[str, list[dict[str, str]]] = {}
    links = [link for link in signposts(request, resource) if link.rel != "linkset"]
    links += [Link(iri, "item") for iri in linked_data.records_of(base, resource)]
    for link in links:
        target = {"href": link.target} | ({"type": link.type} if link.type else {})
        by_rel.setdefault(link.rel, []).append(target)
    return json.dumps({"linkset": [context | by_rel]}, indent=1)


def _gone(request: Request, base: KnowledgeBase, place: str, entry: Retired) -> Response:
    headers = {"Vary": "Accept"}
    if _wanted(request, ("application/problem+json", "text/html")) == "text/html":
        context = {"place": place, "iri": BASE + place, "retired": entry, "manifest": base.manifest}
        return _TEMPLATES.TemplateResponse(
            request, "linked_data/gone.html", context, status_code=410, headers=headers
        )
    return problem(
        410,
        f"{place} was withdrawn on {entry.date}: {entry.reason}",
        headers=headers,
        reason=entry.reason,
        date=entry.date,
    )
