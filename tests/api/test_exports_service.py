"""Exports over HTTP: one entry in six formats, the catalogue as files."""

from __future__ import annotations

import hashlib
import json
from typing import Any, get_args

import httpx
import pytest
from rdflib import RDF, Graph, URIRef
from rdflib.namespace import DCAT

from kb.answers.export import ExportFormat
from kb.answers.export_entry import ENTRY_FORMATS
from tests.conftest import Run

ENTRY = "/api/datasets/dermamnist/export"


@pytest.fixture(scope="module")
def index(http: httpx.Client) -> dict[str, dict[str, Any]]:
    """Files by format; the first call makes them."""
    answer = http.get("/export", timeout=120)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    assert document["credit"] == "Whence contributors"
    assert all(document["data_version"] in file["name"] for file in document["files"])
    return {file["format"]: file for file in document["files"]}


@pytest.mark.parametrize("form", list(ENTRY_FORMATS))
def test_an_entry_in_each_format_is_what_the_command_prints(http: httpx.Client, run: Run, form: str) -> None:
    answer = http.get(f"{ENTRY}/{form}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ENTRY_FORMATS[form].media_type  # type: ignore[index]
    assert 'rel="license"' in answer.headers["link"]
    assert "dermamnist." in answer.headers["content-disposition"]
    printed = run("export-entry", "dermamnist", "--format", form).stdout
    assert answer.text.replace("\r\n", "\n") == printed
    again = http.get(f"{ENTRY}/{form}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = http.head(f"{ENTRY}/{form}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))


def test_dcat_and_croissant_parse(http: httpx.Client) -> None:
    graph = Graph().parse(data=http.get(f"{ENTRY}/dcat").text, format="turtle")
    assert (URIRef("https://w3id.org/whence/dataset/dermamnist"), RDF.type, DCAT.Dataset) in graph
    document = http.get(f"{ENTRY}/croissant").json()
    assert "http://mlcommons.org/croissant/1.1" in document["conformsTo"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/datasets/dermamnits/export/croissant", 404, "dermamnist"),
        (f"{ENTRY}/croisant", 400, "croissant"),
        ("/export/whence-0.0.1+0.000000000000.ttl", 404, "see /export"),
        ("/export/latest.xlsx", 404, "see /export"),
        ("/export/..%2Fmanifest.json", 404, ""),
        ("/export/%2e%2e%2f%2e%2e%2fcurrent", 404, ""),
    ],
)
def test_wrong_addresses_are_problems(http: httpx.Client, path: str, status: int, words: str) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert words in answer.text


def test_the_index_lists_every_file_with_its_checksum(
    http: httpx.Client, index: dict[str, dict[str, Any]]
) -> None:
    assert set(index) == set(get_args(ExportFormat))
    for file in index.values():
        answer = http.get(f"/export/{file['name']}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == file["media_type"]
        assert len(answer.content) == file["bytes"]
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        again = http.get(f"/export/{file['name']}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_latest_leads_to_the_file_of_now(http: httpx.Client, index: dict[str, dict[str, Any]]) -> None:
    answer = http.get("/export/latest.csv")
    assert answer.status_code == 307
    followed = http.get("/export/latest.csv", follow_redirects=True)
    assert followed.url.path.endswith(index["csv"]["name"])
    assert followed.text.startswith("id,iri,name,")


def test_a_file_can_be_fetched_in_parts(http: httpx.Client, index: dict[str, dict[str, Any]]) -> None:
    name = index["jsonld"]["name"]
    head = http.head(f"/export/{name}")
    assert head.status_code == 200
    assert head.headers["content-length"] == str(index["jsonld"]["bytes"])
    part = http.get(f"/export/{name}", headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"[{")
    whole = json.loads(http.get(f"/export/{name}").content)
    assert len(whole) > 1_259
