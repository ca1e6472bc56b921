"""`whence search`: find entries for a query in plain words, one by one or from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import InvalidInput

if TYPE_CHECKING:
    from kb.answers.search_answer import Hit, SearchAnswer


def search(
    query: Annotated[str | None, typer.Argument(help="What you look for, in plain words.")] = None,
    explain: Annotated[bool, typer.Option(help="Say for each entry why it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    limit: Annotated[int, typer.Option(help="How many entries to print.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="`next` of an answer, to go on from there.")] = None,
    batch: Annotated[Path | None, typer.Option(help="JSON lines with id and query; needs --out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Tab-separated answers to --batch.")] = None,
) -> None:
    """Find entries for a query in plain words."""
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.settings import read_settings

    if batch is not None:
        from kb.answers.batch import search_batch

        if out is None or query is not None:
            raise InvalidInput(
                "--batch needs --out and no query", hint="whence search --batch in.jsonl --out out.tsv"
            )
        count = search_batch(KnowledgeBase.open(read_settings()), batch, out, limit=limit)
        typer.echo(f"{count} queries answered in {out}", err=True)
        return
    if query is None:
        raise InvalidInput("no query given", hint='whence search "chest X-ray pneumonia"')
    from kb.answers.search import search as find

    answer = find(KnowledgeBase.open(read_settings()), query, limit=limit, cursor=cursor)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _lines(answer, explain=explain):
        typer.echo(line)


def _lines(answer: SearchAnswer, *, explain: bool) -> Iterator[str]:
    yield from _understood(answer)
    if answer.note:
        yield f"\n{answer.note}"
    for title, hits in (("", answer.results), ("\nMay match, a fact is not known:", answer.may_match)):
        if hits and title:
            yield title
        for hit in hits:
            yield from _hit(hit, explain=explain)
    if answer.near and (explain or answer.note):
        yield "\nNear, but lacking something:"
        yield from (f"   {hit.name}  [{hit.id}]: {'; '.join(hit.lacks)}" for hit in answer.near)
    if explain and answer.excluded:
        yield "\nAlone kept out, of those that meet all else:"
        for one in answer.excluded:
            yield f"   {one.condition}: {one.fails:,} not so, {one.unknown:,} not known"
    yield (
        f"\n{answer.matching:,} match, {answer.may_match_count:,} may match, "
        f"{answer.searched:,} entries searched, data {answer.data_version}"
    )
    if answer.next and explain:
        yield f"more: --cursor {answer.next}"


def _understood(answer: SearchAnswer) -> Iterator[str]:
    meant = answer.interpretation
    named = [
        f"{m.label} ({m.facet}, {m.scope}: {m.words!r})" for m in meant.concepts if m.scope != "description"
    ]
    described = [f"{m.label} ({m.confidence:.2f})" for m in meant.concepts if m.scope == "description"]
    items = list(
        dict.fromkeys(f"{item.matched} ({item.scope}: {item.words!r})" for item in meant.known_items)
    )
    wanted = [f"{c.said} ({c.words!r})" for c in meant.constraints if c.strength == "required"]
    wished = [f"{c.said} ({c.words!r})" for c in meant.constraints if c.strength == "preferred"]
    parts = (
        ("Understood", named),
        ("Named", items),
        ("Described, by nearest definition", described),
        ("Required", wanted),
        ("Preferred", wished),
        ("Not understood", list(meant.not_understood)),
    )
    for title, found in parts:
        if found:
            yield f"{title}: {', '.join(found)}"


def _hit(hit: Hit, *, explain: bool) -> Iterator[str]:
    yield f"\n{hit.rank}. {hit.name}  [{hit.id}]"
    if hit.lacks:
        yield f"   {'; '.join(hit.lacks)}"
    yield f"   {hit.description}"
    if not explain:
        return
    for match in hit.concepts:
        if match.hold != "missing":
            words = f"by {match.scope} {match.words!r}" if match.words else "described"
            yield f"   concept {match.label}: {match.hold}, {words}"
    for verdict in hit.checked:
        refs = f" [{', '.join(verdict.refs[:2])}]" if verdict.refs else ""
        yield f"   condition {verdict.condition}: {verdict.status}, {verdict.fact}{refs}"
    if hit.terms:
        yield f"   words: {', '.join(hit.terms)}"
    relevance = hit.relevance
    parts = [
        f"{part.weight:.2g} x {part.kind} {part.value:.2f} ({part.basis})"
        for part in relevance.parts
        if part.weight * part.value
    ]
    yield f"   SearchRelevance {relevance.value:.3f} = {' + '.join(parts)}"
