"""The service over HTTP, as curl and a browser see it: a real process, real data."""

from __future__ import annotations

import re
import threading
import time
from html.parser import HTMLParser

import httpx
import pytest

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.answers.search_answer import SearchAnswer
from kb.client import WhenceClient
from kb.engines.generation import Generation
from kb.errors import InvalidInput, NotFound, QueryRefused
from kb.knowledge.entries import DatasetEntry


def is_problem(response: httpx.Response, status: int, *parts: str) -> None:
    """RFC 9457: right media type, right members, a detail that helps."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail"} <= set(body) and body["status"] == status
    for part in parts:
        assert part in response.text, response.text


def test_search_by_get_and_post_is_what_the_library_answers(http: httpx.Client, base: KnowledgeBase) -> None:
    query = "chest radiograph pneumonia classification"
    by_get = http.get("/api/search", params={"q": query, "limit": 7})
    by_post = http.post("/api/search", json={"q": query, "limit": 7})
    assert by_get.status_code == by_post.status_code == 200
    assert by_get.json() == by_post.json()
    expected = search(base, query, limit=7)
    got = SearchAnswer.model_validate(by_get.json())
    assert [hit.id for hit in got.results] == [hit.id for hit in expected.results]
    assert "chest-x-ray-images-pneumonia" in {hit.id for hit in got.results[:3]}


def test_pages_of_the_catalogue_hold_every_entry_once(server: str, entries: dict[str, DatasetEntry]) -> None:
    with WhenceClient(server) as client:
        assert {entry.id: entry for entry in client.datasets()} == entries


def test_the_link_header_leads_to_the_next_page(http: httpx.Client) -> None:
    first = http.get("/api/datasets", params={"limit": 3})
    following = http.get(first.links["next"]["url"]).json()
    assert first.json()["total"] == 1259
    assert [item["entry"]["id"] for item in following["items"]] > [
        item["entry"]["id"] for item in first.json()["items"]
    ]


def test_one_entry(http: httpx.Client, entries: dict[str, DatasetEntry]) -> None:
    answer = http.get("/api/datasets/chestmnist").json()
    assert DatasetEntry.model_validate(answer["entry"]) == entries["chestmnist"]
    assert answer["iri"] == "https://w3id.org/whence/dataset/chestmnist"
    assert answer["description"] == entries["chestmnist"].description


def test_concepts_are_looked_up(http: httpx.Client) -> None:
    hits = http.get("/api/concepts", params={"q": "CXR"}).json()
    assert hits[0]["id"] == "chest-radiography" and hits[0]["scope"] == "synonym"
    is_problem(http.get("/api/concepts", params={"q": "lung", "facet": "organ"}), 422, "facet", "'organ'")


def test_the_client_raises_what_the_service_says(server: str) -> None:
    with WhenceClient(server) as client:
        assert client.search("CheXpert")["results"][0]["id"] == "chexpert"
        assert client.sparql("SELECT (COUNT(?d) AS ?n) { ?d a wh:ImagingDataset }") == [{"n": "1259"}]
        with pytest.raises(NotFound, match="did you mean"):
            client.dataset("chexprt")
        with pytest.raises(InvalidInput, match="line 1"):
            client.sparql("SELECT")
        with pytest.raises(QueryRefused):
            client.sparql("DROP ALL")


QUERY = "SELECT ?l { wh:retina skos:prefLabel ?l }"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/sparql-results+json"), ("", "application/sparql-results+json"),
        ("application/json", "application/json"), ("text/csv", "text/csv"),
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv;q=0.4, application/sparql-results+xml;q=0.9", "application/sparql-results+xml"),
        ("text/html, */*;q=0.1", "application/sparql-results+json"),
        ("text/*", "text/csv"),
    ],
)  # fmt: skip
def test_tables_are_negotiated(http: httpx.Client, accept: str, expected: str) -> None:
    response = http.get("/sparql", params={"query": QUERY}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == expected
    assert "retina" in response.text
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    "accept", ["text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml"]
)
def test_graphs_are_negotiated(http: httpx.Client, accept: str) -> None:
    response = http.get("/sparql", params={"query": "DESCRIBE wh:retina"}, headers={"Accept": accept})
    assert response.headers["content-type"].split(";")[0] == accept
    assert "retina" in response.text


def test_three_ways_to_send_a_query(http: httpx.Client) -> None:
    direct = http.post("/sparql", content=QUERY, headers={"Content-Type": "application/sparql-query"})
    form = http.post("/sparql", data={"query": QUERY})
    assert direct.json() == form.json() == http.get("/sparql", params={"query": QUERY}).json()


def test_narrower_modalities_are_counted(http: httpx.Client, base: KnowledgeBase) -> None:
    query = "SELECT (COUNT(DISTINCT ?d) AS ?n) { ?d wh:hasModality wh:magnetic-resonance-imaging }"
    number = int(http.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"}).text.split()[1])
    expected = sum("magnetic-resonance-imaging" in concepts for concepts in base.entailed_concepts.values())
    assert number == expected > 300


def test_bad_sparql_is_a_problem(http: httpx.Client) -> None:
    is_problem(http.get("/sparql", params={"query": "SELECT ?x {"}), 400, "line 1, column 12")
    is_problem(http.get("/sparql?default-graph-uri=x:y"), 400, "expected one, found 0", "query")
    is_problem(http.get("/sparql?query=ASK{}&query=ASK{}"), 400, "found 2")
    is_problem(http.get("/sparql", params={"query": "INSERT DATA { <a:a> <a:b> 1 }"}), 403, "SPARQL Update")
    is_problem(http.post("/sparql", data={"update": "DROP ALL"}), 403, "refused")
    is_problem(
        http.post("/sparql", content="DROP ALL", headers={"Content-Type": "application/sparql-update"}), 403
    )
    is_problem(
        http.get("/sparql", params={"query": "ASK { SERVICE <http://127.0.0.1/> {} }"}), 403, "SERVICE"
    )
    is_problem(
        http.post("/sparql", content=QUERY, headers={"Content-Type": "text/plain"}),
        415,
        "application/sparql-query",
    )
    is_problem(
        http.post("/sparql", content=b"\xff\xfe", headers={"Content-Type": "application/sparql-query"}),
        400,
        "UTF-8",
    )
    is_problem(
        http.post("/sparql", content=b" " * 500_000, headers={"Content-Type": "application/sparql-query"}),
        413,
    )
    is_problem(http.get("/sparql", params={"query": QUERY}, headers={"Accept": "image/png"}), 406, "text/csv")
    is_problem(
        http.get("/sparql", params={"query": QUERY, "default-graph-uri": "x"}),
        400,
        "default-graph-uri",
        "absolute IRI",
    )
    is_problem(http.put("/sparql", content=QUERY), 405)


def test_a_query_without_end_is_answered_at_the_deadline(http: httpx.Client) -> None:
    response = http.get(
        "/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"}
    )
    is_problem(response, 503, "stopped after 5 s")
    assert response.headers["retry-after"]
    assert http.get("/readyz").status_code == 200


def test_other_requests_are_answered_while_a_query_runs(http: httpx.Client, server: str) -> None:
    endless = {"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"}
    slow = threading.Thread(target=lambda: httpx.get(f"{server}/sparql", params=endless, timeout=30))
    slow.start()
    time.sleep(0.5)
    assert http.get("/readyz").json()["status"] == "ready"
    assert http.get("/api/search", params={"q": "retina"}).status_code == 200
    assert slow.is_alive(), "the query should still be running"
    slow.join()


def test_a_cut_answer_says_so(http: httpx.Client) -> None:
    response = http.get("/sparql", params={"query": "SELECT ?s { ?s ?p ?o }"})
    assert response.headers["whence-truncated"] == "rows; limit=2000"


@pytest.mark.parametrize(
    ("path", "status", "parts"),
    [
        ("/api/search?q=", 400, ("no words",)),
        ("/api/search?q=" + "x" * 10_000, 400, ("10,000 characters",)),
        ("/api/search", 422, ("q: Field required",)),
        ("/api/search?q=retina&limit=0", 422, ("limit", "greater than or equal to 1")),
        ("/api/search?q=retina&limit=many", 422, ("limit", "'many'")),
        ("/api/datasets/chestmnst", 404, ("did you mean chestmnist",)),
        ("/api/datasets?limit=1000", 422, ("limit", "200")),
        ("/api/datasets?cursor=%C3%A4", 400, ("cursor", "leave it out")),
        ("/nowhere", 404, ("nothing at /nowhere",)),
    ],
)
def test_bad_requests_are_problems(
    http: httpx.Client, path: str, status: int, parts: tuple[str, ...]
) -> None:
    is_problem(http.get(path), status, *parts)


@pytest.mark.parametrize("body", ["{", '{"q": 3}', '{"q": "retina", "limt": 3}', "[]", ""])
def test_bad_bodies_are_problems(http: httpx.Client, body: str) -> None:
    is_problem(http.post("/api/search", content=body, headers={"Content-Type": "application/json"}), 422)


def test_health_and_version(http: httpx.Client, generation: Generation) -> None:
    assert http.get("/livez").json() == {"status": "ok"}
    ready = http.get("/readyz").json()
    assert ready == {"status": "ready", "entries": 1259, "data_version": generation.manifest.data_version}
    assert http.get("/version").json()["data_version"] == generation.manifest.data_version
    assert http.get("/livez").headers["whence-data-version"] == generation.manifest.data_version


def test_openapi_names_every_route(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/search",
        "/api/candidates",
        "/api/outcomes",
        "/api/alignment",
        "/api/fairness",
        "/api/resolve",
        "/api/similarity",
        "/api/compare",
        "/api/datasets",
        "/api/datasets/{entry_id}",
        "/api/concepts",
        "/api/datasets/{entry_id}/export/{format}",
        "/export",
        "/export/{name}",
        "/sparql",
        "/sparql/examples",
        "/sparql/prefixes",
        "/.well-known/void",
        "/livez",
        "/readyz",
        "/version",
    }
    for methods in paths.values():
        for operation in methods.values():
            assert operation["operationId"] and operation["summary"]


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("link", "script", "img", "form"):
            self.addresses += [value for name, value in attrs if name in ("href", "src", "action") and value]


def test_the_page_works_without_scripts_and_third_parties(http: httpx.Client) -> None:
    for path in ("/", "/?q=retinal+OCT"):
        response = http.get(path)
        page = Page(response.text)
        assert response.status_code == 200
        assert "script" not in page.tags and "h1" in page.tags and "label" in page.tags
        for address in page.addresses:
            assert address.startswith("/") and http.get(address).status_code == 200
        assert "default-src 'self'" in response.headers["content-security-policy"]
    text = http.get("/?q=retinal+OCT").text
    assert "OCTMNIST" in text and "documentation-text similarity" in text and "1,259 entries searched" in text


def test_the_page_shows_a_query_as_text(http: httpx.Client) -> None:
    text = http.get("/", params={"q": '<script>alert("x")</script> retina'}).text
    assert "<script" not in text and "&lt;script&gt;" in text
    bad = http.get("/", params={"q": "?!"})
    assert bad.status_code == 400 and re.search(r'role="alert">[^<]*no words', bad.text)
