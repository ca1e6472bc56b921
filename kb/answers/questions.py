"""Competency questions: read `ontology/questions/`, put each to the store or to a function of ours, tell the answer.

A question is a file `CQ07.rq` (SPARQL) or `CQ12.call` (a named function of `kb`). Its first line is the question,
the lines `# key: value` below it say what it is for; `ontology/questions/README.md` has the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, StringConstraints, ValidationError

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.sparql import ask as ask_sparql
from kb.engines.sparql_pool import SparqlPool
from kb.errors import InvalidFile, NotFound, WhenceError
from kb.knowledge.names import PREFIXES
from kb.knowledge.suggestions import did_you_mean

JSON_RESULTS = "application/sparql-results+json"
#: SPARQL query → its answer as SPARQL 1.1 JSON results.
Ask = Callable[[str], bytes]
Kind = Literal["evidence", "curation"]

#: Whether there is anything of a kind in the store at all.
_PROBES: dict[Kind, str] = {
    "evidence": "ASK { ?study a <https://w3id.org/whence/ontology/Study> }",
    "curation": "ASK { ?revision a <https://w3id.org/whence/ontology/Revision> }",
}
_HEADER = re.compile(r"# ([a-z-]+):(?: (.*))?")
_CALLS_ONLY = {"call", "with", "rows", "columns"}
_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Call(_Frozen):
    """A function of ours whose first argument is the knowledge base, and where the rows are in what it returns."""

    function: Annotated[str, Field(alias="call"), StringConstraints(pattern=r"^kb(\.[a-z_]+)+:[a-z_]+$")]
    arguments: Annotated[Json[dict[str, Any]], Field(alias="with")] = {}
    rows: str = ""
    columns: tuple[_Text, ...] = Field(min_length=1)


class Question(_Frozen):
    """One competency question."""

    id: Annotated[str, StringConstraints(pattern=r"^CQ\d\d$")]
    text: Annotated[str, StringConstraints(pattern=r"\?$")]
    area: Literal["ontology", "datasets", "evidence", "fairness", "leakage", "curation", "disambiguation"]
    need: _Text
    about: _Text | None = None
    waits_for: Annotated[Kind | None, Field(alias="waits-for")] = None
    ordered: Literal["yes", "no"] = "no"
    may_be_empty: Annotated[_Text | None, Field(alias="may-be-empty")] = None
    query: str | None = None
    call: Call | None = None


class Table(_Frozen):
    """Rows as text: IRIs in prefixed form, literals without their type; ASK gives one column `answer`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class QuestionAnswer(_Frozen):
    """What became of a question; `table` is there when it could be asked."""

    question: Question
    status: str = Field(
        description="answered, empty, `waits for evidence`, `waits for curation` or `failed: …`"
    )
    note: str | None = Field(default=None, description="Why there are no rows, where that is known.")
    table: Table | None = None


def read_questions(folder: Path) -> tuple[Question, ...]:
    """All questions of a folder, by number.

    Raises `InvalidFile` naming the file and the header.
    """
    files = sorted(path for path in folder.glob("CQ*.*") if path.suffix in (".rq", ".call"))
    questions = tuple(map(read_question, files))
    for one, following in pairwise(questions):
        if one.id == following.id:
            raise InvalidFile(f"{folder}: {one.id} is asked twice, as .rq and as .call")
    return questions


def read_question(path: Path) -> Question:
    """One question file.

    Raises `InvalidFile` naming the file and the header.
    """
    text = path.read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    if not first.startswith("# "):
        raise InvalidFile(f"{path}: line 1: expected `# ` and the question, found {first[:60]!r}")
    headers = _headers(path, rest)
    fields: dict[str, Any] = {key: value for key, value in headers.items() if key not in _CALLS_ONLY}
    fields |= {"id": path.stem, "text": first[2:].strip()}
    try:
        if path.suffix == ".call":
            call: dict[str, Any] = {key: value for key, value in headers.items() if key in _CALLS_ONLY}
            call["columns"] = tuple(filter(None, headers.get("columns", "").split(", ")))
            fields["call"] = Call.model_validate(call)
        elif foreign := sorted(_CALLS_ONLY & headers.keys()):
            raise InvalidFile(f"{path}: {foreign[0]}: only a .call file has this header")
        else:
            fields["query"] = text
        return Question.model_validate(fields)
    except ValidationError as error:
        first_error = error.errors(include_url=False)[0]
        header = ".".join(str(step) for step in first_error["loc"]).replace("_", "-")
        raise InvalidFile(f"{path}: {header}: {first_error['msg']}") from error


def _headers(path: Path, text: str) -> dict[str, str]:
    """The lines `# key: value` from the second line of the file on."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _HEADER.fullmatch(line)
        if match is None:
            break
        key, value = match[1], (match[2] or "").strip()
        if key in found:
            raise InvalidFile(f"{path}: {key}: stands twice")
        if key in ("id", "text", "query"):
            raise InvalidFile(f"{path}: {key}: no such header")
        found[key] = value
    return found


def pool_ask(pool: SparqlPool) -> Ask:
    """Put queries to the SPARQL process."""
    return lambda query: ask_sparql(pool, query, JSON_RESULTS).body


def answer_all(base: KnowledgeBase, ask: Ask, only: str | None = None) -> list[QuestionAnswer]:
    """Answers to all questions, or to the one with the id `only`.

    Raises `InvalidFile` where a question file is broken and `NotFound` where no question has this id; what goes
    wrong in answering stands in the status.
    """
    questions = read_questions(base.settings.ontology / "questions")
    if only is not None:
        by_id = {question.id: question for question in questions}
        if only.upper() not in by_id:
            hint = did_you_mean(only.upper(), by_id)
            raise NotFound(f"no competency question with the id {only!r}", hint=hint)
        questions = (by_id[only.upper()],)
    waiting = {kind for kind, probe in _PROBES.items() if read_results(ask(probe)).rows == (("false",),)}
    return [answer(question, base, ask, waiting) for question in questions]


def answer(question: Question, base: KnowledgeBase, ask: Ask, waiting: Iterable[Kind] = ()) -> QuestionAnswer:
    """Answer to one question; `waiting` are the kinds of data of which there is none yet."""
    try:
        table = rows_of(question, base, ask)
    except WhenceError as error:
        return QuestionAnswer(question=question, status=f"failed: {error}")
    empty = not table.rows
    if question.waits_for is not None and (empty or question.waits_for in waiting):
        return QuestionAnswer(question=question, status=f"waits for {question.waits_for}", table=table)
    if empty:
        return QuestionAnswer(question=question, status="empty", note=question.may_be_empty, table=table)
    return QuestionAnswer(question=question, status="answered", table=table)


def rows_of(question: Question, base: KnowledgeBase, ask: Ask) -> Table:
    """Rows that answer a question; SPARQL goes to `ask`, calls get `base`."""
    if question.call is None:
        return read_results(ask(question.query or ""))
    module, _, name = question.call.function.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidFile(
            f"{question.id}.call: call: {question.call.function} can't be found: {error}"
        ) from error
    found = _plain(function(base, **question.call.arguments))
    for step in filter(None, question.call.rows.split(".")):
        found = _step(question, found, step)
    columns = question.call.columns
    return Table(
        columns=columns,
        rows=tuple(tuple(_cell(question, row, column) for column in columns) for row in found),
    )


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON has no type
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _step(question: Question, value: Any, name: str) -> Any:  # noqa: ANN401
    try:
        return value[int(name)] if isinstance(value, list) and name.isdigit() else value[name]
    except (KeyError, TypeError, IndexError) as error:
        raise InvalidFile(f"{question.id}.call: the answer has no {name!r}") from error


def _cell(question: Question, row: Any, column: str) -> str:  # noqa: ANN401
    for name in column.split("."):
        row = _step(question, row, name)
    return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)


def read_results(body: bytes) -> Table:
    """SPARQL 1.1 JSON results as a table."""
    document = json.loads(body)
    if "boolean" in document:
        return Table(columns=("answer",), rows=((str(document["boolean"]).lower(),),))
    columns = tuple(document["head"]["vars"])
    rows = tuple(
        tuple(_term(binding.get(column)) for column in columns) for binding in document["results"]["bindings"]
    )
    return Table(columns=columns, rows=rows)


def _term(term: dict[str, str] | None) -> str:
    if term is None:
        return ""
    if term["type"] == "bnode":
        return "[]"  # its label differs from run to run
    return prefixed(term["value"]) if term["type"] == "uri" else term["value"]


def prefixed(iri: str) -> str:
    """IRI with the prefix that is predeclared for SPARQL, where there is one."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def summary(answers: Iterable[QuestionAnswer]) -> str:
    """How many questions have which status, on one line: `40 questions: 30 answered, 10 wait for evidence`."""
    kinds = [answer.status.partition(":")[0] for answer in answers]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    return f"{len(kinds)} questions: {counts}"


def as_text(answer: QuestionAnswer, most_rows: int = 5, widest: int = 60) -> Iterator[str]:
    """Lines for a terminal: question, status, and the first rows in columns."""
    question, table = answer.question, answer.table
    about = "" if question.about is None else f"  [{question.about}]"
    yield f"{question.id}  {question.text}{about}"
    rows = () if table is None else table.rows
    reason = "" if answer.note is None else f": {answer.note}"
    count = (
        f", {len(rows)} rows"
        if answer.status == "answered" and table and table.columns != ("answer",)
        else ""
    )
    yield f"      {question.area}; {answer.status}{count}{reason}"
    if table is None or answer.status != "answered":
        return
    shown = [table.columns, *rows[:most_rows]]
    cells = [[cell if len(cell) <= widest else cell[: widest - 1] + "…" for cell in row] for row in shown]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "      " + "  ".join(map(str.ljust, row, widths)).rstrip()
    if len(rows) > most_rows:
        yield f"      … {len(rows) - most_rows} more"
