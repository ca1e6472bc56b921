"""The parts that an entry is made of: one class for each kind of statement about a dataset.

Every value carries `refs`, the references it rests on; `stated` keeps the words of the reference where the
value is our reading of them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from kb.knowledge.entry_base import (
    AccessBasis,
    AccessRoute,
    Attribute,
    DimensionCode,
    Facet,
    FieldStatus,
    Grade,
    IsoDate,
    IssueKind,
    LabelMethod,
    MaintenanceStatus,
    Objective,
    Part,
    Permission,
    PopulationAttribute,
    Ref,
    Referenced,
    RelationKind,
    Rule,
    Slug,
    SplitUnit,
    StatusField,
    Term,
    Text,
    Unit,
    Url,
)
from kb.knowledge.names import WH


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
    concept: Annotated[Slug | None, Term("concept", "concept")] = Field(
        default=None, title="Finding it means"
    )
    n: Annotated[int | None, Term("number")] = Field(
        default=None, strict=True, ge=0, title="Number of items", description="Over all splits."
    )


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
    rules: ClassVar = (
        Rule(
            "not-both",
            ("spdx", "commercial", "derivatives", "redistribution"),
            "leave out the permissions where spdx is given: the SPDX licence settles them",
        ),
    )
    stated: Annotated[Text, Term("stated")] = Field(title="Words of the reference")
    spdx: Annotated[str | None, Term("spdxIdentifier")] = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.+-]+$",
        title="SPDX identifier",
        description="Where the words name one.",
    )
    commercial: Annotated[Permission | None, Term("permitsCommercialUse", "code", "permission")] = Field(
        default=None,
        title="Commercial use",
        description="Only where the terms differ from the SPDX licence, or have none.",
    )
    derivatives: Annotated[Permission | None, Term("permitsDerivatives", "code", "permission")] = Field(
        default=None, title="Derivatives"
    )
    redistribution: Annotated[Permission | None, Term("permitsRedistribution", "code", "permission")] = Field(
        default=None, title="Redistribution"
    )


class Relation(Referenced):
    """What the dataset has to do with another one."""

    rdf_class: ClassVar = WH.RelationStatement
    rules: ClassVar = (
        Rule(
            "exactly-one",
            ("target", "target_name"),
            "give either target (an entry id) or target_name (for a dataset without an entry)",
        ),
    )
    kind: Annotated[RelationKind, Term("relationKind", "code", "relation")] = Field(title="Kind")
    target: Annotated[Slug | None, Term("target", "entry")] = Field(default=None, title="Entry")
    target_name: Annotated[Text | None, Term("targetName")] = Field(
        default=None, title="Name, without an entry"
    )
    grade: Annotated[Grade, Term("grade", "code", "grade")] = Field(default="stated", title="Grade")
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


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


class Splitting(Referenced):
    """How the data are divided for training and testing; sizes stand with the counts."""

    rdf_class: ClassVar = WH.Splitting
    kind: Annotated[Literal["official", "suggested", "none"], Term("splitKind", "code", "split-kind")] = (
        Field(title="Kind")
    )
    unit: Annotated[SplitUnit | None, Term("splitsBy", "code", "split-unit")] = Field(
        default=None, title="Unit kept together", description="None: the reference does not say."
    )
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


class Labelling(Referenced):
    """How labels came about."""

    rdf_class: ClassVar = WH.Labelling
    method: Annotated[LabelMethod, Term("labelMethod", "code", "label-method")] = Field(title="Method")
    annotators: Annotated[int | None, Term("annotatorCount")] = Field(
        default=None, strict=True, gt=0, title="Annotators for one item"
    )
    expertise: Annotated[Text | None, Term("annotatorExpertise")] = Field(default=None, title="Who they were")
    agreement: Annotated[Text | None, Term("annotatorAgreement")] = Field(default=None, title="Agreement")
    uncertain: Annotated[Text | None, Term("uncertainLabelPolicy")] = Field(
        default=None, title="What became of uncertain labels"
    )
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


class Form(Referenced):
    """Array form of one item, as released or as it was before (source)."""

    rdf_class: ClassVar = WH.Form
    rules: ClassVar = (
        Rule(
            "at-least-one",
            (
                "width",
                "height",
                "depth",
                "channels",
                "bit_depth",
                "pixel_mm",
                "slice_mm",
                "magnification",
                "formats",
                "note",
            ),
            "a form says nothing: give a size, channels, bit depth, spacing, format or note",
        ),
    )
    stage: Annotated[Literal["released", "source"], Term("formStage", "code", "form-stage")] = Field(
        default="released", title="Stage"
    )
    width: Annotated[int | None, Term("width")] = Field(
        default=None, strict=True, gt=0, title="Width in pixels"
    )
    height: Annotated[int | None, Term("height")] = Field(
        default=None, strict=True, gt=0, title="Height in pixels"
    )
    depth: Annotated[int | None, Term("depth")] = Field(
        default=None, strict=True, gt=0, title="Slices or frames"
    )
    channels: Annotated[int | None, Term("channels")] = Field(
        default=None, strict=True, gt=0, title="Channels"
    )
    bit_depth: Annotated[int | None, Term("bitDepth")] = Field(
        default=None, strict=True, gt=0, le=64, title="Bits for one channel"
    )
    pixel_mm: Annotated[float | None, Term("pixelSpacing")] = Field(
        default=None, gt=0, allow_inf_nan=False, title="Pixel spacing in millimetres"
    )
    slice_mm: Annotated[float | None, Term("sliceSpacing")] = Field(
        default=None, gt=0, allow_inf_nan=False, title="Slice spacing in millimetres"
    )
    magnification: Annotated[float | None, Term("magnification")] = Field(
        default=None, gt=0, allow_inf_nan=False, title="Optical magnification"
    )
    formats: Annotated[tuple[Text, ...], Term("fileFormat")] = Field(default=(), title="File formats")
    note: Annotated[Text | None, Term("note")] = Field(
        default=None, title="Note", description="Such as: varies."
    )

    @field_validator("formats", mode="after")
    @classmethod
    def _as_set(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Sets are kept sorted, so that equal entries are equal texts."""
        return tuple(sorted(set(value)))


class KnownIssue(Referenced):
    """A documented defect, artefact or bias of the data."""

    rdf_class: ClassVar = WH.KnownIssue
    kind: Annotated[IssueKind, Term("issueKind", "code", "issue")] = Field(title="Kind")
    note: Annotated[Text, Term("note")] = Field(title="What is known, in our words")


class Version(Referenced):
    """A released version of the data."""

    rdf_class: ClassVar = WH.Version
    name: Annotated[Text, Term("versionName")] = Field(title="Version")
    year: Annotated[int | None, Term("year")] = Field(
        default=None, strict=True, ge=1895, le=2100, title="Year"
    )
    change: Annotated[Text | None, Term("note")] = Field(default=None, title="What changed")


class Weights(Referenced):
    """Downloadable weights of a network that was trained on the dataset; their licence is their own."""

    rdf_class: ClassVar = WH.DownloadableWeights
    architecture: Annotated[Text, Term("usesArchitecture")] = Field(title="Architecture")
    objective: Annotated[Objective, Term("pretrainingObjective", "code", "objective")] = Field(
        title="Objective"
    )
    url: Annotated[Url, Term("weightsAddress", "uri")] = Field(title="Address")
    framework: Annotated[Text | None, Term("framework")] = Field(default=None, title="Framework")
    input_size: Annotated[Text | None, Term("inputSize")] = Field(default=None, title="Input size")
    channel_order: Annotated[Text | None, Term("channelOrder")] = Field(default=None, title="Channel order")
    normalisation: Annotated[Text | None, Term("inputNormalisation")] = Field(
        default=None, title="Scaling of pixel values"
    )
    started_from: Annotated[Slug | None, Term("startedFrom", "entry")] = Field(
        default=None, title="Entry whose weights it started from"
    )
    licence: Annotated[Text | None, Term("weightsLicence")] = Field(
        default=None, title="Licence of the weights", description="None: not stated where the weights are."
    )


class Maintenance(Referenced):
    """Whether anybody looks after the data."""

    rdf_class: ClassVar = WH.Maintenance
    status: Annotated[MaintenanceStatus, Term("maintenanceStatus", "code", "maintenance")] = Field(
        title="Status"
    )
    by: Annotated[Text | None, Term("maintainer")] = Field(default=None, title="Who")
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


class PopulationShare(Referenced):
    """How many of the people imaged belong to one group."""

    rdf_class: ClassVar = WH.PopulationShare
    rules: ClassVar = (Rule("at-least-one", ("percent", "n"), "give percent or n (words alone go to facts)"),)
    attribute: Annotated[PopulationAttribute, Term("populationAttribute", "code", "population")] = Field(
        title="Attribute"
    )
    group: Annotated[Text, Term("populationGroup")] = Field(title="Group as stated")
    percent: Annotated[float | None, Term("percent")] = Field(
        default=None, ge=0, le=100, allow_inf_nan=False, title="Share in percent"
    )
    n: Annotated[int | None, Term("number")] = Field(default=None, strict=True, ge=0, title="Number")
    unit: Annotated[Unit | None, Term("unit", "code", "unit")] = Field(default=None, title="Of what")
    note: Annotated[Text | None, Term("note")] = Field(default=None, title="Note")


class StatusNote(Part):
    """Why fields hold no value: one of the five statuses for each of them."""

    rdf_class: ClassVar = WH.EntryStatusNote
    status: Annotated[FieldStatus, Term("fieldStatus", "code", "status")] = Field(title="Status")
    fields: Annotated[tuple[StatusField, ...], Term("fieldName")] = Field(min_length=1, title="Fields")
    refs: Annotated[tuple[Ref, ...], Term("reference", "reference")] = Field(
        default=(), title="References", description="What was read and did not say."
    )
    checked: Annotated[IsoDate | None, Term("dateChecked", "date")] = Field(
        default=None, title="Date checked"
    )

    @field_validator("refs", "fields", mode="after")
    @classmethod
    def _sorted(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Sets are kept sorted, so that equal entries are equal texts."""
        return tuple(sorted(set(value)))
