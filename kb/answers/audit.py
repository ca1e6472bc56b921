"""How complete and how doubtful the catalogue is, field by field, and what to curate next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from kb.answers.build import data_version
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.coverage import FIELDS, field_states, is_gold
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.studies import read_studies
from kb.knowledge.study import Study
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings

#: Counts of one unit and split that differ by more than this factor are held to be of different things.
DISAGREE = 1.5
#: Public image collections for learning are younger than this.
EARLIEST = 1985
_STATES = ("reported", "reportedNone", "notReported", "notApplicable", "unknown", None)


class FieldCoverage(BaseModel):
    """For one field how many entries hold a value, a status, or nothing."""

    model_config = ConfigDict(frozen=True)

    field: str
    reported: int
    status: int
    unknown: int
    silent: int


class Next(BaseModel):
    """An entry worth curating: how many records and lists speak of it, and how many fields are open."""

    model_config = ConfigDict(frozen=True)

    id: str
    records: int
    lists: int
    open_fields: int


class Audit(BaseModel):
    """State of the catalogue at one data version."""

    model_config = ConfigDict(frozen=True)

    data_version: str
    entries: int
    gold: int
    described: int
    values: int
    references: int
    all_entries: tuple[FieldCoverage, ...]
    gold_entries: tuple[FieldCoverage, ...]
    groups: dict[str, tuple[int, int]]
    unmapped: dict[str, int]
    conflicts: tuple[str, ...]
    suspicious: tuple[str, ...]
    curate_next: tuple[Next, ...]
    studies: int
    outcomes: int
    differences: int
    assessments: int
    estimates: int


def audit(settings: Settings) -> Audit:
    """Audit the files that the settings name.

    Raises `InvalidFile` at the first broken file.
    """
    ontology = load_ontology(settings.ontology)
    vocabulary = Vocabulary.from_graph(ontology)
    entries = read_catalogue(settings.datasets, vocabulary)
    studies = read_studies(settings.data / "evidence", entries, ontology)
    gold = [entry for entry in entries.values() if is_gold(entry)]
    cited = [
        refs for entry in entries.values() for refs in _references(entry.model_dump(exclude={"field_status"}))
    ]
    return Audit(
        data_version=data_version(entries),
        entries=len(entries),
        gold=len(gold),
        described=sum(entry.description is not None for entry in entries.values()),
        values=len(cited),
        references=len({ref for refs in cited for ref in refs}),
        all_entries=tuple(_coverage(entries.values())),
        gold_entries=tuple(_coverage(gold)),
        groups=_groups(entries.values(), vocabulary),
        unmapped={
            facet: sum(term.facet == facet for entry in entries.values() for term in entry.unmapped)
            for facet in FACETS
        },
        conflicts=tuple(sorted(text for entry in entries.values() for text in conflicts(entry))),
        suspicious=tuple(sorted(text for entry in entries.values() for text in suspicious(entry))),
        curate_next=tuple(_next(entries, studies)),
        studies=len(studies),
        outcomes=sum(not outcome.is_difference for study in studies for outcome in study.outcomes),
        differences=sum(outcome.is_difference for study in studies for outcome in study.outcomes),
        assessments=sum(len(rating.values) for study in studies for rating in study.ratings),
        estimates=sum(len(row) for study in studies for block in study.estimates for row in block.values.values()),
    )  # fmt: skip


def _references(value: object) -> Iterator[tuple[str, ...]]:
    """The references of every value that has some."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "refs":
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)


def _coverage(entries: Iterable[DatasetEntry]) -> Iterator[FieldCoverage]:
    states = [field_states(entry) for entry in entries]
    for field in FIELDS:
        found = Counter(state[field] for state in states)
        yield FieldCoverage(
            field=field,
            reported=found["reported"],
            status=found["reportedNone"] + found["notReported"] + found["notApplicable"],
            unknown=found["unknown"],
            silent=found[None],
        )


def _groups(entries: Iterable[DatasetEntry], vocabulary: Vocabulary) -> dict[str, tuple[int, int]]:
    """Modality just below the root → (entries, of them gold)."""
    roots = {c.id for c in vocabulary if c.facet == "modality" and not c.parents}
    tops = [c.id for c in vocabulary if c.facet == "modality" and c.parents and set(c.parents) <= roots]
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        held = vocabulary.entailed_by(entry.concepts("modality"))
        for top in tops:
            if top in held:
                count, gold = found.get(vocabulary[top].label, (0, 0))
                found[vocabulary[top].label] = (count + 1, gold + is_gold(entry))
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def conflicts(entry: DatasetEntry) -> Iterator[str]:
    """References that disagree about one thing: years by more than one, counts by more than `DISAGREE`."""
    years = [year.value for year in entry.years]
    if years and max(years) - min(years) > 1:
        yield f"{entry.id}: years: {', '.join(map(str, sorted(set(years))))}"

    def key(count: object) -> tuple[str, str]:
        return count.unit, count.split or ""  # type: ignore[attr-defined]

    for (unit, split), group in groupby(sorted(entry.counts, key=key), key=key):
        numbers = sorted({count.n for count in group if count.note is None})
        if unit != "unstated" and numbers and numbers[-1] > DISAGREE * numbers[0]:
            where = f" ({split})" if split else ""
            yield f"{entry.id}: counts: {', '.join(f'{n:,}' for n in numbers)} {unit}{where}"


def suspicious(entry: DatasetEntry) -> Iterator[str]:
    """Figures that want a second look."""
    for year in entry.years:
        if year.value < EARLIEST:
            yield f"{entry.id}: years: {year.value} is before {EARLIEST}"
    if entry.counts and all(count.unit == "unstated" for count in entry.counts):
        yield f"{entry.id}: counts: no unit is stated"
    for inventory in entry.classes:
        if inventory.n is not None and inventory.names and inventory.n != len(inventory.names):
            yield f"{entry.id}: classes: {inventory.n} stated, {len(inventory.names)} named"


def _next(entries: Mapping[str, DatasetEntry], studies: Iterable[Study], most: int = 25) -> list[Next]:
    """Entries that are not gold, by how many answers rest on them: records of evidence first, then lists."""
    records: Counter[str] = Counter()
    for study in studies:
        datasets = {model.id: model.datasets for model in study.models}
        targets = {target.id: target.dataset for target in study.targets}
        for outcome in study.outcomes:
            used = {*datasets.get(outcome.source, ()), targets[outcome.target]}
            records.update(dataset for dataset in used if dataset is not None)
    found = [
        Next(
            id=entry.id,
            records=records[entry.id],
            lists=len(entry.rows),
            open_fields=sum(state in (None, "unknown") for state in field_states(entry).values()),
        )
        for entry in entries.values()
        if not is_gold(entry)
    ]
    return sorted(found, key=lambda item: (-item.records, -item.lists, -item.open_fields, item.id))[:most]


def as_markdown(found: Audit) -> str:
    """The audit as `data/README.md`."""
    lines = [
        "# The catalogue",
        "",
        "One file for each dataset in `datasets/`, one for each study in `evidence/`; wordings of similarity in `phrases/`;",
        "how words of the lists were mapped in `terms/`; the lists themselves in `references.yaml`.",
        "",
        "This page is written by `whence audit --write`; a test holds it against the files.",
        "",
        f"- {found.entries:,} entries, {found.gold:,} of them gold: a description of ours, and for every field a value with its"
        " reference or a status.",
        f"- {found.values:,} values rest on {found.references:,} references.",
        f"- {found.studies} studies: {found.outcomes:,} outcomes, {found.differences:,} differences,"
        f" {found.assessments:,} similarity assessments, {found.estimates:,} transferability estimates.",
        f"- Words without a concept: {', '.join(f'{n:,} of {facet}' for facet, n in found.unmapped.items())}.",
        f"- References disagree in {len(found.conflicts):,} cases; {len(found.suspicious):,} figures want a second look"
        " (`whence audit --all`).",
        "",
        "## Fields",
        "",
        "Status: reported none, not reported, or not applicable. Unknown: nobody has checked. Silent: neither value nor status,"
        " which reads as unknown.",
        "",
        "| field | value | status | unknown | silent | gold: value | gold: status | gold: unknown |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one, best in zip(found.all_entries, found.gold_entries, strict=True):
        lines.append(
            f"| {one.field} | {one.reported:,} | {one.status:,} | {one.unknown:,} | {one.silent:,} |"
            f" {best.reported:,} | {best.status:,} | {best.unknown:,} |"
        )
    lines += ["", "## Groups", "", "| modality | entries | gold |", "|---|--:|--:|"]
    lines += [f"| {label} | {count:,} | {gold:,} |" for label, (count, gold) in found.groups.items()]
    lines += [
        "",
        "## What to curate next",
        "",
        "By records of evidence and lists that name the entry.",
        "",
        "| entry | records | lists | open fields |",
        "|---|--:|--:|--:|",
    ]
    lines += [
        f"| {item.id} | {item.records:,} | {item.lists} | {item.open_fields} |" for item in found.curate_next
    ]
    return "\n".join(lines) + "\n"
