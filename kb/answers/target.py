"""A target to transfer to: an entry of the catalogue, a part of an entry, or words about one's own data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kb.answers.interpret import interpret
from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS, Facet
from kb.knowledge.interpretation import Interpretation, Mention
from kb.knowledge.vocabulary import words

#: Stands where a described value would carry its reference.
ASKED = "ASKED:as described"
#: Facets of which one at least is needed, and the cosine from which a definition counts as near.
_TELLING: tuple[Facet, ...] = ("modality", "anatomy", "finding")
_NEAR = 0.45
_WITHOUT_REFS = ("links", "rows", "field_status")


@dataclass(frozen=True)
class Target:
    """What is transferred to; `id` only for an entry of the catalogue."""

    entry: DatasetEntry
    id: str | None = None
    interpretation: Interpretation | None = None


def target_of(base: KnowledgeBase, given: str, *, files: bool = True) -> Target:
    """Target from an id, a file (YAML or JSON, part of an entry) unless `files` is off, or a description in words.

    Raises `InvalidInput` for an empty one, or a description that says nothing usable, with near ids where it looks
    like one.
    """
    text = given.strip()
    if not text:
        raise InvalidInput("no target given", field="target", hint="an id, a file, or a description in words")
    if text in base.entries:
        return Target(base.entries[text], text)
    if files and (path := Path(text)).suffix in (".yaml", ".yml", ".json") and path.is_file():
        return Target(partial_entry(base, _read(path), field=str(path)))
    if " " not in text and "-" in text:
        base.entry(text)  # an id that does not exist: says which are near
    return described(base, text)


def described(base: KnowledgeBase, text: str) -> Target:
    """Target from words: the concepts that they name; where they name none, those whose definitions are nearest.

    Raises `InvalidInput` when they name and describe no concept.
    """
    meant = interpret(text, base.search_tables.lexicon)
    named = [item for item in meant.known_items if item.scope == "name" and item.confidence == 1]
    if named and not meant.concepts and not meant.not_understood:
        return Target(base.entries[named[0].id], named[0].id, meant)
    if not {m.facet for m in meant.concepts} & set(_TELLING):
        meant = meant.model_copy(update={"concepts": (*meant.concepts, *_guessed(base, text))})
    data: dict[str, Any] = {
        facet: [{"concept": m.concept, "stated": [m.words]} for m in meant.concepts if m.facet == facet]
        for facet in FACETS
    }
    dimensions = {
        value for c in meant.constraints if c.kind == "dimension" and not c.negated for value in c.values
    }
    data["dimensions"] = [{"value": value} for value in sorted(dimensions)]
    if not any(data[facet] for facet in _TELLING):
        raise InvalidInput(
            f"the description names no modality, anatomy or finding: {text[:80]!r}",
            field="target",
            hint="say how the images were made and what they show; `whence concepts WORD` looks names up",
        )
    return Target(partial_entry(base, data, field="target"), interpretation=meant)


def _guessed(base: KnowledgeBase, text: str) -> list[Mention]:
    """The concept of each telling facet whose definition is nearest to the words, if it is near."""
    tables = base.search_tables
    cosines = tables.concept_cosines(text)
    found = []
    for facet in _TELLING:
        columns = [
            column for concept, column in tables.column_of.items() if tables.facet_of[concept] == facet
        ]
        best = max(columns, key=lambda column: float(cosines[column]))
        if cosines[best] >= _NEAR:
            concept = base.vocabulary[tables.concepts[best]]
            found.append(
                Mention(
                    concept=concept.id,
                    label=concept.label,
                    facet=facet,
                    words=text[:200],
                    start=0,
                    end=len(text),
                    matched="definition",
                    scope="description",
                    confidence=round(min(1.0, float(cosines[best])), 3),
                )
            )
    return found


def partial_entry(base: KnowledgeBase, data: Mapping[str, Any], *, field: str) -> DatasetEntry:
    """Entry from any part of an entry's JSON: what is missing stays unsaid; concepts may be ids or names.

    Raises `InvalidInput` naming what does not fit.
    """
    whole: dict[str, Any] = {"id": "described-target", "name": "described data", "domain": "medical", **data}
    for facet in FACETS:
        if facet in whole:
            whole[facet] = [_tag(base, facet, value, field) for value in _listed(whole[facet])]
    try:
        entry = DatasetEntry.model_validate(_with_refs(whole))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(
            f"{first['msg']}, found {str(first['input'])[:60]!r}", field=f"{field}.{place}"
        ) from error
    if not any((entry.concepts(), entry.classes, entry.counts, entry.dimensions, entry.domain != "medical")):
        raise InvalidInput(
            "nothing usable is said of it", field=field, hint="give at least modality or anatomy"
        )
    return entry


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - any part of somebody's JSON
    return list(value) if isinstance(value, list | tuple) else [value]


def _tag(base: KnowledgeBase, facet: str, value: Any, field: str) -> dict[str, Any]:  # noqa: ANN401
    tag = dict(value) if isinstance(value, Mapping) else {"concept": value}
    concept = str(tag.get("concept", ""))
    if concept not in base.vocabulary:
        named = [one for one, _ in base.vocabulary.by_words.get(words(concept), ()) if one.facet == facet]
        if not named:
            raise InvalidInput(
                f"no {facet} goes by {concept[:60]!r}", field=f"{field}.{facet}", hint="whence concepts WORD"
            )
        tag["concept"] = named[0].id
    return tag


def _with_refs(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The same with a reference wherever a value needs one."""
    return {
        field: [{"refs": [ASKED], **item} if isinstance(item, Mapping) else item for item in value]
        if isinstance(value, list | tuple) and field not in _WITHOUT_REFS
        else value
        for field, value in whole.items()
    }


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else YAML(typ="safe").load(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, YAMLError) as error:
        raise InvalidInput(f"can't read {path}: {str(error).splitlines()[0]}", field="target") from error
    if not isinstance(data, Mapping):
        raise InvalidInput(f"expected fields of an entry, found {type(data).__name__}", field=str(path))
    return data
