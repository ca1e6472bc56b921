"""What the parts of an entry are built on: forms of text, controlled lists, and how a field is named in RDF.

`Term` says how a field is named in the ontology, so that RDF and SHACL follow from the model (`entry_rdf`,
`entry_shapes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

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
#: How a value came from its references; none: taken over from the row of a list.
Extraction = Literal["read", "common-knowledge", "inferred", "computed"]
IsoDate = Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Permission = Literal["yes", "no", "conditional", "unknown"]
SplitUnit = Literal["patient", "study", "slide", "volume", "video", "image", "slice", "patch", "site", "time"]
LabelMethod = Literal[
    "expert-reading", "consensus-reading", "pathology-confirmed", "follow-up-confirmed", "report-mining",
    "model-assisted", "algorithm", "crowd", "non-expert", "metadata", "simulation", "mixed",
]  # fmt: skip
IssueKind = Literal[
    "artefact", "shortcut", "label-noise", "near-duplicates", "leakage", "missing-data", "bias", "withdrawn-items",
    "other",
]  # fmt: skip
Objective = Literal["supervised", "self-supervised", "image-text", "multi-task", "other"]
MaintenanceStatus = Literal["active", "static", "superseded", "deprecated", "withdrawn"]
PopulationAttribute = Literal["sex", "age", "ethnicity", "skin-tone", "country", "severity"]
#: Fields that can be without a value, each for one of the five reasons; dotted where a part of a field is meant.
StatusField = Literal[
    "years", "dimensions", "modality", "anatomy", "task", "finding", "counts", "counts.patients", "counts.sites",
    "classes", "classes.counts", "labelling", "labelling.annotators", "labelling.agreement", "form.size",
    "form.channels", "form.spacing", "form.bit-depth", "form.formats", "issues", "splits", "splits.unit", "versions",
    "relations", "weights", "access", "licences", "licences.permissions", "maintenance", "population.sex",
    "population.age", "population.ethnicity", "population.skin-tone", "population.country", "consent",
    "ethics-approval", "deidentification", "known-bias", "device", "sites",
]  # fmt: skip
Unit = Literal[
    "images", "volumes", "slides", "patches", "tiles", "rois", "videos", "frames", "scans", "exams", "segments",
    "cells", "patients", "subjects", "lesions", "studies", "samples", "sites", "unstated",
]  # fmt: skip
RelationKind = Literal[
    "derived-from", "subset-of", "part-of", "overlaps-with", "same-as", "synthetic-of", "companion-of"
]
Attribute = Literal[
    "image-size", "source-image-size", "spacing", "magnification", "file-format", "label-origin", "sex", "age",
    "country", "demographic-fields", "population-note", "author-country", "source-licence", "composition",
    "ethnicity", "skin-tone", "consent", "ethics-approval", "deidentification", "device", "protocol", "care-setting",
    "site-names", "inclusion-criteria", "data-use-terms", "storage-size", "annotator-terms", "citation-count",
]  # fmt: skip

FACETS: tuple[Facet, ...] = ("modality", "anatomy", "task", "finding")


@dataclass(frozen=True)
class Term:
    """Name of a field in the ontology and how its value is written in RDF.

    `kind`: `literal`; `concept`, `entry` and `reference` are IRIs made from the value; `code` is the individual
    `wh:<prefix>-<value>` of a controlled list; `node` is a part with an IRI of its own; `date` is midnight UTC. `shortcut` adds one
    direct triple from the entry to the part's concept or target, for queries that don't need the references.
    """

    name: str
    kind: Literal["literal", "concept", "entry", "reference", "code", "node", "uri", "date"] = "literal"
    prefix: str = ""
    shortcut: str = ""


@dataclass(frozen=True)
class Rule:
    """A condition on several fields of one part, checked by pydantic and written out as SHACL (`entry_shapes`).

    `exactly-one` and `at-least-one` are about `fields`; `not-both`: where the first field has a value, none of the
    others has one.
    """

    kind: Literal["exactly-one", "at-least-one", "not-both"]
    fields: tuple[str, ...]
    message: str

    def holds(self, given: int, first: bool) -> bool:
        """Whether the condition holds when `given` of the fields have values, the first one or not."""
        if self.kind == "exactly-one":
            return given == 1
        return given >= 1 if self.kind == "at-least-one" else not first or given == 1


class Part(BaseModel):
    """Base of everything in an entry: frozen, nothing undeclared allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _rules_hold(self) -> Part:
        for rule in self.rules:
            given = [getattr(self, name) not in (None, ()) for name in rule.fields]
            if not rule.holds(sum(given), given[0]):
                raise ValueError(rule.message)
        return self


class Referenced(Part):
    """A value with the references it rests on (at least one)."""

    refs: Annotated[tuple[Ref, ...], Term("reference", "reference")] = Field(
        min_length=1, title="References", description="What was read: list row, DOI, arXiv number or URL."
    )
    checked: Annotated[IsoDate | None, Term("dateChecked", "date")] = Field(
        default=None, title="Date checked", description="When the references were last read for this value."
    )
    extraction: Annotated[Extraction | None, Term("extraction", "code", "extraction")] = Field(
        default=None, title="How it was found", description="None: taken over from a list's row."
    )

    @field_validator("refs", "stated", mode="after", check_fields=False)
    @classmethod
    def _sorted(cls, value: object) -> object:
        """Sets are kept sorted, so that equal entries are equal texts."""
        return tuple(sorted(set(value))) if isinstance(value, tuple) else value
