"""Two to five datasets side by side: what is known of each, or why it is not, and each sense of similarity between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.candidate_factors import population_of
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.similarity import Versions, computed, dataset, text_vectors, versions
from kb.errors import InvalidInput
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS, FieldStatus, StatusField
from kb.knowledge.similarity import DOCUMENTATION, SENSES, Assessed, Sense
from kb.knowledge.verdicts import permission, whole_counts

_FEWEST, _MOST = 2, 5
_SHOWN = 20

#: A fact in words, with its references.
_Said = tuple[str, tuple[str, ...]]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Cell(_Record):
    """What is known of one dataset under one heading."""

    dataset: str
    values: tuple[str, ...]
    status: FieldStatus = Field(description="Why there is no value, where there is none.")
    refs: tuple[str, ...] = ()


class FactRow(_Record):
    """One heading, one cell for each dataset."""

    fact: str
    cells: tuple[Cell, ...]


class Pair(_Record):
    """A sense between two of the datasets; for senses that are not symmetric there is one for either order."""

    source: str
    target: str
    assessed: Assessed


class SenseRow(_Record):
    """One sense over all pairs; values of one row may be compared, those of different rows may not."""

    key: str = Field(description="Sense, and method where a sense has two.")
    pairs: tuple[Pair, ...]


class CompareAnswer(_Record):
    """Datasets side by side."""

    datasets: tuple[str, ...]
    names: dict[str, str]
    facts: tuple[FactRow, ...]
    senses: tuple[SenseRow, ...]
    versions: Versions
    data_version: str


def compare(base: KnowledgeBase, given: Sequence[str], *, files: bool = False) -> CompareAnswer:
    """Datasets side by side: ids, or one described in words (or by a file, where `files` is on).

    Raises `InvalidInput` for fewer than two, more than five or the same twice, `NotFound` for an unknown id.
    """
    if not _FEWEST <= len(given) <= _MOST:
        raise InvalidInput(
            f"expected {_FEWEST} to {_MOST} datasets, found {len(given)}", field="id", hint="whence compare A B"
        )  # fmt: skip
    entries = [dataset(base, text, "dataset", files=files) for text in given]
    ids = [entry.id for entry in entries]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise InvalidInput(f"{twice!r} is given twice", field="id", hint="name each dataset once")
    return CompareAnswer(
        datasets=tuple(ids),
        names={entry.id: entry.name for entry in entries},
        facts=tuple(_rows(base, entries)),
        senses=_senses(base, entries),
        versions=versions(base),
        data_version=base.manifest.data_version,
    )


def _senses(base: KnowledgeBase, entries: Sequence[DatasetEntry]) -> tuple[SenseRow, ...]:
    senses: tuple[Sense, ...] = (*SENSES, DOCUMENTATION)
    pairs: dict[str, list[Pair]] = {sense.key: [] for sense in senses}
    vectors = text_vectors(base, entries)
    for one, other in combinations(entries, 2):
        there, back = computed(base, one, other, vectors), computed(base, other, one, vectors)
        for sense, straight, reverse in zip(senses, there, back, strict=True):
            pairs[sense.key].append(Pair(source=one.id, target=other.id, assessed=straight))
            if not sense.symmetric:
                pairs[sense.key].append(Pair(source=other.id, target=one.id, assessed=reverse))
    return tuple(SenseRow(key=key, pairs=tuple(found)) for key, found in pairs.items())


def _rows(base: KnowledgeBase, entries: Sequence[DatasetEntry]) -> Iterable[FactRow]:
    for facet in FACETS:
        yield FactRow(
            fact=facet,
            cells=tuple(
                _cell(e, [(base.vocabulary[t.concept].label, t.refs) for t in e.tags(facet)], (facet,))
                for e in entries
            ),
        )
    for fact, fields, read in _FACTS:
        yield FactRow(fact=fact, cells=tuple(_cell(entry, list(read(entry)), fields) for entry in entries))
    for name in population_of(entries[0]):
        yield FactRow(fact=f"people: {name}", cells=tuple(_people(entry, name) for entry in entries))


def _cell(entry: DatasetEntry, said: Iterable[_Said], fields: Sequence[StatusField]) -> Cell:
    found = list(said)
    statuses = [note.status for note in entry.field_status for name in note.fields if name in fields]
    refs = tuple(dict.fromkeys(ref for _, some in found for ref in some))
    texts = tuple(dict.fromkeys(text for text, _ in found))
    if found:
        return Cell(dataset=entry.id, values=texts, status="reported", refs=refs)
    return Cell(dataset=entry.id, values=(), status=statuses[0] if statuses else "unknown")


def _people(entry: DatasetEntry, name: str) -> Cell:
    said = [(_share(p.group, p.n, p.percent), p.refs) for p in entry.population if p.attribute == name]
    said += [(fact.value, fact.refs) for fact in entry.facts if fact.attribute == name]
    cell = _cell(entry, said, ())
    return cell if said else cell.model_copy(update={"status": population_of(entry)[name]})


def _share(group: str, n: int | None, percent: float | None) -> str:
    figures = [f"{n:,}" if n is not None else "", f"{percent:g} %" if percent is not None else ""]
    return f"{group} {', '.join(figure for figure in figures if figure)}"


def _counts(entry: DatasetEntry, *, people: bool) -> Iterable[_Said]:
    return ((f"{c.n:,} {c.unit}", c.refs) for c in whole_counts(entry, people=people))


def _classes(entry: DatasetEntry) -> Iterable[_Said]:
    for one in entry.classes:
        names = [label.name for label in one.names]
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        named = f": {', '.join(names[:_SHOWN])}{more}" if names else ""
        yield f"{one.n or len(names):,}{named}", one.refs


def _forms(entry: DatasetEntry) -> Iterable[_Said]:
    for one in entry.form:
        sides = [str(side) for side in (one.width, one.height, one.depth) if side]
        parts = [
            " x ".join(sides),
            f"{one.channels} channels" if one.channels else "",
            f"{one.bit_depth} bits" if one.bit_depth else "",
            f"{one.pixel_mm:g} mm a pixel" if one.pixel_mm else "",
            f"{one.slice_mm:g} mm a slice" if one.slice_mm else "",
            f"magnification {one.magnification:g}" if one.magnification else "",
        ]
        if text := ", ".join(part for part in parts if part):
            yield text + (" (before release)" if one.stage == "source" else ""), one.refs


def _labelling(entry: DatasetEntry) -> Iterable[_Said]:
    for one in entry.labelling:
        number = f", {one.annotators} for an item" if one.annotators else ""
        yield f"{one.method}{number}{f': {one.expertise}' if one.expertise else ''}", one.refs


def _licences(entry: DatasetEntry) -> Iterable[_Said]:
    words = {"holds": "yes", "fails": "no", "unknown": "not known"}
    for one in entry.licences:
        said = ", ".join(
            f"{name} {words[permission(one, name)]}"
            for name in ("commercial", "derivatives", "redistribution")
        )
        yield f"{one.stated} ({said})", one.refs


def _stated(*attributes: str) -> Callable[[DatasetEntry], Iterable[_Said]]:
    return lambda entry: ((fact.value, fact.refs) for fact in entry.facts if fact.attribute in attributes)


#: Heading, fields whose status says why nothing is known, and where the values stand.
_FACTS: tuple[tuple[str, tuple[StatusField, ...], Callable[[DatasetEntry], Iterable[_Said]]], ...] = (
    ("image domain", (), lambda e: [(e.domain, ())]),
    ("dimensions", ("dimensions",), lambda e: ((d.value, d.refs) for d in e.dimensions)),
    ("items", ("counts",), lambda e: _counts(e, people=False)),
    ("patients", ("counts.patients",), lambda e: _counts(e, people=True)),
    ("classes", ("classes",), _classes),
    ("form", ("form.size",), _forms),
    ("labels", ("labelling",), _labelling),
    (
        "splits",
        ("splits",),
        lambda e: ((f"{s.kind}{f', by {s.unit}' if s.unit else ''}", s.refs) for s in e.splits),
    ),
    ("device", ("device",), _stated("device", "protocol")),
    ("sites", ("sites",), _stated("site-names", "care-setting")),
    ("year", ("years",), lambda e: ((str(y.value), y.refs) for y in e.years)),
    ("licence", ("licences",), _licences),
    ("access", ("access",), lambda e: ((f"{a.route} ({a.basis})", a.refs) for a in e.access)),
    ("known issues", ("issues",), lambda e: ((f"{i.kind}: {i.note}", i.refs) for i in e.issues)),
    ("weights", ("weights",), lambda e: ((w.architecture, w.refs) for w in e.weights)),
)
