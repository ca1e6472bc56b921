"""Every check of the ontology passes on ours and fails on a planted fault."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Identifier

import kb
from kb.answers.ontology_release import generated
from kb.answers.ontology_report import (
    CONTRADICTIONS,
    comparison_sample,
    contradiction,
    differences_from_hermit,
    report,
)
from kb.engines.inference import rules
from kb.engines.owlapi import examine
from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.names import WH
from kb.knowledge.ontology_checks import (
    GRAPH_CHECKS,
    bad_header,
    declared_terms,
    not_canonical,
    undeclared,
)
from kb.knowledge.term_changes import changelog, compare, read_snapshot, snapshot, to_tsv
from kb.settings import Settings

PROBE = WH.probe
FILLED: list[tuple[URIRef, URIRef, Identifier]] = [
    (PROBE, RDF.type, OWL.Class),
    (PROBE, RDFS.label, Literal("probe", lang="en")),
    (PROBE, SKOS.definition, Literal("Thing made up for a test.", lang="en")),
    (PROBE, DCTERMS.source, Literal("own")),
]
_ANATOMY: list[tuple[URIRef, URIRef, Identifier]] = [
    (PROBE, RDF.type, WH.AnatomicalStructure),
    (PROBE, RDF.type, OWL.NamedIndividual),
]
#: Check → triples to add to the ontology that it must notice.
FAULTS: dict[str, list[tuple[URIRef, URIRef, Identifier]]] = {
    "one English label, unique in its kind": [*FILLED, (PROBE, RDFS.label, Literal("other", lang="en"))],
    "one own definition, unique": [
        *FILLED[:2],
        (PROBE, SKOS.definition, Literal("A probe is a probe.", lang="en")),
    ],
    "source of each definition": FILLED[:3],
    "synonyms differ from the label": [*FILLED, (PROBE, SKOS.altLabel, Literal("probe", lang="en"))],
    "one kind of thing for each term": [*FILLED, (PROBE, RDF.type, OWL.NamedIndividual)],
    "no undeclared term in the ontology": [(WH.retina, WH.nowhereDeclared, WH.eye)],
    "no cycle": [(WH.Concept, RDFS.subClassOf, WH.BodyRegion)],
    "no redundant broader link": [(WH.BodyRegion, RDFS.subClassOf, WH.Concept)],
    "obsolete terms are marked and unused": [*FILLED, (PROBE, OWL.deprecated, Literal(True))],
    "one body region for each structure": [*FILLED[1:], *_ANATOMY],
}


@pytest.mark.parametrize("name", GRAPH_CHECKS)
def test_each_check_notices_its_planted_fault(ontology: Graph, name: str) -> None:
    broken = Graph()
    broken += ontology
    for triple in FAULTS[name]:
        broken.add(triple)
    before = GRAPH_CHECKS[name](ontology)
    assert before == []
    assert GRAPH_CHECKS[name](broken)


def test_a_header_of_another_version_is_noticed(ontology: Graph) -> None:
    assert bad_header(ontology, kb.__version__) == []
    assert len(bad_header(ontology, "9.9.9")) == 2 * len(set(ontology.subjects(RDF.type, OWL.Ontology)))


def test_an_undeclared_term_in_the_data_is_noticed(ontology: Graph) -> None:
    data = Graph()
    data.add((URIRef("https://example.org/x"), WH.hasModality, WH["camputed-tomography"]))
    assert undeclared(ontology, data) == [str(WH["camputed-tomography"])]


def test_files_are_as_the_formatter_writes_them(tmp_path: Path) -> None:
    folder = Settings().ontology
    for path, text in generated(folder).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `whence ontology format`"
    (tmp_path / "core.ttl").write_text(
        (folder / "core.ttl").read_text(encoding="utf-8") + "\n", encoding="utf-8"
    )
    assert not_canonical(tmp_path) == ["core.ttl: write it with `whence ontology format`"]


def test_the_report_finds_nothing_and_asks_all_reasoners(settings: Settings) -> None:
    found = report(settings)
    assert {check.name: check.problems for check in found.checks if check.problems} == {}
    names = " ".join(check.name for check in found.checks)
    for expected in ("ELK", "HermiT", "Openllet", "OWL 2 DL", "OWL 2 EL", "materialisation"):
        assert expected in names
    planted = [check.note for check in found.checks if "planted" in check.name]
    assert planted == [f"{len(CONTRADICTIONS) + 1} of {len(CONTRADICTIONS) + 1}"] * 3


def test_profiles_and_reasoners_notice_faults(ontology: Graph) -> None:
    """OWL 2 EL has no functional properties, DL no class that is also an individual of itself by property."""
    broken = Graph()
    broken += ontology
    broken.add((WH.hasModality, RDF.type, OWL.FunctionalProperty))
    found = examine(broken, reasoners=("Openllet",), planted=(contradiction("Modality", "Modality"),))
    assert any("FunctionalObjectProperty" in violation for violation in found.violations["EL"])
    assert any("NonSimple" in violation or "non-simple" in violation for violation in found.violations["DL"])
    assert found.findings[0].planted_found == (False,)  # one class twice is no contradiction


def test_the_comparison_with_hermit_notices_a_missing_and_a_false_conclusion(
    ontology: Graph, entries: dict[str, DatasetEntry]
) -> None:
    data = [entry_graph(entries["dermamnist"])]
    assert differences_from_hermit(ontology, data) == []
    extra = Graph()
    node = BNode()
    extra.add((node, RDF.type, OWL.Restriction))  # an axiom in a form that the rules don't read: hasSelf
    extra.add((node, OWL.onProperty, WH.derivedFrom))
    extra.add((node, OWL.hasSelf, Literal(True)))
    with pytest.raises(InvalidFile, match="hasSelf"):
        rules(ontology + extra)


def test_the_sample_is_fixed_and_brings_related_entries(entries: dict[str, DatasetEntry]) -> None:
    sample = comparison_sample(entries)
    assert sample == comparison_sample(entries)
    assert len(sample) >= 20


def test_a_snapshot_survives_its_file_and_changes_are_told(ontology: Graph, tmp_path: Path) -> None:
    rows = snapshot(ontology)
    path = tmp_path / "0.0.1.tsv"
    path.write_text(to_tsv(rows[1:]), encoding="utf-8")
    assert read_snapshot(path) == rows[1:]
    assert [row.term for row in compare(read_snapshot(path), rows).added] == [rows[0].term]
    assert f"Added (1): `{rows[0].term}`" in changelog(ontology, "0.0.2", tmp_path)


def test_no_term_of_an_earlier_release_has_gone(ontology: Graph) -> None:
    """A term may become obsolete; it is never removed within a major version."""
    now = snapshot(ontology)
    earlier = sorted((Settings().ontology / "releases").glob("*.tsv"))
    assert earlier
    for path in earlier:
        assert compare(read_snapshot(path), now).removed == []


def test_release_files_are_the_same_bytes_twice(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "kb.cli", "ontology", "release", str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
    first = {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "2").iterdir()}
    assert {"whence.ttl", "whence.owl", "whence.jsonld", "modality.sssom.tsv", "SHA256SUMS"} <= set(first)
    sizes = {
        name: len(Graph().parse(data=first[name], format=form))
        for name, form in (("whence.ttl", "turtle"), ("whence.owl", "xml"), ("whence.jsonld", "json-ld"))
    }
    assert len(set(sizes.values())) == 1 and min(sizes.values()) > 15_000


def names_in_code(folder: Path) -> set[str]:
    """Terms that Python code spells out as `WH.name` or `WH["name"]`."""
    found: set[str] = set()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            owner = getattr(node, "value", None)
            if not (isinstance(owner, ast.Name) and owner.id == "WH"):
                continue
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                found.add(str(node.slice.value))
    return found


def test_code_names_only_declared_terms(ontology: Graph) -> None:
    root = Path(kb.__file__).parent
    names = names_in_code(root) | names_in_code(root.parent / "api")
    assert len(names) > 100
    declared = {str(term).removeprefix(str(WH)) for term in declared_terms(ontology)}
    assert sorted(names - declared) == []


def test_shapes_name_only_declared_terms(ontology: Graph) -> None:
    folder = Settings().ontology / "shapes"
    for path in sorted(folder.glob("*.ttl")):
        assert undeclared(ontology, Graph().parse(path)) == [], path.name
