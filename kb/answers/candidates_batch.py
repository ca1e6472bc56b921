"""Rank sources for many targets from a file, so that the ranking can be measured by a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kb.answers.candidates import left_out, source_named
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.target import Target, described, partial_entry
from kb.errors import InvalidFile, InvalidInput, NotFound, WhenceError
from kb.knowledge.predictor import tiers
from kb.knowledge.predictor_evidence import Source, facts_of


class _Given(BaseModel):
    """A target or source: one of an id, a description, or a part of an entry."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = None
    description: str | None = None
    entry: dict[str, Any] | None = None


class BatchLine(BaseModel):
    """One line of the input."""

    id: str
    target: _Given
    sources: list[_Given]
    strategy: str | None = None
    architecture: str | None = None
    n_train: int | None = None
    metric: str | None = None
    leave_out: list[str] = []


def candidates_batch(base: KnowledgeBase, source: Path, target: Path) -> int:
    """Rank the sources of each line of `source`; write `{id, ranking}` to `target`, best first.

    Returns the number of lines. Raises `InvalidFile` naming the line, and then writes nothing.
    """
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"can't read {source}: {error}") from error
    answers = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            answers.append(_ranked(base, BatchLine.model_validate_json(line)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "line"
            raise InvalidFile(f"{source}:{number}: {place}: {first['msg']}") from error
        except WhenceError as error:
            raise InvalidFile(f"{source}:{number}: {error}") from error
    try:
        target.write_text(
            "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers), encoding="utf-8"
        )
    except OSError as error:
        raise InvalidInput(f"can't write {target}: {error}", field="--out") from error
    return len(answers)


def _ranked(base: KnowledgeBase, line: BatchLine) -> Mapping[str, Any]:
    target = _target(base, line.target)
    sources: dict[str, Source] = {}
    for number, given in enumerate(line.sources):
        name, source = _source(base, given, number)
        sources[name] = source
    if not sources:
        raise InvalidInput("no sources given", field="sources")
    predictor = base.evidence.predictor(left_out(base, target, line.leave_out))
    facts = facts_of(target.entry, base.vocabulary)
    found = predictor.predict(facts, list({s.id: s for s in sources.values()}.values()), line.metric)
    asked = {source.id: name for name, source in sources.items()}
    ranking = []
    for group, tier in enumerate(tiers(found), start=1):
        for one in tier:
            outcome = one.outcome or (one.score, one.low, one.high)
            ranking.append(
                {
                    "source": asked[one.source],
                    "predicted": float(outcome[0]),
                    "low": float(outcome[1]),
                    "high": float(outcome[2]),
                    "group": group,
                    "basis": one.basis,
                }
            )
    return {"id": line.id, "ranking": ranking}


def _target(base: KnowledgeBase, given: _Given) -> Target:
    if given.id is not None:
        return Target(base.entry(given.id), given.id)
    if given.entry is not None:
        name = given.entry.get("id")
        known = name if isinstance(name, str) and name in base.entries else None
        return Target(partial_entry(base, given.entry, field="target.entry"), known)
    if given.description is not None:
        return described(base, given.description)
    raise InvalidInput("give one of id, description, entry", field="target")


def _source(base: KnowledgeBase, given: _Given, number: int) -> tuple[str, Source]:
    if given.id is not None:
        return given.id, source_named(base, given.id)
    if given.entry is not None:
        entry = partial_entry(base, given.entry, field=f"sources.{number}.entry")
        if entry.id in base.entries and "id" in given.entry:
            return entry.id, source_named(base, entry.id)
        name = entry.id if "id" in given.entry else f"source-{number + 1}"
        return name, Source(name, (facts_of(entry, base.vocabulary),))
    raise InvalidInput("give one of id, entry", field=f"sources.{number}")
