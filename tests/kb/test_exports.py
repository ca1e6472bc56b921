"""Exports: every entry is valid in every format, and the catalogue comes out the same, byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import mlcroissant
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from absl import logging as absl_logging
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import parse_string
from pydantic import AnyUrl, BaseModel, ConfigDict, Field
from rdflib import DCTERMS, RDF, Graph, URIRef
from rdflib.namespace import DCAT

from kb.answers.export import CONTENTS
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.dump import StoreDump
from kb.engines.shapes import violations
from kb.knowledge.citation import bibtex, datacite, latex
from kb.knowledge.croissant import croissant
from kb.knowledge.dcat import dcat
from kb.knowledge.describe import describe
from kb.knowledge.described_entry import RECORD_LICENCE_URL, DescribedEntry, statuses
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_rdf import entry_from_graph
from kb.knowledge.entry_row import COLUMNS, csv_lines, data_dictionary, join_cell, split_cell
from kb.knowledge.names import DATASET, GRAPH
from kb.knowledge.schema_org import schema_org
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings
from tests.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
SHAPES = ROOT / "tests/fixtures/shapes/dcat-ap.ttl"
SAMPLES = ("dermamnist", "acdc", "imagenet-1k", "chestx-ray14")

Describe = Callable[[DatasetEntry], DescribedEntry]


@pytest.fixture(scope="module")
def described(entries: dict[str, DatasetEntry], vocabulary: Vocabulary) -> Describe:
    names = {entry.id: entry.name for entry in entries.values()}

    def make(entry: DatasetEntry) -> DescribedEntry:
        return DescribedEntry(
            entry, describe(entry, vocabulary, names), vocabulary, names, "0.2.0+0.0123456789ab"
        )

    return make


@pytest.fixture(scope="module")
def every(entries: dict[str, DatasetEntry], described: Describe) -> list[DescribedEntry]:
    return [described(entry) for entry in entries.values()]


def values(document: Any) -> list[Any]:  # noqa: ANN401
    """All values of a JSON document, however deep."""
    if isinstance(document, dict):
        return [value for item in document.values() for value in values(item)]
    if isinstance(document, list | tuple):
        return [value for item in document for value in values(item)]
    return [document]


# Croissant


def test_every_croissant_is_valid(every: list[DescribedEntry]) -> None:
    absl_logging.set_verbosity("error")
    kinds: Counter[str] = Counter()
    for one in every:
        document = json.loads(json.dumps(croissant(one, bibtex(one))))
        dataset = mlcroissant.Dataset(jsonld=document)  # raises on an error
        kinds.update(
            re.sub(r"^.*Property", "Property", text)
            for text in map(str, dataset.metadata.ctx.issues.warnings)
        )
        assert dataset.metadata.name == one.entry.name
        for record_set in dataset.metadata.record_sets:
            stored = next(item for item in document["recordSet"] if item["@id"] == record_set.uuid)
            assert len(list(dataset.records(record_set.uuid))) == len(stored["data"])
    # What is missing is what a record about data of others does not know; nothing else is warned about.
    assert all(re.search(r"/(license|version|datePublished)\" is recommended", kind) for kind in kinds), kinds


def test_croissant_says_classes_splits_and_responsible_use(
    entries: dict[str, DatasetEntry], described: Describe
) -> None:
    document = croissant(described(entries["dermamnist"]), "")
    assert document["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    classes, splits = document["recordSet"]
    assert [row["classes-1/items"] for row in classes["data"]] == [327, 514, 1099, 115, 1113, 6705, 142]
    assert {row["splits/name"]: row["splits/url"] for row in splits["data"]} == {
        "train": "cr:TrainingSplit",
        "val": "cr:ValidationSplit",
        "test": "cr:TestSplit",
    }
    assert any("leakage" in text for text in document["rai:dataLimitations"])
    assert (
        "population, skin tone: not reported by what was read [arxiv:2104.09957]"
        in (document["rai:personalSensitiveInformation"])
    )
    assert document["sdLicense"] == RECORD_LICENCE_URL
    assert document["license"] == ["https://spdx.org/licenses/CC-BY-NC-4.0"]


def test_fields_that_were_not_checked_are_left_out(every: list[DescribedEntry]) -> None:
    for one in every:
        document = croissant(one, "")
        if not one.entry.labelling and "labelling.annotators" in statuses(one.entry)["unknown"]:
            assert "rai:annotationsPerItem" not in document
        if not one.entry.licences:
            assert "license" not in document
        texts = [value for value in values(document) if isinstance(value, str)]
        assert "unknown" not in texts
        assert "" not in texts
        assert None not in [document[name] for name in document]


# schema.org, DCAT, DataCite


def test_schema_org_claims_no_more_than_is_stated(every: list[DescribedEntry]) -> None:
    for one in every:
        document = schema_org(one)
        assert document["@id"] == str(DATASET[one.entry.id])
        free = document.get("isAccessibleForFree")
        assert free is (True if one.stated_routes == ("open",) else None)
        assert ("datePublished" in document) == (len({year.value for year in one.entry.years}) == 1)
        assert len(document["description"]) > 20
        assert document["sdLicense"] == RECORD_LICENCE_URL


def test_every_dcat_graph_is_of_the_profile(every: list[DescribedEntry]) -> None:
    whole = Graph(bind_namespaces="none")
    for one in every:
        whole += dcat(one)
    assert violations(whole, Graph().parse(SHAPES)) == ()
    assert len(set(whole.subjects(RDF.type, DCAT.Dataset))) == len(every)


@pytest.mark.parametrize("predicate", [DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.accessURL])
def test_the_shapes_of_the_profile_notice_what_is_missing(
    entries: dict[str, DatasetEntry], described: Describe, predicate: URIRef
) -> None:
    graph = dcat(described(entries["dermamnist"]))
    assert (None, predicate, None) in graph
    graph.remove((None, predicate, None))
    assert violations(graph, Graph().parse(SHAPES))


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Title(Strict):
    title: str = Field(min_length=1)
    titleType: Literal["AlternativeTitle", "Subtitle", "TranslatedTitle", "Other"] | None = None


class Named(Strict):
    name: str = Field(min_length=1)


class Contributor(Named):
    contributorType: Literal["HostingInstitution", "DataManager"]


class Types(Strict):
    resourceTypeGeneral: Literal["Dataset"]
    resourceType: str


class Subject(Strict):
    subject: str = Field(min_length=1)
    subjectScheme: str
    schemeUri: AnyUrl
    valueUri: AnyUrl


class Alternate(Strict):
    alternateIdentifier: str
    alternateIdentifierType: str


class Related(Strict):
    relatedIdentifier: str = Field(min_length=1)
    relatedIdentifierType: Literal["DOI", "arXiv", "URL"]
    relationType: Literal["IsDescribedBy", "IsDerivedFrom", "IsPartOf", "IsIdenticalTo"]


class Rights(Strict):
    rights: str = Field(min_length=1)
    rightsUri: AnyUrl | None = None
    rightsIdentifier: str | None = None
    rightsIdentifierScheme: Literal["SPDX"] | None = None
    schemeUri: AnyUrl | None = None


class Description(Strict):
    description: str = Field(min_length=1)
    descriptionType: Literal["Abstract", "Other"]


class Place(Strict):
    geoLocationPlace: str = Field(min_length=1)


class DataCite(Strict):
    """Names, cardinalities and controlled lists of DataCite 4.6, as far as a record of ours uses them."""

    doi: str | None = Field(default=None, pattern=r"^10\.\S+/\S+$")
    alternateIdentifiers: list[Alternate]
    url: AnyUrl
    creators: list[Named] = Field(min_length=1)
    titles: list[Title] = Field(min_length=1)
    publisher: Named
    publicationYear: str | None = Field(default=None, pattern=r"^[0-9]{4}$")
    types: Types
    subjects: list[Subject] = []
    contributors: list[Contributor] = []
    language: str | None = None
    relatedIdentifiers: list[Related] = []
    sizes: list[str] = []
    formats: list[str] = []
    rightsList: list[Rights] = []
    descriptions: list[Description] = Field(min_length=2, max_length=2)
    geoLocations: list[Place] = []
    schemaVersion: Literal["http://datacite.org/schema/kernel-4"]


def test_every_datacite_record_is_of_the_schema(every: list[DescribedEntry]) -> None:
    for one in every:
        record = DataCite.model_validate(json.loads(json.dumps(datacite(one))))
        # The schema asks for a year, and where references disagree or have none, we know none.
        assert record.publicationYear == (None if one.year is None else str(one.year))
        assert record.titles[0].title == one.entry.name


# BibTeX


def plain(text: str) -> str:
    """Inverse of `latex`."""
    for word, character in (
        (r"\textbraceleft{}", "{"), (r"\textbraceright{}", "}"), (r"\textasciitilde{}", "~"),
        (r"\textasciicircum{}", "^"), (r"\&", "&"), (r"\%", "%"), (r"\$", "$"), (r"\#", "#"), (r"\_", "_"),
        (r"\textbackslash{}", "\\"),
    ):  # fmt: skip
        text = text.replace(word, character)
    return text


def read_back(text: str) -> Any:  # noqa: ANN401 - pybtex has no types
    database = parse_string(text, "bibtex")
    (entry,) = database.entries.values()
    return entry


def test_every_bibtex_record_reads_back(every: list[DescribedEntry]) -> None:
    for one in every:
        entry = read_back(bibtex(one))
        assert entry.key == one.entry.id
        assert plain(entry.fields["title"].removeprefix("{").removesuffix("}")) == one.entry.name
        assert entry.fields["url"] == one.landing_page
        assert entry.fields.get("year") == (None if one.year is None else str(one.year))
        assert one.data_version in entry.fields["note"]
        assert all(paper in plain(entry.fields["note"]) for paper in one.papers)


NASTY = st.text(
    st.one_of(st.sampled_from("\\{}$&#^_~%@,\"'|=;\n "), st.characters(exclude_categories=("Cc", "Cs"))),
    min_size=1,
).filter(lambda text: text.strip() == text and text != "")


@given(NASTY)
def test_any_name_survives_bibtex(name: str) -> None:
    text = "@misc{x,\n  title = {{" + latex(name) + "}},\n}\n"
    title = read_back(text).fields["title"].removeprefix("{").removesuffix("}")
    # A backslash before another special character is read in one way only, character by character.
    tokens = re.findall(r"\\text[a-z]+\{\}|\\.|[^\\]", title, re.DOTALL)
    assert "".join(plain(token) for token in tokens) == " ".join(name.split())


# Rows


@given(st.lists(NASTY))
def test_any_values_survive_a_cell(names: list[str]) -> None:
    assert split_cell(join_cell(names)) == names


@given(name=NASTY, alias=NASTY)
def test_any_name_survives_csv(name: str, alias: str) -> None:
    entry = DatasetEntry(id="x", name=name, aliases=(alias,), domain="medical")
    text = "".join(csv_lines([DescribedEntry(entry, "text", Vocabulary([]), {}, "0")]))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["name"] == entry.name
    assert split_cell(row["aliases"]) == list(entry.aliases)


def test_columns_are_documented_and_their_types_hold(every: list[DescribedEntry]) -> None:
    assert data_dictionary() in (ROOT / "docs/exports.md").read_text(encoding="utf-8")
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in COLUMNS:
        for one in every:
            value = column.value(one)
            if column.kind in ("text", "integer"):
                assert value is None or type(value) is (str if column.kind == "text" else int)
            else:
                assert isinstance(value, tuple)
                wanted = str if column.kind == "texts" else int
                assert all(type(item) is wanted for item in value), column.name


# The whole catalogue


@pytest.fixture(scope="module")
def exported(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    answer = run("export", "--format", "all", "--out", str(folder), PYTHONHASHSEED="1")
    assert answer.returncode == 0, answer.stderr
    return {path.suffix[1:]: path for path in folder.iterdir()}


def test_two_processes_write_the_same_bytes(run: Run, exported: dict[str, Path], tmp_path: Path) -> None:
    assert set(exported) == set(CONTENTS)
    answer = run("export", "--format", "all", "--out", str(tmp_path), PYTHONHASHSEED="2")
    assert answer.returncode == 0, answer.stderr
    for path in exported.values():
        again = tmp_path / path.name
        assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_blank_nodes_of_another_build_give_the_same_bytes(settings: Settings, tmp_path: Path) -> None:
    texts = []
    for name in ("one", "other"):
        ontology = load_ontology(settings.ontology)  # each reading labels blank nodes anew
        store = ox.Store(str(tmp_path / name))
        store.bulk_load(
            ontology.serialize(format="nt").encode(),
            ox.RdfFormat.N_TRIPLES,
            to_graph=ox.NamedNode(str(GRAPH["ontology"])),
        )
        store.flush()
        del store
        stream = io.BytesIO()
        assert StoreDump(tmp_path / name).write_nquads(stream, ["heading"]) == len(ontology)
        texts.append(stream.getvalue())
    assert b"_:" in texts[0]
    assert texts[0] == texts[1]


def test_nquads_hold_every_named_graph(base: KnowledgeBase, exported: dict[str, Path]) -> None:
    read = sum(1 for _ in ox.parse(path=str(exported["nq"]), format=ox.RdfFormat.N_QUADS))
    store = ox.Store.read_only(str(base.generation.store))
    stored = sum(1 for quad in store if not isinstance(quad.graph_name, ox.DefaultGraph))
    assert read == stored
    heading = exported["nq"].read_text(encoding="utf-8")[:400]
    assert RECORD_LICENCE_URL in heading
    assert base.manifest.data_version in heading


def test_turtle_and_json_ld_hold_the_entries_as_they_are(
    base: KnowledgeBase, exported: dict[str, Path]
) -> None:
    turtle = set(ox.parse(path=str(exported["ttl"]), format=ox.RdfFormat.TURTLE))
    json_ld = set(ox.parse(path=str(exported["jsonld"]), format=ox.RdfFormat.JSON_LD))
    assert turtle == json_ld
    by_entry: dict[str, list[str]] = {}
    for quad in turtle:
        if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(str(DATASET)):
            stem = quad.subject.value.removeprefix(str(DATASET)).partition("#")[0]
            by_entry.setdefault(stem, []).append(f"{quad.triple} .")
    assert set(by_entry) == set(base.entries)
    for entry_id in (*SAMPLES, *sorted(base.entries)[::40]):
        graph = Graph().parse(data="\n".join(by_entry[entry_id]), format="nt")
        assert entry_from_graph(graph, entry_id) == base.entries[entry_id]
    subjects = {quad.subject.value for quad in turtle if isinstance(quad.subject, ox.NamedNode)}
    assert any(subject.startswith("https://w3id.org/whence/outcome/") for subject in subjects)
    licence = ox.NamedNode(RECORD_LICENCE_URL)
    assert any(quad.object == licence for quad in turtle)


def test_rows_are_the_entries(base: KnowledgeBase, exported: dict[str, Path]) -> None:
    with exported["csv"].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == sorted(base.entries)
    table = pq.read_table(exported["parquet"])
    assert table.schema.metadata[b"whence.licence"] == b"CC-BY-4.0"
    assert table.column_names == [column.name for column in COLUMNS]
    columns = table.to_pylist()
    for row, full in zip(rows, columns, strict=True):
        for column in COLUMNS:
            value = full[column.name]
            if column.kind in ("texts", "integers"):
                assert split_cell(row[column.name]) == [str(item) for item in value]
            else:
                assert row[column.name] == ("" if value is None else str(value))
    assert next(row for row in columns if row["id"] == "dermamnist")["n_images"] == 10_015


# The command


@pytest.mark.parametrize("form", ["croissant", "schema.org", "dcat", "datacite", "bibtex", "csv"])
def test_one_entry_by_command(run: Run, form: str, tmp_path: Path) -> None:
    printed = run("export-entry", "dermamnist", "--format", form)
    assert printed.returncode == 0, printed.stderr
    assert "DermaMNIST" in printed.stdout
    assert re.search(r"CC-BY-4\.0|licenses/by/4\.0", printed.stdout)
    path = tmp_path / "file"
    assert run("export-entry", "dermamnist", "--format", form, "--out", str(path)).returncode == 0
    assert path.read_bytes().replace(b"\r\n", b"\n").decode() == printed.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export-entry", "dermamnits"), "dermamnist"),
        (("export-entry", "dermamnist", "--format", "croisant"), "croissant"),
        (("export", "--format", "xlsx"), "one of ttl"),
        (("export", "--format", "csv", "--out", "/proc/nowhere"), "name a folder"),
    ],
)
def test_wrong_exports_are_one_line(run: Run, arguments: tuple[str, ...], words: str) -> None:
    answer = run(*arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
