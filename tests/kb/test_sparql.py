"""The SPARQL worker: right answers, all formats, and no way out of it."""

from __future__ import annotations

import csv
import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import Graph
from rdflib.query import Result

from kb.answers.sparql import ask, open_worker
from kb.engines.generation import Generation
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_worker import SparqlWorker
from kb.errors import InvalidInput, QueryRefused, TooExpensive
from kb.settings import Settings
from tests.conftest import environment


@pytest.fixture(scope="module")
def worker(settings: Settings, generation: Generation) -> Iterator[SparqlWorker]:
    worker = open_worker(settings)
    yield worker
    worker.close()


REGIONS = "SELECT ?region ?label { ?region a wh:BodyRegion ; skos:prefLabel ?label } ORDER BY ?label"
LABELS = ["abdomen", "head", "lower limb", "neck", "pelvis", "thorax", "upper limb"]


@pytest.mark.parametrize("form", ["application/sparql-results+json", "application/sparql-results+xml"])
def test_tables_are_what_rdflib_reads(worker: SparqlWorker, form: str) -> None:
    result = Result.parse(io.BytesIO(ask(worker, REGIONS, form).body), content_type=form)
    assert [str(row.label) for row in result] == LABELS  # type: ignore[union-attr]
    assert [row.label.language for row in result] == ["en"] * 7  # type: ignore[union-attr]


def test_csv_and_tsv(worker: SparqlWorker) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(worker, REGIONS, "text/csv").body.decode())))
    assert [row["label"] for row in rows] == LABELS
    lines = ask(worker, REGIONS, "text/tab-separated-values").body.decode().splitlines()
    assert lines[0] == "?region\t?label"
    assert lines[1] == '<https://w3id.org/whence/ontology/abdomen>\t"abdomen"@en'


@pytest.mark.parametrize(
    "form", ["text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml"]
)
@pytest.mark.parametrize(
    "query",
    [
        "CONSTRUCT { ?s skos:prefLabel ?l } WHERE { ?s a wh:BodyRegion ; skos:prefLabel ?l }",
        "DESCRIBE wh:retina",
    ],
)
def test_graphs_are_what_rdflib_reads(worker: SparqlWorker, query: str, form: str) -> None:
    answer = ask(worker, query, form)
    assert len(Graph().parse(answer.body, format=form)) == answer.rows > 6


@pytest.mark.parametrize(
    "form", ["application/sparql-results+json", "application/sparql-results+xml", "text/csv"]
)
def test_ask(worker: SparqlWorker, form: str) -> None:
    assert b"true" in ask(worker, "ASK { whd:chexpert wh:hasAnatomy wh:thorax }", form).body
    assert b"false" in ask(worker, "ASK { whd:chexpert wh:hasAnatomy wh:retina }", form).body


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT ?x {\n ?x a }", "line 2, column 8"),
        ("SELECT ?x { ?x a foo:bar }", "line 1, column .*prefix"),
        ("", "empty"),
        ("hello", "none of SELECT, ASK"),
        ("SELECT ?x { ?x a wh:Finding" + " " * 100_000 + "}", "at most 100,000"),
    ],
)
def test_malformed_queries_are_explained(worker: SparqlWorker, query: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ask(worker, query)


def test_a_type_that_does_not_fit_is_explained(worker: SparqlWorker) -> None:
    with pytest.raises(InvalidInput, match="text/turtle"):
        ask(worker, REGIONS, "text/turtle")


UPDATES = ["INSERT DATA { <a:a> <a:b> <a:c> }", "# note\nDELETE WHERE { ?s ?p ?o }", "LOAD <http://127.0.0.1/>", "PREFIX a: <b:> DROP ALL", "CLEAR ALL"]  # fmt: skip


@pytest.mark.parametrize("update", UPDATES)
def test_updates_are_refused(worker: SparqlWorker, update: str) -> None:
    with pytest.raises(QueryRefused, match="SPARQL Update"):
        ask(worker, update)


def test_no_form_of_service_reaches_the_network(worker: SparqlWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.5)
        iri = f"<http://127.0.0.1:{trap.getsockname()[1]}/>"
        bodies = [
            f"SERVICE {iri} {{ ?s ?p ?o }}", f"service silent {iri} {{ ?s ?p ?o }}", f"SeRvIcE{iri}{{?s ?p ?o}}",
            f"{{}}SERVICE{iri}{{}}", f"?a ?b 5SERVICE{iri}{{}}", f"?a ?b trueSERVICE{iri}{{}}", f"?a ?b ?c.SERVICE{iri}{{}}",
            f"# SELECT\nSERVICE {iri} {{}}", "?s ?p '\\'' SERVICE " + iri + " {}", "SERVICE:x{}", "?a ?b ?c.SERVICE:x{}",
        ]  # fmt: skip
        for body in bodies:
            with pytest.raises(QueryRefused, match="SERVICE"):
                ask(worker, f"PREFIX : {iri} SELECT * {{ {body} }}")
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "query",
    [
        'SELECT ?s { ?s rdfs:label "SERVICE INSERT LOAD" }', "SELECT ?service { ?service a wh:Finding } LIMIT 1",
        "SELECT ?s { ?s a <https://example.org/SERVICE> }", "# SERVICE\nASK { wh:drop a wh:Insert }",
        "SELECT ?s { ?s rdfs:label 'it''s'@en-SERVICE }", 'ASK { ?s ?p """a "quoted" SERVICE""" }',
    ],
)  # fmt: skip
def test_a_keyword_in_a_name_or_a_string_is_no_keyword(query: str) -> None:
    assert check_query_text(query) in ("SELECT", "ASK")


def test_no_file_can_be_read(worker: SparqlWorker) -> None:
    for iri in ("file:///etc/hostname", "http://127.0.0.1:9/"):
        assert b"?" not in ask(worker, f"SELECT ?o FROM <{iri}> {{ ?s ?p ?o }}", "text/csv").body
        assert ask(worker, f"SELECT ?o FROM <{iri}> {{ ?s ?p ?o }}").rows == 0


def test_a_query_without_end_is_stopped_and_the_next_one_answered(
    worker: SparqlWorker, settings: Settings
) -> None:
    started = time.monotonic()
    with pytest.raises(TooExpensive, match="stopped after 5 s"):
        ask(worker, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")
    assert time.monotonic() - started < settings.sparql_seconds + 2
    assert ask(worker, "ASK { ?s ?p ?o }").rows == 1


def test_a_query_that_needs_too_much_memory_is_stopped(settings: Settings, generation: Generation) -> None:
    tight = open_worker(settings.model_copy(update={"sparql_memory": 700_000_000, "sparql_seconds": 60.0}))
    try:
        with pytest.raises(TooExpensive, match="memory"):
            ask(
                tight,
                "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f } ORDER BY ?d ?a",
            )
        assert ask(tight, "ASK { ?s ?p ?o }").rows == 1
    finally:
        tight.close()


def test_more_rows_than_allowed_are_cut_and_said_to_be(worker: SparqlWorker, settings: Settings) -> None:
    answer = ask(worker, "SELECT ?s { ?s ?p ?o }")
    assert answer.truncated
    assert answer.rows == settings.sparql_rows == len(json.loads(answer.body)["results"]["bindings"])
    exact = ask(worker, f"SELECT ?s {{ ?s ?p ?o }} LIMIT {settings.sparql_rows}")
    assert not exact.truncated


def test_threads_share_the_worker(worker: SparqlWorker) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: answers.append(ask(worker, f"SELECT ?s {{ ?s ?p ?o }} LIMIT {n}").rows)
        )
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(1, 9))


def test_a_query_too_many_is_turned_away(settings: Settings, generation: Generation) -> None:
    worker = open_worker(settings.model_copy(update={"sparql_seconds": 2.0}))
    worker.start()
    failures: list[str] = []

    def endless() -> None:
        try:
            ask(worker, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")
        except TooExpensive as error:
            failures.append(error.message)

    threads = [threading.Thread(target=endless) for _ in range(12)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads[8:]:
            thread.join(timeout=1)
        for thread in threads:
            thread.join()
        assert sum("waiting already" in message for message in failures) == 4
        assert sum("stopped" in message or "took all the time" in message for message in failures) == 8
        assert ask(worker, "ASK { ?s ?p ?o }").rows == 1
    finally:
        worker.close()


def test_no_query_outlives_the_process_that_asked(settings: Settings, generation: Generation) -> None:
    code = (
        "import sys; from kb.answers.sparql import open_worker, ask; from kb.settings import Settings\n"
        "worker = open_worker(Settings(sparql_seconds=600)); worker.start(); print(worker._process.pid, flush=True)\n"
        "ask(worker, 'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(settings), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker_id = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        if not Path(f"/proc/{worker_id}/stat").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"worker {worker_id} is still running")


def test_xml_stays_well_formed_whatever_a_literal_holds(worker: SparqlWorker) -> None:
    body = ask(worker, 'SELECT ("a\\u0001b" AS ?x) {}', "application/sparql-results+xml").body
    (row,) = Result.parse(io.BytesIO(body), content_type="application/sparql-results+xml")
    assert str(row.x) == "a\ufffdb"  # type: ignore[union-attr]
