"""Whether two datasets may share items: the path of relations between them, and how sure it makes it.

A path goes up from one dataset to what it was made from, at most once across between datasets that share items, and
down to the other. Two members of one collection share nothing by that alone. That no path is known does not mean
that there is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from kb.knowledge.entries import DatasetEntry

Risk = Literal["known", "possible", "not-checked"]
_UP = ("derived-from", "subset-of", "part-of")
_ACROSS = ("overlaps-with", "same-as")
_PHASES = ("up", "across", "down")


class Step(NamedTuple):
    """One relation on the way, as it is stated: `source` is `kind` of `target`."""

    source: str
    kind: str
    target: str
    grade: str
    refs: tuple[str, ...]
    direction: Literal["up", "across", "down"]


class Overlaps:
    """Relations of a catalogue that let items be shared."""

    def __init__(self, entries: Mapping[str, DatasetEntry]) -> None:
        self._entries = entries

    @cached_property
    def _steps(self) -> dict[str, list[tuple[str, Step]]]:
        """Dataset → (dataset reached, step), in both directions."""
        steps: dict[str, list[tuple[str, Step]]] = {}
        for entry in self._entries.values():
            for relation in entry.relations:
                if relation.target is None or relation.kind not in (*_UP, *_ACROSS):
                    continue
                stated = (entry.id, relation.kind, relation.target, relation.grade, relation.refs)
                there: tuple[Literal["up", "across"], Literal["down", "across"]]
                there = ("up", "down") if relation.kind in _UP else ("across", "across")
                steps.setdefault(entry.id, []).append((relation.target, Step(*stated, there[0])))
                steps.setdefault(relation.target, []).append((entry.id, Step(*stated, there[1])))
        return steps

    def path(self, one: str, other: str) -> tuple[Step, ...] | None:
        """Shortest path by which the two may share items; empty for one and the same, None where none is known."""
        if one == other:
            return ()
        waiting = deque[tuple[str, tuple[Step, ...]]]([(one, ())])
        seen = {(one, "")}
        while waiting:
            place, path = waiting.popleft()
            for reached, step in self._steps.get(place, ()):
                if not _may_follow(path, step):
                    continue
                if reached == other:
                    return (*path, step)
                if (reached, step.direction + step.kind) not in seen:
                    seen.add((reached, step.direction + step.kind))
                    waiting.append((reached, (*path, step)))
        return None

    def risk(self, sources: Iterable[str], target: str | None) -> Risk:
        """Overlap risk of a transfer: `known` where one holds items of the other, `possible` by a shared parent."""
        found: Risk = "not-checked"
        for source in sources:
            path = None if target is None else self.path(source, target)
            if path is None:
                continue
            if is_certain(path):
                return "known"
            found = "possible"
        return found


def is_certain(path: tuple[Step, ...]) -> bool:
    """Whether the path shows shared items: no detour over a common parent, and nothing unverified."""
    directions = {step.direction for step in path}
    return not {"up", "down"} <= directions and all(step.grade == "stated" for step in path) and (
        "across" not in directions or len(path) == 1 or all(s.kind == "same-as" for s in path if s.direction == "across")
    )  # fmt: skip


def _may_follow(path: tuple[Step, ...], step: Step) -> bool:
    if not path:
        return True
    last = path[-1]
    if _PHASES.index(step.direction) < _PHASES.index(last.direction):
        return False
    if step.direction == "across" and last.direction == "across":
        return step.kind == last.kind == "same-as"
    # Siblings in a collection: up and down again by membership only.
    return not (last.direction == "up" and step.direction == "down" and last.kind == step.kind == "part-of")
