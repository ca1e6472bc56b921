"""Example queries that teach the endpoint by what they ask: `data/queries/*.rq`, told apart by the question they answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from kb.answers.questions import JSON_RESULTS, Table, read_results
from kb.answers.sparql import ask
from kb.engines.sparql_pool import SparqlPool
from kb.errors import InvalidFile, NotFound
from kb.knowledge.suggestions import did_you_mean
from kb.settings import Settings

Group = Literal["find", "choose", "similarity", "fairness", "access", "ontology", "provenance", "quality"]
#: Groups in the order in which they are shown.
GROUPS: dict[Group, str] = {
    "find": "Find datasets",
    "choose": "Choose a source: evidence and outcomes",
    "similarity": "Senses of similarity",
    "fairness": "Fairness and overlap",
    "access": "Licences and access",
    "ontology": "The ontology",
    "provenance": "Provenance, and what follows",
    "quality": "Quality of the catalogue",
}
_HEADER = re.compile(r"# ([a-z]+): (.+)")
_TEXT = "text/turtle"
_Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class ExampleQuery(BaseModel):
    """One example."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z0-9]+)+$")]
    title: _Line
    group: Group
    question: Annotated[_Line, StringConstraints(pattern=r"\?$")]
    about: _Line
    text: _Line

    @property
    def group_title(self) -> str:
        """The group in words."""
        return GROUPS[self.group]


class ExampleAnswer(BaseModel):
    """First rows of a table, or the first lines of triples."""

    model_config = ConfigDict(frozen=True)

    total: int
    table: Table | None = None
    turtle: str | None = None


def read_examples(folder: Path) -> tuple[ExampleQuery, ...]:
    """All examples, by group and then by id.

    Raises `InvalidFile` naming file and line.
    """
    order = {group: place for place, group in enumerate(get_args(Group))}
    found = [read_example(path) for path in sorted(folder.glob("*.rq"))]
    return tuple(sorted(found, key=lambda example: (order[example.group], example.id)))


def read_example(path: Path) -> ExampleQuery:
    """One file: lines `# key: value`, then the query.

    Raises `InvalidFile` naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path}: can't be read: {error}") from error
    head: dict[str, str] = {}
    places: dict[str, int] = {}
    end = 0
    for end, line in enumerate(lines, start=1):
        if not line.startswith("#"):
            break
        match = _HEADER.fullmatch(line)
        if match is None:
            raise InvalidFile(f"{path}:{end}: expected `# key: value`, found {line[:60]!r}")
        if match[1] in head:
            raise InvalidFile(f"{path}:{end}: {match[1]} stands twice")
        head[match[1]], places[match[1]] = match[2].strip(), end
    query = "\n".join(lines[end - 1 :]).strip()
    if not query or query.startswith("#"):
        raise InvalidFile(f"{path}:{end}: no query follows the head")
    for key in ("id", "text"):
        if key in places:
            raise InvalidFile(f"{path}:{places[key]}: {key}: no such key")
    try:
        return ExampleQuery.model_validate({**head, "id": path.stem, "text": query})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        raise InvalidFile(f"{path}:{places.get(key, 1)}: {key}: {first['msg']}") from error


def examples(settings: Settings) -> tuple[ExampleQuery, ...]:
    """The shipped examples."""
    return read_examples(settings.data / "queries")


def example(settings: Settings, example_id: str) -> ExampleQuery:
    """One shipped example.

    Raises `NotFound` with near ids.
    """
    known = {one.id: one for one in examples(settings)}
    if example_id not in known:
        raise NotFound(
            f"no example query with the id {example_id!r}", hint=did_you_mean(example_id[:200], known)
        )
    return known[example_id]


def as_file(one: ExampleQuery) -> str:
    """The example as its file has it."""
    head = (("title", one.title), ("group", one.group), ("question", one.question), ("about", one.about))
    return "".join(f"# {key}: {value}\n" for key, value in head) + one.text + "\n"


def first_rows(pool: SparqlPool, one: ExampleQuery, most: int) -> ExampleAnswer:
    """What the example answers, cut to the first rows.

    Raises what `ask` raises.
    """
    if re.match(r"\s*(CONSTRUCT|DESCRIBE)\b", one.text):
        answer = ask(pool, one.text, _TEXT)
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("@prefix")]
        more = ["…"] if len(lines) > most else []
        return ExampleAnswer(total=answer.rows, turtle="\n".join([*lines[:most], *more]))
    answer = ask(pool, one.text, JSON_RESULTS)
    table = read_results(answer.body)
    return ExampleAnswer(total=answer.rows, table=Table(columns=table.columns, rows=table.rows[:most]))


def as_markdown(found: Iterable[tuple[ExampleQuery, ExampleAnswer]], data_version: str) -> str:
    """All examples with their first rows, for the documentation."""
    return "\n".join(_lines(found, data_version)) + "\n"


def _lines(found: Iterable[tuple[ExampleQuery, ExampleAnswer]], data_version: str) -> Iterator[str]:
    yield from (
        "# Example queries",
        "",
        "Each file `data/queries/ID.rq` is one example; `whence examples` lists them, `whence examples ID | whence sparql -`",
        "runs one, `GET /sparql/examples` serves all as JSON and as pages. The prefixes of `/sparql/prefixes` are declared",
        f"already. Written by `whence examples --write docs/queries.md` on data {data_version}; rows are cut after the third.",
    )
    group = None
    for one, answer in found:
        if one.group != group:
            group = one.group
            yield from ("", f"## {one.group_title}")
        yield from ("", f"### {one.title}", "", f"*{one.question}*", "")
        yield from (f"`{one.id}`: {one.about}.", "", "```sparql", one.text, "```", "")
        yield from _shown(answer)


def _shown(answer: ExampleAnswer) -> Iterator[str]:
    if answer.table is None:
        yield from (f"{answer.total:,} triples:", "", "```turtle", answer.turtle or "", "```")
        return
    if answer.table.columns == ("answer",):
        yield f"Answer: {answer.table.rows[0][0]}."
        return
    yield from (f"{answer.total:,} row{'' if answer.total == 1 else 's'}:", "")
    yield f"| {' | '.join(answer.table.columns)} |"
    yield "|" + "---|" * len(answer.table.columns)
    for row in answer.table.rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: str, widest: int = 70) -> str:
    shown = value if len(value) <= widest else value[: widest - 1] + "…"
    return shown.replace("|", "\\|").replace("\n", " ")
