"""What the ontology says is what people in the field expect; its form is checked in `test_ontology_checks`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, Graph, URIRef

from kb.answers.ontology_report import differences_from_hermit
from kb.engines.inference import entail, rules
from kb.engines.store import to_triple
from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.names import BASE, DATASET, WH
from kb.knowledge.vocabulary import Vocabulary

REFS = ["arxiv:2401.14497"]


def test_facets_are_large_enough_and_their_labels_unique(vocabulary: Vocabulary) -> None:
    by_facet = Counter(concept.facet for concept in vocabulary)
    assert by_facet["modality"] >= 70
    assert by_facet["anatomy"] >= 165
    assert by_facet["task"] >= 28
    assert by_facet["finding"] >= 150
    labels = Counter((concept.facet, concept.label.casefold()) for concept in vocabulary)
    assert [label for label, n in labels.items() if n > 1] == []
    for concept in vocabulary:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", concept.id)


def test_hierarchies_have_no_cycles_and_stay_in_their_facet(vocabulary: Vocabulary) -> None:
    for concept in vocabulary:  # a cycle raises
        assert concept.id in vocabulary.entailed(concept.id)
        for other in vocabulary.entailed(concept.id):
            assert vocabulary[other].facet == concept.facet


@pytest.mark.parametrize(
    ("narrow", "broad"),
    [
        ("retina", "head"), ("macula-lutea", "eye"), ("lung", "thorax"), ("heart", "thorax"), ("breast", "thorax"),
        ("liver", "abdomen"), ("kidney", "abdomen"), ("prostate", "pelvis"), ("rectum", "pelvis"),
        ("hippocampus", "brain"), ("thyroid-gland", "neck"), ("patella", "lower-limb"),
        ("chest-radiography", "projection-radiography"), ("mammography", "projection-radiography"),
        ("pet-ct", "computed-tomography"), ("pet-ct", "positron-emission-tomography"),
        ("flair-mri", "magnetic-resonance-imaging"), ("whole-slide-imaging", "microscopy"),
        ("glioblastoma", "glioma"), ("glioma", "brain-tumour"), ("multi-label-image-classification", "image-classification"),
    ],
)  # fmt: skip
def test_what_everybody_in_the_field_expects_to_follow(
    vocabulary: Vocabulary, narrow: str, broad: str
) -> None:
    assert broad in vocabulary.entailed(narrow)


def test_senses_are_those_of_the_vocabulary(ontology: Graph) -> None:
    senses = set(ontology.transitive_subjects(RDFS.subClassOf, WH.DatasetSimilarity)) - {WH.DatasetSimilarity}
    leaves = {sense for sense in senses if not set(ontology.subjects(RDFS.subClassOf, sense))}
    branches = set(ontology.subjects(RDFS.subClassOf, WH.DatasetSimilarity))
    assert len(leaves) == 27
    assert len(branches) == 11
    assert WH.UnspecifiedSimilarity in leaves & branches
    records = {"SimilarityAssessment", "TransferabilityEstimate", "ExpectedPerformance", "MeasuredOutcome", "Rationale", "SourceSelectionHeuristic"}  # fmt: skip
    assert all((WH[name], RDF.type, OWL.Class) in ontology for name in records)


def test_codes_are_attached(ontology: Graph) -> None:
    retina = {str(code) for code in ontology.objects(WH.retina, SKOS.exactMatch)}
    assert "http://purl.obolibrary.org/obo/UBERON_0000966" in retina
    assert "http://snomed.info/id/77477000" in {
        str(c) for c in ontology.objects(WH["computed-tomography"], SKOS.exactMatch)
    }


def test_facets_of_the_model_are_those_of_the_ontology(ontology: Graph) -> None:
    for facet in FACETS:
        assert (
            WH[f"stated{facet.capitalize()}"],
            RDFS.subPropertyOf,
            WH[f"has{facet.capitalize()}"],
        ) in ontology


def tagged(**concepts: str) -> dict[str, Any]:
    return {facet: [{"concept": concept, "refs": REFS}] for facet, concept in concepts.items()}


def status(*fields: str) -> dict[str, Any]:
    return {"field_status": [{"status": "notReported", "fields": list(fields)}]}


def stated(field: str, **values: object) -> dict[str, Any]:
    return {field: [{**values, "refs": REFS}]}


#: Defined class → (fields of an entry that is one, fields of one that is nearly one).
DEFINED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ChestRadiographDataset": (tagged(modality="digital-radiography", anatomy="lung"), tagged(modality="mammography", anatomy="breast")),
    "MammographyDataset": (tagged(modality="full-field-digital-mammography"), tagged(modality="digital-radiography", anatomy="breast")),
    "FundusDataset": (tagged(modality="colour-fundus-photography"), tagged(anatomy="retina")),
    "DermoscopyDataset": (tagged(modality="dermoscopy"), tagged(modality="clinical-skin-photography")),
    "HistopathologyDataset": (tagged(modality="h-and-e-histology"), tagged(modality="cytology-imaging")),
    "BrainMriDataset": (tagged(modality="flair-mri", anatomy="hippocampus"), tagged(modality="computed-tomography", anatomy="brain")),
    "LungCtDataset": (tagged(modality="pet-ct", anatomy="lung"), tagged(modality="computed-tomography", anatomy="liver")),
    "VolumetricDataset": (stated("dimensions", value="3D+t"), stated("dimensions", value="2D+t")),
    "TimeResolvedDataset": (stated("dimensions", value="2D+t"), stated("dimensions", value="3D")),
    "SegmentationDataset": (tagged(task="semantic-segmentation"), tagged(task="object-detection")),
    "LabelledDataset": (stated("labelled", value="available"), stated("labelled", value="not-available")),
    "OpenAccessDataset": (stated("access", route="open", basis="stated"), stated("access", route="open", basis="guessed-from-host")),
    "CommerciallyUsableDataset": (stated("licences", stated="CC BY 4.0", spdx="CC-BY-4.0"), stated("licences", stated="CC BY-NC 4.0", spdx="CC-BY-NC-4.0")),
    "DatasetWithWeights": (stated("weights", architecture="a", objective="supervised", url="https://example.org/"), {}),
    "DerivedDataset": (stated("relations", kind="derived-from", target="lits"), stated("relations", kind="subset-of", target="lits")),
    "PatientSplitDataset": (stated("splits", kind="official", unit="patient"), stated("splits", kind="official", unit="slice")),
    "DatasetReportingDemographics": (stated("facts", attribute="sex", value="54 % female"), stated("facts", attribute="country", value="Spain")),
    "DatasetWithoutReportedDemographics": (status("population.sex", "population.age"), status("population.sex")),
}  # fmt: skip


def probe(fields: dict[str, Any]) -> Graph:
    return entry_graph(
        DatasetEntry.model_validate({"id": "probe", "name": "Probe", "domain": "medical"} | fields)
    )


def conclusions(ontology: Graph, data: Graph) -> set[tuple[str, str, str]]:
    """What follows from the data that is not stated in them."""
    stated_triples = {to_triple(triple) for graph in (ontology, data) for triple in graph}
    return {
        (str(t.subject).strip("<>"), str(t.predicate).strip("<>"), str(t.object).strip("<>"))
        for t in entail(stated_triples, ontology)
    }


def types(ontology: Graph, data: Graph) -> set[str]:
    return {
        value.removeprefix(str(WH))
        for subject, predicate, value in conclusions(ontology, data)
        if subject == str(DATASET.probe) and predicate == str(RDF.type)
    }


def test_every_defined_class_has_a_case(ontology: Graph) -> None:
    module = URIRef(f"{BASE}module/classes")
    classes = {str(c).removeprefix(str(WH)) for c in ontology.subjects(RDFS.isDefinedBy, module)}
    assert classes == set(DEFINED)


@pytest.mark.parametrize("name", DEFINED)
def test_the_reasoner_fills_the_defined_classes(ontology: Graph, name: str) -> None:
    one, nearly = DEFINED[name]
    assert name in types(ontology, probe(one))
    assert name not in types(ontology, probe(nearly))


def test_hermit_fills_them_alike(ontology: Graph) -> None:
    """All cases at once, as entries of their own."""
    graphs = []
    for number, fields in enumerate(case for pair in DEFINED.values() for case in pair):
        document = {"id": f"probe-{number}", "name": "Probe", "domain": "medical"} | fields
        graphs.append(entry_graph(DatasetEntry.model_validate(document)))
    assert differences_from_hermit(ontology, graphs) == []


def test_what_a_modality_depicts_is_shown(ontology: Graph) -> None:
    found = conclusions(ontology, probe(tagged(modality="colour-fundus-photography")))
    for structure in (WH.retina, WH.eyeball, WH.head):
        assert (str(DATASET.probe), str(WH.hasAnatomy), str(structure)) in found


def test_relations_that_el_lacks_hold_both_ways(ontology: Graph) -> None:
    found = conclusions(ontology, probe(stated("relations", kind="derived-from", target="lits")))
    assert (str(DATASET.lits), str(WH.sharesItemsWith), str(DATASET.probe)) in found
    assert (str(DATASET.lits), str(WH.derivedFrom), str(DATASET.probe)) not in found


@pytest.mark.parametrize(
    "triple",
    [
        (WH.hasTarget, RDF.type, OWL.FunctionalProperty),
        (WH.subsetOf, OWL.inverseOf, WH.derivedFrom),
        (WH.Task, OWL.unionOf, RDF.nil),
    ],
)
def test_axioms_that_no_rule_covers_are_refused(
    ontology: Graph, triple: tuple[URIRef, URIRef, URIRef]
) -> None:
    broken = Graph()
    broken += ontology
    broken.add(triple)
    with pytest.raises(InvalidFile, match="no rule"):
        rules(broken)
