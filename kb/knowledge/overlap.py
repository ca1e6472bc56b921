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
        seen = {(one, "", "")}
        while waiting:
            place, path = waiting.popleft()
            for reached, step in self._steps.get(place, ()):
                if not _may_follow(path, step):
                    continue
                if reached == other:
                    return (*path, step)
                moves = [move for move in (*path, step) if move.kind != "same-as"]
                state = (reached, moves[-1].direction if moves else "", moves[-1].kind if moves else "")
                if state not in seen:
                    seen.add(state)
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
    """Whether the path shows shared items, and not only that they may be shared.

    It does where one dataset is contained in the other, or made from something that is; where items are said to be
    shared; and never by an unverified relation, over a common parent, or by derivation twice over.
    """
    if any(step.grade != "stated" for step in path):
        return False
    moves = [step for step in path if step.kind != "same-as"]
    directions = {step.direction for step in moves}
    if len(directions) > 1:
        return False
    if directions == {"across"}:
        return len(moves) == 1
    upwards = moves if directions == {"up"} else moves[::-1]
    return all(step.kind != "derived-from" for step in upwards[1:])


def _may_follow(path: tuple[Step, ...], step: Step) -> bool:
    """Same data under another name lead on in any phase; other steps go up, once across, and down."""
    moves = [earlier for earlier in path if earlier.kind != "same-as"]
    if not moves or step.kind == "same-as":
        return True
    last = moves[-1]
    if (
        _PHASES.index(step.direction) < _PHASES.index(last.direction)
        or step.direction == last.direction == "across"
    ):
        return False
    # A member of a collection has nothing to do with what other members were made from, nor with those members.
    return (last.direction, last.kind, step.direction, step.kind) not in {
        ("up", "part-of", "down", "part-of"),
        ("up", "part-of", "up", "derived-from"),
        ("down", "derived-from", "down", "part-of"),
    }
