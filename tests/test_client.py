"""The Python client against a real service, and its patience against one that is made to fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from kb.client import WhenceClient
from kb.errors import InvalidInput, NotReady, TooExpensive


@pytest.fixture(scope="module")
def whence(server: str) -> Iterator[WhenceClient]:
    with WhenceClient(server) as client:
        yield client


def test_answers_of_the_api(whence: WhenceClient) -> None:
    found = whence.search("chest X-ray pneumonia, open", limit=2)
    assert len(found["results"]) == 2
    corrected = whence.search("whatever", interpretation=found["interpretation"])
    assert corrected["matching"] == found["matching"]
    ranked = whence.candidates("chexpert", sources=["radimagenet", "imagenet-1k"], architecture="ResNet-50")
    assert {one["source"] for one in ranked["candidates"]} >= {"radimagenet", "imagenet-1k"}
    assert (
        whence.resolve("visually similar")["expressions"][0]["senses"][0]["name"]
        == "PerceivedVisualSimilarity"
    )
    assert whence.similarity("chestmnist", "chexpert")["computed"]
    assert whence.compare("chestmnist", "chexpert")
    assert whence.outcomes(target="chexpert")
    assert whence.fairness("chexpert")


def test_tables_have_the_types_of_their_values(whence: WhenceClient) -> None:
    table = whence.sparql_frame(
        "SELECT ?d ?n ?r ?ok ?t ?none { VALUES (?d ?n ?r ?ok ?t) { (wh:a 1 1.5 true '2024-05-01T00:00:00Z'^^xsd:dateTime)"
        " (wh:b 2 2.5 false '2024-05-02T00:00:00Z'^^xsd:dateTime) (wh:c UNDEF UNDEF UNDEF UNDEF) } } ORDER BY ?d"
    )
    assert list(table.columns) == ["d", "n", "r", "ok", "t", "none"]
    assert [str(kind).partition("[")[0] for kind in table.dtypes[1:5]] == [
        "Int64",
        "Float64",
        "boolean",
        "datetime64",
    ]
    assert table["n"].sum() == 3 and table["r"].sum() == 4.0 and table["ok"].sum() == 1
    assert table["none"].isna().all() and table["n"].isna().sum() == 1
    assert whence.sparql_frame("SELECT ?x { ?x a wh:Nothing }").empty
    mixed = whence.sparql_frame("SELECT ?x { VALUES ?x { 1 'one' } }")
    assert sorted(mixed["x"]) == ["1", "one"]


def test_triples_come_as_a_graph(whence: WhenceClient) -> None:
    graph = whence.sparql_graph("CONSTRUCT WHERE { whd:chestmnist a ?type }")
    assert len(graph) > 0
    with pytest.raises(InvalidInput, match="use SELECT"):
        whence.sparql_frame("ASK {}")
    with pytest.raises(TooExpensive, match="cut"):
        whence.sparql("SELECT ?s { ?s ?p ?o }")


def test_entries_with_a_bar(whence: WhenceClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(1 for _ in whence.datasets(progress=True)) == 1259
    assert "1259/1259" in capsys.readouterr().err


def failing(*statuses: int) -> tuple[httpx.MockTransport, list[int]]:
    """A service that answers with these statuses in turn, then well."""
    waiting, seen = list(statuses), list[int]()

    def answer(_: httpx.Request) -> httpx.Response:
        status = waiting.pop(0) if waiting else 200
        seen.append(status)
        return httpx.Response(
            status, headers={"Retry-After": "0"}, json={"results": [], "detail": "the query was stopped"}
        )

    return httpx.MockTransport(answer), seen


def test_a_busy_service_is_asked_again() -> None:
    transport, seen = failing(429, 502)
    with WhenceClient("http://whence", transport=transport) as whence:
        assert whence.search("retina") == {"results": [], "detail": "the query was stopped"}
    assert seen == [429, 502, 200]


def test_a_stopped_query_is_not_sent_again() -> None:
    transport, seen = failing(503)
    with (
        WhenceClient("http://whence", transport=transport) as whence,
        pytest.raises(TooExpensive, match="stopped"),
    ):
        whence.search("retina")
    assert seen == [503]


def test_nobody_there_is_said() -> None:
    with (
        WhenceClient("http://127.0.0.1:9", retries=0) as whence,
        pytest.raises(NotReady, match="no answer from"),
    ):
        whence.search("retina")


def test_pandas_is_asked_for_only_where_it_is_needed() -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import httpx; from kb.client import WhenceClient\n"
        "body = {'head': {'vars': []}, 'results': {'bindings': []}}\n"
        "client = WhenceClient('http://x', transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))\n"
        "assert client.sparql('SELECT * {}') == []\n"
        "client.sparql_frame('SELECT * {}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pandas is not installed (pip install 'whence[client]')" in done.stderr
