"""Which fields of an entry hold a value, which carry a status instead, and which say nothing.

The fields are those of `StatusField`: one for each thing that a source-selection factor can be checked on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FieldStatus, StatusField


def _fact(*attributes: str) -> Callable[[DatasetEntry], bool]:
    return lambda entry: any(fact.attribute in attributes for fact in entry.facts)


def _count(*units: str) -> Callable[[DatasetEntry], bool]:
    return lambda entry: any(count.unit in units for count in entry.counts)


def _form(*names: str) -> Callable[[DatasetEntry], bool]:
    return lambda entry: any(getattr(form, name) for form in entry.form for name in names)


def _population(attribute: str) -> Callable[[DatasetEntry], bool]:
    return lambda entry: any(p.attribute == attribute for p in entry.population) or _fact(attribute)(entry)


#: Field → whether the entry has a value for it.
HAS_VALUE: dict[StatusField, Callable[[DatasetEntry], bool]] = {
    "years": lambda entry: bool(entry.years),
    "dimensions": lambda entry: bool(entry.dimensions),
    "modality": lambda entry: bool(entry.modality),
    "anatomy": lambda entry: bool(entry.anatomy),
    "task": lambda entry: bool(entry.task),
    "finding": lambda entry: bool(entry.finding),
    "counts": lambda entry: bool(entry.counts),
    "counts.patients": _count("patients", "subjects"),
    "counts.sites": _count("sites"),
    "classes": lambda entry: bool(entry.classes),
    "classes.counts": lambda entry: any(
        c.n is not None for inventory in entry.classes for c in inventory.names
    ),
    "labelling": lambda entry: bool(entry.labelling),
    "labelling.annotators": lambda entry: any(item.annotators for item in entry.labelling),
    "labelling.agreement": lambda entry: any(item.agreement for item in entry.labelling),
    "form.size": lambda entry: _form("width", "height", "depth")(entry) or _fact("image-size")(entry),
    "form.channels": _form("channels"),
    "form.spacing": lambda entry: (
        _form("pixel_mm", "slice_mm", "magnification")(entry) or _fact("spacing", "magnification")(entry)
    ),
    "form.bit-depth": _form("bit_depth"),
    "form.formats": lambda entry: _form("formats")(entry) or _fact("file-format")(entry),
    "issues": lambda entry: bool(entry.issues),
    "splits": lambda entry: bool(entry.splits),
    "splits.unit": lambda entry: any(split.unit for split in entry.splits),
    "versions": lambda entry: bool(entry.versions),
    "relations": lambda entry: bool(entry.relations),
    "weights": lambda entry: bool(entry.weights),
    "access": lambda entry: any(access.basis == "stated" for access in entry.access),
    "licences": lambda entry: bool(entry.licences),
    "licences.permissions": lambda entry: any(item.spdx or item.commercial for item in entry.licences),
    "maintenance": lambda entry: bool(entry.maintenance),
    "population.sex": _population("sex"),
    "population.age": _population("age"),
    "population.ethnicity": _population("ethnicity"),
    "population.skin-tone": _population("skin-tone"),
    "population.country": _population("country"),
    "consent": _fact("consent"),
    "ethics-approval": _fact("ethics-approval"),
    "deidentification": _fact("deidentification"),
    "known-bias": lambda entry: any(issue.kind == "bias" for issue in entry.issues),
    "device": _fact("device", "protocol"),
    "sites": _fact("site-names", "care-setting"),
}
FIELDS: tuple[StatusField, ...] = get_args(StatusField)


def field_states(entry: DatasetEntry) -> dict[StatusField, FieldStatus | None]:
    """For each field `reported` where it holds a value, else its status, or None where nothing is said."""
    noted = {field: note.status for note in entry.field_status for field in note.fields}
    return {field: "reported" if HAS_VALUE[field](entry) else noted.get(field) for field in FIELDS}


def silent_fields(entry: DatasetEntry) -> list[StatusField]:
    """Fields with neither value nor status."""
    return [field for field, state in field_states(entry).items() if state is None]


def contradicted_fields(entry: DatasetEntry) -> list[StatusField]:
    """Fields that hold a value although a status says that there is none."""
    return [
        field
        for note in entry.field_status
        for field in note.fields
        if note.status != "reported" and HAS_VALUE[field](entry)
    ]


def is_gold(entry: DatasetEntry) -> bool:
    """Whether the entry has a written description, and every field a value or a status."""
    return entry.description is not None and not silent_fields(entry)
