"""An entry as one flat row, for spreadsheets and data frames; the table of columns is its data dictionary."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from kb.knowledge.described_entry import (
    CREDIT,
    RECORD_LICENCE,
    DescribedEntry,
    count_words,
    population_words,
    statuses,
)
from kb.knowledge.entry_base import Facet, FieldStatus, Unit

Cell = str | int | tuple[str, ...] | tuple[int, ...] | None
Kind = Literal["text", "integer", "texts", "integers"]

_SEPARATOR = " | "


@dataclass(frozen=True)
class Column:
    """One column: its type, what it says, and where an entry says it."""

    name: str
    kind: Kind
    about: str
    value: Callable[[DescribedEntry], Cell]


def _labels(facet: Facet) -> Callable[[DescribedEntry], Cell]:
    return lambda one: tuple(concept.label for concept in one.concepts(facet))


def _ids(facet: Facet) -> Callable[[DescribedEntry], Cell]:
    return lambda one: one.entry.concepts(facet)


def _total(unit: Unit) -> Callable[[DescribedEntry], Cell]:
    def total(one: DescribedEntry) -> int | None:
        numbers = {count.n for count in one.entry.counts if count.split is None and count.unit == unit}
        return numbers.pop() if len(numbers) == 1 else None

    return total


def _classes(one: DescribedEntry) -> int | None:
    numbers = {inventory.n or len(inventory.names) for inventory in one.entry.classes}
    return numbers.pop() or None if len(numbers) == 1 else None


def _status(status: FieldStatus) -> Callable[[DescribedEntry], Cell]:
    return lambda one: statuses(one.entry)[status]


def _once(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value is not None))


def _relations(grade: str) -> Callable[[DescribedEntry], Cell]:
    return lambda one: _once(
        f"{relation.kind}: {relation.target or relation.target_name}"
        for relation in one.entry.relations
        if relation.grade == grade
    )


def _routes(basis: str) -> Callable[[DescribedEntry], Cell]:
    return lambda one: _once(access.route for access in one.entry.access if access.basis == basis)


_FACETS: tuple[tuple[str, Facet], ...] = (
    ("modalities", "modality"), ("anatomies", "anatomy"), ("tasks", "task"), ("findings", "finding")
)  # fmt: skip

COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "Identifier, never reused", lambda one: one.entry.id),
    Column("iri", "text", "IRI of the entry", lambda one: one.iri),
    Column("name", "text", "Preferred name", lambda one: one.entry.name),
    Column("aliases", "texts", "Other names", lambda one: one.entry.aliases),
    Column("description", "text", "Written by us, or rendered from the facts", lambda one: one.description),
    Column("domain", "text", "medical, natural or natural-texture", lambda one: one.entry.domain),
    Column("content", "text", "images or images-and-text", lambda one: one.entry.content),
    Column("family", "text", "Series it belongs to", lambda one: one.entry.family),
    Column("edition", "integer", "Edition in that series (year)", lambda one: one.entry.edition),
    Column("challenge", "text", "Challenge", lambda one: one.entry.challenge),
    Column("platforms", "texts", "Hosting platforms", lambda one: one.entry.platforms),
    Column("languages", "texts", "Languages of its texts", lambda one: one.entry.languages),
    Column("url", "text", "Home page of the data; not checked for life", lambda one: one.entry.url),
    Column("papers", "texts", "Papers, as references", lambda one: one.entry.papers),
    Column("identifiers", "texts", "Persistent identifiers of the data, as references",
           lambda one: one.entry.identifiers),
    Column("years", "integers", "Year of release; several where references disagree",
           lambda one: tuple(dict.fromkeys(year.value for year in one.entry.years))),
    Column("dimensions", "texts", "2D, 3D, 2D+t, 3D+t",
           lambda one: _once(dimension.value for dimension in one.entry.dimensions)),
    *(
        column
        for name, facet in _FACETS
        for column in (
            Column(name, "texts", f"Labels of the concepts stated for {facet}", _labels(facet)),
            Column(f"{facet}_ids", "texts", f"Ids of the concepts stated for {facet}", _ids(facet)),
        )
    ),
    Column("counts", "texts", "All counts in words, those of the splits among them",
           lambda one: _once(count_words(count) for count in one.entry.counts)),
    *(
        Column(f"n_{unit}", "integer", f"Number of {unit} in all, where references agree" if unit != "unstated" else
               "Number of items whose unit is not stated", _total(unit))
        for unit in get_args(Unit)
    ),
    Column("n_classes", "integer", "Number of classes", _classes),
    Column("classes", "texts", "Names of the classes as stated",
           lambda one: _once(label.name for inventory in one.entry.classes for label in inventory.names)),
    Column("labels", "texts", "available or not-available; both where references disagree",
           lambda one: _once(labelled.value for labelled in one.entry.labelled)),
    Column("label_methods", "texts", "How labels came about",
           lambda one: _once(labelling.method for labelling in one.entry.labelling)),
    Column("splits", "texts", "Kind of split and the unit kept together",
           lambda one: _once(f"{split.kind}, by {split.unit or 'a unit not stated'}" for split in one.entry.splits)),
    Column("formats", "texts", "File formats as released", lambda one: one.formats),
    Column("population", "texts", "Shares of groups among the people imaged",
           lambda one: _once(population_words(share) for share in one.entry.population)),
    Column("countries", "texts", "Countries that the data come from", lambda one: one.countries()),
    Column("issues", "texts", "Known issues: kind and note",
           lambda one: _once(f"{issue.kind}: {issue.note}" for issue in one.entry.issues)),
    Column("versions", "texts", "Released versions",
           lambda one: _once(version.name for version in one.entry.versions)),
    Column("weights", "texts", "Addresses of pretrained weights",
           lambda one: _once(weights.url for weights in one.entry.weights)),
    Column("maintenance", "texts", "Whether anybody looks after the data",
           lambda one: _once(kept.status for kept in one.entry.maintenance)),
    Column("access_stated", "texts", "Routes of access that a reference states", _routes("stated")),
    Column("access_guessed", "texts", "Routes guessed from the host; not a reading of terms",
           _routes("guessed-from-host")),
    Column("licences", "texts", "Licences of the data in the words of the reference",
           lambda one: _once(licence.stated for licence in one.entry.licences)),
    Column("licence_spdx", "texts", "SPDX identifiers where the words name one",
           lambda one: _once(licence.spdx for licence in one.entry.licences)),
    Column("relations", "texts", "Relations to other datasets: kind and id or name", _relations("stated")),
    Column("relations_unverified", "texts", "The same, not verified", _relations("unverified")),
    Column("facts", "texts", "Facts in the words of the reference: attribute and value",
           lambda one: _once(f"{fact.attribute}: {fact.value}" for fact in one.entry.facts)),
    Column("status_reported_none", "texts", "Fields of which a reference reports that there is none",
           _status("reportedNone")),
    Column("status_not_reported", "texts", "Fields that what was read does not report", _status("notReported")),
    Column("status_not_applicable", "texts", "Fields that do not apply", _status("notApplicable")),
    Column("status_unknown", "texts", "Fields marked as not checked; so is every other empty field",
           _status("unknown")),
    Column("listed_in", "texts", "Rows of public lists, as references",
           lambda one: _once(row.ref for row in one.entry.rows)),
    Column("data_version", "text", "Data version of Whence", lambda one: one.data_version),
    Column("record_credit", "text", "Whom to credit for the record", lambda _: CREDIT),
    Column("record_licence", "text", "Licence of the record, not of the data", lambda _: RECORD_LICENCE),
)  # fmt: skip


def cells(described: DescribedEntry) -> dict[str, Cell]:
    """Values of all columns by name."""
    return {column.name: column.value(described) for column in COLUMNS}


def join_cell(values: Iterable[str | int]) -> str:
    """Several values in one cell: between them ` | `; a bar or backslash of a value stands behind a backslash."""
    return _SEPARATOR.join(re.sub(r"([\\|])", r"\\\1", str(value)) for value in values)


def split_cell(cell: str) -> list[str]:
    """Inverse of `join_cell`, for values that aren't empty and neither begin nor end with a space."""
    parts = re.findall(r"(?:\\.|[^\\|])+", cell, re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", part.strip(" "), flags=re.DOTALL) for part in parts]


def csv_lines(rows: Iterable[DescribedEntry]) -> Iterator[str]:
    """CSV (RFC 4180), header first, one text for each record; an empty cell has no value."""
    yield _csv_line([column.name for column in COLUMNS])
    for described in rows:
        values = (column.value(described) for column in COLUMNS)
        yield _csv_line(
            ["" if v is None else join_cell(v) if isinstance(v, tuple) else str(v) for v in values]
        )


def _csv_line(values: list[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(values)
    return stream.getvalue()


def data_dictionary() -> str:
    """The columns as a Markdown table."""
    lines = ["| column | type | what it says |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.kind} | {column.about} |" for column in COLUMNS]
    return "\n".join(lines) + "\n"
