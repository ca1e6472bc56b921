"""Every competency question is well formed, right on the fixture, and answered on the real catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pyoxigraph import DefaultGraph, Quad, QueryBoolean, QueryResultsFormat, QuerySolutions, Store
from rdflib import Graph
from rdflib.plugins.sparql import prepareQuery

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.questions import (
    Ask,
    Question,
    QuestionAnswer,
    Table,
    answer,
    answer_all,
    as_text,
    pool_ask,
    read_question,
    read_questions,
    read_results,
    rows_of,
    summary,
)
from kb.answers.sparql import open_pool
from kb.engines.inference import entail
from kb.engines.store import to_triple
from kb.engines.text_index import TextIndex
from kb.engines.vector_index import VectorIndex
from kb.errors import InvalidFile, NotFound
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import StatusField
from kb.knowledge.entry_rdf import entry_triples
from kb.knowledge.entry_yaml import read_entry, to_yaml
from kb.knowledge.names import BASE, DATASET, PREFIXES, WH
from kb.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "ontology" / "questions"
FIXTURE = FOLDER / "fixture"
QUESTIONS = read_questions(FOLDER)
QUERIES = [question for question in QUESTIONS if question.query is not None]
#: What is no keyword: addresses, strings, comments, variables, prefixed names.
_OPAQUE = re.compile(r"<[^>\s]*>|\"[^\"]*\"|#.*|[?$]\w+|[\w-]*:[\w.-]*")
#: Names of ours in a query: prefixed, or as a whole address.
_NAME = re.compile(rf"(?<!\w)(wh|whd|sense):([\w-]+)|<({re.escape(BASE)}[^>\s]+)>")


def by_id(question: Question) -> str:
    return question.id


def in_process(store: Store) -> Ask:
    def ask(query: str) -> bytes:
        results = store.query(query)
        assert isinstance(results, QuerySolutions | QueryBoolean)
        body = results.serialize(format=QueryResultsFormat.JSON)
        assert body is not None
        return body

    return ask


@pytest.fixture(scope="module")
def fixture_entries() -> dict[str, DatasetEntry]:
    return {path.stem: read_entry(path) for path in sorted((FIXTURE / "datasets").glob("*.yaml"))}


@pytest.fixture(scope="module")
def fixture_ask(ontology: Graph, fixture_entries: dict[str, DatasetEntry]) -> Ask:
    """A store with the ontology, the fixture and everything they entail."""
    asserted = {to_triple(triple) for triple in ontology}
    for entry in fixture_entries.values():
        asserted |= {to_triple(triple) for triple in entry_triples(entry)}
    for path in FIXTURE.glob("*.ttl"):
        asserted |= {to_triple(triple) for triple in Graph().parse(path)}
    store = Store()
    everything = asserted | entail(asserted, ontology)
    store.bulk_extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in everything)
    return in_process(store)


@pytest.fixture(scope="module")
def fixture_base(
    base: KnowledgeBase, fixture_entries: dict[str, DatasetEntry], tmp_path_factory: pytest.TempPathFactory
) -> KnowledgeBase:
    """The real vocabulary and encoder over the entries of the fixture."""
    small = KnowledgeBase(base.settings, base.generation)
    names = {entry.id: entry.name for entry in fixture_entries.values()}
    small.__dict__.update(entries=fixture_entries, names=names, encoder=base.encoder)
    texts = [small.describe(entry) for entry in fixture_entries.values()]
    small.__dict__["index"] = VectorIndex.build(base.encoder.encode(texts), "cpu")
    words = tmp_path_factory.mktemp("words") / "words.sqlite"
    TextIndex.build(
        words, [(entry.name, text) for entry, text in zip(fixture_entries.values(), texts, strict=True)]
    )
    small.__dict__["texts"] = TextIndex(words)
    return small


@pytest.fixture(scope="module")
def real_ask(base: KnowledgeBase) -> Iterator[Ask]:
    """The SPARQL process over the real catalogue, with the limits a user has."""
    pool = open_pool(base.settings)
    yield pool_ask(pool)
    pool.close()


def expected(question: Question) -> Table:
    path = FOLDER / f"{question.id}.expected.tsv"
    header, *rows = (tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines())
    return Table(columns=header, rows=tuple(rows))


def check_rows(question: Question, found: Table) -> None:
    wanted = expected(question)
    assert found.columns == wanted.columns
    if question.ordered == "yes":
        assert found.rows == wanted.rows
    else:
        assert sorted(found.rows) == sorted(wanted.rows)


def test_there_are_at_least_40_questions_numbered_without_holes() -> None:
    assert len(QUESTIONS) >= 40
    assert [question.id for question in QUESTIONS] == [
        f"CQ{number:02}" for number in range(1, len(QUESTIONS) + 1)
    ]
    assert {question.area for question in QUESTIONS} == set(
        get_args(Question.model_fields["area"].annotation)
    )
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS)


def test_every_question_has_expected_rows_and_every_file_a_question() -> None:
    names = {question.id for question in QUESTIONS}
    assert {path.name.partition(".")[0] for path in FOLDER.glob("CQ*")} == names
    assert {path.name.partition(".")[0] for path in FOLDER.glob("CQ*.expected.tsv")} == names


@pytest.mark.parametrize("question", QUESTIONS, ids=by_id)
def test_the_expected_answer_tells_something(question: Question) -> None:
    rows = expected(question).rows
    assert rows
    assert {len(row) for row in rows} == {len(expected(question).columns)}


@pytest.mark.parametrize("question", QUERIES, ids=by_id)
def test_queries_parse_in_two_engines_and_stay_in_the_store(question: Question) -> None:
    query = question.query or ""
    prepareQuery(query)
    Store().query(query)
    keywords = _OPAQUE.sub(" ", query).upper()
    assert not re.search(r"\b(SERVICE|LOAD|GRAPH|FROM)\b", keywords)
    assert re.search(r"\b(SELECT|ASK)\b", keywords)


def names_of_ours(query: str) -> set[str]:
    """IRIs of ontology, senses and entries that a query names, its comments, headers and prefixes left out."""
    body = re.sub(r"^(#|PREFIX ).*$|\"[^\"]*\"", "", query, flags=re.MULTILINE)
    body = re.sub(r"(^|\s)#.*$", "", body, flags=re.MULTILINE)
    return {whole or PREFIXES[prefix] + name for prefix, name, whole in _NAME.findall(body)}


def test_names_are_found_in_paths_and_addresses() -> None:
    query = "# wh:no\nPREFIX wh: <x>\nASK { ?a (wh:one|^wh:two)+ <https://w3id.org/whence/ontology/three> # wh:no\n}"
    assert names_of_ours(query) == {str(WH.one), str(WH.two), str(WH.three)}


@pytest.mark.parametrize("question", QUERIES, ids=by_id)
def test_queries_name_only_declared_terms_and_entries(
    question: Question, ontology: Graph, entries: dict[str, DatasetEntry]
) -> None:
    known = {str(subject) for subject in ontology.subjects()} | {
        str(DATASET[entry_id]) for entry_id in entries
    }
    assert names_of_ours(question.query or "") <= known


def test_fixture_records_use_only_declared_terms(ontology: Graph) -> None:
    declared = set(ontology.subjects())
    for path in FIXTURE.glob("*.ttl"):
        used = {node for triple in Graph().parse(path) for node in triple if str(node).startswith(str(WH))}
        assert used <= declared, path


@pytest.mark.parametrize("question", QUERIES, ids=by_id)
def test_prefixes_are_used(question: Question) -> None:
    declared = re.findall(r"^PREFIX ([a-z]+):", question.query or "", re.MULTILINE)
    body = re.sub(r"^(PREFIX|#).*$", "", question.query or "", flags=re.MULTILINE)
    assert [prefix for prefix in declared if f"{prefix}:" not in body] == []
    assert declared == sorted(declared)


@pytest.mark.parametrize("question", QUESTIONS, ids=by_id)
def test_the_fixture_is_answered_as_expected(
    question: Question, fixture_ask: Ask, request: pytest.FixtureRequest
) -> None:
    base: KnowledgeBase = request.getfixturevalue("fixture_base" if question.call else "base")
    check_rows(question, rows_of(question, base, fixture_ask))


@pytest.fixture(scope="module")
def real_answers(base: KnowledgeBase, real_ask: Ask) -> dict[str, QuestionAnswer]:
    return {item.question.id: item for item in answer_all(base, real_ask)}


@pytest.mark.parametrize("question", QUESTIONS, ids=by_id)
def test_the_real_catalogue_answers(question: Question, real_answers: dict[str, QuestionAnswer]) -> None:
    status = real_answers[question.id].status
    if question.waits_for is not None:
        assert status in ("answered", f"waits for {question.waits_for}")
    elif question.may_be_empty is not None:
        assert status in ("answered", "empty")
    else:
        assert status == "answered"


def test_fixture_entries_are_canonical_and_cut_from_real_ones(
    fixture_entries: dict[str, DatasetEntry], entries: dict[str, DatasetEntry]
) -> None:
    for entry_id, entry in fixture_entries.items():
        assert entry_id in entries
        assert (FIXTURE / "datasets" / f"{entry_id}.yaml").read_text(encoding="utf-8") == to_yaml(entry)


def test_cq10_looks_at_every_field_that_can_have_a_status() -> None:
    query = next(question.query or "" for question in QUESTIONS if question.id == "CQ10")
    assert set(re.findall(r'^ *\("([a-z.-]+)" wh:', query, re.MULTILINE)) == set(get_args(StatusField))


def test_cq02_keeps_out_what_needs_images(ontology: Graph) -> None:
    """The 27 storable senses: 19 go by records and texts, 7 need pixels, one says nothing of what it compares."""
    storable = {str(s) for s, o in ontology.subject_objects(WH.storable) if str(o) == "true"}
    assert len(storable) == 27
    question = next(question for question in QUESTIONS if question.id == "CQ02")
    without = {row[0].removeprefix("wh:") for row in expected(question).rows}
    with_images = {
        "PerceivedVisualSimilarity", "ComputedPerceptualSimilarity", "LowLevelImageStatisticsSimilarity",
        "TaskEmbeddingSimilarity", "EmbeddingProximity", "FeatureDistributionSimilarity", "JointDistributionSimilarity",
    }  # fmt: skip
    names = {iri.removeprefix(str(WH)) for iri in storable}
    assert without == names - with_images - {"UnspecifiedSimilarity"}


def test_cq11_agrees_with_sets_in_python(
    fixture_base: KnowledgeBase, fixture_entries: dict[str, DatasetEntry]
) -> None:
    """The share of entailed concepts, counted without SPARQL."""
    vocabulary = fixture_base.vocabulary

    def concepts(entry_id: str, facet: str) -> set[str]:
        return {c for c in fixture_base.entailed_concepts[entry_id] if vocabulary[c].facet == facet}

    question = next(question for question in QUESTIONS if question.id == "CQ11")
    seen = set()
    for source, *cells, _ in expected(question).rows:
        seen.add(source.removeprefix("whd:"))
        for facet, cell in zip(("modality", "anatomy", "finding"), cells, strict=True):
            one, other = concepts("patchcamelyon", facet), concepts(source.removeprefix("whd:"), facet)
            assert cell == (f"{round(len(one & other) / len(one | other), 3):g}" if one and other else "")
    assert seen == set(fixture_entries) - {"patchcamelyon"}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("CQ90.rq", "SELECT * {}", "line 1"),
        ("CQ90.rq", "# What?\n# area: datasets\nASK {}", "need"),
        ("CQ90.rq", "# What?\n# area: weather\n# need: x\nASK {}", "area"),
        ("CQ90.rq", "# No question\n# area: datasets\n# need: x\nASK {}", "text"),
        ("CQ90.rq", "# What?\n# area: datasets\n# area: datasets\n# need: x\nASK {}", "area: stands twice"),
        ("CQ90.rq", "# What?\n# area: datasets\n# need: x\n# colour: red\nASK {}", "colour"),
        ("CQ90.rq", "# What?\n# area: datasets\n# need: x\n# waits-for: rain\nASK {}", "waits-for"),
        ("CQ90.rq", "# What?\n# area: datasets\n# need: x\n# ordered: maybe\nASK {}", "ordered"),
        ("CQ90.rq", "# What?\n# area: datasets\n# need: x\n# rows: a\nASK {}", "rows: only a .call"),
        ("CQ90.rq", "# What?\n# area: datasets\n# need: x\n# id: a\nASK {}", "id: no such header"),
        ("CQ9.rq", "# What?\n# area: datasets\n# need: x\nASK {}", "id"),
        ("CQ90.call", "# What?\n# area: datasets\n# need: x\n# columns: a", "call"),
        ("CQ90.call", "# What?\n# area: datasets\n# need: x\n# call: kb.a:b\n# columns:", "columns"),
        ("CQ90.call", "# What?\n# area: datasets\n# need: x\n# call: os:system\n# columns: a", "call"),
        (
            "CQ90.call",
            "# What?\n# area: datasets\n# need: x\n# call: kb.a:b\n# with: {x\n# columns: a",
            "with",
        ),
    ],
)
def test_a_broken_question_file_is_named_with_its_header(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile, match=re.escape(f"{path}: {complaint}")):
        read_question(path)


def test_one_number_is_one_question(tmp_path: Path) -> None:
    head = "# What?\n# area: datasets\n# need: x\n"
    (tmp_path / "CQ90.rq").write_text(head + "ASK {}", encoding="utf-8")
    (tmp_path / "CQ90.call").write_text(head + "# call: kb.a:b\n# columns: a\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match="CQ90 is asked twice"):
        read_questions(tmp_path)


def question(tmp_path: Path, text: str, suffix: str = "rq") -> Question:
    path = tmp_path / f"CQ90.{suffix}"
    path.write_text(f"# What?\n# area: datasets\n# need: x\n{text}", encoding="utf-8")
    return read_question(path)


def test_statuses(tmp_path: Path, base: KnowledgeBase) -> None:
    ask = in_process(Store())

    def status(text: str, suffix: str = "rq", waiting: tuple[str, ...] = ()) -> str:
        return answer(question(tmp_path, text, suffix), base, ask, waiting).status  # type: ignore[arg-type]

    assert status("ASK {}") == "answered"
    assert status("SELECT ?x { ?x a ?y }") == "empty"
    assert status("# waits-for: curation\nSELECT ?x { ?x a ?y }") == "waits for curation"
    assert status("# waits-for: evidence\nASK {}", waiting=("evidence",)) == "waits for evidence"
    assert status("# waits-for: evidence\nASK {}", waiting=("curation",)) == "answered"
    call = "# call: {}\n# with: {}\n# rows: {}\n# columns: {}\n"
    search = "kb.answers.search:search"
    found = '{"query": "knee", "limit": 1}'
    assert status(call.format(search, found, "results", "rank"), "call") == "answered"
    assert status(call.format("kb.answers.search:seek", "{}", "", "a"), "call").startswith(
        "failed: CQ90.call: call"
    )
    assert "no 'hits'" in status(call.format(search, found, "hits", "rank"), "call")
    assert "no 'age'" in status(call.format(search, found, "results", "rank, age"), "call")
    assert status(call.format(search, '{"query": ""}', "results", "rank"), "call").startswith("failed: ")


def test_a_query_the_engine_refuses_is_a_status_not_a_crash(
    tmp_path: Path, base: KnowledgeBase, real_ask: Ask
) -> None:
    broken = answer(question(tmp_path, "SELECT ?x { ?x a }"), base, real_ask)
    assert broken.status.startswith("failed: ")
    assert broken.table is None


def test_results_become_text() -> None:
    body = in_process(Store())(
        'SELECT ?a ?b ?c ?d ?e { VALUES (?a ?b ?c ?d) { (<https://w3id.org/whence/dataset/x> <http://a.b/> "t"@en 0.5) } }'
    )
    assert read_results(body).rows == (("whd:x", "http://a.b/", "t", "0.5", ""),)
    assert read_results(in_process(Store())("ASK {}")) == Table(columns=("answer",), rows=(("true",),))


def test_one_question_can_be_asked_by_its_id(base: KnowledgeBase, real_ask: Ask) -> None:
    (only,) = answer_all(base, real_ask, "cq06")
    assert only.question.id == "CQ06"
    with pytest.raises(NotFound, match="CQ99"):
        answer_all(base, real_ask, "CQ99")


def test_the_text_for_a_terminal(real_answers: dict[str, QuestionAnswer]) -> None:
    lines = list(as_text(real_answers["CQ01"], most_rows=2))
    assert lines[0].startswith("CQ01  Which senses")
    assert lines[1] == "      ontology; answered, 35 rows"
    assert lines[2].split() == ["sense", "parent", "storable", "definition"]
    assert lines[-1] == "      … 33 more"
    assert max(map(len, lines[2:])) < 200
    empty = next(item for item in real_answers.values() if item.status != "answered")
    assert len(list(as_text(empty))) == 2
    assert summary(real_answers.values()).startswith(f"{len(QUESTIONS)} questions: ")


def test_settings_find_the_questions(settings: Settings) -> None:
    assert (settings.ontology / "questions").samefile(FOLDER)
