"""pydantic and SHACL refuse the same entries: one list of cases, made from the model, judged by both."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from rdflib import RDF, SH, Graph

from kb.engines.shapes import Violation, load_shapes, violations
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Part
from kb.knowledge.entry_rdf import entry_triples, fields_of
from kb.knowledge.entry_shapes import entry_shapes
from kb.knowledge.names import BASE, DATASET, WH
from kb.settings import Settings

_PLAIN = (RDF.type, SH.path, SH.name, SH.description, SH.message)
REFS = ["arxiv:2401.14497"]
#: One valid entry with a value in every field of every part.
FULL: dict[str, Any] = {
    "id": "probe", "name": "Probe", "aliases": ["Pr"], "description": "Made up for a test.", "domain": "medical",
    "content": "images-and-text", "family": "F", "edition": 2020, "challenge": "C", "platforms": ["P"], "languages": ["en"],
    "links": [{"url": "https://example.org/", "role": "home"}], "papers": REFS, "identifiers": ["doi:10.1/x"],
    "years": [{"value": 2020, "refs": REFS, "checked": "2026-11-23", "extraction": "read"}],
    "dimensions": [{"value": "2D", "refs": REFS}],
    "modality": [{"concept": "computed-tomography", "stated": ["CT"], "refs": REFS}],
    "anatomy": [{"concept": "lung", "refs": REFS}], "task": [{"concept": "image-classification", "refs": REFS}],
    "finding": [{"concept": "pneumonia", "refs": REFS}],
    "unmapped": [{"facet": "task", "stated": "x", "refs": REFS}],
    "counts": [{"n": 3, "unit": "images", "split": "train", "note": "n", "refs": REFS}],
    "classes": [{"n": 2, "names": [{"name": "a", "concept": "pneumonia", "n": 0}], "refs": REFS}],
    "labelled": [{"value": "available", "refs": REFS}],
    "labelling": [{"method": "crowd", "annotators": 2, "expertise": "e", "agreement": "a", "uncertain": "u", "note": "n", "refs": REFS}],
    "form": [{"stage": "source", "width": 1, "height": 1, "depth": 1, "channels": 3, "bit_depth": 8, "pixel_mm": 0.5, "slice_mm": 1.5, "magnification": 20.0, "formats": ["PNG"], "note": "n", "refs": REFS}],
    "splits": [{"kind": "official", "unit": "patient", "note": "n", "refs": REFS}],
    "population": [{"attribute": "sex", "group": "female", "percent": 41.62, "n": 3, "unit": "patients", "note": "n", "refs": REFS}],
    "issues": [{"kind": "bias", "note": "n", "refs": REFS}],
    "versions": [{"name": "v1", "year": 2020, "change": "c", "refs": REFS}],
    "weights": [{"architecture": "ResNet-50", "objective": "supervised", "url": "https://example.org/w", "framework": "f", "input_size": "224", "channel_order": "RGB", "normalisation": "n", "started_from": "imagenet-1k", "licence": "l", "refs": REFS}],
    "maintenance": [{"status": "active", "by": "b", "note": "n", "refs": REFS}],
    "access": [{"route": "open", "basis": "stated", "note": "n", "refs": REFS}],
    "licences": [{"stated": "own terms", "commercial": "no", "derivatives": "yes", "redistribution": "unknown", "refs": REFS}],
    "relations": [{"kind": "derived-from", "target": "lits", "grade": "unverified", "note": "n", "refs": REFS}],
    "facts": [{"attribute": "sex", "value": "v", "grade": "stated", "refs": REFS}],
    "field_status": [{"status": "unknown", "fields": ["consent"], "refs": REFS, "checked": "2026-11-23"}],
    "evidence_names": ["probe-x"], "rows": [{"ref": "PX:1", "section": "s", "name": "n"}],
}  # fmt: skip
#: Values of which at least one is wrong for any field.
WRONG = (-1, 0, 10**6, 2.5, -0.5, 1000.0, "", "no such code", "No Slug", "http://exa mple.org", "x" * 5000)
#: Changes over several fields, for the rules.
CROSS: dict[str, dict[str, Any]] = {
    "name empty": {"name": ""},
    "two targets": {"relations": [{"kind": "derived-from", "target": "lits", "target_name": "LiTS", "refs": REFS}]},
    "no target": {"relations": [{"kind": "derived-from", "refs": REFS}]},
    "a name for a target": {"relations": [{"kind": "derived-from", "target_name": "LiTS", "refs": REFS}]},
    "spdx and permission": {"licences": [{"stated": "CC BY 4.0", "spdx": "CC-BY-4.0", "commercial": "yes", "refs": REFS}]},
    "spdx alone": {"licences": [{"stated": "CC BY 4.0", "spdx": "CC-BY-4.0", "refs": REFS}]},
    "empty form": {"form": [{"refs": REFS}]},
    "form with a note": {"form": [{"note": "varies", "refs": REFS}]},
    "share without figure": {"population": [{"attribute": "sex", "group": "female", "refs": REFS}]},
    "status without field": {"field_status": [{"status": "unknown", "fields": []}]},
}  # fmt: skip


def part_models(
    model: type[Part], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[Part]]]:
    """Every part with the path of list fields that leads to its first instance."""
    yield path, model
    for name, term, _, kind in fields_of(model):
        if term.kind == "node":
            yield from part_models(kind, (*path, name))


def changed(path: tuple[str, ...], name: str, value: object) -> dict[str, Any]:
    """The full document with one field of one part set, or removed where the value is None."""
    document: dict[str, Any] = json.loads(json.dumps(FULL))
    place: dict[str, Any] = document
    for step in path:
        place = place[step][0]
    if value is None:
        place.pop(name, None)
    else:
        place[name] = value
    return document


def cases() -> dict[str, dict[str, Any]]:
    found = {"as it is": FULL, **{name: {**FULL, **change} for name, change in CROSS.items()}}
    for path, model in part_models(DatasetEntry):
        for name, term, many, _ in fields_of(model):
            where = ".".join((*path, name))
            found[f"{where} removed"] = changed(path, name, None)
            if many and term.kind == "node":
                continue
            if many:
                found[f"{where} empty"] = changed(path, name, [])
            for value in WRONG:
                if fits(model, name, value, many=many):
                    found[f"{where} = {str(value)[:20]!r}"] = changed(path, name, [value] if many else value)
    return found


def fits(model: type[Part], name: str, value: object, *, many: bool) -> bool:
    """Whether the value can be written down in RDF for this field at all: text for text, numbers for numbers.

    A reference is any IRI in RDF, and white space around text is no difference for pydantic, so both are left out.
    """
    term = next(term for field, term, _, _ in fields_of(model) if field == name)
    if term.kind == "reference" or (term.kind == "date" and value != "no such code"):
        return False
    kinds = {int: "integer", float: "number", str: "string"}
    schema = json.dumps(model.model_json_schema()["properties"][name])
    is_text = term.kind != "literal" or '"string"' in schema or '"enum"' in schema
    return isinstance(value, str) if is_text else f'"{kinds[type(value)]}"' in schema or (
        isinstance(value, int) and '"number"' in schema
    )  # fmt: skip


def unchecked(model: type[Part], document: dict[str, Any]) -> Part:
    """An instance of a part that pydantic has not looked at."""
    values: dict[str, Any] = {}
    kinds = {name: (term, many, kind) for name, term, many, kind in fields_of(model)}
    for name, info in model.model_fields.items():
        given = document.get(
            name, info.get_default(call_default_factory=True) if not info.is_required() else None
        )
        if name in kinds:
            term, many, kind = kinds[name]
            if many:
                given = tuple(given or ())
                if term.kind == "node":
                    given = tuple(unchecked(kind, item) for item in given)
            elif isinstance(given, int) and float in (kind, *typing.get_args(kind)):
                given = float(given)
        values[name] = given
    return model.model_construct(**values)


@pytest.fixture(scope="module")
def verdicts(ontology: Graph) -> dict[str, tuple[bool, list[Violation]]]:
    """For each case what pydantic says and what the shapes find, all entries judged in one run."""
    by_pydantic: dict[str, bool] = {}
    graph = Graph()
    for number, (name, document) in enumerate(cases().items()):
        try:
            DatasetEntry.model_validate(document)
            by_pydantic[name] = True
        except ValidationError:
            by_pydantic[name] = False
        entry = unchecked(DatasetEntry, {**document, "id": f"probe-{number}"})
        for triple in entry_triples(typing.cast(DatasetEntry, entry)):
            graph.add(triple)
    shapes = load_shapes(Settings().ontology / "shapes")
    found: dict[int, list[Violation]] = {}
    for violation in violations(graph, shapes, ontology):
        number = int(violation.focus.removeprefix(f"{DATASET}probe-").partition("#")[0])
        found.setdefault(number, []).append(violation)
    return {name: (valid, found.get(number, [])) for number, (name, valid) in enumerate(by_pydantic.items())}


def test_there_are_cases_of_both_kinds(verdicts: dict[str, tuple[bool, list[Violation]]]) -> None:
    valid = sum(ok for ok, _ in verdicts.values())
    assert valid > 100
    assert len(verdicts) - valid > 300


def test_pydantic_and_shacl_agree(verdicts: dict[str, tuple[bool, list[Violation]]]) -> None:
    disagree = {
        name: [str(violation) for violation in found] or "SHACL finds nothing"
        for name, (valid, found) in verdicts.items()
        if valid == bool(found)
    }
    assert disagree == {}


def test_every_constraint_of_an_entry_can_fail(verdicts: dict[str, tuple[bool, list[Violation]]]) -> None:
    """But for those on the kind of a node alone, which no entry written from the model can break."""
    generated = entry_shapes()
    constraints = {
        str(shape)
        for kind in (SH.PropertyShape, SH.NodeShape)
        for shape in generated.subjects(RDF.type, kind)
        if kind == SH.PropertyShape or (shape, SH.message, None) in generated
    }
    broken = {violation.shape for _, found in verdicts.values() for violation in found}
    unbreakable = {
        str(shape)
        for shape in generated.subjects(SH.name)
        if set(generated.predicates(shape)) <= {*_PLAIN, SH.nodeKind, SH["class"]}
    }
    assert sorted(constraints - broken - unbreakable) == []


def test_a_concept_of_another_facet_is_noticed(entries: dict[str, DatasetEntry], ontology: Graph) -> None:
    graph = Graph()
    for triple in entry_triples(entries["dermamnist"]):
        graph.add(triple)
    shapes = load_shapes(Settings().ontology / "shapes")
    assert violations(graph, shapes, ontology) == ()
    graph.set((DATASET["dermamnist#modality-1"], WH.concept, WH.melanoma))
    found = violations(graph, shapes, ontology)
    assert [violation.shape for violation in found] == [f"{BASE}shape/ImagingDataset-modality-concept"]
    assert "not one of this facet" in found[0].message
