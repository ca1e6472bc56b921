"""The conformance instance: requests of the W3C suites for Protocol, Service Description and Graph Store Protocol.

Named as in the manifests of w3c/rdf-tests (sparql11/protocol, service-description, http-rdf-update); data and texts are ours.
The suites for evaluation and syntax are run by `benchmarks/w3c.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.compare import isomorphic

from kb.settings import Settings
from tests.conftest import Run, serving

SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
QUERY, UPDATE = "application/sparql-query", "application/sparql-update"
FORM = "application/x-www-form-urlencoded"
ONE, TWO, THREE = (f"http://example.org/data{n}" for n in (1, 2, 3))


@pytest.fixture(scope="module")
def http(settings: Settings) -> Iterator[httpx.Client]:
    with serving(settings, "--conformance") as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def data(http: httpx.Client) -> None:
    """Three graphs with one triple each, about themselves."""
    filled = " ".join(
        f"GRAPH <{name}> {{ <{name}> a <http://example.org/Document> }}" for name in (ONE, TWO, THREE)
    )
    for update in ("DROP ALL", f"INSERT DATA {{ {filled} }}"):
        assert http.post("/update", content=update, headers={"Content-Type": UPDATE}).is_success


def asked(http: httpx.Client, query: str, **params: object) -> bool:
    response = http.get("/sparql", params={"query": query, **params})  # type: ignore[dict-item]
    assert response.status_code == 200, response.text
    answer: bool = response.json()["boolean"]
    return answer


ABOUT = "ASK {{ <{0}> ?p ?o }}"
BOTH = f"ASK {{ <{ONE}> a ?t . <{TWO}> a ?t }}"
NAMED = f"ASK {{ GRAPH ?g {{ <{ONE}> a ?t }} GRAPH ?h {{ <{TWO}> a ?t }} }}"
FULL = f"ASK {{ <{THREE}> a ?t GRAPH ?g {{ <{ONE}> a ?t }} FILTER NOT EXISTS {{ <{ONE}> a ?t }} }}"


def test_query_get(http: httpx.Client) -> None:
    assert asked(http, "ASK {}")


def test_query_post_form(http: httpx.Client) -> None:
    assert http.post("/sparql", data={"query": "ASK {}"}).json()["boolean"] is True


def test_query_post_direct(http: httpx.Client) -> None:
    assert http.post("/sparql", content="ASK {}", headers={"Content-Type": QUERY}).json()["boolean"] is True


def test_query_dataset_default_graph(http: httpx.Client) -> None:
    assert asked(http, ABOUT.format(ONE), **{"default-graph-uri": ONE})
    assert not asked(http, ABOUT.format(ONE), **{"default-graph-uri": TWO})


def test_query_dataset_default_graphs_get(http: httpx.Client) -> None:
    assert asked(http, BOTH, **{"default-graph-uri": [ONE, TWO]})


def test_query_dataset_default_graphs_post(http: httpx.Client) -> None:
    answer = http.post("/sparql", data={"query": BOTH, "default-graph-uri": [ONE, TWO]})
    direct = http.post(
        "/sparql", params={"default-graph-uri": [ONE, TWO]}, content=BOTH, headers={"Content-Type": QUERY}
    )
    assert answer.json()["boolean"] is direct.json()["boolean"] is True


def test_query_dataset_named_graphs_get(http: httpx.Client) -> None:
    assert asked(http, NAMED, **{"named-graph-uri": [ONE, TWO]})
    assert not asked(http, NAMED, **{"named-graph-uri": [ONE]})


def test_query_dataset_named_graphs_post(http: httpx.Client) -> None:
    assert (
        http.post("/sparql", data={"query": NAMED, "named-graph-uri": [ONE, TWO]}).json()["boolean"] is True
    )


def test_query_dataset_full(http: httpx.Client) -> None:
    assert asked(http, FULL, **{"default-graph-uri": THREE, "named-graph-uri": [ONE, TWO]})


def test_query_multiple_dataset(http: httpx.Client) -> None:
    text = f"ASK FROM <{TWO}> {{ <{ONE}> a ?t }}"
    assert asked(http, text, **{"default-graph-uri": ONE})  # the request's dataset wins over the text's


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT (1 AS ?x) {}", ("application/sparql-results+xml", "application/sparql-results+json")),
        ("ASK {}", ("application/sparql-results+xml", "application/sparql-results+json")),
        (f"DESCRIBE <{ONE}>", ("application/rdf+xml", "text/turtle")),
        (f"CONSTRUCT {{ <{ONE}> <x:p> 1 }} {{}}", ("application/rdf+xml", "text/turtle")),
    ],
)
def test_query_content_types(http: httpx.Client, query: str, expected: tuple[str, ...]) -> None:
    for media_type in expected:
        response = http.get("/sparql", params={"query": query}, headers={"Accept": media_type})
        assert response.headers["content-type"].startswith(media_type)


COPY = "CLEAR GRAPH <x:out> ; INSERT { GRAPH <x:out> { ?s ?p ?o } } WHERE { ?s ?p ?o }"


def copied(http: httpx.Client, update: str, **params: object) -> set[str]:
    """Subjects that an update copied into <x:out>, in a form and directly alike."""
    http.post("/update", data={"update": "CREATE SILENT GRAPH <x:out>"})
    found = []
    for sent in (
        {"data": {"update": update, **params}},
        {"content": update, "params": params, "headers": {"Content-Type": UPDATE}},
    ):
        response = http.post("/update", **sent)
        assert response.is_success, response.text
        rows = http.get("/sparql", params={"query": "SELECT ?s { GRAPH <x:out> { ?s ?p ?o } }"}).json()
        found.append({row["s"]["value"] for row in rows["results"]["bindings"]})
    assert found[0] == found[1]
    return found[0]


def test_update_dataset_default_graph(http: httpx.Client) -> None:
    assert copied(http, COPY, **{"using-graph-uri": ONE}) == {ONE}


def test_update_dataset_default_graphs(http: httpx.Client) -> None:
    assert copied(http, COPY, **{"using-graph-uri": [ONE, TWO]}) == {ONE, TWO}


def test_update_dataset_named_graphs(http: httpx.Client) -> None:
    update = COPY.replace("WHERE { ?s ?p ?o }", "WHERE { GRAPH ?g { ?s ?p ?o } }")
    assert copied(http, update, **{"using-named-graph-uri": [ONE, TWO]}) == {ONE, TWO}


def test_update_dataset_full(http: httpx.Client) -> None:
    update = COPY.replace("WHERE { ?s ?p ?o }", "WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }")
    assert copied(http, update, **{"using-graph-uri": ONE, "using-named-graph-uri": TWO}) == {ONE, TWO}


def test_update_dataset_is_chosen_by_keywords_only(http: httpx.Client) -> None:
    update = "INSERT { GRAPH <x:with> { ?s ?p 'USING WITH' } } WHERE { ?s ?p ?o }"
    assert http.post("/update", data={"update": update, "using-graph-uri": ONE}).is_success
    short = {"update": "DELETE\n  WHERE { ?s ?p ?o }", "using-graph-uri": ONE}
    assert http.post("/update", data=short).status_code == 400


def test_update_post_form_and_direct(http: httpx.Client) -> None:
    assert http.post("/update", data={"update": "INSERT DATA { <x:a> <x:b> 1 }"}).is_success
    assert http.post(
        "/update", content="INSERT DATA { <x:a> <x:b> 2 }", headers={"Content-Type": UPDATE}
    ).is_success
    assert asked(http, "ASK { <x:a> <x:b> 1, 2 }")


def test_update_base_uri(http: httpx.Client) -> None:
    text = "CLEAR GRAPH <http://example.org/protocol-base-test/> ;"
    text += " INSERT DATA { GRAPH <http://example.org/protocol-base-test/> { <http://example.org/s> <http://example.org/p> <test> } }"
    assert http.post("/update", content=text, headers={"Content-Type": UPDATE}).is_success
    query = "SELECT ?o { GRAPH <http://example.org/protocol-base-test/> { ?s ?p ?o } }"
    (row,) = http.get("/sparql", params={"query": query}).json()["results"]["bindings"]
    assert row["o"]["value"].startswith("http://") and row["o"]["value"].endswith("/test")


@pytest.mark.parametrize(
    ("name", "method", "path", "content", "kind"),
    [
        ("bad_query_method", "PUT", "/sparql?query=ASK%20%7B%7D", b"", ""),
        ("bad_multiple_queries", "GET", "/sparql?query=ASK%20%7B%7D&query=SELECT%20%2A%20%7B%7D", b"", ""),
        ("bad_query_wrong_media_type", "POST", "/sparql", b"ASK {}", "text/plain"),
        ("bad_query_missing_form_type", "POST", "/sparql", b"query=ASK%20%7B%7D", ""),
        ("bad_query_missing_direct_type", "POST", "/sparql", b"ASK {}", ""),
        ("bad_query_non_utf8", "POST", "/sparql", "ASK {}".encode("utf-16"), QUERY + "; charset=UTF-16"),
        ("bad_query_syntax", "GET", "/sparql?query=ASK%20%7B", b"", ""),
        ("bad_update_get", "GET", "/update?update=CLEAR%20ALL", b"", ""),
        ("bad_multiple_updates", "POST", "/update", b"update=CLEAR%20NAMED&update=CLEAR%20DEFAULT", FORM),
        ("bad_update_wrong_media_type", "POST", "/update", b"CLEAR NAMED", "text/plain"),
        ("bad_update_missing_form_type", "POST", "/update", b"update=CLEAR%20NAMED", ""),
        ("bad_update_non_utf8", "POST", "/update", "CLEAR NAMED".encode("utf-16"), UPDATE + "; charset=UTF-16"),
        ("bad_update_syntax", "POST", "/update", b"update=CLEAR%20XYZ", FORM),
        (
            "bad_update_dataset_conflict", "POST", "/update",
            b"using-named-graph-uri=http%3A%2F%2Fexample%2Fpeople&update=PREFIX%20x%3A%20%3Cx%3A%3E%20WITH%20%3Cx%3Aa%3E%20DELETE%20%7B%20%3Fs%20x%3Ap%201%20%7D%20WHERE%20%7B%20%3Fs%20x%3Ap%201%20%7D",
            FORM,
        ),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(
    http: httpx.Client, name: str, method: str, path: str, content: bytes, kind: str
) -> None:
    response = http.request(method, path, content=content, headers={"Content-Type": kind} if kind else {})
    assert 400 <= response.status_code < 500, f"{name}: {response.status_code} {response.text}"
    assert asked(http, NAMED), "the data are gone"


@pytest.mark.parametrize("media_type", ["text/turtle", "application/rdf+xml"])
def test_service_description(http: httpx.Client, media_type: str) -> None:
    """returns_rdf, has_endpoint_triple, conforms_to_schema."""
    response = http.get("/sparql", headers={"Accept": media_type})
    graph = Graph().parse(data=response.text, format=media_type)
    (service,) = graph.subjects(RDF.type, SD.Service)
    assert graph.value(service, SD.endpoint) == URIRef(str(response.url))
    assert {SD.SPARQL11Query, SD.SPARQL11Update} == set(graph.objects(service, SD.supportedLanguage))
    assert list(graph.objects(service, SD.resultFormat))


PERSON = '@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n<{0}> a foaf:Person ; foaf:name "{1}" ; foaf:knows [ a foaf:Person ] .'
TURTLE = {"Content-Type": "text/turtle; charset=utf-8"}


def holds(http: httpx.Client, path: str, *texts: str) -> None:
    response = http.get(path, headers={"Accept": "text/turtle"})
    assert response.status_code == 200, response.text
    wanted = Graph()
    for text in texts:
        wanted.parse(data=text, format="turtle")
    assert isomorphic(Graph().parse(data=response.text, format="turtle"), wanted)


def test_graph_store_protocol(http: httpx.Client) -> None:
    """put, get, post, delete and head in the order of the suite; the same graph by `?graph=` and by its own path."""
    jane, john = PERSON.format("x:1", "Jane"), PERSON.format("x:2", "John")
    one = "/store/person/1.ttl"
    assert (
        http.put(f"/store?graph={one}", content=jane, headers=TURTLE).status_code == 201
    )  # put__initial_state
    holds(http, f"/store?graph={one}", jane)
    holds(http, one, jane)
    assert http.put(one, content=john, headers=TURTLE).status_code in (
        200,
        204,
    )  # put__graph_already_in_store
    holds(http, one, john)
    assert http.put("/store?default", content=jane, headers=TURTLE).status_code in (
        200,
        201,
        204,
    )  # put__default_graph
    holds(http, "/store?default", jane)
    assert (
        http.put(one, content=jane, headers={"Content-Type": "application/rdf+xml"}).status_code == 400
    )  # put__mismatched_payload
    two = "/store/person/2.ttl"
    assert http.put(two, content=john, headers=TURTLE).status_code == 201
    assert http.delete(two).status_code in (200, 204)  # delete__existing_graph
    assert http.get(two).status_code == 404
    assert http.delete(two).status_code == 404  # delete__nonexistent_graph
    assert http.post(one, content=jane, headers=TURTLE).status_code in (200, 204)  # post__existing_graph
    holds(http, one, john, jane)
    files = {
        "one": ("one.ttl", '<x:1> <x:given> "Jane" .', "text/turtle"),
        "two": ("two.nt", '<x:1> <x:family> "Doe" .', "application/n-triples"),
    }
    assert http.post(one, files=files).status_code in (200, 204)  # post__multipart_formdata
    holds(http, one, john, jane, '<x:1> <x:given> "Jane" ; <x:family> "Doe" .')
    made = http.post("/store", content=jane, headers=TURTLE)  # post__create__new_graph
    assert made.status_code == 201
    new = made.headers["location"]
    holds(http, new, jane)
    assert http.post(new, content="", headers=TURTLE).status_code in (200, 204)  # post after noop
    holds(http, new, jane)
    head = http.head(one)  # head_on_an_existing_graph
    assert (
        head.status_code == 200
        and head.content == b""
        and head.headers["content-type"].startswith("text/turtle")
    )
    assert http.head("/store/person/4.ttl").status_code == 404  # head_on_a_nonexisting_graph


def test_graph_store_refuses_what_it_can_not_do(http: httpx.Client) -> None:
    assert http.put("/store", content="", headers=TURTLE).status_code == 400
    assert http.get("/store?default&graph=x:y").status_code == 400
    assert http.put("/store?graph=x:y", content="a", headers={"Content-Type": "text/csv"}).status_code == 415
    assert http.get("/store?default", headers={"Accept": "image/png"}).status_code == 406


def test_service_and_load_parse_and_are_not_carried_out(http: httpx.Client) -> None:
    query = 'SELECT * { SERVICE SILENT <http://127.0.0.1:9/> { ?s ?p "SERVICE LOAD" } }'
    assert http.get("/sparql", params={"query": query}).json()["results"]["bindings"] == []
    for update in ("LOAD <http://127.0.0.1:9/>", "LOAD SILENT <http://127.0.0.1:9/> INTO GRAPH <x:g>"):
        assert http.post("/update", data={"update": update}).is_success
    assert http.post("/update", data={"update": "LOAD <http://127.0.0.1:9/> INTO <x:g>"}).status_code == 400


def test_it_binds_loopback_only(run: Run) -> None:
    done = run("serve", "--conformance", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - must be refused
    assert done.returncode == 2 and "loopback only" in done.stderr and done.stderr.count("\n") == 1
