"""The SPARQL endpoint over HTTP as the Protocol has it, and what cannot be done to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.namespace import VOID

from kb.engines.generation import Generation
from kb.settings import Settings
from tests.conftest import serving

SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
LONG = "SELECT ?s ?p ?o { ?s ?p ?o }"
ONTOLOGY, INFERRED = "https://w3id.org/whence/graph/ontology", "https://w3id.org/whence/graph/inferred"


@pytest.fixture(scope="module")
def http(settings: Settings, generation: Generation) -> Iterator[httpx.Client]:
    """A service with room for long answers and a short deadline."""
    wide = settings.model_copy(
        update={"sparql_rows": 60_000, "sparql_seconds": 5.0, "sparql_client_seconds": 600.0}
    )
    with serving(wide) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def at(http: httpx.Client) -> str:
    return str(http.base_url).rstrip("/")


def number(response: httpx.Response) -> int:
    assert response.status_code == 200, response.text
    return int(response.text.split()[1])


def test_a_request_chooses_the_dataset(http: httpx.Client) -> None:
    csv = {"Accept": "text/csv"}
    whole = number(http.get("/sparql", params={"query": COUNT}, headers=csv))
    one = {"query": COUNT, "default-graph-uri": ONTOLOGY}
    ontology = number(http.get("/sparql", params=one, headers=csv))
    both = {"query": COUNT, "default-graph-uri": [ONTOLOGY, INFERRED]}
    merged = number(http.post("/sparql", data=both, headers=csv))
    assert 0 < ontology < merged < whole
    direct = csv | {"Content-Type": "application/sparql-query"}
    assert (
        number(http.post("/sparql", params={"default-graph-uri": ONTOLOGY}, content=COUNT, headers=direct))
        == ontology
    )
    named = {"query": "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }", "named-graph-uri": ONTOLOGY}
    assert number(http.get("/sparql", params=named, headers=csv)) == ontology
    assert number(http.get("/sparql", params={"query": COUNT, "named-graph-uri": ONTOLOGY}, headers=csv)) == 0


@pytest.mark.parametrize(
    ("method", "path", "content", "kind", "status"),
    [
        ("GET", "/sparql?update=CLEAR+ALL", b"", "", 400),
        ("GET", "/sparql?query=ASK+{}&query=ASK+{}", b"", "", 400),
        ("GET", "/sparql?query=%ff", b"", "", 400),
        ("POST", "/sparql", b"query=ASK+{}&query=ASK+{}", "application/x-www-form-urlencoded", 400),
        ("POST", "/sparql", b"query=ASK+{}&update=CLEAR+ALL", "application/x-www-form-urlencoded", 400),
        ("POST", "/sparql?query=ASK+{}", b"query=ASK+{}", "application/x-www-form-urlencoded", 400),
        ("POST", "/sparql", b"update=CLEAR+ALL", "application/x-www-form-urlencoded", 403),
        ("POST", "/sparql", b"CLEAR ALL", "application/sparql-update", 403),
        ("POST", "/sparql", "ASK {}".encode("utf-16"), "application/sparql-query; charset=utf-16", 400),
        ("POST", "/sparql", "ASK {}".encode("utf-16"), "application/sparql-query", 400),
        ("POST", "/sparql", b"ASK {}", "text/plain", 415),
        ("POST", "/sparql", b"ASK {}", "", 415),
        ("PUT", "/sparql", b"ASK {}", "application/sparql-query", 405),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused(
    http: httpx.Client, method: str, path: str, content: bytes, kind: str, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = http.request(method, path, content=content, headers=headers)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_head_options_and_preflight(http: httpx.Client) -> None:
    head = http.head("/sparql", params={"query": "ASK {}"})
    assert head.status_code == 200 and head.content == b"" and head.headers["whence-rows"] == "1"
    assert "POST" in http.options("/sparql").headers["allow"]
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    preflight = http.options("/sparql", headers=asked)
    assert preflight.status_code == 204 and "POST" in preflight.headers["access-control-allow-methods"]
    plain = http.get("/sparql", params={"query": "ASK {}"})
    assert plain.headers["access-control-allow-origin"] == "*"
    assert plain.headers["vary"] == "Accept"


def test_an_answer_known_already_is_not_sent_again(http: httpx.Client) -> None:
    asked = {"query": COUNT}
    first = http.get("/sparql", params=asked, headers={"Accept": "text/csv"})
    tag = first.headers["etag"]
    again = http.get("/sparql", params=asked, headers={"Accept": "text/csv", "If-None-Match": tag})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag
    other = http.get("/sparql", params=asked, headers={"Accept": "application/json", "If-None-Match": tag})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/turtle", "application/rdf+xml", "application/ld+json", "application/n-triples"]
)
def test_the_service_describes_itself(http: httpx.Client, media_type: str) -> None:
    response = http.get("/sparql", headers={"Accept": media_type})
    graph = Graph().parse(data=response.text, format=media_type)
    (service,) = graph.subjects(RDF.type, SD.Service)
    assert graph.value(service, SD.endpoint) == URIRef(f"{at(http)}/sparql".replace("//sparql", "/sparql"))
    assert (service, SD.supportedLanguage, SD.SPARQL11Query) in graph
    assert (service, SD.supportedLanguage, SD.SPARQL11Update) not in graph
    names = set(graph.objects(None, SD.name))
    assert URIRef(ONTOLOGY) in names and len(names) < 20


def test_void_counts_what_sparql_counts(http: httpx.Client) -> None:
    graph = Graph().parse(data=http.get("/.well-known/void").text, format="turtle")
    (data,) = graph.subjects(RDF.type, VOID.Dataset)
    whole = number(http.get("/sparql", params={"query": COUNT}, headers={"Accept": "text/csv"}))
    assert int(str(graph.value(data, VOID.triples))) == whole
    parts = list(graph.objects(data, VOID.propertyPartition))
    assert sum(int(str(graph.value(part, VOID.triples))) for part in parts) == whole
    assert int(str(graph.value(data, VOID.entities))) == 1259
    assert http.get("/void").text == http.get("/.well-known/void").text


def test_prefixes_are_listed(http: httpx.Client) -> None:
    assert http.get("/sparql/prefixes").json()["wh"] == "https://w3id.org/whence/ontology/"
    assert "PREFIX wh: <" in http.get("/sparql/prefixes", headers={"Accept": "text/turtle"}).text


def test_a_misspelt_term_is_warned_about(http: httpx.Client) -> None:
    response = http.get("/sparql", params={"query": "SELECT * { ?d wh:hasModalty ?m }"})
    assert "did you mean wh:hasModality" in response.headers["whence-warning"]
    right = http.get("/sparql", params={"query": "SELECT * { ?d wh:hasModality wh:microscopy } LIMIT 1"})
    assert "whence-warning" not in right.headers


def test_few_rows_are_cut_openly_and_many_break_off(http: httpx.Client) -> None:
    short = {"query": "SELECT (1 AS ?x) { ?s ?p ?o }"}
    cut = http.get("/sparql", params=short, headers={"Accept": "text/csv"})
    assert cut.headers["whence-truncated"] == "rows; limit=60000"
    assert cut.headers["whence-rows"] == "60000" and cut.text.count("\r\n") == 60_001
    whole = http.get("/sparql", params={"query": LONG + " LIMIT 20000"}, headers={"Accept": "text/csv"})
    assert "rows=60000" in whole.headers["whence-limits"] and whole.text.count("\r\n") == 20_001
    with (
        pytest.raises(httpx.RemoteProtocolError),
        http.stream("GET", "/sparql", params={"query": LONG}) as stream,
    ):
        assert stream.status_code == 200
        for _ in stream.iter_bytes():
            pass
    assert http.get("/sparql", params={"query": "ASK {}"}).status_code == 200


def test_a_slow_client_holds_no_process(http: httpx.Client) -> None:
    place = urlsplit(str(http.base_url))
    request = f"GET /sparql?query={httpx.QueryParams(q=LONG + ' LIMIT 20000')['q'].replace(' ', '+')} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
    slow = [socket.create_connection((place.hostname or "", place.port or 0)) for _ in range(6)]
    try:
        for one in slow:
            one.sendall(request.encode())
        time.sleep(6)  # longer than the deadline, with nothing read
        assert http.get("/sparql", params={"query": "ASK {}"}).status_code == 200
    finally:
        for one in slow:
            one.close()


def test_a_client_that_leaves_frees_its_process(http: httpx.Client) -> None:
    for _ in range(4):
        with pytest.raises(httpx.ReadTimeout):
            http.get("/sparql", params={"query": ENDLESS}, timeout=0.8)
    time.sleep(0.5)
    assert (
        http.get(
            "/sparql",
            params={"query": "SELECT (COUNT(?c) AS ?n) { ?a ?b ?c FILTER(CONTAINS(STR(?c), 'xy')) }"},
        ).status_code
        == 200
    )


def test_every_hostile_query_is_answered_and_quick_ones_beside_it(http: httpx.Client) -> None:
    hostile = [
        ENDLESS,
        "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f } ORDER BY ?d ?a",
        "SELECT DISTINCT ?a ?d { ?a ?b ?c . ?d ?e ?f }",
        "SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f))) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
        "SELECT * { ?a (!wh:nothing)* ?b . ?b (!wh:nothing)* ?c }",
        'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER(REGEX(CONCAT(STR(?c), STR(?f)), "(a+)+$")) }',
        "CONSTRUCT { ?a ?b ?f . ?d ?e ?c } { ?a ?b ?c . ?d ?e ?f }",
    ]
    statuses: list[int | str] = []

    def ask(query: str) -> None:
        try:
            statuses.append(httpx.get(f"{at(http)}/sparql", params={"query": query}, timeout=30).status_code)
        except httpx.RemoteProtocolError:
            statuses.append("broke off")

    threads = [threading.Thread(target=ask, args=(query,)) for query in hostile]
    for thread in threads:
        thread.start()
    quick = 0
    while any(thread.is_alive() for thread in threads):
        quick += http.get("/sparql", params={"query": "ASK {}"}).status_code == 200
    assert set(statuses) <= {429, 503, "broke off"} and len(statuses) == len(hostile)
    assert quick > 50


def test_a_greedy_client_is_told_when_to_come_back(settings: Settings, generation: Generation) -> None:
    tight = settings.model_copy(update={"sparql_client_seconds": 1.0, "sparql_seconds": 2.0})
    with serving(tight) as address:
        assert httpx.get(f"{address}/sparql", params={"query": ENDLESS}, timeout=30).status_code == 503
        told = httpx.get(f"{address}/sparql", params={"query": "ASK {}"})
        assert told.status_code == 429 and int(told.headers["retry-after"]) > 0
        assert "used up its SPARQL time" in told.json()["detail"]
        assert httpx.get(f"{address}/api/datasets/chestmnist").status_code == 200


def test_mistakes_are_budgeted_too(settings: Settings, generation: Generation) -> None:
    with (
        serving(settings.model_copy(update={"sparql_client_errors": 30})) as address,
        httpx.Client(base_url=address) as client,
    ):
        statuses = [client.get("/sparql", params={"query": "SELECT"}).status_code for _ in range(40)]
        assert statuses[0] == 400 and statuses[-1] == 429
