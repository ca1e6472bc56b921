"""The command `whence`. Heavy modules are imported by the command that needs them, so that help is instant."""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from kb.commands.candidates import candidates
from kb.commands.evidence import alignment, fairness, outcomes
from kb.commands.examples import examples
from kb.commands.export import export, export_entry
from kb.commands.images import compare_features, embed, estimate
from kb.commands.mcp import mcp
from kb.commands.record import record
from kb.commands.resolve import annotate, resolve
from kb.commands.search import search
from kb.commands.similarity import compare, similarity
from kb.errors import NotFound, WhenceError

app = typer.Typer(
    name="whence",
    help="From which dataset should I transfer? Build, search and query the knowledge base.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
ontology_app = typer.Typer(help="Check, write out and release the ontology.", no_args_is_help=True)
app.add_typer(ontology_app, name="ontology")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Limit = Annotated[int, typer.Option(help="How many entries to print.")]


def main() -> None:
    """Run the command line; expected errors become one line on standard error and exit status 2."""
    for point in entry_points(group="whence.commands"):
        app.command(point.name, help=f"See `whence {point.name} --help`.")(_late(point))
    try:
        app()
    except WhenceError as error:
        typer.echo(f"whence: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone
        sys.stderr.close()
        sys.exit(0)


def _late(point: Any) -> Any:  # noqa: ANN401 - an entry point loads anything
    """Load a registered command only when its name was typed."""
    if len(sys.argv) > 1 and sys.argv[1] == point.name:
        return point.load()

    def placeholder() -> None:
        """Stand for the command in the list of commands."""

    placeholder.__doc__ = "Run the web service on the built knowledge base."
    return placeholder


def _settings() -> Any:  # noqa: ANN401 - imported late
    from kb.settings import read_settings

    return read_settings()


def _base() -> Any:  # noqa: ANN401
    from kb.answers.knowledge_base import KnowledgeBase

    return KnowledgeBase.open(_settings())


@app.command()
def build(force: Annotated[bool, typer.Option(help="Build even when nothing has changed.")] = False) -> None:
    """Build and publish a generation from the ontology and data files."""
    from kb.answers.build import build as build_generation

    generation = build_generation(_settings(), lambda line: typer.echo(line, err=True), force=force)
    manifest = generation.manifest
    typer.echo(f"{manifest.data_version}: {manifest.entries:,} entries, {manifest.merged:,} triples")


app.command()(search)
app.command()(candidates)
app.command()(record)
app.command()(similarity)
app.command()(compare)
app.command()(outcomes)
app.command()(alignment)
app.command()(fairness)
app.command()(resolve)
app.command()(annotate)
app.command()(examples)
app.command()(export)
app.command()(export_entry)
app.command()(mcp)
app.command()(embed)
app.command()(compare_features)
app.command()(estimate)


@app.command()
def concepts(
    query: Annotated[str, typer.Argument(help="Name, beginning of a name, or code.")],
    facet: Annotated[str | None, typer.Option(help="modality, anatomy, task or finding.")] = None,
    as_json: Json = False,
    limit: Limit = 10,
) -> None:
    """Find concepts of the ontology by label, synonym or code."""
    from kb.answers.concepts import find_concepts
    from kb.knowledge.vocabulary import facet_of

    hits = find_concepts(_base(), query, facet=facet_of(facet) if facet else None, limit=limit)
    if as_json:
        typer.echo(json.dumps([hit.model_dump() for hit in hits], indent=2, ensure_ascii=False))
        return
    if not hits:
        typer.echo(f"no concept goes by {query!r}")
    for hit in hits:
        typer.echo(f"{hit.label}  [{hit.id}]  {hit.facet}, {hit.datasets:,} datasets")
        typer.echo(f"   matched by {hit.scope}: {hit.matched}")
        typer.echo(f"   {hit.definition}")


@app.command()
def sparql(
    file: Annotated[str, typer.Argument(help="File with the query, or - for standard input.")],
    accept: Annotated[str, typer.Option(help="Media type of the answer.")] = "",
) -> None:
    """Answer a SPARQL query over ontology, catalogue and provenance."""
    from kb.answers.sparql import ask, open_pool

    if file == "-":
        text = sys.stdin.read()
    else:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"can't read {file}: {error}") from error
    settings = _settings()
    pool = open_pool(settings)
    try:
        answer = ask(pool, text, accept or None)
    finally:
        pool.close()
    sys.stdout.buffer.write(answer.body)
    sys.stdout.buffer.flush()
    if not answer.body.endswith(b"\n"):
        typer.echo()
    if answer.truncated:
        typer.echo(f"whence: only the first {answer.rows:,} rows (WHENCE_SPARQL_ROWS)", err=True)


@app.command()
def show(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an entry.")],
    as_json: Json = False,
) -> None:
    """Print one entry: canonical YAML, with its description above."""
    from kb.knowledge.entry_yaml import to_yaml

    base = _base()
    entry = base.entry(entry_id)
    if as_json:
        document = {**json.loads(entry.canonical_json()), "rendered_description": base.describe(entry)}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    typer.echo(f"# {base.describe(entry)}\n\n{to_yaml(entry)}", nl=False)


@app.command()
def audit(
    as_json: Json = False,
    write: Annotated[bool, typer.Option(help="Write data/README.md.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List every conflict and doubtful figure.")
    ] = False,
) -> None:
    """Say how complete and how doubtful the catalogue is, and what to curate next."""
    from kb.answers.audit import as_markdown
    from kb.answers.audit import audit as examine

    settings = _settings()
    found = examine(settings)
    text = as_markdown(found)
    if write:
        (settings.data / "README.md").write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    typer.echo(text, nl=False)
    if everything:
        typer.echo(
            "\n".join(("", "## Conflicts", "", *found.conflicts, "", "## Doubtful", "", *found.suspicious))
        )


@app.command()
def overlap(
    one: Annotated[str, typer.Argument(metavar="ID", help="Id of an entry.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="Id of another entry.")],
    as_json: Json = False,
) -> None:
    """Say whether two datasets may share items, and by which relations that is known."""
    from kb.knowledge.describe import RELATION_WORDS
    from kb.knowledge.overlap import Overlaps, is_certain

    base = _base()
    for entry_id in (one, other):
        base.entry(entry_id)
    path = Overlaps(base.entries).path(one, other)
    if as_json:
        steps = None if path is None else [step._asdict() for step in path]
        certain = path is not None and is_certain(path)
        typer.echo(
            json.dumps(
                {"one": one, "other": other, "known": path is not None, "certain": certain, "path": steps},
                indent=2,
            )
        )
        return
    if path is None:
        typer.echo(f"No shared items of {one} and {other} are known, which is not that there are none.")
        for entry, partner in ((base.entry(one), other), (base.entry(other), one)):
            for relation in entry.relations:
                if relation.target == partner:
                    typer.echo(
                        f"  {entry.id}: {RELATION_WORDS[relation.kind]} {partner} [{', '.join(relation.refs)}]"
                    )
        return
    if not path:
        typer.echo(f"{one} is one and the same.")
        return
    typer.echo("They share items:" if is_certain(path) else "They may share items:")
    for step in path:
        grade = "" if step.grade == "stated" else ", unverified"
        words = RELATION_WORDS[step.kind]
        typer.echo(f"  {step.source}: {words} {step.target}{grade} [{', '.join(step.refs)}]")


@app.command()
def questions(
    question: Annotated[
        str | None, typer.Argument(metavar="ID", help="One question, such as CQ07; none: all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer the competency questions on the real data, and say which still wait for data."""
    from kb.answers.questions import answer_all, as_text, pool_ask, summary
    from kb.answers.sparql import open_pool

    pool = open_pool(_settings())
    try:
        answers = answer_all(_base(), pool_ask(pool), question)
    finally:
        pool.close()
    if as_json:
        typer.echo(
            json.dumps([answer.model_dump(mode="json") for answer in answers], indent=2, ensure_ascii=False)
        )
    else:
        for answer in answers:
            typer.echo("\n".join((*as_text(answer, 1_000 if question else 5), "")))
        typer.echo(summary(answers))
    if any(answer.status.startswith("failed") for answer in answers):
        raise typer.Exit(1)


@app.command()
def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Entry files; none: the whole catalogue.")
    ] = None,
    write: Annotated[bool, typer.Option(help="Rewrite valid files in canonical form.")] = False,
) -> None:
    """Check entry files: fields, terms, relations, canonical form; say what gold entries still lack."""
    from kb.answers.validate import validate_files

    failed = total = 0
    for verdict in validate_files(_settings(), files or [], write=write):
        total += 1
        failed += bool(verdict.problems)
        for problem in verdict.problems:
            typer.echo(problem, err=True)
        if files:
            for note in verdict.notes:
                typer.echo(f"{verdict.path.name}: {note}")
    typer.echo(f"{total - failed:,} of {total:,} files are valid")
    if failed:
        raise typer.Exit(1)


@ontology_app.command("report")
def ontology_report(as_json: Json = False) -> None:
    """Count the ontology's terms and run every check on it (needs what `make setup` installs)."""
    from kb.answers.ontology_report import report

    found = report(_settings())
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        typer.echo(f"Whence ontology {found.version}\n")
        for name, number in found.counts.items():
            typer.echo(f"{number:>8,}  {name}")
        typer.echo()
        for check in found.checks:
            mark = f"{len(check.problems)} problems" if check.problems else "ok"
            typer.echo(f"{mark:>11}  {check.name}{f' ({check.note})' if check.note else ''}")
            for problem in check.problems[:10]:
                typer.echo(f"             - {problem}")
    if not found.sound:
        raise typer.Exit(1)


@ontology_app.command("format")
def ontology_format() -> None:
    """Rewrite modules in canonical form, with what is generated: entry shapes, changelog of terms."""
    from kb.answers.ontology_release import rewrite

    for path in rewrite(_settings().ontology):
        typer.echo(f"rewritten: {path.name}")


@ontology_app.command("release")
def ontology_release(folder: Annotated[Path, typer.Argument(help="Folder to write into.")]) -> None:
    """Write Turtle, RDF/XML, JSON-LD and SSSOM with checksums; the same bytes whenever nothing changed."""
    from kb.answers.ontology_release import write_release
    from kb.knowledge.vocabulary import load_ontology

    source = _settings().ontology
    for path in write_release(load_ontology(source), source / "mappings", folder):
        typer.echo(f"{path.stat().st_size:>10,}  {path.name}")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Report versions, device, counts and data version, and what is missing."""
    from kb.answers.doctor import examine

    findings = examine(_settings())
    if as_json:
        typer.echo(json.dumps(findings, indent=2))
        return
    width = max(map(len, findings))
    for name, value in findings.items():
        typer.echo(f"{name:<{width}}  {value}")


if __name__ == "__main__":
    main()
