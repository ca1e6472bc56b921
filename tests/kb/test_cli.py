"""The command line as a user types it: answers on standard output, one line and exit status 2 when it can't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.engines.generation import Generation
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_yaml import to_yaml
from tests.conftest import Run


def test_search_prints_what_was_understood_and_why(run: Run) -> None:
    result = run("search", "retinal OCT, at least 1000 images", "--limit", "3", "--explain")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Understood: ophthalmic OCT (modality")
    assert "Required: items at least 1,000 ('at least 1000 images')" in result.stdout
    assert "condition items at least 1,000: holds, " in result.stdout
    assert "DocumentationTextSimilarity" in result.stdout and "(TextComputed)" in result.stdout
    assert "1,259 entries searched" in result.stdout


def test_search_gives_json(run: Run) -> None:
    answer = json.loads(run("search", "retinal OCT", "--json", "--limit", "2").stdout)
    assert len(answer["results"]) == 2
    assert answer["results"][0]["relevance"]["sense"] == "SearchRelevance"


def test_batch_search(run: Run, base: KnowledgeBase, tmp_path: Path) -> None:
    queries = tmp_path / "in.jsonl"
    queries.write_text(
        '{"id": "a", "query": "retinal OCT"}\n\n{"id": "b", "query": "CheXpert"}\n', encoding="utf-8"
    )
    result = run("search", "--batch", str(queries), "--out", str(tmp_path / "out.tsv"), "--limit", "100")
    assert result.returncode == 0, result.stderr
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()]
    first = [row for row in rows if row[0] == "a"]
    assert [int(row[1]) for row in first] == list(range(1, len(first) + 1)) and len(first) > 20
    assert all(
        len(row) == 6 and row[2] in base.entries and row[3] == " ".join(base.entries[row[2]].name.split())
        for row in rows
    )
    assert rows[len(first)][:3] == ["b", "1", "chexpert"]
    answer = search(base, "retinal OCT", limit=100)
    assert [row[2] for row in first] == [hit.id for hit in (*answer.results, *answer.may_match)]


@pytest.mark.parametrize(
    "line", ["not json", '{"id": "a"}', '{"id": "a", "query": ""}', '{"id": 1, "query": "x"}']
)
def test_a_broken_batch_names_the_line_and_writes_nothing(run: Run, tmp_path: Path, line: str) -> None:
    queries = tmp_path / "in.jsonl"
    queries.write_text('{"id": "a", "query": "retina"}\n' + line + "\n", encoding="utf-8")
    result = run("search", "--batch", str(queries), "--out", str(tmp_path / "out.tsv"))
    assert result.returncode == 2
    assert "in.jsonl:2" in result.stderr
    assert not (tmp_path / "out.tsv").exists()


def test_sparql_from_a_file_and_from_standard_input(run: Run, tmp_path: Path) -> None:
    query = "SELECT (COUNT(?d) AS ?n) { ?d a wh:ImagingDataset }"
    (tmp_path / "q.rq").write_text(query, encoding="utf-8")
    from_file = run("sparql", str(tmp_path / "q.rq"), "--accept", "text/csv")
    assert from_file.stdout.split() == ["n", "1259"]
    assert run("sparql", "-", "--accept", "text/csv", stdin=query).stdout == from_file.stdout


def test_concepts_are_looked_up(run: Run) -> None:
    result = run("concepts", "CXR", "--limit", "1")
    assert result.stdout.startswith("chest radiography  [chest-radiography]  modality, ")
    assert "matched by synonym: CXR" in result.stdout
    assert json.loads(run("concepts", "RID1301", "--json").stdout)[0]["id"] == "lung"


def test_show_prints_the_canonical_file_below_its_description(
    run: Run, entries: dict[str, DatasetEntry]
) -> None:
    plain = next(entry for entry in entries.values() if entry.description is None)
    result = run("show", plain.id)
    assert result.stdout.startswith(f"# {plain.name} is a ")
    assert result.stdout.endswith(to_yaml(plain))
    document = json.loads(run("show", "chestmnist", "--json").stdout)
    assert document["id"] == "chestmnist"
    assert document["rendered_description"] == entries["chestmnist"].description


def test_doctor_agrees_with_the_manifest(run: Run, generation: Generation) -> None:
    findings = json.loads(run("doctor", "--json").stdout)
    assert findings["data version"] == generation.manifest.data_version
    assert findings["entries"] == "1,259"
    assert findings["vector search on"] == findings["embedding on"] == "cpu"
    assert f"{generation.manifest.asserted:,} asserted" in findings["triples"]
    assert "faiss" in findings and "whence" in findings


def test_doctor_speaks_before_anything_was_built(run: Run, tmp_path: Path) -> None:
    result = run("doctor", WHENCE_HOME=str(tmp_path))
    assert result.returncode == 0
    assert "whence build" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", ""], "no words"),
        (["search", "x" * 10_000], "10,000 characters"),
        (["search"], "no query given"),
        (["search", "--batch", "in.jsonl"], "--out"),
        (["search", "retina", "--limit", "0"], "limit"),
        (["show", "chestmnst"], "did you mean chestmnist"),
        (["concepts", "?!"], "no words"),
        (["concepts", "lung", "--facet", "organ"], "one of modality, anatomy, task, finding"),
        (["sparql", "no-such-file.rq"], "can't read no-such-file.rq"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and message in result.stderr


def test_a_bad_setting_names_its_variable(run: Run) -> None:
    result = run("doctor", WHENCE_PORT="many")
    assert result.returncode == 2 and "WHENCE_PORT" in result.stderr and "'many'" in result.stderr


def test_nothing_built_is_said_by_every_reading_command(run: Run, tmp_path: Path) -> None:
    for arguments in (["search", "retina"], ["show", "lits"], ["sparql", "-"], ["serve", "--port", "0"]):
        result = run(*arguments, stdin="ASK {}", WHENCE_HOME=str(tmp_path))
        assert result.returncode == 2 and "run `whence build`" in result.stderr
