"""Every IRI of ours over HTTP: what it leads to, in which forms, and what became of those that were given up."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode, Store
from rdflib import DCTERMS, FOAF, RDF, VOID, XSD, Graph, Literal, URIRef
from rdflib.compare import isomorphic

from api.app import create_app
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.linked_data import DOCUMENTS, KINDS, RDF_SUFFIXES, Resource, exists
from kb.knowledge.described_entry import RECORD_LICENCE_URL
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.names import BASE, DATASET, WH, reference_iri
from kb.knowledge.overlap import Overlaps
from kb.knowledge.study_rdf import study_graph
from kb.settings import Settings
from tests.api.test_ontology_pages import Page
from tests.api.test_service import is_problem

HTACCESS = Path(__file__).resolve().parents[2] / "docs" / "w3id" / ".htaccess"
FORMS = {"ttl": "turtle", "jsonld": "json-ld", "nt": "nt", "rdf": "xml"}
_SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(scope="module")
def studies(base: KnowledgeBase) -> Graph:
    """All evidence as asserted, made anew from the studies and not read from the store."""
    overlaps = Overlaps(base.entries)
    whole = Graph()
    for study in base.evidence.studies:
        whole += study_graph(study, overlaps.risk)
    return normal(whole)


@pytest.fixture(scope="module")
def records(studies: Graph) -> dict[str, list[str]]:
    """Places of the records by kind."""
    places: dict[str, list[str]] = {}
    for subject in sorted({str(subject) for subject in studies.subjects()}):
        if "#" not in subject:
            place = subject.removeprefix(BASE)
            places.setdefault(place.partition("/")[0], []).append(place)
    return places


@pytest.fixture(scope="module")
def samples(records: dict[str, list[str]], base: KnowledgeBase) -> dict[str, str]:
    """One place of each kind of which there is any."""
    refs = (ref for entry in base.entries.values() for count in entry.counts for ref in count.refs)
    row = next(ref for ref in refs if ref.startswith("CUR:"))
    found = {kind: places[0] for kind, places in records.items()}
    return found | {
        "dataset": "dataset/chexpert",
        "phrase": "phrase/same-population",
        "reference": str(reference_iri(row)).removeprefix(BASE),
        "ontology": "ontology/retina",
        "sense": "sense/embedding-proximity",
        "module": "module/similarity",
    }


def sampled(items: Iterable[str], number: int) -> list[str]:
    """Some of the items, the same ones in every run."""
    return sorted(items, key=lambda item: hashlib.sha256(item.encode()).digest())[:number]


def followed(http: httpx.Client, place: str, accept: str) -> httpx.Response:
    response = http.get(f"/{place}", headers={"Accept": accept}, follow_redirects=True)
    assert response.status_code == 200, f"{place}: {response.text[:300]}"
    return response


def normal(graph: Graph) -> Graph:
    """Strings without their datatype and numbers by value: the same in RDF 1.1 and in the store, not in rdflib."""
    plain = Graph()
    for subject, predicate, value in graph:
        kind = value.datatype if isinstance(value, Literal) else None
        if kind == XSD.decimal:
            value = Literal(format(Decimal(str(value)).normalize(), "f"), datatype=XSD.decimal)  # noqa: PLW2901
        elif kind == XSD.string:
            value = Literal(str(value))  # noqa: PLW2901
        plain.add((subject, predicate, value))
    return plain


def without_document(graph: Graph, document: str) -> Graph:
    """The graph without what its document says of itself, which is checked here."""
    iri = URIRef(document)
    assert (iri, RDF.type, FOAF.Document) in graph
    assert (iri, DCTERMS.license, URIRef(RECORD_LICENCE_URL)) in graph
    assert (iri, VOID.inDataset, URIRef(BASE + "void#whence")) in graph
    kept = Graph()
    for triple in graph:
        if triple[0] != iri:
            kept.add(triple)
    assert len(graph) - len(kept) == 5
    return normal(kept)


def test_turtle_of_entries_is_what_they_assert(http: httpx.Client, base: KnowledgeBase) -> None:
    for entry_id in sampled(base.entries, 30):
        response = followed(http, f"dataset/{entry_id}", "text/turtle")
        assert response.headers["content-type"] == "text/turtle"
        found = Graph().parse(data=response.text, format="turtle")
        document = f"{DATASET[entry_id]}.ttl"
        assert (URIRef(document), FOAF.primaryTopic, DATASET[entry_id]) in found
        assert isomorphic(without_document(found, document), normal(entry_graph(base.entries[entry_id]))), (
            entry_id
        )


def test_turtle_of_records_is_what_the_study_asserts(
    http: httpx.Client, studies: Graph, records: dict[str, list[str]]
) -> None:
    chosen = [place for kind in ("outcome", "assessment", "estimate", "model")
              for place in sampled(records[kind], 9)]  # fmt: skip
    for place in [*chosen, *records["study"][:3]]:
        iri = BASE + place
        expected = Graph()
        for triple in studies:
            if str(triple[0]) == iri or str(triple[0]).startswith(f"{iri}#"):
                expected.add(triple)
        found = Graph().parse(data=followed(http, place, "text/turtle").text, format="turtle")
        kept = without_document(found, f"{iri}.ttl")
        beyond = list(kept - expected)
        assert len(expected) > 4 and not list(expected - kept), place
        assert all(predicate == WH.reportedIn and str(value) == iri for _, predicate, value in beyond), place


@pytest.mark.parametrize("suffix", RDF_SUFFIXES)
def test_the_forms_of_rdf_say_the_same(http: httpx.Client, samples: dict[str, str], suffix: str) -> None:
    for place in samples.values():
        response = http.get(f"/{place}.{suffix}")
        assert response.status_code == 200, place
        assert response.headers["content-type"].partition(";")[0] == DOCUMENTS[suffix]
        found = without_document(
            Graph().parse(data=response.text, format=FORMS[suffix]), f"{BASE}{place}.{suffix}"
        )
        turtle = Graph().parse(data=http.get(f"/{place}.ttl").text, format="turtle")
        assert isomorphic(found, without_document(turtle, f"{BASE}{place}.ttl")), place


def test_every_kind_is_negotiated(http: httpx.Client, samples: dict[str, str]) -> None:
    for place in samples.values():
        for suffix, media_type in DOCUMENTS.items():
            response = http.get(f"/{place}", headers={"Accept": media_type})
            assert response.status_code == 303 and "Accept" in response.headers["vary"], place
            shown_elsewhere = place.startswith("sense/") and suffix == "html"
            assert (response.headers["location"] == f"/{place}.{suffix}") is not shown_elsewhere
            response = followed(http, place, media_type)
            assert response.headers["content-type"].partition(";")[0] == media_type
        plain = http.get(f"/{place}")
        browser = http.get(f"/{place}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert plain.headers["location"] == browser.headers["location"]
        refused = http.get(f"/{place}", headers={"Accept": "image/png"})
        is_problem(refused, 406, "text/turtle", f"/{place}.ttl")
        assert "Accept" in refused.headers["vary"]


def test_head_cors_and_unchanged_documents(http: httpx.Client, samples: dict[str, str]) -> None:
    for place in samples.values():
        got = http.get(f"/{place}.ttl", headers={"Origin": "https://example.org"})
        head = http.head(f"/{place}.ttl", headers={"Origin": "https://example.org"})
        assert head.status_code == 200 and head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]
        assert got.headers["access-control-allow-origin"] == "*"
        assert http.head(f"/{place}").status_code == 303
        again = http.get(f"/{place}.ttl", headers={"If-None-Match": f'"other", {got.headers["etag"]}'})
        assert again.status_code == 304 and again.content == b""
        assert http.get(f"/{place}.ttl", headers={"If-None-Match": '"other"'}).status_code == 200


def test_json_of_a_dataset_is_that_of_the_api(http: httpx.Client) -> None:
    assert http.get("/dataset/chexpert.json").json() == http.get("/api/datasets/chexpert").json()
    assert http.get("/ontology/retina.json").json()["label"] == "retina"


MISSING = (
    ("dataset/chexprt", "did you mean chexpert"),
    ("dataset/chexprt.ttl", "did you mean chexpert"),
    ("dataset/chexpert.xyz", "did you mean chexpert"),
    ("study/chen2019", "did you mean chen2019-med3d"),
    ("study/" + "x" * 2000, "no study"),
    ("outcome/%20%3Cscript%3E", "no outcome"),
    ("ontology/retinna", "did you mean retina"),
    ("sense/embedding-proximty.ttl", "embedding-proximity"),
    ("module/anatom", "one of anatomy"),
    ("module/anatomy/9.9.9", "is not served"),
    ("reference/PX/no-such-row", "no reference"),
    ("expectation/none", "no expectation"),
    ("graph/elsewhere", "one of ontology"),
    ("sitemap/99.xml", "sitemap"),
)


@pytest.mark.parametrize(("place", "part"), MISSING, ids=[place[:40] for place, _ in MISSING])
def test_what_is_not_there_is_answered_with_near_ids(http: httpx.Client, place: str, part: str) -> None:
    is_problem(http.get(f"/{place}"), 404, part)


def test_pages_are_sound_and_their_own_links_lead_somewhere(
    http: httpx.Client, samples: dict[str, str], base: KnowledgeBase
) -> None:
    places = [
        *samples.values(),
        *(f"dataset/{one}" for one in sampled(base.entries, 25)),
    ]
    links: set[str] = set()
    for place in places:
        page = Page(followed(http, place, "text/html").text)
        assert page.tags.count("h1") == 1 and not page.inline and "script" not in page.tags, place
        assert len(page.ids) == len(set(page.ids)), place
        assert BASE + place in page.words or place.startswith(("sense/", "module/")), place
        links |= {link for link in page.links if link.startswith("/")}
        assert all(link.startswith(("/", "#", "https://", "http://")) for link in page.links), place
    for link in sampled(links, 60):
        assert http.get(link, follow_redirects=True).status_code == 200, link


def test_a_page_of_a_dataset_shows_facts_with_references(http: httpx.Client, base: KnowledgeBase) -> None:
    page = Page(followed(http, "dataset/dermamnist", "text/html").text)
    for part in (
        base.describe(base.entry("dermamnist")),
        "10,015 images",
        "derived from",
        "HAM10000",
        "CC BY-NC 4.0",
    ):
        assert " ".join(part.split()) in page.words
    for link in ("/reference/MEDMNIST/dermamnist", "/dataset/ham10000", "/ontology/dermoscopy",
                 "/dataset/dermamnist.ttl", "/api/datasets/dermamnist/export/croissant"):  # fmt: skip
        assert link in page.links
    assert "counts-1" in page.ids  # the fragment of the IRI of that statement
    graph = Graph().parse(data=http.get("/dataset/dermamnist.ttl").text, format="turtle")
    parts = {str(s).partition("#")[2] for s in graph.subjects() if "#" in str(s)}
    assert {"modality-1", "relations-1", "licences-1"} <= parts & set(page.ids)


def signposts(response: httpx.Response) -> dict[str, list[tuple[str, str | None]]]:
    found: dict[str, list[tuple[str, str | None]]] = {}
    for value in re.split(r", (?=<)", response.headers["link"]):
        target, *parameters = value.split("; ")
        named = dict(parameter.split("=", 1) for parameter in parameters)
        kind = named["type"].strip('"') if "type" in named else None
        found.setdefault(named["rel"].strip('"'), []).append((target.strip("<>"), kind))
    return found


def test_pages_carry_signposts(http: httpx.Client, samples: dict[str, str]) -> None:
    for place in (place for kind, place in samples.items() if kind != "sense"):
        found = signposts(http.get(f"/{place}.html"))
        assert found["cite-as"] == [(BASE + place, None)]
        assert ("https://schema.org/AboutPage", None) in found["type"]
        assert found["license"] == [(RECORD_LICENCE_URL, None)]
        for target, kind in found["describedby"]:
            described = http.get(target)
            assert described.status_code == 200
            assert described.headers["content-type"].partition(";")[0] == kind
        ((target, kind),) = found["linkset"]
        answer = http.get(target)
        assert answer.headers["content-type"] == kind == "application/linkset+json"
        (context,) = answer.json()["linkset"]
        assert urlsplit(context["anchor"]).path == f"/{place}.html"
        for rel in ("cite-as", "type", "license", "describedby"):
            assert [link["href"] for link in context[rel]] == [target for target, _ in found[rel]]
    assert len(http.get(f"/{samples['study']}.linkset").json()["linkset"][0]["item"]) > 5


def test_named_graphs_lead_to_what_they_are_about(http: httpx.Client, samples: dict[str, str]) -> None:
    for name, target in (
        ("dataset/chexpert", "/dataset/chexpert"), (samples["study"], f"/{samples['study']}"),
        ("ontology", "/ontology/"), ("inferred", "/void"), ("provenance", "/void"), ("phrases", "/void"),
    ):  # fmt: skip
        response = http.get(f"/graph/{name}")
        assert (response.status_code, response.headers["location"]) == (303, target)


def test_the_sitemap_lists_every_page(http: httpx.Client, base: KnowledgeBase) -> None:
    index = ElementTree.fromstring(http.get("/sitemap.xml").text)  # noqa: S314 - our own
    assert index.tag == f"{_SITEMAP}sitemapindex"
    addresses: list[str] = []
    for one in index.iter(f"{_SITEMAP}loc"):
        document = ElementTree.fromstring(http.get(str(one.text)).text)  # noqa: S314
        found = [str(address.text) for address in document.iter(f"{_SITEMAP}loc")]
        assert 0 < len(found) <= 50_000
        addresses += found
    paths = [urlsplit(address).path for address in addresses]
    assert len(paths) == len(set(paths))
    assert {f"/dataset/{entry_id}.html" for entry_id in base.entries} <= set(paths)
    for path in sampled(paths, 40):
        assert http.get(path).status_code == 200, path
    robots = http.get("/robots.txt").text
    assert f"Sitemap: {http.base_url}".rstrip("/") in robots and "Disallow: /sparql?" in robots


def test_examples_are_served_as_json_pages_and_text(http: httpx.Client) -> None:
    answer = http.get("/sparql/examples")
    found = answer.json()["examples"]
    assert len(found) >= 32 and {one["group"] for one in found} == set(answer.json()["groups"])
    listed = Page(http.get("/sparql/examples", headers={"Accept": "text/html"}).text)
    for one in found:
        assert one["page"] in listed.links and one["question"] in listed.words
        page = Page(http.get(one["page"], headers={"Accept": "text/html"}).text)
        assert one["question"] in page.words and " ".join(one["text"].split()) in page.words
        assert one["run"] in page.links and "problem" not in page.words
        text = http.get(one["page"] + ".rq")
        assert text.headers["content-type"].startswith("application/sparql-query")
        assert text.text.endswith(one["text"] + "\n")
    assert http.get(found[0]["run"]).json()["results"]["bindings"]
    assert http.head("/sparql/examples").status_code == 200
    is_problem(http.get("/sparql/examples/find-by-nam"), 404, "did you mean find-by-name")


RETIRED = """
dataset/old-name: {successor: dataset/older-name, reason: renamed, date: '2026-11-23'}
dataset/older-name: {successor: dataset/chexpert, reason: merged with its fuller record, date: '2026-11-23'}
outcome/some-study/one: {reason: the table was read <wrongly>, date: '2026-11-23'}
dataset/led-away: {successor: outcome/some-study/one, reason: renamed, date: '2026-11-23'}
"""


@pytest.fixture(scope="module")
def service_with_retired(
    settings: Settings, base: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    (data / "retired.yaml").write_text(RETIRED, encoding="utf-8")
    with TestClient(
        create_app(base.settings.model_copy(update={"data": data})), follow_redirects=False
    ) as client:
        yield client


def test_a_replaced_identifier_leads_to_its_last_successor(service_with_retired: TestClient) -> None:
    for place in ("dataset/old-name", "dataset/older-name"):
        response = service_with_retired.get(f"/{place}")
        assert (response.status_code, response.headers["location"]) == (301, "/dataset/chexpert")
        assert response.headers["link"] == f'<{DATASET["chexpert"]}>; rel="successor-version"'
        assert service_with_retired.get(f"/{place}.ttl").headers["location"] == "/dataset/chexpert.ttl"
    assert service_with_retired.head("/dataset/old-name").status_code == 301


def test_a_withdrawn_identifier_says_why(service_with_retired: TestClient) -> None:
    for place in ("outcome/some-study/one", "outcome/some-study/one.ttl", "dataset/led-away"):
        response = service_with_retired.get(f"/{place}")
        assert response.status_code == 410
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["reason"] == "the table was read <wrongly>" and "2026-11-23" in response.text
    page = service_with_retired.get("/outcome/some-study/one", headers={"Accept": "text/html"})
    assert page.status_code == 410 and page.headers["content-type"].startswith("text/html")
    assert "the table was read &lt;wrongly&gt;" in page.text
    assert service_with_retired.get("/dataset/chexpert").status_code == 303


def redirected(path: str) -> str | None:
    """Where the rules of the w3id file send a path under `whence/`; None where no rule takes it."""
    variables: dict[str, str] = {}
    for line in HTACCESS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("RewriteRule "):
            assert not line or line.startswith("#") or line in ("Options +FollowSymLinks", "RewriteEngine on")
            continue
        _, pattern, target, flags = line.split(" ")
        match = re.search(pattern, path)
        if match is None:
            continue
        options = flags.strip("[]").split(",")
        for option in options:
            if option.startswith("E="):
                name, _, value = option.removeprefix("E=").partition(":")
                variables[name] = value
        if target == "-":
            continue
        assert options == ["R=302", "L"], line
        for name, value in variables.items():
            target = target.replace(f"%{{ENV:{name}}}", value)
        return target.replace("$1", match[1]) if "$1" in target else target
    return None


def test_the_w3id_rules_lead_every_identifier_to_a_route(http: httpx.Client, samples: dict[str, str]) -> None:
    paths = ["", "ontology", "ontology/", "void", "sparql", "export", "sitemap.xml", "graph/inferred",
             "ontology/whence.ttl", "module/similarity/0.2.0", *samples.values(),
             *(f"{place}.ttl" for place in samples.values())]  # fmt: skip
    hosts = set()
    for path in paths:
        target = redirected(path)
        assert target is not None, path
        parts = urlsplit(target)
        hosts.add((parts.scheme, parts.netloc))
        assert redirected(path) is not None and parts.path.lstrip("/").rstrip("/") == path.rstrip("/")
        if path == "export":
            continue  # writes files on first demand
        response = http.get(parts.path, headers={"Accept": "text/turtle, text/html;q=0.5, */*;q=0.1"})
        assert response.status_code in (200, 303, 307), f"{path}: {response.status_code}"
    assert len(hosts) == 1 and ("https", "") not in hosts
    assert redirected("nowhere/at-all") is None
    assert {kind for kind in KINDS if redirected(f"{kind}/x") is None} == set()


def test_addresses_with_unescaped_slashes_are_the_same_reference(
    http: httpx.Client, samples: dict[str, str]
) -> None:
    place = samples["reference"]
    code, _, locator = place.removeprefix("reference/").partition("/")
    plain = httpx.URL(f"/reference/{code}/{httpx.URL('http://x/' + locator).path.lstrip('/')}")
    assert http.get(plain, headers={"Accept": "text/turtle"}).headers["location"] == f"/{place}.ttl"


def test_every_iri_of_the_store_has_something_behind_it(http: httpx.Client, base: KnowledgeBase) -> None:
    found: set[str] = set()
    for quad in Store.read_only(str(base.generation.store)):
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            if isinstance(term, NamedNode) and term.value.startswith(BASE) and "#" not in term.value:
                found.add(term.value.removeprefix(BASE))
    places = found - {""}
    assert len(places) > 1000
    kinds = {place.partition("/")[0] for place in places}
    assert kinds <= {*KINDS, "graph"}, kinds
    for place in sampled(places, 120):
        answer = http.get(f"/{place}", headers={"Accept": "text/turtle"})
        assert answer.status_code in (200, 303), place
    assert not exists(base, Resource("dataset/" + quote("no such")))
    assert json.loads(http.get("/livez").text)["status"] == "ok"
