"""Study ↔ YAML file, by the same canonical writer and with the same kind of errors as entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from kb.errors import InvalidFile
from kb.knowledge.entry_yaml import dump, flow, read_document
from kb.knowledge.study import Study

#: Lists whose items stand over several lines, with this key as an inner block.
_BLOCKS = {"ratings": "values", "estimates": "values", "protocols": ""}


def study_to_yaml(study: Study) -> str:
    """Canonical text of a study: declared order, defaults left out, one line for each outcome."""
    document = CommentedMap()
    for name, value in json.loads(study.model_dump_json(exclude_defaults=True)).items():
        if name in _BLOCKS:
            document[name] = CommentedSeq(_block(item, _BLOCKS[name]) for item in value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            document[name] = CommentedSeq(flow(item) for item in value)
        else:
            document[name] = flow(value)
    return dump(document)


def _block(item: dict[str, Any], inner: str) -> CommentedMap:
    block = CommentedMap()
    for key, value in item.items():
        if key != inner:
            block[key] = flow(value)
        elif isinstance(value, list):
            block[key] = CommentedSeq(flow(row) for row in value)
        else:
            block[key] = CommentedMap((name, flow(row)) for name, row in value.items())
    return block


def read_study(path: Path) -> Study:
    """Read one file.

    Raises `InvalidFile` naming file, line, field, what was found and what would do.
    """
    study = read_document(path, Study)
    if study.id != path.stem:
        raise InvalidFile(f"{path}: id: found {study.id!r}; the file's name asks for {path.stem!r}")
    return study
