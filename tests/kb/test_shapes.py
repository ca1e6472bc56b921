"""Each closed-world rule lets right data pass and catches the one deviation that it is there for."""

from __future__ import annotations

import re
import sys
import warnings
from functools import cache
from pathlib import Path

import pytest
from rdflib import RDF, RDFS, SH, XSD, Dataset, Graph, Literal, Namespace, URIRef

from kb.engines.shapes import Violation, load_shapes, violations
from kb.errors import InvalidFile, NotFound, NotReady
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.names import BASE, DATASET, WH
from kb.settings import Settings

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "shapes"
SHAPE = Namespace(BASE + "shape/")
FILES = ("evidence.ttl", "curation.ttl")
#: Constraint components of SHACL: a node shape that holds one of them is a constraint itself.
DIRECT = (SH["or"], SH.xone, SH["not"], SH["and"], SH["class"], SH.nodeKind)
#: Rules that ask a person to look, and refuse nothing.
WARNINGS = {"assessment-identical-values", "expectation-hindsight"}


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """The shapes of evidence and curation; those of entries have their own tests."""
    folder, graph = Settings().ontology / "shapes", Graph()
    for name in FILES:
        graph.parse(folder / name, format="turtle")
    return graph


@cache
def fixture(file: Path) -> Dataset:
    dataset = Dataset()
    with warnings.catch_warnings():  # rdflib's TriG parser warns about rdflib
        warnings.simplefilter("ignore", DeprecationWarning)
        dataset.parse(data=file.read_text(encoding="utf-8"), format="trig")
    return dataset


def names(kind: str) -> list[tuple[Path, str]]:
    return [
        (file, str(graph.identifier))
        for file in sorted(FIXTURES.glob("*.trig"))
        for graph in fixture(file).graphs()
        if str(graph.identifier).startswith(f"urn:{kind}:")
    ]


def label(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(value)


def data_of(file: Path, name: str) -> Graph:
    dataset = fixture(file)
    data = Graph()
    for part in (dataset.default_graph, dataset.graph(URIRef(name))):
        for triple in part:
            data.add(triple)
    return data


def constraint_of(name: str) -> URIRef:
    """The constraint that a failing graph is named after; what follows a dot tells its cases apart."""
    return SHAPE[name.removeprefix("urn:fail:").partition(".")[0]]


def companions(file: Path, name: str) -> set[str]:
    """Constraints that can't but be broken together with the one at hand, declared in the fixture."""
    subject = URIRef("urn:fail:" + str(constraint_of(name)).removeprefix(str(SHAPE)))
    return {str(other) for other in fixture(file).default_graph.objects(subject, RDFS.seeAlso)}


def constraints(shapes: Graph) -> set[URIRef]:
    """Everything in the shapes that a result can name as its source."""
    found = {
        *shapes.subjects(RDF.type, SH.PropertyShape),
        *shapes.subjects(RDF.type, SH.SPARQLConstraint),
        *(s for s in shapes.subjects(RDF.type, SH.NodeShape) if any((s, p, None) in shapes for p in DIRECT)),
    }
    return {iri for iri in found if isinstance(iri, URIRef)}


@pytest.mark.parametrize(("file", "name"), names("pass"), ids=label)
def test_right_data_passes(file: Path, name: str, shapes: Graph, ontology: Graph) -> None:
    assert violations(data_of(file, name), shapes, ontology) == ()


@pytest.mark.parametrize(("file", "name"), names("fail"), ids=label)
def test_a_deviation_is_caught_by_its_rule_and_by_no_other(
    file: Path, name: str, shapes: Graph, ontology: Graph
) -> None:
    found = violations(data_of(file, name), shapes, ontology)
    wanted = constraint_of(name)
    assert {violation.shape for violation in found} == {str(wanted), *companions(file, name)}
    severity = "Warning" if wanted.removeprefix(str(SHAPE)) in WARNINGS else "Violation"
    assert {violation.severity for violation in found if violation.shape == str(wanted)} == {severity}
    for violation in found:
        assert re.match(r"[\w:/. ,-]+: .", violation.message), violation.message
        assert "{?" not in violation.message and "{$" not in violation.message


def test_each_fixture_file_shows_both_sides() -> None:
    for file in FIXTURES.glob("*.trig"):
        assert {kind for kind in ("pass", "fail") if file in {f for f, _ in names(kind)}} == {"pass", "fail"}


def test_each_constraint_has_a_failing_fixture(shapes: Graph) -> None:
    shown = {constraint_of(name) for _, name in names("fail")}
    assert sorted(constraints(shapes) - shown) == []
    assert sorted(shown - constraints(shapes)) == []


def test_each_shape_has_an_iri_of_its_own_and_says_why(shapes: Graph) -> None:
    assert len(constraints(shapes)) > 130
    for shape in [*shapes.subjects(RDF.type, SH.NodeShape), *constraints(shapes)]:
        assert str(shape).startswith(str(SHAPE)), shape
        assert len(list(shapes.objects(shape, RDFS.comment))) == 1, shape
    for constraint in constraints(shapes):
        assert re.match(r"(Rules? \d|Curation)", str(shapes.value(constraint, RDFS.comment))), constraint
        assert len(list(shapes.objects(constraint, SH.message))) == 1, constraint
        is_whole = (constraint, RDF.type, SH.NodeShape) in shapes
        assert is_whole or any(shapes.subjects(SH.property | SH.sparql, constraint)), f"{constraint}: unused"


def test_each_rule_that_data_can_break_is_named(shapes: Graph) -> None:
    comments = " ".join(str(text) for text in shapes.objects(None, RDFS.comment))
    named = {
        int(n) for rule in re.findall(r"Rules? (\d+(?: and \d+)*)", comments) for n in rule.split(" and ")
    }
    assert named == set(range(1, 13))


def test_shapes_and_fixtures_use_declared_terms_only(shapes: Graph, ontology: Graph) -> None:
    used = {str(node) for triple in shapes for node in triple if isinstance(node, URIRef)}
    for text in shapes.objects(None, SH.select):
        used |= {str(WH[local]) for local in re.findall(r"\bwh:([A-Za-z][\w-]*)", str(text))}
    for file in FIXTURES.glob("*.trig"):
        triples = (triple for graph in fixture(file).graphs() for triple in graph)
        used |= {str(node) for triple in triples for node in triple if isinstance(node, URIRef)}
    declared = {str(subject) for subject in ontology.subjects(RDF.type)}
    assert sorted(name for name in used - declared if name.startswith(str(WH))) == []


def test_lists_in_the_shapes_are_those_of_the_ontology(shapes: Graph, ontology: Graph) -> None:
    statuses = {iri for iri in ontology.subjects(RDF.type, WH.Code) if "/status-" in str(iri)}
    (head,) = shapes.objects(SHAPE["status-note-status"], SH["in"])
    assert set(shapes.items(head)) == statuses
    assert (WH["strategy-training-from-scratch"], WH.strategyPhase, None) in ontology
    assert {str(p) for p in ontology.objects(None, WH.strategyPhase)} == {
        "pretraining",
        "adaptation",
        "either",
    }


def test_every_storable_sense_accepts_each_of_its_bases_and_no_other(shapes: Graph, ontology: Graph) -> None:
    senses = {s for s in ontology.subjects(WH.storable, None) if (s, WH.storable, Literal(True)) in ontology}
    bases = set(ontology.subjects(RDF.type, WH.Basis))
    assert (len(senses), len(bases)) == (27, 5)
    data, refused = Graph(), set()
    for sense in senses:
        for basis in bases:
            record = URIRef(f"{BASE}assessment/{str(sense).split('/')[-1]}-{str(basis).split('/')[-1]}")
            data.add((record, RDF.type, sense))
            data.add((record, WH.hasBasis, basis))
            if (sense, WH.allowedBasis, basis) not in ontology:
                refused.add(str(record))
    found = violations(data, shapes, ontology)
    rule = str(SHAPE["assessment-allowed-basis"])
    assert {violation.focus for violation in found if violation.shape == rule} == refused


def test_the_rules_of_thumb_of_the_ontology_keep_the_rules(shapes: Graph, ontology: Graph) -> None:
    data = Graph()
    for heuristic in ontology.subjects(RDF.type, WH.SourceSelectionHeuristic):
        for triple in ontology.triples((heuristic, None, None)):
            data.add(triple)
    assert len(set(data.subjects())) >= 12
    assert violations(data, shapes, ontology) == ()


def test_entries_keep_the_rules_of_status_notes_and_weights(
    entries: dict[str, DatasetEntry], shapes: Graph, ontology: Graph
) -> None:
    for name in ("imagenet-1k", "dermamnist", "organcmnist"):
        assert violations(entry_graph(entries[name]), shapes, ontology) == ()


def test_the_catalogue_itself_gives_away_the_overlap_of_organa_and_organc(
    entries: dict[str, DatasetEntry], shapes: Graph, ontology: Graph
) -> None:
    data = entry_graph(entries["organamnist"]) + entry_graph(entries["organcmnist"])
    configuration, outcome = URIRef(BASE + "study/s#configuration-1"), URIRef(BASE + "outcome/o")
    data.add((configuration, WH.hasSource, DATASET.organamnist))
    data.add((configuration, WH.hasTarget, DATASET.organcmnist))
    data.add((outcome, RDF.type, WH.MeasuredOutcome))
    data.add((outcome, WH.concerns, configuration))
    data.add((outcome, WH.overlapRisk, Literal("not-checked", datatype=XSD.string)))
    assert str(SHAPE["overlap-path"]) in {v.shape for v in violations(data, shapes, ontology)}
    data.set((outcome, WH.overlapRisk, Literal("known", datatype=XSD.string)))
    assert str(SHAPE["overlap-path"]) not in {v.shape for v in violations(data, shapes, ontology)}


def test_typed_and_untyped_text_are_the_same(shapes: Graph, ontology: Graph) -> None:
    file = FIXTURES / "outcome.trig"
    for name in ("urn:pass:statuses", "urn:fail:outcome-spread"):
        plain, typed = data_of(file, name), Graph()
        for s, p, o in plain:
            text = isinstance(o, Literal) and o.datatype is None
            typed.add((s, p, Literal(str(o), datatype=XSD.string) if text else o))
        assert violations(typed, shapes, ontology) == violations(plain, shapes, ontology)


def test_only_the_data_is_judged_and_nothing_given_is_changed(shapes: Graph, ontology: Graph) -> None:
    data = data_of(FIXTURES / "rationale.trig", "urn:fail:rationale-agent")
    before = set(data), set(shapes), len(ontology)
    found = violations(data, shapes, ontology)
    assert (set(data), set(shapes), len(ontology)) == before
    assert {violation.focus for violation in found} == {BASE + "rationale/r1"}
    assert violations(Graph(), shapes, ontology) == ()


def test_a_violation_tells_where_what_and_how_to_mend_it(shapes: Graph, ontology: Graph) -> None:
    data = data_of(FIXTURES / "assessment.trig", "urn:fail:assessment-stated-range")
    assert violations(data, shapes, ontology) == (
        Violation(
            focus=BASE + "assessment/a1",
            path=str(WH.value),
            value="7.0",
            shape=str(SHAPE["assessment-stated-range"]),
            severity="Violation",
            message="value: 7.0 is outside the scale that the record states, bound 6.0; check both",
        ),
    )


def test_a_path_over_several_links_is_readable(shapes: Graph, ontology: Graph) -> None:
    data = data_of(FIXTURES / "group.trig", "urn:fail:group-target")
    (violation,) = violations(data, shapes, ontology)
    assert violation.path == "^wh:inComparisonGroup/(wh:concerns|wh:comparedWith)/wh:hasTarget"


def test_shapes_hold_without_an_ontology_where_they_need_none(shapes: Graph) -> None:
    data = data_of(FIXTURES / "revision.trig", "urn:fail:revision-reason")
    (violation,) = violations(data, shapes)
    assert str(violation).endswith(
        "needs one reason in words [https://w3id.org/whence/shape/revision-reason]"
    )


def test_all_shapes_of_a_folder_are_read(shapes: Graph) -> None:
    assert constraints(shapes) <= constraints(load_shapes(Settings().ontology / "shapes"))


def test_broken_and_missing_shapes_are_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no shapes"):
        load_shapes(tmp_path)
    (tmp_path / "broken.ttl").write_text("shape:x a", encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"broken\.ttl: not Turtle"):
        load_shapes(tmp_path)


def test_without_pyshacl_nothing_counts_as_passed(monkeypatch: pytest.MonkeyPatch, shapes: Graph) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyshacl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyshacl", None)
    with pytest.raises(NotReady, match="can't be checked"):
        violations(Graph(), shapes)
