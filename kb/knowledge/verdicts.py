"""Whether an entry meets a condition, by which fact and which reference: it holds, fails, or nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Facet
from kb.knowledge.entry_parts import Count, Licence
from kb.knowledge.interpretation import Constraint, ConstraintKind

Status = Literal["holds", "fails", "unknown"]
_PEOPLE = ("patients", "subjects")
_CLOSED: dict[bool, Status] = {True: "holds", False: "fails"}


class Verdict(BaseModel):
    """One condition held against one entry."""

    model_config = ConfigDict(frozen=True)

    condition: str
    status: Status
    fact: str = Field(description="What the entry says, or that it says nothing.")
    refs: tuple[str, ...] = Field(default=(), description="References the fact rests on.")


_Judged = tuple[Status, str, tuple[str, ...]]


def judge(
    entry: DatasetEntry, constraint: Constraint, entailed: frozenset[str], facets: Mapping[str, Facet]
) -> Verdict:
    """Hold a condition against an entry.

    `entailed`: concepts that the entry states or that follow; `facets`: facet of each concept.
    """
    status, fact, refs = _judged(entry, constraint, entailed, facets)
    return Verdict(condition=constraint.said, status=status, fact=fact, refs=refs)


def status_of(
    entry: DatasetEntry, constraint: Constraint, entailed: frozenset[str], facets: Mapping[str, Facet]
) -> Status:
    """The verdict alone, for going through all entries."""
    return _judged(entry, constraint, entailed, facets)[0]


def _judged(
    entry: DatasetEntry, constraint: Constraint, entailed: frozenset[str], facets: Mapping[str, Facet]
) -> _Judged:
    if constraint.kind == "concept":
        status, fact, refs = _concept(entry, constraint, entailed, facets)
    else:
        status, fact, refs = _JUDGES[constraint.kind](entry, constraint)
    if constraint.negated and status != "unknown":
        status = "fails" if status == "holds" else "holds"
    return status, fact, refs


def _concept(
    entry: DatasetEntry, constraint: Constraint, entailed: frozenset[str], facets: Mapping[str, Facet]
) -> _Judged:
    held = [concept for concept in constraint.values if concept in entailed]
    tags = (*entry.modality, *entry.anatomy, *entry.task, *entry.finding)
    if held:
        refs = tuple(ref for tag in tags if tag.concept in held for ref in tag.refs)
        return "holds", f"states {', '.join(held)} or something narrower", refs
    silent = all(not entry.concepts(facets[concept]) for concept in constraint.values)
    if silent:
        return "unknown", "the field is silent", ()
    return "fails", f"does not state {', '.join(constraint.values)}", ()


def whole_counts(entry: DatasetEntry, *, people: bool) -> list[Count]:
    """Counts of the whole dataset, of people or of anything else; sums over the splits where only those are known."""
    counts = [count for count in entry.counts if (count.unit in _PEOPLE) == people and count.unit != "sites"]
    if whole := [count for count in counts if count.split is None]:
        return whole
    sums: dict[str, Count] = {}
    for count in counts:
        before = sums.get(count.unit)
        n = count.n + (before.n if before else 0)
        refs = tuple(dict.fromkeys((*(before.refs if before else ()), *count.refs)))
        sums[count.unit] = count.model_copy(update={"n": n, "split": None, "refs": refs})
    return list(sums.values())


def _within(value: int, constraint: Constraint) -> bool:
    return (constraint.minimum is None or value >= constraint.minimum) and (
        constraint.maximum is None or value <= constraint.maximum
    )


def _counted(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    counts = whole_counts(entry, people=constraint.kind == "patients")
    if not counts:
        return "unknown", "no such count is known", ()
    largest = max(counts, key=lambda count: count.n)
    return _CLOSED[_within(largest.n, constraint)], f"{largest.n:,} {largest.unit}", largest.refs


def _year(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    if not entry.years:
        return "unknown", "no year is known", ()
    latest = max(entry.years, key=lambda year: year.value)
    return _CLOSED[_within(latest.value, constraint)], f"released {latest.value}", latest.refs


def _classes(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    sized = [(inventory.n or len(inventory.names), inventory) for inventory in entry.classes]
    sized = [(n, inventory) for n, inventory in sized if n]
    if not sized:
        return "unknown", "the number of classes is not known", ()
    n, inventory = max(sized, key=lambda item: item[0])
    return _CLOSED[_within(n, constraint)], f"{n} classes", inventory.refs


def _dimension(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    if not entry.dimensions:
        return "unknown", "its dimension is not known", ()
    held = [one for one in entry.dimensions if one.value in constraint.values]
    shown = held or list(entry.dimensions)
    return _CLOSED[bool(held)], ", ".join(one.value for one in shown), shown[0].refs


def _labels(entry: DatasetEntry, _: Constraint) -> _Judged:
    if not entry.labelled:
        return "unknown", "whether it has labels is not known", ()
    values = {one.value for one in entry.labelled}
    available = "available" in values
    return _CLOSED[available], f"labels {', '.join(sorted(values))}", entry.labelled[0].refs


def permission(licence: Licence, name: str) -> Status:
    """What a licence says to one of commercial, derivatives, redistribution."""
    stated = getattr(licence, name, None)
    if stated in ("yes", "no"):
        return _CLOSED[stated == "yes"]
    if licence.spdx is None:
        return "unknown"
    forbidden = {"commercial": "-NC", "derivatives": "-ND"}.get(name)
    return _CLOSED[forbidden is None or forbidden not in licence.spdx]


def _permission(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    for licence in entry.licences:
        found = {permission(licence, name) for name in constraint.values}
        if "fails" in found:
            return "fails", f"licence: {licence.stated}", licence.refs
        if found == {"holds"}:
            return "holds", f"licence: {licence.stated}", licence.refs
    return "unknown", "no licence is known, or it does not say", ()


def _licence(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    if not entry.licences:
        return "unknown", "no licence is known", ()
    for licence in entry.licences:
        said = (licence.spdx or licence.stated).upper().replace(" ", "-")
        if any(said.startswith(value.upper()) for value in constraint.values):
            return "holds", f"licence: {licence.stated}", licence.refs
    return "fails", f"licence: {entry.licences[0].stated}", entry.licences[0].refs


def _access(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    known = [access for access in entry.access if access.route != "unknown"]
    known = [access for access in known if access.basis == "stated"] or known
    if not known:
        return "unknown", "how to get it is not known", ()
    held = [access for access in known if access.route in constraint.values]
    shown = held or known
    return _CLOSED[bool(held)], f"access: {shown[0].route} ({shown[0].basis})", shown[0].refs


def _reports(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    for attribute in constraint.values:
        parts: Iterable[tuple[str, tuple[str, ...]]] = (
            *((share.attribute, share.refs) for share in entry.population),
            *((fact.attribute, fact.refs) for fact in entry.facts),
        )
        for name, refs in parts:
            if name == attribute:
                return "holds", f"reports {attribute}", refs
    fields = {f"population.{attribute}" for attribute in constraint.values}
    for note in entry.field_status:
        if note.status in ("notReported", "reportedNone", "notApplicable") and fields <= set(note.fields):
            return "fails", f"{', '.join(sorted(fields))}: {note.status}", note.refs
    return "unknown", "not checked", ()


def _weights(entry: DatasetEntry, _: Constraint) -> _Judged:
    if entry.weights:
        return "holds", f"{len(entry.weights)} pretrained weights listed", entry.weights[0].refs
    return "unknown", "no weights are listed", ()


def _evidence(entry: DatasetEntry, _: Constraint) -> _Judged:
    return _CLOSED[bool(entry.evidence_names)], ", ".join(entry.evidence_names) or "not in any study here", ()


def _domain(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    return _CLOSED[entry.domain in constraint.values], f"{entry.domain} images", ()


def _platform(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    if not entry.platforms:
        return "unknown", "no platform is known", ()
    wanted = {value.casefold() for value in constraint.values}
    return _CLOSED[any(p.casefold() in wanted for p in entry.platforms)], ", ".join(entry.platforms), ()


def _dataset(entry: DatasetEntry, constraint: Constraint) -> _Judged:
    return _CLOSED[entry.id in constraint.values], f"is {entry.id}", ()


_JUDGES: dict[ConstraintKind, Callable[[DatasetEntry, Constraint], _Judged]] = {
    "items": _counted,
    "patients": _counted,
    "year": _year,
    "classes": _classes,
    "dimension": _dimension,
    "labels": _labels,
    "permission": _permission,
    "licence": _licence,
    "access": _access,
    "reports": _reports,
    "weights": _weights,
    "evidence": _evidence,
    "domain": _domain,
    "platform": _platform,
    "dataset": _dataset,
}
