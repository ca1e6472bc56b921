"""The public lists that entries refer to: who made them, where they stand, under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rdflib import RDF, RDFS, XSD, Graph, Literal
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kb.errors import InvalidFile
from kb.knowledge.names import REFERENCE, WH


class ReferenceList(BaseModel):
    """A list whose rows are references, such as `PX:807`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(title="Name of the list")
    where: str = Field(title="Repository and file")
    licence: str = Field(title="Licence found there")


def read_references(path: Path) -> dict[str, ReferenceList]:
    """Reference lists by code.

    Raises `InvalidFile` when the file is broken.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, ReferenceList]).validate_python(document)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InvalidFile(f"{path}: can't be read: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidFile(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def reference_triples(lists: Mapping[str, ReferenceList]) -> Graph:
    """The lists as RDF; a row `PX:807` is `reference/PX/807`, its list `reference/PX`."""
    graph = Graph()
    for code, entry in lists.items():
        subject = REFERENCE[code]
        graph.add((subject, RDF.type, WH.ReferenceList))
        graph.add((subject, RDFS.label, Literal(entry.name, datatype=XSD.string)))
        graph.add((subject, WH.whereFound, Literal(entry.where, datatype=XSD.string)))
        graph.add((subject, WH.statedLicence, Literal(entry.licence, datatype=XSD.string)))
    return graph
