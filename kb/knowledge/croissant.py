"""Croissant 1.1 (MLCommons) of an entry, with the properties for responsible AI that its facts answer.

Files of the data are not described: Croissant asks for a checksum of each file, and a record about a dataset of others
has none. What stands inline are the classes and the splits. Nothing is guessed: a property without a fact is left out,
and a value is followed by the references it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kb.knowledge.describe import RELATION_WORDS
from kb.knowledge.described_entry import (
    CREDIT,
    HOME_PAGE,
    RECORD_LICENCE_URL,
    DescribedEntry,
    population_words,
    with_references,
)
from kb.knowledge.entry_base import IssueKind
from kb.knowledge.names import DATASET, WH

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
RAI_CONFORMS_TO = "http://mlcommons.org/croissant/RAI/1.0"
#: Context of the specification (appendix 1), as its validator knows it, with our provenance beside it.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "sdVersion": "cr:sdVersion",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_SPLITS = {
    "train": "cr:TrainingSplit",
    "val": "cr:ValidationSplit",
    "validation": "cr:ValidationSplit",
    "test": "cr:TestSplit",
}
_BIASES: tuple[IssueKind, ...] = ("bias", "shortcut")


def croissant(described: DescribedEntry, citation: str) -> dict[str, Any]:
    """The entry as a Croissant document; `citation` is its BibTeX."""
    entry = described.entry
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": entry.name,
        "alternateName": entry.aliases,
        "description": described.description,
        "conformsTo": [CONFORMS_TO, RAI_CONFORMS_TO],
        "url": described.landing_page,
        "identifier": [described.iri, *described.identifiers],
        "sameAs": [str(DATASET[one.target]) for one in described.relations("same-as") if one.target],
        "license": [one.url or {"@type": "sc:CreativeWork", "name": one.words} for one in described.licences],
        "datePublished": None if described.year is None else str(described.year),
        "keywords": described.keywords,
        "inLanguage": described.language_tags,
        "citeAs": citation,
        "citation": described.papers,
        "maintainer": [
            {"@type": "sc:Organization", "name": one.by} for one in entry.maintenance if one.by is not None
        ],
        "prov:wasDerivedFrom": [
            {"@id": str(DATASET[one.target])}
            for one in described.relations("derived-from", "subset-of", "synthetic-of")
            if one.target
        ],
        "sdPublisher": {"@type": "sc:Organization", "name": CREDIT, "url": HOME_PAGE},
        "sdLicense": RECORD_LICENCE_URL,
        "sdVersion": described.data_version,
        **_responsible(described),
        "recordSet": [*_classes(described), *_splits(described)],
    }
    return {name: value for name, value in document.items() if value not in (None, "", (), [])}


def _responsible(described: DescribedEntry) -> dict[str, Any]:
    """Properties of the extension for responsible AI."""
    entry = described.entry
    words = described.status_words
    agreement = [
        with_references(f"{title}: {value}", one.refs)
        for one in entry.labelling
        for title, value in (("agreement", one.agreement), ("uncertain labels", one.uncertain))
        if value is not None
    ]
    return {
        "rai:dataCollection": _text(
            _labelled(described.facts("protocol", "device", "care-setting", "inclusion-criteria", "site-names", "country")),
            words("device", "sites", "counts.patients", "counts.sites"),
        ),
        "rai:dataCollectionRawData": _text(
            (
                with_references(f"{RELATION_WORDS[one.kind]} {described.partner(one)}", one.refs)
                for one in described.relations("derived-from", "subset-of", "synthetic-of")
            ),
            _labelled(described.facts("composition", "source-image-size")),
        ),
        "rai:dataAnnotationProtocol": [
            *(
                with_references(": ".join(filter(None, (one.method.replace("-", " "), one.note))), one.refs)
                for one in entry.labelling
            ),
            *_labelled(described.facts("label-origin")),
            *words("labelling"),
        ],
        "rai:dataAnnotationAnalysis": [*agreement, *words("labelling.agreement")],
        "rai:annotationsPerItem": _text(
            (
                with_references(str(one.annotators), one.refs)
                for one in entry.labelling
                if one.annotators is not None
            ),
            words("labelling.annotators"),
        ),
        "rai:annotatorDemographics": [
            with_references(one.expertise, one.refs) for one in entry.labelling if one.expertise is not None
        ],
        "rai:dataBiases": [
            *(
                with_references(f"{_kind(one.kind)}{one.note}", one.refs)
                for one in entry.issues
                if one.kind in _BIASES
            ),
            *words("known-bias"),
        ],
        "rai:dataLimitations": [
            *(
                with_references(f"{_kind(one.kind)}{one.note}", one.refs)
                for one in entry.issues
                if one.kind not in _BIASES
            ),
            *_labelled(described.facts("data-use-terms")),
            *words("issues"),
        ],
        "rai:dataUseCases": [concept.label for concept in described.concepts("task")],
        "rai:personalSensitiveInformation": [
            *(with_references(population_words(one), one.refs) for one in entry.population),
            *_labelled(
                described.facts("sex", "age", "ethnicity", "skin-tone", "demographic-fields", "population-note",
                                "consent", "ethics-approval", "deidentification")
            ),
            *words("population.sex", "population.age", "population.ethnicity", "population.skin-tone",
                   "population.country", "consent", "ethics-approval", "deidentification"),
        ],
        "rai:dataReleaseMaintenancePlan": _text(
            (
                with_references(", ".join(filter(None, (one.status, one.by, one.note))), one.refs)
                for one in entry.maintenance
            ),
            (
                with_references(
                    f"version {one.name}"
                    + (f" ({one.year})" if one.year is not None else "")
                    + (f": {one.change}" if one.change is not None else ""),
                    one.refs,
                )
                for one in entry.versions
            ),
            words("maintenance", "versions"),
        ),
    }  # fmt: skip


def _kind(kind: IssueKind) -> str:
    return "" if kind == "other" else f"{kind.replace('-', ' ')}: "


def _labelled(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{attribute}: {value}" for attribute, value in facts]


def _text(*parts: Iterable[str]) -> str:
    """One text of several statements, for properties that hold one."""
    return "; ".join(statement for part in parts for statement in part)


def _record_set(name: str, kind: str, about: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """An enumeration inline; a column of which one row knows nothing holds null there."""
    # The specification types the address of a split `cr:Split`; its validator wants a type of data.
    columns = {"name": "sc:Text", "url": "sc:URL", "items": "sc:Integer"}
    used = [column for column in columns if any(row.get(column) is not None for row in rows)]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": about,
        "dataType": kind,
        "key": {"@id": f"{name}/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{column}", "name": column, "dataType": columns[column]}
            for column in used
        ],
        "data": [{f"{name}/{column}": row.get(column) for column in used} for row in rows],
    }


def _classes(described: DescribedEntry) -> list[dict[str, Any]]:
    sets = []
    for position, inventory in enumerate(described.entry.classes, start=1):
        rows = {
            label.name: {
                "name": label.name,
                "url": None if label.concept is None else str(WH[label.concept]),
                "items": label.n,
            }
            for label in inventory.names
        }
        if rows:
            about = with_references("Classes of the labels, in the words of the reference", inventory.refs)
            sets.append(_record_set(f"classes-{position}", "sc:Enumeration", about, list(rows.values())))
    return sets


def _splits(described: DescribedEntry) -> list[dict[str, Any]]:
    names = dict.fromkeys(count.split for count in described.entry.counts if count.split is not None)
    if not names:
        return []
    about = "; ".join(
        with_references(", by ".join(filter(None, (one.kind, one.unit))), one.refs)
        for one in described.entry.splits
    )
    rows = [{"name": name, "url": _SPLITS.get(name)} for name in names]
    return [_record_set("splits", "cr:Split", f"Splits: {about}" if about else "Splits", rows)]
