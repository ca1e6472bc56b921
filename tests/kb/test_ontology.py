"""The ontology as code: complete terms, sound hierarchies, consistent under HermiT."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, BNode, Graph, URIRef
from rdflib.namespace import DCTERMS

from kb.engines.reasoner import check_consistency
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.names import WH
from kb.knowledge.vocabulary import Vocabulary

DECLARING = (
    OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.NamedIndividual,
)  # fmt: skip


def terms(ontology: Graph) -> set[URIRef]:
    return {
        s
        for kind in DECLARING
        for s in ontology.subjects(RDF.type, kind)
        if isinstance(s, URIRef) and str(s).startswith(str(WH))
    }


def test_every_term_has_one_label_one_own_definition_and_a_source(ontology: Graph) -> None:
    definitions: Counter[str] = Counter()
    for term in terms(ontology):
        labels = [*ontology.objects(term, RDFS.label), *ontology.objects(term, SKOS.prefLabel)]
        assert len(set(labels)) == 1, term
        found = list(ontology.objects(term, SKOS.definition))
        assert len(found) == 1 and len(str(found[0])) > 9, term
        definitions[str(found[0])] += 1
        assert (term, DCTERMS.source, None) in ontology, term
    assert [text for text, n in definitions.items() if n > 1] == []


def test_no_term_is_used_undeclared(ontology: Graph, entries: dict[str, DatasetEntry]) -> None:
    declared = terms(ontology)
    used = {node for triple in ontology for node in triple if str(node).startswith(str(WH))}
    for entry in entries.values():
        used |= {node for triple in entry_graph(entry) for node in triple if str(node).startswith(str(WH))}
    assert sorted(map(str, used - declared)) == []


def test_nothing_is_both_class_property_and_individual(ontology: Graph) -> None:
    for term in terms(ontology):
        kinds = {kind for kind in DECLARING if (term, RDF.type, kind) in ontology}
        assert len(kinds) == 1, (term, kinds)


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


def test_every_structure_reaches_one_body_region_or_is_systemic(
    ontology: Graph, vocabulary: Vocabulary
) -> None:
    regions = {str(s).removeprefix(str(WH)) for s in ontology.subjects(RDF.type, WH.BodyRegion)}
    systemic = {str(s).removeprefix(str(WH)) for s in ontology.subjects(RDF.type, WH.SystemicStructure)}
    assert regions == {"head", "neck", "thorax", "abdomen", "pelvis", "upper-limb", "lower-limb"}
    for concept in vocabulary:
        if concept.facet == "anatomy":
            reached = vocabulary.entailed(concept.id) & regions
            assert len(reached) == (0 if concept.id in systemic else 1), (concept.id, reached)


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


def test_hermit_finds_the_ontology_consistent(ontology: Graph) -> None:
    verdict = check_consistency(ontology)
    assert verdict.consistent
    assert verdict.unsatisfiable == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("EmbeddingProximity", "SiteSimilarity"), ("SimilarityAssessment", "MeasuredOutcome"), ("Modality", "Finding"),
     ("DatasetSimilarity", "InstanceOverlap")],
)  # fmt: skip
def test_hermit_detects_a_planted_contradiction(ontology: Graph, one: str, other: str) -> None:
    probe = URIRef("https://example.org/probe")
    planted = [
        (probe, RDF.type, OWL.NamedIndividual),
        (probe, RDF.type, WH[one]),
        (probe, RDF.type, WH[other]),
    ]
    assert not check_consistency(ontology, planted).consistent


def test_hermit_detects_a_class_that_nothing_can_be(ontology: Graph) -> None:
    probe = URIRef("https://example.org/Probe")
    planted = [
        (probe, RDF.type, OWL.Class),
        (probe, RDFS.subClassOf, WH.Modality),
        (probe, RDFS.subClassOf, WH.Task),
    ]
    assert check_consistency(ontology, planted).unsatisfiable == (str(probe),)


def test_modules_are_in_canonical_form() -> None:
    """As rdflib's Turtle writer gives it, so that a change shows as a change."""
    from kb.settings import Settings

    for module in sorted(Settings().ontology.glob("*.ttl")):
        graph = Graph().parse(module, format="turtle")
        if not any(
            isinstance(node, BNode) for triple in graph for node in triple
        ):  # lists have no fixed order of nodes
            assert graph.serialize(format="turtle") == module.read_text(encoding="utf-8"), module.name


def test_facets_of_the_model_are_those_of_the_ontology(ontology: Graph) -> None:
    for facet in FACETS:
        assert (
            WH[f"stated{facet.capitalize()}"],
            RDFS.subPropertyOf,
            WH[f"has{facet.capitalize()}"],
        ) in ontology
