"""The one shape of a dataset record: `DatasetEntry`, of which YAML, JSON and RDF are renderings.

A field that is empty is *unknown (not checked)* unless `field_status` says more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from kb.knowledge.entry_base import FACETS, Domain, Facet, Part, Ref, Slug, Term, Text
from kb.knowledge.entry_parts import (
    Access,
    ClassInventory,
    ConceptTag,
    Count,
    Dimension,
    Fact,
    Form,
    KnownIssue,
    Labelled,
    Labelling,
    Licence,
    Link,
    ListRow,
    Maintenance,
    PopulationShare,
    RawTerm,
    Relation,
    Splitting,
    StatusNote,
    Version,
    Weights,
    Year,
)
from kb.knowledge.names import WH


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
    identifiers: Annotated[tuple[Ref, ...], Term("persistentIdentifier", "reference")] = Field(
        default=(), title="Persistent identifiers of the data"
    )
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
    labelling: Annotated[tuple[Labelling, ...], Term("hasLabelling", "node")] = Field(
        default=(), title="How labels came about"
    )
    form: Annotated[tuple[Form, ...], Term("hasForm", "node")] = Field(default=(), title="Form of one item")
    splits: Annotated[tuple[Splitting, ...], Term("hasSplitting", "node")] = Field(default=(), title="Splits")
    population: Annotated[tuple[PopulationShare, ...], Term("hasPopulationShare", "node")] = Field(
        default=(), title="Population"
    )
    issues: Annotated[tuple[KnownIssue, ...], Term("hasIssue", "node")] = Field(
        default=(), title="Known issues"
    )
    versions: Annotated[tuple[Version, ...], Term("hasVersion", "node")] = Field(default=(), title="Versions")
    weights: Annotated[tuple[Weights, ...], Term("hasWeights", "node")] = Field(
        default=(), title="Pretrained weights"
    )
    maintenance: Annotated[tuple[Maintenance, ...], Term("hasMaintenance", "node")] = Field(
        default=(), title="Maintenance"
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

    @field_validator(
        "aliases", "platforms", "languages", "papers", "identifiers", "evidence_names", mode="after"
    )
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
