"""Judge entries for a query by the rules written with it: explicit conditions over the facts, and exceptions after reading.

Kept apart from `kb.knowledge.verdicts` on purpose: a mistake there must not judge itself right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.vocabulary import Vocabulary

Category = Literal[
    "keyword", "abbreviation", "hierarchy", "constraint", "paraphrase", "target_task", "multilingual", "misspelled",
    "known_item", "out_of_catalogue",
]  # fmt: skip
FOLDER = Path(__file__).parent.parent / "data" / "evaluation" / "search"
_NUMBER = re.compile(r"(images|patients|year|classes)(>=|<=)(\d+)")


class Query(BaseModel):
    """A query with its rules; `family` groups queries about one need, which stay in one split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    family: str
    category: Category
    text: str
    grade2: tuple[str, ...] = ()
    grade1: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    judged: dict[str, int] = {}


def read_queries(part: Literal["development", "test"]) -> list[Query]:
    """Queries of one part, in the order of the file."""
    text = (FOLDER / f"{part}.yaml").read_text(encoding="utf-8")
    return [Query.model_validate(item) for item in YAML(typ="safe").load(text) or []]


class Judge:
    """Grades of all entries for a query."""

    def __init__(self, entries: Mapping[str, DatasetEntry], vocabulary: Vocabulary) -> None:
        self._entries = entries
        self._entailed = {i: vocabulary.entailed_by(entry.concepts()) for i, entry in entries.items()}

    def grades(self, query: Query) -> tuple[dict[str, int], set[str]]:
        """Entries of grade 2 or 1, and entries known to break what the query requires.

        Grade 2: all of `grade2` and every `must` known to hold; 1: all of `grade2` but a `must` unknown, or all of
        `grade1`.
        """
        grades: dict[str, int] = {}
        broken: set[str] = set()
        for entry_id, entry in self._entries.items():
            musts = [self.holds(condition, entry) for condition in query.must]
            if any(must is False for must in musts):
                broken.add(entry_id)
                continue
            grade = int(bool(query.grade1) and self._all(query.grade1, entry))
            if query.grade2 and self._all(query.grade2, entry):
                grade = 2 if all(must is True for must in musts) else 1
            if grade := query.judged.get(entry_id, grade):
                grades[entry_id] = grade
        return grades, broken

    def _all(self, conditions: tuple[str, ...], entry: DatasetEntry) -> bool:
        return all(self.holds(condition, entry) is True for condition in conditions)

    def holds(self, condition: str, entry: DatasetEntry) -> bool | None:
        """Whether a condition holds for an entry; None where its facts don't say.

        Raises `ValueError` for a condition of no known form.
        """
        if condition.startswith("not "):
            inner = self.holds(condition.removeprefix("not "), entry)
            return None if inner is None else not inner
        if match := _NUMBER.fullmatch(condition):
            value = _value(match[1], entry)
            if value is None:
                return None
            return value >= int(match[3]) if match[2] == ">=" else value <= int(match[3])
        if condition in _PLAIN:
            return _PLAIN[condition](entry)
        kind, _, text = condition.partition(":")
        wanted = set(text.split("|"))
        if kind in ("modality", "anatomy", "task", "finding"):
            return bool(self._entailed[entry.id] & wanted)
        if kind not in _LISTED:
            raise ValueError(f"no such condition: {condition!r}")
        return _LISTED[kind](entry, wanted)


def _value(name: str, entry: DatasetEntry) -> int | None:
    if name == "year":
        return max((year.value for year in entry.years), default=None)
    if name == "classes":
        sizes = [one.n if one.n is not None else len(one.names) for one in entry.classes]
        return max((size for size in sizes if size), default=None)
    people = name == "patients"
    counts = [count for count in entry.counts if (count.unit == "patients") == people]
    if whole := [count.n for count in counts if count.split is None]:
        return max(whole)
    sums: dict[str, int] = {}
    for count in counts:
        sums[count.unit] = sums.get(count.unit, 0) + count.n
    return max(sums.values(), default=None)


def _labelled(entry: DatasetEntry) -> bool | None:
    return "available" in {one.value for one in entry.labelled} if entry.labelled else None


def _dimension(entry: DatasetEntry, wanted: set[str]) -> bool | None:
    found = {one.value for one in entry.dimensions}
    return bool(found & wanted) if found else None


def _access(entry: DatasetEntry, wanted: set[str]) -> bool | None:
    routes = {one.route for one in entry.access} - {"unknown"}
    return bool(routes & wanted) if routes else None


def _permission(entry: DatasetEntry, wanted: set[str]) -> bool | None:
    (name,) = wanted
    for licence in entry.licences:
        stated = getattr(licence, name, None)
        if stated in ("yes", "no"):
            return bool(stated == "yes")
        if licence.spdx:
            forbidden = {"commercial": "NC", "derivatives": "ND"}.get(name)
            return forbidden is None or forbidden not in licence.spdx
    return None


def _reports(entry: DatasetEntry, wanted: set[str]) -> bool | None:
    found = {fact.attribute for fact in entry.facts} | {share.attribute for share in entry.population}
    return True if found & wanted else None


def _family(entry: DatasetEntry, wanted: set[str]) -> bool:
    return entry.family is not None and entry.family.casefold() in {text.casefold() for text in wanted}


def _platform(entry: DatasetEntry, wanted: set[str]) -> bool | None:
    if not entry.platforms:
        return None
    return bool({name.casefold() for name in entry.platforms} & {text.casefold() for text in wanted})


_PLAIN: dict[str, Callable[[DatasetEntry], bool | None]] = {
    "labelled": _labelled,
    "has-weights": lambda entry: True if entry.weights else None,
    "has-evidence": lambda entry: bool(entry.evidence_names),
}
_LISTED: dict[str, Callable[[DatasetEntry, set[str]], bool | None]] = {
    "dimension": _dimension,
    "domain": lambda entry, wanted: entry.domain in wanted,
    "access": _access,
    "permission": _permission,
    "reports": _reports,
    "name": lambda entry, wanted: entry.id in wanted,
    "family": _family,
    "platform": _platform,
}
