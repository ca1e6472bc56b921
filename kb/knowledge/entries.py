"""The one shape of a dataset record: `DatasetEntry`, of which YAML, JSON and RDF are renderings.

Every value carries `refs`, the references it rests on; `stated` keeps the words of the reference where the
value is our reading of them. A field that is empty is *unknown (not checked)* unless `field_status` says more.
`Term` says how a field is named in the ontology, so that RDF follows from the model (`entry_rdf`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from kb.knowledge.names import WH

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Url = Annotated[str, StringConstraints(pattern=r"^(https?|ftp)://[^\s<>\"{}|\\^`]+$", max_length=2000)]
#: `scheme:locator`; the scheme is a list code of data/references.yaml, `doi`, `arxiv` or `url`.
Ref = Annotated[
    str, StringConstraints(pattern=r"^(doi:10\.\S+|arxiv:\S+|url:https?://[^\s<>\"{}|\\^`]+|[A-Z]+:\S.*)$")
]

DimensionCode = Literal["2D", "3D", "2D+t", "3D+t"]
Facet = Literal["modality", "anatomy", "task", "finding"]
Domain = Literal["medical", "natural", "natural-texture"]
FieldStatus = Literal["reported", "reportedNone", "notReported", "unknown", "notApplicable"]
AccessRoute = Literal["open", "registration", "application", "agreement", "credentialed", "closed", "unknown"]
AccessBasis = Literal["stated", "guessed-from-host", "none"]
Grade = Literal["stated", "unverified"]
Unit = Literal[
    "images", "volumes", "slides", "patches", "tiles", "rois", "videos", "frames", "scans", "exams", "segments",
    "cells", "patients", "subjects", "lesions", "studies", "samples", "unstated",
]  # fmt: skip
RelationKind = Literal[
    "derived-from", "subset-of", "part-of", "overlaps-with", "same-as", "synthetic-of", "companion-of"
]
Attribute = Literal[
    "image-size", "source-image-size", "spacing", "magnification", "file-format", "label-origin", "sex", "age",
    "country", "demographic-fields", "population-note", "author-country", "source-licence", "composition",
]  # fmt: skip

FACETS: tuple[Facet, ...] = ("modality", "anatomy", "task", "finding")


@dataclass(frozen=True)
class Term:
    """Name of a field in the ontology and how its value is written in RDF.

    `kind`: `literal`; `concept`, `entry` and `reference` are IRIs made from the value; `code` is the individual
    `wh:<prefix>-<value>` of a controlled list; `node` is a part with an IRI of its own. `shortcut` adds one
    direct triple from the entry to the part's concept or target, for queries that don't need the references.
    """

    name: str
    kind: Literal["literal", "concept", "entry", "reference", "code", "node", "uri"] = "literal"
    prefix: str = ""
    shortcut: str = ""


class Part(BaseModel):
    """Base of everything in an entry: frozen, nothing undeclared allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Referenced(Part):
    """A value with the references it rests on (at least one)."""

    refs: Annotated[tuple[Ref, ...], Term("reference", "reference")] = Field(
        min_length=1, title="References", description="What was read: list row, DOI, arXiv number or URL."
    )

    @field_validator("refs", "stated", mode="after", check_fields=False)
    @classmethod
    def _sorted(cls, value: object) -> object:
        """Sets are kept sorted, so that equal entries are equal texts."""
        return tuple(sorted(set(value))) if isinstance(value, tuple) else value


class Link(Part):
    """A web address of the dataset; not checked for life."""

    rdf_class: ClassVar = WH.Link
    url: Annotated[Url, Term("url", "uri")] = Field(title="Address")
    role: Annotated[Literal["home", "other", "paper"], Term("linkRole", "code", "link")] = Field(title="Role")


class ListRow(Part):
    """Where a public list speaks of the dataset, and under which name."""

    rdf_class: ClassVar = WH.ListRow
    ref: Annotated[Ref, Term("reference", "reference")] = Field(title="Row, as a reference")
    section: Annotated[Text | None, Term("listSection")] = Field(default=None, title="Section of the list")
    name: Annotated[Text | None, Term("nameInList")] = Field(default=None, title="Name in the list")


class Year(Referenced):
    """Year of release; several when references disagree."""

    rdf_class: ClassVar = WH.YearStatement
    value: Annotated[int, Term("year")] = Field(strict=True, ge=1895, le=2100, title="Year")


class Dimension(Referenced):
    """Spatial and temporal dimensions of one item."""

    rdf_class: ClassVar = WH.DimensionStatement
    value: Annotated[DimensionCode, Term("dimensionCode", "code", "dimension")] = Field(title="Dimension")


class ConceptTag(Referenced):
    """A concept of the ontology that a reference states for the dataset, with the reference's own words."""

    rdf_class: ClassVar = WH.ConceptStatement
    concept: Annotated[Slug, Term("concept", "concept")] = Field(title="Concept")
    stated: Annotated[tuple[Text, ...], Term("stated")] = Field(default=(), title="Words of the reference")


class RawTerm(Referenced):
    """Words of a reference that could not be mapped to a concept with certainty."""

    rdf_class: ClassVar = WH.UnmappedTerm
    facet: Annotated[Facet, Term("facet", "code", "facet")] = Field(title="Field of the list")
    stated: Annotated[Text, Term("stated")] = Field(title="Words of the reference")


class Count(Referenced):
    """How many of what, in which split."""

    rdf_class: ClassVar = WH.Count
    n: Annotated[int, Term("number")] = Field(strict=True, gt=0, title="Number")
    unit: Annotated[Unit, Term("unit", "code", "unit")] = Field(title="Unit of counting")
    split: Annotated[Text | None, Term("split")] = Field(
        default=None, title="Split", description="None: all."
    )
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note", description="As stated.")


class ClassLabel(Part):
    """One class of the label space, in the reference's order."""

    rdf_class: ClassVar = WH.ClassLabel
    name: Annotated[Text, Term("className")] = Field(title="Name as stated")


class ClassInventory(Referenced):
    """The classes that items are labelled with."""

    rdf_class: ClassVar = WH.ClassInventory
    n: Annotated[int | None, Term("number")] = Field(default=None, gt=0, title="Number of classes")
    names: Annotated[tuple[ClassLabel, ...], Term("hasClass", "node")] = Field(
        default=(), title="Class names"
    )

    @field_validator("names", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """Accept plain strings for names, as the YAML files write them."""
        if isinstance(value, list | tuple):
            return [{"name": item} if isinstance(item, str) else item for item in value]
        return value


class Access(Referenced):
    """How the data can be had; a basis other than `stated` is not a reading of terms."""

    rdf_class: ClassVar = WH.AccessStatement
    route: Annotated[AccessRoute, Term("accessRoute", "code", "access")] = Field(title="Route")
    basis: Annotated[AccessBasis, Term("accessBasis", "code", "access-basis")] = Field(title="Basis")
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


class Licence(Referenced):
    """Licence as a reference states it."""

    rdf_class: ClassVar = WH.LicenceStatement
    stated: Annotated[Text, Term("stated")] = Field(title="Words of the reference")
    spdx: Annotated[str | None, Term("spdxIdentifier")] = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.+-]+$",
        title="SPDX identifier",
        description="Where the words name one.",
    )


class Relation(Referenced):
    """What the dataset has to do with another one."""

    rdf_class: ClassVar = WH.RelationStatement
    kind: Annotated[RelationKind, Term("relationKind", "code", "relation")] = Field(title="Kind")
    target: Annotated[Slug | None, Term("target", "entry")] = Field(default=None, title="Entry")
    target_name: Annotated[Text | None, Term("targetName")] = Field(
        default=None, title="Name, without an entry"
    )
    grade: Annotated[Grade, Term("grade", "code", "grade")] = Field(default="stated", title="Grade")
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")

    @model_validator(mode="after")
    def _one_target(self) -> Relation:
        if (self.target is None) == (self.target_name is None):
            raise ValueError(
                "give either target (an entry id) or target_name (for a dataset without an entry)"
            )
        return self


class Fact(Referenced):
    """A property of form, labels or population, in the words of the reference."""

    rdf_class: ClassVar = WH.Fact
    attribute: Annotated[Attribute, Term("attribute", "code", "attribute")] = Field(title="Attribute")
    value: Annotated[Text, Term("stated")] = Field(title="Value as stated")
    grade: Annotated[Grade, Term("grade", "code", "grade")] = Field(default="stated", title="Grade")


class Labelled(Referenced):
    """Whether labels come with the data."""

    rdf_class: ClassVar = WH.LabelStatement
    value: Annotated[Literal["available", "not-available"], Term("labels", "code", "labels")] = Field(
        title="Labels available"
    )


class StatusNote(Part):
    """Why a field holds no value: one of the five statuses, for one field."""

    rdf_class: ClassVar = WH.StatusNote
    field: Annotated[Text, Term("fieldName")] = Field(title="Field")
    status: Annotated[FieldStatus, Term("fieldStatus", "code", "status")] = Field(title="Status")


class DatasetEntry(Part):
    """A dataset of the catalogue."""

    rdf_class: ClassVar = WH.ImagingDataset

    id: Slug = Field(title="Identifier", description="Never reused; also the name of the file.")
    name: Text = Field(title="Preferred name")
    aliases: Annotated[tuple[Text, ...], Term("alias")] = Field(default=(), title="Other names")
    description: Annotated[Text | None, Term("writtenDescription")] = Field(
        default=None, title="Written description", description="Ours; empty: rendered from the facts."
    )
    domain: Annotated[Domain, Term("imageDomain", "code", "domain")] = Field(title="Broad image family")
    content: Annotated[Literal["images", "images-and-text"], Term("content", "code", "content")] = Field(
        default="images", title="What the items are"
    )
    family: Annotated[Text | None, Term("family")] = Field(default=None, title="Series it belongs to")
    edition: Annotated[int | None, Term("edition")] = Field(
        default=None, ge=1990, le=2035, title="Edition in that series (year)"
    )
    challenge: Annotated[Text | None, Term("challenge")] = Field(default=None, title="Challenge")
    platforms: Annotated[tuple[Text, ...], Term("platform")] = Field(default=(), title="Hosting platforms")
    languages: Annotated[tuple[Text, ...], Term("language")] = Field(
        default=(), title="Languages of its texts"
    )
    links: Annotated[tuple[Link, ...], Term("hasLink", "node")] = Field(default=(), title="Links")
    papers: Annotated[tuple[Ref, ...], Term("paper", "reference")] = Field(default=(), title="Papers")
    years: Annotated[tuple[Year, ...], Term("hasYear", "node")] = Field(default=(), title="Year")
    dimensions: Annotated[tuple[Dimension, ...], Term("hasDimension", "node")] = Field(
        default=(), title="Dimension"
    )
    modality: Annotated[
        tuple[ConceptTag, ...], Term("modalityStatement", "node", shortcut="statedModality")
    ] = Field(default=(), title="Modality")
    anatomy: Annotated[tuple[ConceptTag, ...], Term("anatomyStatement", "node", shortcut="statedAnatomy")] = (
        Field(default=(), title="Anatomy")
    )
    task: Annotated[tuple[ConceptTag, ...], Term("taskStatement", "node", shortcut="statedTask")] = Field(
        default=(), title="Task"
    )
    finding: Annotated[tuple[ConceptTag, ...], Term("findingStatement", "node", shortcut="statedFinding")] = (
        Field(default=(), title="Finding")
    )
    unmapped: Annotated[tuple[RawTerm, ...], Term("hasUnmappedTerm", "node")] = Field(
        default=(), title="Terms not mapped", description="The visible work list of curation."
    )
    counts: Annotated[tuple[Count, ...], Term("hasCount", "node")] = Field(default=(), title="Counts")
    classes: Annotated[tuple[ClassInventory, ...], Term("hasClassInventory", "node")] = Field(
        default=(), title="Classes"
    )
    labelled: Annotated[tuple[Labelled, ...], Term("hasLabelStatement", "node")] = Field(
        default=(), title="Labels available"
    )
    access: Annotated[tuple[Access, ...], Term("hasAccess", "node")] = Field(default=(), title="Access")
    licences: Annotated[tuple[Licence, ...], Term("hasLicence", "node")] = Field(default=(), title="Licence")
    relations: Annotated[tuple[Relation, ...], Term("hasRelation", "node")] = Field(
        default=(), title="Relations"
    )
    facts: Annotated[tuple[Fact, ...], Term("hasFact", "node")] = Field(
        default=(), title="Form, labels and population, as stated"
    )
    field_status: Annotated[tuple[StatusNote, ...], Term("hasStatusNote", "node")] = Field(
        default=(), title="Status of fields without a value"
    )
    evidence_names: Annotated[tuple[Slug, ...], Term("evidenceName")] = Field(
        default=(), title="Names in the evidence", description="What the transfer studies on file call it."
    )
    rows: Annotated[tuple[ListRow, ...], Term("listedIn", "node")] = Field(
        default=(), title="Rows of public lists"
    )

    @field_validator("aliases", "platforms", "languages", "papers", "evidence_names", mode="after")
    @classmethod
    def _as_set(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Sets are kept sorted, so that equal entries are equal texts."""
        return tuple(sorted(set(value)))

    def tags(self, facet: Facet) -> tuple[ConceptTag, ...]:
        """Concepts stated for one facet."""
        value: tuple[ConceptTag, ...] = getattr(self, facet)
        return value

    def concepts(self, facet: Facet | None = None) -> tuple[str, ...]:
        """Ids of the concepts stated for one facet, or for all, each once, in the entry's order."""
        facets = FACETS if facet is None else (facet,)
        return tuple(dict.fromkeys(tag.concept for name in facets for tag in self.tags(name)))

    @property
    def url(self) -> str | None:
        """Home page, or the first other link that is not a paper."""
        by_role = {link.role: link.url for link in reversed(self.links)}
        return by_role.get("home") or by_role.get("other")

    def canonical_json(self) -> str:
        """One line of JSON that is equal for equal entries: declared order, defaults left out."""
        return self.model_dump_json(exclude_defaults=True)


def content_hash(entries: Iterable[DatasetEntry]) -> str:
    """SHA-256, in hex, over the canonical JSON of the entries in the order of their ids."""
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry.id):
        digest.update(entry.canonical_json().encode() + b"\n")
    return digest.hexdigest()
