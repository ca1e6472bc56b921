"""Entry ↔ YAML file: one canonical writer, and a reader whose errors name file, line, field and remedy."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry

#: Strings that every YAML reader, 1.1 or 1.2, takes for this very string inside brackets; others are quoted.
_PLAIN = re.compile(r"[A-Za-z](?:[\w ./()+&-]*[\w.)])?", re.ASCII)
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LAST = ("refs", "checked", "extraction")
#: What would do, by pydantic's type of error; the others speak for themselves.
_REMEDIES = {
    "extra_forbidden": "remove it, or check its spelling",
    "missing": "add it",
}


_Model = TypeVar("_Model", bound=BaseModel)


def to_yaml(entry: DatasetEntry) -> str:
    """Canonical text of an entry: declared order, defaults left out, one line for each statement."""
    document = CommentedMap()
    for name, value in entry.model_dump(exclude_defaults=True, mode="json").items():
        document[name] = _block(name, value)
    return dump(document)


def dump(document: CommentedMap) -> str:
    """Text of a document in our one style of YAML."""
    yaml = YAML()
    yaml.width = 10_000
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _block(name: str, value: Any) -> Any:  # noqa: ANN401 - YAML has no type
    if not isinstance(value, list):
        return value
    if all(isinstance(item, str) for item in value):
        return flow(value)
    if name == "classes":
        value = [
            {
                key: [_class_label(label) for label in item] if key == "names" else item
                for key, item in inventory.items()
            }
            for inventory in value
        ]
    return CommentedSeq(flow(_references_last(item)) for item in value)


def _class_label(label: dict[str, Any]) -> str | dict[str, Any]:
    """A class of which only the name is known is written as that name."""
    return str(label["name"]) if len(label) == 1 else label


def _references_last(item: dict[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in sorted(item, key=_LAST.__contains__)}


def flow(value: Any) -> Any:  # noqa: ANN401
    """The value on one line, its strings quoted where some reader of YAML could take them for something else."""
    if isinstance(value, dict):
        mapping = CommentedMap((key, flow(item)) for key, item in value.items())
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(flow(item) for item in value)
        sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _WORDS_OF_YAML):
        return SingleQuotedScalarString(value)
    return value


def read_entry(path: Path) -> DatasetEntry:
    """Read one file.

    Raises `InvalidFile` naming file, line, field, what was found and what would do.
    """
    entry = read_document(path, DatasetEntry)
    if entry.id != path.stem:
        raise InvalidFile(f"{path}: id: found {entry.id!r}; the file's name asks for {path.stem!r}")
    return entry


def read_document(path: Path, model: type[_Model]) -> _Model:
    """Read a YAML file as an instance of `model`.

    Raises `InvalidFile` naming file, line, field, what was found and what would do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidFile(f"{path}{line}: not YAML: {error.problem}") from error
    except (YAMLError, RecursionError) as error:
        raise InvalidFile(f"{path}: not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(document, dict):
        raise InvalidFile(f"{path}: expected a mapping of fields, found {type(document).__name__}")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidFile(_explain(path, text, error)) from error


def _explain(path: Path, text: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(step) for step in first["loc"]) or "entry"
    found = repr(first["input"])
    found = found if len(found) <= 80 else found[:77] + "..."
    remedy = _REMEDIES.get(first["type"], first["msg"])
    others = error.error_count() - 1
    more = f" (and {others} more)" if others else ""
    return f"{path}:{_line(text, first['loc'])}: {field}: {first['msg']}; found {found}; {remedy}{more}"


def _line(text: str, location: tuple[int | str, ...]) -> int:
    """Line of the deepest part of `location` that stands in the text."""
    node, line = YAML(typ="rt").load(text), 1
    for step in location:
        try:
            line = node.lc.data[step][0] + 1
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line
