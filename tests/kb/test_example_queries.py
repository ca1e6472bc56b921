"""The example queries: well formed, declared in every term, answered on the real data, listed in the documentation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answers.example_queries import (
    ExampleAnswer,
    ExampleQuery,
    Group,
    as_file,
    as_markdown,
    example,
    examples,
    first_rows,
    read_example,
    read_examples,
)
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.questions import read_questions
from kb.answers.reference_pages import read_terms
from kb.answers.sparql import DeclaredTerms, open_pool
from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_pool import SparqlPool
from kb.errors import InvalidFile, NotFound
from kb.settings import Settings
from tests.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = read_examples(ROOT / "data" / "queries")


def by_id(one: ExampleQuery) -> str:
    return one.id


@pytest.fixture(scope="module")
def pool(base: KnowledgeBase) -> Iterator[SparqlPool]:
    pool = open_pool(base.settings)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def answers(pool: SparqlPool) -> dict[str, ExampleAnswer]:
    return {one.id: first_rows(pool, one, most=3) for one in EXAMPLES}


def test_there_are_enough_in_every_group() -> None:
    counts = Counter(one.group for one in EXAMPLES)
    assert len(EXAMPLES) >= 32
    assert set(counts) == set(get_args(Group)) and min(counts.values()) >= 4
    assert len({one.title for one in EXAMPLES}) == len({one.question for one in EXAMPLES}) == len(EXAMPLES)
    assert all(one.id.startswith(f"{one.group}-") for one in EXAMPLES)
    forms = {check_query_text(one.text) for one in EXAMPLES}
    assert forms == {"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"}


@pytest.mark.parametrize("one", EXAMPLES, ids=by_id)
def test_every_example_has_an_answer(one: ExampleQuery, answers: dict[str, ExampleAnswer]) -> None:
    answer = answers[one.id]
    if answer.table is None:
        assert answer.total > 5 and answer.turtle
    elif answer.table.columns == ("answer",):
        assert answer.table.rows == (("true",),)
    else:
        assert answer.total >= 1 and answer.table.rows
        filled = [any(row[place] for row in answer.table.rows) for place in range(len(answer.table.columns))]
        assert sum(filled) >= len(filled) - 1


@pytest.mark.parametrize("one", EXAMPLES, ids=by_id)
def test_examples_use_declared_terms_and_declare_no_prefix(one: ExampleQuery, base: KnowledgeBase) -> None:
    assert DeclaredTerms(read_terms(base)).unknown(one.text) == ()
    assert not re.search(r"\bPREFIX\b", one.text, re.IGNORECASE)
    for entry_id in re.findall(r"\bwhd:([\w-]+)", one.text):
        assert entry_id in base.entries


def test_examples_are_no_copies_of_competency_questions(settings: Settings) -> None:
    def bare(text: str) -> str:
        """Without comments, prefixes, names of variables and spaces."""
        text = re.sub(r"(?m)^\s*(#|PREFIX).*$", "", text)
        return "".join(re.sub(r"[?$]\w+", "?", text).split())

    queries = {bare(q.query): q.id for q in read_questions(settings.ontology / "questions") if q.query}
    assert [queries[bare(one.text)] for one in EXAMPLES if bare(one.text) in queries] == []


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    for one in EXAMPLES:
        path = tmp_path / f"{one.id}.rq"
        path.write_text(as_file(one), encoding="utf-8")
        assert read_example(path) == one


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=30)


@given(title=words, question=words, about=words, body=words)
def test_any_head_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, title: str, question: str, about: str, body: str
) -> None:
    one = ExampleQuery(
        id="find-x", title=title, group="find", question=question + "?", about=about, text=f"ASK {{ {body} }}"
    )
    path = tmp_path_factory.mktemp("queries") / "find-x.rq"
    path.write_text(as_file(one), encoding="utf-8")
    assert read_example(path) == one


HEAD = "# title: T\n# group: find\n# question: Q?\n# about: a\n"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", ":0: no query"),
        (HEAD, ":4: no query"),
        (HEAD.replace("find", "look") + "ASK {}", ":2: group"),
        (HEAD.replace("Q?", "Q.") + "ASK {}", ":3: question"),
        (HEAD + "# title: again\nASK {}", ":5: title stands twice"),
        (HEAD + "# colour: red\nASK {}", ":5: colour"),
        (HEAD + "# id: other\nASK {}", ":5: id: no such key"),
        (HEAD + "#nonsense\nASK {}", ":5: expected"),
        (HEAD.replace("# about: a\n", "") + "ASK {}", ":1: about"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "find-x.rq"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"find-x\.rq") as caught:
        read_example(path)
    assert part in str(caught.value)


def test_an_unknown_id_is_answered_with_near_ones(settings: Settings) -> None:
    with pytest.raises(NotFound, match="find-by-name"):
        example(settings, "find-by-nam")
    assert example(settings, "find-by-name") in examples(settings)


def without_rows(markdown: str) -> list[str]:
    """What does not change with the data: rows, numbers of rows and data version left out."""
    body, rows = [], re.compile(r"\||[\d,]+ (rows?|triples):$|Answer: |already\. Written by")
    turtle = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            turtle = line == "```turtle"
        if not turtle and not rows.match(line):
            body.append(line)
    return body


def test_the_documentation_is_current(answers: dict[str, ExampleAnswer]) -> None:
    """Rewrite it by `whence examples --write docs/queries.md`."""
    made = as_markdown(((one, answers[one.id]) for one in EXAMPLES), "any")
    found = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    assert without_rows(found) == without_rows(made)


def test_the_command_prints_list_text_and_json(run: Run) -> None:
    listed = run("examples").stdout
    assert all(one.id in listed and one.question in listed for one in EXAMPLES)
    assert run("examples", "find-by-name").stdout == as_file(example(Settings(), "find-by-name"))
    assert '"group": "find"' in run("examples", "find-by-name", "--json").stdout
    assert run("examples", "--json").stdout.count('"about"') == len(EXAMPLES)
    missing = run("examples", "find-by-nam")
    assert missing.returncode == 2 and "did you mean find-by-name" in missing.stderr
