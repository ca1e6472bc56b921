"""What changed among the terms between two versions of the ontology, from the snapshot kept of each release."""

from __future__ import annotations

import csv
import hashlib
import io
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rdflib import OWL, RDF, RDFS, SKOS, Graph, URIRef
from rdflib import Literal as RdfLiteral

from kb.knowledge.names import BASE
from kb.knowledge.ontology_checks import DECLARING, declared_terms

_KINDS = dict(
    zip(
        DECLARING,
        ("class", "object property", "datatype property", "annotation property", "individual"),
        strict=True,
    )
)


class TermRow(NamedTuple):
    """A term as a release had it: name below the namespace, kind, label, start of the definition's SHA-256."""

    term: str
    kind: str
    label: str
    definition: str
    obsolete: str


class TermChanges(NamedTuple):
    """Names of terms, by what happened to them."""

    added: list[TermRow]
    removed: list[TermRow]
    obsoleted: list[TermRow]
    relabelled: list[tuple[TermRow, TermRow]]
    redefined: list[TermRow]


def snapshot(ontology: Graph) -> list[TermRow]:
    """All terms that the ontology declares, sorted."""
    return sorted(_row(ontology, term) for term in declared_terms(ontology))


def _row(ontology: Graph, term: URIRef) -> TermRow:
    kind = next(name for declaring, name in _KINDS.items() if (term, RDF.type, declaring) in ontology)
    label = ontology.value(term, RDFS.label) or ontology.value(term, SKOS.prefLabel) or ""
    definition = str(ontology.value(term, SKOS.definition) or "")
    obsolete = (term, OWL.deprecated, RdfLiteral(True)) in ontology
    digest = hashlib.sha256(definition.encode()).hexdigest()[:8]
    return TermRow(str(term).removeprefix(BASE), kind, str(label), digest, "obsolete" if obsolete else "")


def to_tsv(rows: list[TermRow]) -> str:
    """A snapshot as tab-separated text."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(TermRow._fields)
    writer.writerows(rows)
    return stream.getvalue()


def read_snapshot(path: Path) -> list[TermRow]:
    """Inverse of `to_tsv`."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))
    return [TermRow(*row) for row in rows[1:]]


def compare(old: list[TermRow], new: list[TermRow]) -> TermChanges:
    """What happened between two snapshots."""
    before, after = {row.term: row for row in old}, {row.term: row for row in new}
    kept = [(before[name], after[name]) for name in sorted(before.keys() & after.keys())]
    return TermChanges(
        added=[after[name] for name in sorted(after.keys() - before.keys())],
        removed=[before[name] for name in sorted(before.keys() - after.keys())],
        obsoleted=[b for a, b in kept if b.obsolete and not a.obsolete],
        relabelled=[(a, b) for a, b in kept if a.label != b.label and not b.obsolete],
        redefined=[b for a, b in kept if a.definition != b.definition],
    )


def changelog(ontology: Graph, version: str, releases: Path) -> str:
    """Markdown: what each version changed, the present one first; `releases` holds `<version>.tsv` of earlier ones."""
    earlier = sorted(
        releases.glob("*.tsv"), key=lambda path: [int(part) for part in path.stem.split(".")], reverse=True
    )
    states = [
        (version, snapshot(ontology)),
        *((path.stem, read_snapshot(path)) for path in earlier if path.stem != version),
    ]
    parts = [
        "# Terms, by version",
        "",
        "Written by `whence ontology format`. Removal of a term is a major version.",
    ]
    for (name, rows), (before, old) in pairwise(states):
        parts += ["", f"## {name}, since {before}", *_described(compare(old, rows), len(rows))]
    last, rows = states[-1]
    return "\n".join([*parts, "", f"## {last}", "", f"{len(rows):,} terms: the first version.", ""])


def _described(changes: TermChanges, total: int) -> list[str]:
    lines = ["", f"{total:,} terms."]
    for title, rows in (
        ("Added", changes.added),
        ("Removed", changes.removed),
        ("Obsolete", changes.obsoleted),
        ("New definition", changes.redefined),
    ):
        if rows:
            lines += ["", f"{title} ({len(rows)}): {', '.join(f'`{row.term}`' for row in rows)}."]
    if changes.relabelled:
        renamed = ", ".join(f"`{new.term}` ({old.label} → {new.label})" for old, new in changes.relabelled)
        lines += ["", f"New label ({len(changes.relabelled)}): {renamed}."]
    return lines
