"""Values of an entry that one may filter by, other than concepts: form, access, rights, year, size, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.verdicts import permission, whole_counts

_T = TypeVar("_T")
PlainFacet = Literal["dimension", "access", "permission", "year", "size", "evidence", "weights"]
#: Sizes by the largest whole count of items, lower ends of the bands.
SIZE_BANDS = ((0, "under 100"), (100, "100 to 999"), (1_000, "1,000 to 9,999"), (10_000, "10,000 to 99,999"),
              (100_000, "100,000 to 999,999"), (1_000_000, "a million or more"))  # fmt: skip


def plain_values(entry: DatasetEntry) -> Iterator[tuple[PlainFacet, str]]:
    """Values of an entry for the facets that have no hierarchy."""
    yield from (("dimension", value) for value in _distinct(one.value for one in entry.dimensions))
    yield from (("access", route) for route in _distinct(one.route for one in entry.access))
    for name in ("commercial", "derivatives", "redistribution"):
        found = {permission(licence, name) for licence in entry.licences}
        if "holds" in found and "fails" not in found:
            yield "permission", name
    yield from (("year", str(year)) for year in _distinct(one.value for one in entry.years))
    if sizes := [count.n for count in whole_counts(entry, people=False)]:
        yield "size", next(label for least, label in reversed(SIZE_BANDS) if max(sizes) >= least)
    if entry.evidence_names:
        yield "evidence", "yes"
    if entry.weights:
        yield "weights", "yes"


def _distinct(values: Iterable[_T]) -> Iterable[_T]:
    return dict.fromkeys(values)
