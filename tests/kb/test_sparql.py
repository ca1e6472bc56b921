"""The SPARQL pool: right answers, all formats, and no way out of its processes."""

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
from contextlib import suppress
from pathlib import Path

import pytest
from rdflib import Graph
from rdflib.query import Result

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import read_terms
from kb.answers.sparql import DeclaredTerms, ask, open_pool
from kb.engines.generation import Generation
from kb.engines.sandbox import sandbox_state
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_pool import HELD_BACK, Places, SparqlPool
from kb.engines.sparql_process import Limits, Query, SparqlProcess
from kb.errors import Busy, InvalidInput, QueryRefused, TooExpensive
from kb.settings import Settings
from tests.conftest import environment


@pytest.fixture(scope="module")
def pool(settings: Settings, generation: Generation) -> Iterator[SparqlPool]:
    pool = open_pool(settings, Places(free=3, long=2, waiting=8))
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def wide(settings: Settings, generation: Generation) -> Iterator[SparqlPool]:
    """With room for answers longer than what is held back."""
    pool = open_pool(settings.model_copy(update={"sparql_rows": 50_000, "sparql_seconds": 30.0}))
    yield pool
    pool.close()


REGIONS = "SELECT ?region ?label { ?region a wh:BodyRegion ; skos:prefLabel ?label } ORDER BY ?label"
LABELS = ["abdomen", "head", "lower limb", "neck", "pelvis", "thorax", "upper limb"]


@pytest.mark.parametrize("form", ["application/sparql-results+json", "application/sparql-results+xml"])
def test_tables_are_what_rdflib_reads(pool: SparqlPool, form: str) -> None:
    result = Result.parse(io.BytesIO(ask(pool, REGIONS, form).body), content_type=form)
    assert [str(row.label) for row in result] == LABELS  # type: ignore[union-attr]
    assert [row.label.language for row in result] == ["en"] * 7  # type: ignore[union-attr]


def test_csv_and_tsv(pool: SparqlPool) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(pool, REGIONS, "text/csv").body.decode())))
    assert [row["label"] for row in rows] == LABELS
    lines = ask(pool, REGIONS, "text/tab-separated-values").body.decode().splitlines()
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
def test_graphs_are_what_rdflib_reads(pool: SparqlPool, query: str, form: str) -> None:
    answer = ask(pool, query, form)
    assert len(Graph().parse(answer.body, format=form)) == answer.rows > 6


@pytest.mark.parametrize(
    "form", ["application/sparql-results+json", "application/sparql-results+xml", "text/csv"]
)
def test_ask(pool: SparqlPool, form: str) -> None:
    assert b"true" in ask(pool, "ASK { whd:chexpert wh:hasAnatomy wh:thorax }", form).body
    assert b"false" in ask(pool, "ASK { whd:chexpert wh:hasAnatomy wh:retina }", form).body


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
def test_malformed_queries_are_explained(pool: SparqlPool, query: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ask(pool, query)


def test_a_type_that_does_not_fit_is_explained(pool: SparqlPool) -> None:
    with pytest.raises(InvalidInput, match="text/turtle"):
        ask(pool, REGIONS, "text/turtle")


UPDATES = ["INSERT DATA { <a:a> <a:b> <a:c> }", "# note\nDELETE WHERE { ?s ?p ?o }", "LOAD <http://127.0.0.1/>", "PREFIX a: <b:> DROP ALL", "CLEAR ALL"]  # fmt: skip


@pytest.mark.parametrize("update", UPDATES)
def test_updates_are_refused(pool: SparqlPool, update: str) -> None:
    with pytest.raises(QueryRefused, match="SPARQL Update"):
        ask(pool, update)


def test_no_form_of_service_reaches_the_network(pool: SparqlPool) -> None:
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
                ask(pool, f"PREFIX : {iri} SELECT * {{ {body} }}")
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


def test_no_file_can_be_read(pool: SparqlPool) -> None:
    for iri in ("file:///etc/hostname", "http://127.0.0.1:9/"):
        assert b"?" not in ask(pool, f"SELECT ?o FROM <{iri}> {{ ?s ?p ?o }}", "text/csv").body
        assert ask(pool, f"SELECT ?o FROM <{iri}> {{ ?s ?p ?o }}").rows == 0


def test_a_query_without_end_is_stopped_and_the_next_one_answered(
    pool: SparqlPool, settings: Settings
) -> None:
    started = time.monotonic()
    with pytest.raises(TooExpensive, match="stopped after 5 s"):
        ask(pool, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")
    assert time.monotonic() - started < settings.sparql_seconds + 2
    assert ask(pool, "ASK { ?s ?p ?o }").rows == 1


def test_a_query_that_needs_too_much_memory_is_stopped(settings: Settings, generation: Generation) -> None:
    tight = open_pool(settings.model_copy(update={"sparql_memory": 200_000_000, "sparql_seconds": 60.0}))
    try:
        with pytest.raises(TooExpensive, match="memory"):
            ask(tight, "SELECT ?a ?d { ?a ?b ?c . ?d ?e ?f } ORDER BY ?d ?a")
        assert ask(tight, "ASK { ?s ?p ?o }").rows == 1
        assert tight.killed.died == 1
    finally:
        tight.close()


def test_more_rows_than_allowed_are_cut_and_said_to_be(pool: SparqlPool, settings: Settings) -> None:
    answer = ask(pool, "SELECT ?s { ?s ?p ?o }")
    assert answer.truncated
    assert answer.rows == settings.sparql_rows == len(json.loads(answer.body)["results"]["bindings"])
    exact = ask(pool, f"SELECT ?s {{ ?s ?p ?o }} LIMIT {settings.sparql_rows}")
    assert not exact.truncated


def test_threads_share_the_worker(pool: SparqlPool) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: answers.append(ask(pool, f"SELECT ?s {{ ?s ?p ?o }} LIMIT {n}").rows)
        )
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(1, 9))


ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


def test_long_queries_leave_room_for_quick_ones(settings: Settings, generation: Generation) -> None:
    pool = open_pool(settings.model_copy(update={"sparql_seconds": 3.0}), Places(free=2, long=1, waiting=4))
    failures: list[Exception] = []

    def endless() -> None:
        try:
            ask(pool, ENDLESS)
        except (TooExpensive, Busy) as error:
            failures.append(error)

    threads = [threading.Thread(target=endless) for _ in range(5)]
    try:
        pool.start()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            with suppress(Busy):
                assert ask(pool, "ASK { ?s ?p ?o }").rows == 1
        assert sum(isinstance(error, TooExpensive) for error in failures) >= 1
        assert sum("other long queries" in str(error) for error in failures) >= 3
        assert len(failures) == 5
        assert ask(pool, "ASK { ?s ?p ?o }").rows == 1
    finally:
        pool.close()


def test_a_query_too_many_is_turned_away(settings: Settings, generation: Generation) -> None:
    pool = open_pool(settings.model_copy(update={"sparql_seconds": 3.0}), Places(free=1, long=1, waiting=1))
    try:
        answers = [pool.submit(Query(ENDLESS, "text/csv")) for _ in range(3)]
        with pytest.raises(Busy, match="waiting already"):
            pool.submit(Query("ASK {}", "text/csv"))
        for answer in answers:
            answer.decided.result(timeout=30)
            assert isinstance(answer.error, TooExpensive | Busy)
            answer.close()
    finally:
        pool.close()


def test_an_abandoned_query_frees_its_process(pool: SparqlPool) -> None:
    before = pool.killed.abandoned
    answer = pool.submit(Query(ENDLESS, "text/csv"))
    time.sleep(0.6)
    answer.cancel()
    answer.decided.result(timeout=5)
    answer.close()
    assert pool.killed.abandoned == before + 1
    assert ask(pool, "ASK { ?s ?p ?o }").rows == 1


def test_a_long_answer_can_be_read_while_it_is_written(wide: SparqlPool) -> None:
    query = "SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 50000"
    answer = wide.submit(Query(query, "text/csv"))
    answer.decided.result(timeout=30)
    read = bytearray()
    while piece := answer.read(len(read), 10_000, seconds=30):
        read += piece
    assert answer.state == "whole" and read.count(b"\r\n") == 50_001
    assert answer.size == len(read) > HELD_BACK
    answer.close()


def test_an_answer_that_breaks_off_is_never_ended_cleanly(wide: SparqlPool) -> None:
    answer = wide.submit(Query("SELECT ?s ?p ?o { ?s ?p ?o }", "text/csv"))
    answer.decided.result(timeout=30)
    read = bytearray()
    while piece := answer.read(len(read), 1 << 20, seconds=30):
        read += piece
    assert piece is None and answer.state == "failed"
    answer.close()


def test_what_slips_past_the_guard_reaches_no_network_and_no_file(
    settings: Settings, generation: Generation, tmp_path: Path
) -> None:
    process = SparqlProcess(generation.store, Limits(seconds=5, rows=10, bytes=10_000, memory=10**9))
    process.wait_ready()
    try:
        with socket.create_server(("127.0.0.1", 0)) as trap:
            trap.settimeout(0.5)
            iri = f"<http://127.0.0.1:{trap.getsockname()[1]}/>"
            for body in (f"SERVICE {iri} {{ ?s ?p ?o }}", f"SERVICE SILENT {iri} {{ ?s ?p ?o }}"):
                process.send(Query(f"SELECT * {{ {body} }}", "text/csv"))
                while (message := process.receive(5)) is not None and isinstance(message, bytes):
                    pass
                assert message is not None
            with pytest.raises(TimeoutError):
                trap.accept()
    finally:
        process.kill()


def test_the_walls_stand() -> None:
    code = """
import os, socket, subprocess, threading
from kb.engines.sandbox import confine, sandbox_state
assert sandbox_state() == "ok"
confine(10**9)
for attempt in (socket.socket, lambda: socket.socket(socket.AF_INET6), lambda: open("/tmp/whence-never", "w"),
                lambda: subprocess.run(["true"]), os.fork, lambda: os.unlink("/tmp/whence-never"), lambda: os.kill(1, 0)):
    try:
        attempt()
    except PermissionError:
        continue
    raise SystemExit(f"{attempt} got out")
socket.socket(socket.AF_UNIX).close()
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
try:
    bytearray(2 * 10**9)
except MemoryError:
    print("held")
"""
    if sandbox_state() != "ok":
        pytest.skip(f"no walls here: {sandbox_state()}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "held", done.stderr


def test_terms_that_are_declared_nowhere_are_named_with_near_ones(base: KnowledgeBase) -> None:
    query = (
        "SELECT * { ?d wh:hasModalty ?m ; wh:hasModality wh:mri . # wh:nothing\n FILTER(?m != sense:Nope) }"
    )
    warnings = DeclaredTerms(read_terms(base)).unknown(query)
    assert warnings[0].startswith("unknown term wh:hasModalty, did you mean wh:hasModality")
    assert [warning.split(",")[0] for warning in warnings] == [
        "unknown term wh:hasModalty", "unknown term wh:mri", "unknown term sense:Nope",
    ]  # fmt: skip
    assert (
        DeclaredTerms(read_terms(base)).unknown(
            "SELECT * { ?d wh:hasModality wh:microscopy ; a <https://example.org/x> }"
        )
        == ()
    )


def test_no_query_outlives_the_process_that_asked(settings: Settings, generation: Generation) -> None:
    code = (
        "import sys; from kb.answers.sparql import open_pool, ask; from kb.settings import Settings; from kb.engines.sparql_process import Query\n"
        "pool = open_pool(Settings(sparql_seconds=600)); pool.start(); pool.submit(Query('ASK {}', 'text/csv')).decided.result(); print(next(iter(pool._all)).pid, flush=True)\n"
        "ask(pool, 'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }')"
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
    raise AssertionError(f"pool {worker_id} is still running")


def test_xml_stays_well_formed_whatever_a_literal_holds(pool: SparqlPool) -> None:
    body = ask(pool, 'SELECT ("a\\u0001b" AS ?x) {}', "application/sparql-results+xml").body
    (row,) = Result.parse(io.BytesIO(body), content_type="application/sparql-results+xml")
    assert str(row.x) == "a\ufffdb"  # type: ignore[union-attr]
