"""The reference of terms over HTTP: every page of it, as a browser, a reader without scripts and a program see it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import httpx
import pytest
from rdflib import RDF, SKOS, Graph, URIRef

from api.routes.ontology import DOWNLOADS, Download, download_for
from kb.engines.generation import Generation
from kb.knowledge.names import BASE, WH
from kb.knowledge.terms import Reference
from kb.knowledge.terms_rdf import read_reference
from tests.api.test_service import is_problem

VOID = {"meta", "link", "input", "br", "img", "hr"}


@pytest.fixture(scope="module")
def reference(ontology: Graph) -> Reference:
    return read_reference(ontology)


@pytest.fixture(scope="module")
def site(http: httpx.Client, generation: Generation, reference: Reference) -> httpx.Client:
    """The service, over a generation that holds the reference."""
    assert Reference.model_validate_json(generation.terms.read_text(encoding="utf-8")) == reference
    return http


class Page(HTMLParser):
    """What a page is made of, with every tag closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.assets: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.just_opened = ""
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.just_opened = tag
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                (self.links if tag == "a" else self.assets).append(value or "")
            if name in ("style", "src") or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        assert tag not in ("ul", "ol", "dl", "tbody") or self.just_opened != tag, f"empty {tag}"
        self.just_opened = ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def crawled(site: httpx.Client) -> dict[str, Page]:
    """Every page of the reference that a reader reaches from its first one."""
    found: dict[str, Page] = {}
    waiting = ["/ontology/"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        response = site.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        assert response.status_code == 200, path
        if path in {download.path for download in DOWNLOADS}:
            continue
        assert response.headers["content-type"].startswith("text/html")
        found[path] = Page(response.text)
        for target in found[path].links:
            address = urldefrag(target).url
            if address.startswith(("/ontology/", "/module/", "/sense/")) and "?" not in address:
                waiting.append(address)
    return found


def test_every_term_is_reached_and_has_a_page_with_its_definition(
    crawled: dict[str, Page], reference: Reference
) -> None:
    for term in reference.terms:
        if term.mirrors:
            page = crawled["/ontology/" + reference.by_iri[term.mirrors].name]
            assert "concept" in page.ids and term.iri in page.words
        else:
            place = term.iri.removeprefix(BASE) if term.iri.startswith(BASE) else f"ontology/{term.name}"
            page = crawled["/" + place]
            assert term.iri in page.words
        for text in (term.label, term.definition):
            assert " ".join(text.split()) in page.words, term.name


def test_every_term_stands_on_exactly_one_module_page(crawled: dict[str, Page], reference: Reference) -> None:
    ids = [name for path, page in crawled.items() if path.startswith("/module/") for name in page.ids]
    assert len([path for path in crawled if path.startswith("/module/")]) == len(reference.modules)
    for term in reference.terms:
        assert ids.count(term.name) == 1, term.name


def test_every_link_within_the_reference_leads_to_something(
    site: httpx.Client, crawled: dict[str, Page]
) -> None:
    others: set[str] = set()
    for path, page in crawled.items():
        for target in page.links:
            address, fragment = urldefrag(target)
            place = crawled.get(address or path)
            if place is not None:
                assert not fragment or unquote(fragment) in place.ids, f"{path}: {target}"
            elif address.startswith("/"):
                others.add(address)
            else:
                assert address.startswith(("https://", "http://")), f"{path}: {target}"
    kinds = {address.partition("?")[0] for address in others}
    assert kinds == {"/", "/sparql", "/openapi.json", *(download.path for download in DOWNLOADS)}
    for kind in sorted(kinds):
        sample = sorted(address for address in others if address.partition("?")[0] == kind)[:3]
        assert all(site.get(address).status_code == 200 for address in sample)


def test_pages_are_sound_html_without_scripts_or_foreign_files(
    site: httpx.Client, crawled: dict[str, Page]
) -> None:
    assets: set[str] = set()
    for path, page in crawled.items():
        assert page.tags.count("h1") == 1 and "script" not in page.tags and "style" not in page.tags, path
        assert not page.inline, path
        assert {"main", "header", "footer", "nav", "title"} <= set(page.tags), path
        assert page.links[0] == "#main" and "main" in page.ids, path
        assert len(page.ids) == len(set(page.ids)), path
        assert page.tags.count("table") == page.tags.count("caption"), path
        assets |= set(page.assets)
    assert assets == {"/static/whence.css", "/static/ontology.css", "/static/whence.svg"}
    assert all(site.get(asset).status_code == 200 for asset in assets)


def test_the_first_page_says_version_licence_and_citation(site: httpx.Client, reference: Reference) -> None:
    page = Page(site.get("/ontology/").text)
    assert f"{len(reference.terms):,} terms" in page.words
    for module in reference.modules:
        assert module.description in page.words and f"/module/{module.name}" in page.links
    assert f"version {reference.modules[0].version}" in page.words and str(WH) in page.words
    assert reference.modules[0].licence in page.links
    assert site.get("/ontology").is_redirect


def test_terms_are_found_without_scripts(site: httpx.Client) -> None:
    page = Page(site.get("/ontology/", params={"q": "fundus"}).text)
    assert "for “fundus”" in page.words and "/ontology/retina" in page.links
    none = site.get("/ontology/", params={"q": "<b>nothing</b> at all"})
    assert "No term for" in none.text and "<b>" not in none.text
    assert site.get("/ontology/", params={"q": "x" * 300}).status_code == 422


def test_a_sense_shows_its_axes(crawled: dict[str, Page]) -> None:
    words = crawled["/ontology/EmbeddingProximity"].words
    for part in ("Compared encoder outputs as points", "Basis computed by a model", "Needs images yes",
                 "nearest-neighbour overlap", "No instance is also an instance of feature-distribution similarity",
                 "https://w3id.org/whence/sense/embedding-proximity"):  # fmt: skip
        assert part in words, part
    tree = crawled["/module/similarity"].words
    assert tree.count("Needs images yes") + tree.count("Needs images no ") == 27
    assert tree.count("Compared ") == tree.count("Needs images ") == 36


def test_a_concept_shows_place_datasets_and_codes(crawled: dict[str, Page], site: httpx.Client) -> None:
    words = crawled["/ontology/retina"].words
    path = "concept anatomical structure head eye eyeball retina"
    for part in (path, "UBERON_0000966", "skos:exactMatch", "A dataset that states it is found under"):
        assert part in words, part
    hit = site.get("/api/concepts", params={"q": "retina", "facet": "anatomy"}).json()[0]
    assert f"{hit['datasets']:,} datasets of the catalogue are found under this anatomy" in words


def test_a_property_shows_its_chains(crawled: dict[str, Page]) -> None:
    words = crawled["/ontology/hasAnatomy"].words
    assert "If x has anatomy y and y located in z, then x has anatomy z" in words


@pytest.mark.parametrize(
    ("accept", "form"),
    [("text/turtle", "turtle"), ("application/ld+json", "json-ld"), ("application/n-triples", "nt"),
     ("application/rdf+xml", "xml"), ("text/html;q=0.2, text/turtle", "turtle")],
)  # fmt: skip
def test_triples_are_negotiated(site: httpx.Client, accept: str, form: str) -> None:
    redirect = site.get("/ontology/retina", headers={"Accept": accept})
    assert redirect.status_code == 303 and "Accept" in redirect.headers["vary"]
    response = site.get(redirect.headers["location"])
    assert response.headers["content-type"].partition(";")[0] in accept
    graph = Graph().parse(data=response.text, format=form)
    assert (WH.retina, RDF.type, WH.AnatomicalStructure) in graph
    assert str(graph.value(WH.retina, SKOS.prefLabel)) == "retina"


def test_html_is_what_a_browser_and_a_plain_client_get(site: httpx.Client) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for accept in (browser, "*/*"):
        response = site.get("/ontology/retina", headers={"Accept": accept}, follow_redirects=True)
        assert response.headers["content-type"].startswith("text/html")
    is_problem(site.get("/ontology/retina", headers={"Accept": "image/png"}), 406, "text/turtle")


def test_a_sense_leads_to_its_class_and_to_its_own_triples(site: httpx.Client) -> None:
    response = site.get("/sense/embedding-proximity", headers={"Accept": "text/html"})
    assert response.status_code == 303
    assert response.headers["location"] == "/ontology/EmbeddingProximity#concept"
    accept = {"Accept": "text/turtle"}
    turtle = site.get("/sense/embedding-proximity", headers=accept, follow_redirects=True)
    concept = URIRef(BASE + "sense/embedding-proximity")
    assert (concept, RDF.type, WH.SenseConcept) in Graph().parse(data=turtle.text, format="turtle")


def test_the_whole_ontology_is_negotiated_among_its_files() -> None:
    turtle = Download("/ontology/whence.ttl", "Turtle", "text/turtle")
    xml = Download("/ontology/whence.rdf", "RDF/XML", "application/rdf+xml")
    assert download_for("text/turtle", (turtle, xml)) == turtle
    assert download_for("text/html;q=0.5, application/rdf+xml", (turtle, xml)) == xml
    for accept in ("", "*/*", "text/html", "image/png"):
        assert download_for(accept, (turtle, xml)) is None
    assert download_for("text/turtle", ()) is None


def missing() -> Iterator[tuple[str, str]]:
    yield "/ontology/retinna", "did you mean retina"
    yield "/ontology/embeddingproximity", "did you mean EmbeddingProximity"
    yield "/sense/embedding-proximty", "sense:embedding-proximity"
    yield "/module/anatom", "one of anatomy"
    yield "/ontology/%3Cscript%3E", "no term '<script>'"


@pytest.mark.parametrize(("path", "part"), list(missing()))
def test_what_is_not_there_is_answered_with_near_names(site: httpx.Client, path: str, part: str) -> None:
    is_problem(site.get(path), 404, part)
    is_problem(site.get(path, headers={"Accept": "text/turtle"}), 404)


@pytest.mark.parametrize(
    ("name", "form"), [("whence.ttl", "turtle"), ("whence.owl", "xml"), ("whence.jsonld", "json-ld")]
)
def test_the_whole_ontology_comes_in_three_forms(
    site: httpx.Client, generation: Generation, name: str, form: str
) -> None:
    response = site.get(f"/ontology/{name}")
    assert response.content == (generation.ontology / name).read_bytes()
    graph = Graph().parse(data=response.content, format=form)
    assert (WH.retina, RDF.type, WH.AnatomicalStructure) in graph and len(graph) > 15_000
    redirect = site.get("/ontology/", headers={"Accept": response.headers["content-type"].partition(";")[0]})
    assert redirect.status_code == 303 and redirect.headers["location"] == f"/ontology/{name}"
