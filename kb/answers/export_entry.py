"""One entry in the formats that others read: Croissant, schema.org, DCAT, DataCite, BibTeX, CSV."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.store import serialize_sorted
from kb.errors import InvalidInput
from kb.knowledge.citation import bibtex, datacite
from kb.knowledge.croissant import CONFORMS_TO, croissant
from kb.knowledge.dcat import dcat
from kb.knowledge.described_entry import DescribedEntry
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_row import csv_lines
from kb.knowledge.schema_org import schema_org
from kb.knowledge.suggestions import did_you_mean

EntryFormat = Literal["croissant", "schema.org", "dcat", "datacite", "bibtex", "csv"]


@dataclass(frozen=True)
class Exported:
    """Text of an entry in one format, with the name a file of it should have."""

    text: str
    media_type: str
    file_name: str


@dataclass(frozen=True)
class _Format:
    suffix: str
    media_type: str
    render: Callable[[DescribedEntry], str]


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


ENTRY_FORMATS: dict[EntryFormat, _Format] = {
    "croissant": _Format(
        "croissant.json",
        f'application/ld+json; profile="{CONFORMS_TO}"',
        lambda one: _json(croissant(one, bibtex(one))),
    ),
    "schema.org": _Format("schema.json", "application/ld+json", lambda one: _json(schema_org(one))),
    "dcat": _Format(
        "dcat.ttl",
        "text/turtle; charset=utf-8",
        lambda one: serialize_sorted(dcat(one), "text/turtle").decode(),
    ),
    "datacite": _Format(
        "datacite.json", "application/vnd.datacite.datacite+json", lambda one: _json(datacite(one))
    ),
    "bibtex": _Format("bib", "application/x-bibtex; charset=utf-8", bibtex),
    "csv": _Format("csv", "text/csv; charset=utf-8; header=present", lambda one: "".join(csv_lines([one]))),
}


def described(base: KnowledgeBase, entry: DatasetEntry) -> DescribedEntry:
    """The entry with its description and what exports need beside it."""
    return DescribedEntry(
        entry=entry,
        description=base.describe(entry),
        vocabulary=base.vocabulary,
        names=base.names,
        data_version=base.manifest.data_version,
    )


def export_entry(base: KnowledgeBase, entry_id: str, form: str) -> Exported:
    """The entry in one of `ENTRY_FORMATS`.

    Raises `NotFound` for an unknown id, `InvalidInput` for an unknown format.
    """
    entry = base.entry(entry_id)
    if form not in ENTRY_FORMATS:
        hint = did_you_mean(form, get_args(EntryFormat)) or f"one of {', '.join(get_args(EntryFormat))}"
        raise InvalidInput(f"no format {form!r}", field="format", hint=hint)
    chosen = ENTRY_FORMATS[form]
    return Exported(chosen.render(described(base, entry)), chosen.media_type, f"{entry.id}.{chosen.suffix}")
