"""The reference of terms: complete, readable, and in agreement with the ontology it was read from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, XSD, BNode, Graph, Literal, URIRef

from kb.answers import reference_pages as pages
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.generation import Generation
from kb.errors import InvalidFile, NotFound, NotReady
from kb.knowledge.names import BASE, WH
from kb.knowledge.terms import Reference, Term, short_name
from kb.knowledge.terms_rdf import read_reference
from kb.knowledge.vocabulary import Vocabulary

SENSES = 36  # the root, 11 below it, 21 below a branch, 3 below the similarity of concepts


@pytest.fixture(scope="module")
def reference(ontology: Graph) -> Reference:
    return read_reference(ontology)


def declared(ontology: Graph) -> set[str]:
    """Every IRI of ours that the ontology types, apart from its headers."""
    return {
        str(iri)
        for iri in set(ontology.subjects(RDF.type, None))
        if isinstance(iri, URIRef) and iri.startswith(BASE) and (iri, RDF.type, OWL.Ontology) not in ontology
    }


def test_every_declared_term_is_there(ontology: Graph, reference: Reference) -> None:
    names = {term.iri for term in reference.terms}
    assert declared(ontology) <= names and len(names) == len(reference.terms) > 1_400
    assert len(reference.by_name) == len(reference.terms)
    assert {iri for iri in names if not iri.startswith(BASE)} == {
        str(SKOS.broader),
        str(SKOS.broaderTransitive),
    }


def test_every_term_has_a_label_a_definition_and_a_source(reference: Reference) -> None:
    bare = [t.name for t in reference.terms if not (t.label and t.definition and t.sources and t.module)]
    assert bare == []


def said(term: Term) -> set[str]:
    """Everything that a record says, as text."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from texts(item)
        elif isinstance(value, list | tuple):
            for item in value:
                yield from texts(item)
        else:
            yield str(value)

    return set(texts(term.model_dump()))


def test_no_statement_about_a_term_is_left_out(ontology: Graph, reference: Reference) -> None:
    not_kept = {str(OWL.NamedIndividual), *map(str, (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty))}
    not_kept |= {str(OWL.AnnotationProperty), str(OWL.TransitiveProperty)}  # these are kind and traits
    for term in reference.terms:
        known = said(term)
        for predicate, value in ontology.predicate_objects(URIRef(term.iri)):
            if predicate == RDFS.isDefinedBy or isinstance(value, BNode) or str(value) in not_kept:
                continue
            if isinstance(value, Literal) and value.datatype == XSD.boolean:
                continue  # compared in the tests of senses and methods
            assert str(value) in known, f"{term.name}: {short_name(str(predicate))} {value}"


def test_neighbours_agree_both_ways(reference: Reference) -> None:
    both_ways = (
        ("parents", "children"),
        ("part_of", "parts"),
        ("located_in", "holds"),
        ("types", "instances"),
    )
    for there, back in both_ways:
        for term in reference.terms:
            for iri in getattr(term, there):
                if iri in reference.by_iri:
                    assert term.iri in getattr(reference.by_iri[iri], back), (term.name, there, iri)


def test_json_keeps_everything_and_is_the_same_twice(ontology: Graph, reference: Reference) -> None:
    text = reference.model_dump_json()
    assert Reference.model_validate_json(text) == reference
    shuffled = Graph()
    for triple in sorted(ontology, reverse=True):
        shuffled.add(triple)
    assert read_reference(shuffled).model_dump_json() == text


def test_what_a_sense_is(reference: Reference) -> None:
    term = reference.term("EmbeddingProximity")
    assert term.sense is not None and term.sense.storable and term.sense.needs_images is True
    assert term.sense.bases == (str(WH["model-computed"]),)
    assert term.sense.comparand == "encoder outputs as points"
    assert str(WH["method-knn-overlap"]) in term.sense.methods
    assert str(WH["FeatureDistributionSimilarity"]) in term.disjoint_with
    root = reference.term("DatasetSimilarity").sense
    assert root is not None and not root.storable and root.needs_images is None
    assert reference.term("DemographicSimilarity").sense.needs_images is False  # type: ignore[union-attr]
    shifts = reference.term("FeatureDistributionSimilarity").sense.shifts  # type: ignore[union-attr]
    assert str(WH.CovariateShift) in shifts
    assert sum(term.sense is not None for term in reference.terms) == SENSES


def follows(term: Term) -> dict[str, set[str]]:
    return {sentence.text: {short_name(iri) for iri in sentence.terms} for sentence in term.follows}


def test_what_follows(reference: Reference, vocabulary: Vocabulary) -> None:
    sense = follows(reference.term("EmbeddingProximity"))
    assert {"DatasetSimilarity", "SimilarityAssessment"} <= sense["Every instance is also an instance of"]
    branch = "Being a kind of representation similarity, no instance is also an instance of"
    assert "AppearanceSimilarity" in sense[branch]
    macula = follows(reference.term("macula-lutea"))["A dataset that states it is found under"]
    assert {"retina", "eyeball"} <= macula == vocabulary.entailed("macula-lutea") - {"macula-lutea"}
    located = follows(reference.term("locatedIn"))
    assert "hasAnatomy" in located["Chained with others it yields statements with"]
    anatomy = reference.term("hasAnatomy")
    texts = [chain.text for chain in anatomy.chains]
    assert "if x has anatomy y and y located in z, then x has anatomy z" in texts
    assert reference.term("partOf").traits == ("transitive",)


def test_codes_carry_scheme_and_mapping(reference: Reference) -> None:
    codes = {(code.scheme, code.mapping) for code in reference.term("retina").codes}
    assert {("UBERON", "skos:exactMatch"), ("SNOMED CT", "skos:exactMatch")} <= codes
    assert all(code.scheme for term in reference.terms for code in term.codes)


def test_mentions_lead_back(reference: Reference) -> None:
    depicted = {
        short_name(value.iri or "")
        for fact in reference.term("thorax").mentions
        if fact.predicate == str(WH.depicts)
        for value in fact.values
    }
    assert "chest-radiography" in depicted


def test_an_unknown_name_is_answered_with_near_ones(reference: Reference) -> None:
    for wrong, right in (("retinna", "retina"), ("embeddingproximity", "EmbeddingProximity"),
                         ("optic disc", "optic-disc"), ("HasAnatomy", "hasAnatomy")):  # fmt: skip
        with pytest.raises(NotFound, match=f"did you mean.*{right}"):
            reference.term(wrong)
    with pytest.raises(NotFound, match="one of anatomy, "):
        reference.module("anatom")


TINY = """
@prefix wh: <https://w3id.org/whence/ontology/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix m: <https://w3id.org/whence/module/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
m:a a owl:Ontology .
wh:P a owl:ObjectProperty ; rdfs:label "shows" ; rdfs:isDefinedBy m:a .
wh:A a owl:Class ; rdfs:label "picture" ; rdfs:isDefinedBy m:a .
wh:x a owl:NamedIndividual , wh:A ; rdfs:label "ex" ; rdfs:isDefinedBy m:a .
wh:B a owl:Class ; rdfs:label "picture of ex" ; rdfs:isDefinedBy m:a ;
    owl:equivalentClass [ owl:intersectionOf ( wh:A [ owl:onProperty wh:P ; owl:hasValue wh:x ] ) ] ;
    rdfs:subClassOf [ owl:onProperty wh:P ; owl:someValuesFrom wh:A ] .
[] owl:onProperty wh:P ; owl:someValuesFrom [ owl:intersectionOf ( wh:A wh:Old ) ] ; rdfs:subClassOf wh:B .
wh:Old a owl:Class ; rdfs:label "old" ; rdfs:isDefinedBy m:a ; owl:deprecated true ; dcterms:isReplacedBy wh:B .
wh:Up a owl:Class ; rdfs:isDefinedBy m:a ; rdfs:subClassOf wh:Down . # a cycle, which the tests of the ontology forbid
wh:Down a owl:Class ; rdfs:isDefinedBy m:a ; rdfs:subClassOf wh:Up .
"""


@pytest.fixture
def tiny() -> Reference:
    return read_reference(Graph().parse(data=TINY, format="turtle"))


def test_class_expressions_are_put_in_words(tiny: Reference) -> None:
    defined = tiny.term("B")
    assert [axiom.text for axiom in defined.equivalent] == ["picture and (shows value ex)"]
    assert {short_name(iri) for iri in defined.equivalent[0].terms} == {"A", "P", "x"}
    assert [axiom.text for axiom in defined.conditions] == ["(shows some picture)"]
    assert [axiom.text for axiom in defined.sufficient] == ["(shows some (picture and old))"]
    assert {short_name(iri) for iri in defined.sufficient[0].terms} == {"A", "Old", "P"}
    mentioned = {fact.predicate: [value.text for value in fact.values] for fact in tiny.term("x").mentions}
    assert mentioned == {str(OWL.equivalentClass): ["picture of ex"]}


def test_defined_classes_of_datasets_say_what_fills_them(reference: Reference) -> None:
    chest = reference.term("ChestRadiographDataset")
    ways = {axiom.text for axiom in (*chest.equivalent, *chest.sufficient)}
    assert (
        "imaging dataset and (has modality value projection radiography) and (has anatomy value lung)" in ways
    )
    used = {v.iri for fact in reference.term("lung").mentions for v in fact.values}
    assert chest.iri in used


def test_an_obsolete_term_names_its_replacement(tiny: Reference) -> None:
    assert tiny.term("Old").deprecated and tiny.term("Old").replaced_by == (str(WH.B),)
    assert not tiny.term("B").deprecated


def test_a_term_of_no_module_is_an_error() -> None:
    homeless = TINY.replace(
        'wh:P a owl:ObjectProperty ; rdfs:label "shows" ; rdfs:isDefinedBy m:a .',
        "wh:P a owl:ObjectProperty .",
    )
    assert homeless != TINY
    with pytest.raises(InvalidFile, match="ontology/P is defined by no module"):
        read_reference(Graph().parse(data=homeless, format="turtle"))


def entries_of(nodes: tuple[pages.Node, ...]) -> Iterator[str]:
    for node in nodes:
        if not node.elsewhere:
            yield node.term.iri
            yield from entries_of(node.children)


def test_every_term_stands_once_on_one_module_page(reference: Reference) -> None:
    placed: list[str] = []
    for module in reference.modules:
        for section in pages.sections(reference, module):
            here = list(entries_of(section.roots))
            assert len(here) == section.count, (module.name, section.title)
            placed += here
    mirrors = {term.iri for term in reference.terms if term.mirrors}
    assert len(placed) == len(set(placed))
    assert set(placed) | mirrors == set(reference.by_iri)


def test_a_cycle_hides_no_term(tiny: Reference) -> None:
    (module,) = tiny.modules
    placed = [iri for section in pages.sections(tiny, module) for iri in entries_of(section.roots)]
    assert sorted(placed) == sorted(tiny.by_iri)
    assert [[term.name for term in path] for path in pages.paths(tiny, tiny.term("Up"))] == [["Down"]]


def test_the_tree_of_senses_is_the_hierarchy(reference: Reference) -> None:
    senses = pages.sections(reference, reference.module("similarity"))[0]
    assert senses.senses and senses.count == SENSES
    (root,) = senses.roots
    assert root.term.name == "DatasetSimilarity" and len(root.children) == 11
    leaf = next(node for node in root.children if node.term.name == "RepresentationSimilarity").children
    assert [node.term.name for node in leaf] == [
        "EmbeddingProximity", "FeatureDistributionSimilarity", "JointDistributionSimilarity"
    ]  # fmt: skip


def test_paths_lead_from_the_class_down(reference: Reference) -> None:
    names = [[term.name for term in path] for path in pages.paths(reference, reference.term("retina"))]
    assert names and all(path[-1] == "eyeball" and "AnatomicalStructure" in path for path in names)
    assert pages.paths(reference, reference.term("Concept")) == ()
    tall = pages.paths(reference, reference.term("ModalityConceptSimilarity"))
    assert [[term.name for term in path][-2:] for path in tall] == [
        ["ContentSemanticSimilarity", "OntologyConceptSimilarity"]
    ]


@pytest.mark.parametrize(
    ("iri", "href"),
    [
        (str(WH.retina), "/ontology/retina"),
        (BASE + "sense/embedding-proximity", "/ontology/EmbeddingProximity#concept"),
        (BASE + "sense/scheme", "/sense/scheme"),
        (str(SKOS.broader), "/ontology/skos:broader"),
        (str(XSD.decimal), str(XSD.decimal)),
    ],
)
def test_links_mirror_the_iris(reference: Reference, iri: str, href: str) -> None:
    assert pages.link(reference, iri).href == href


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("fundus", "retina"),
        ("FID", "method-fid"),
        ("embedding proximity", "EmbeddingProximity"),
        ("hasAnatomy", "hasAnatomy"),
    ],
)
def test_terms_are_found_by_label_synonym_and_name(reference: Reference, query: str, first: str) -> None:
    assert pages.find_terms(reference, query)[0].name == first
    assert pages.find_terms(reference, "?!") == () == pages.find_terms(reference, "no such words at all")


def test_a_generation_without_reference_says_what_to_do(base: KnowledgeBase, tmp_path: Path) -> None:
    manifest = base.generation.folder / "manifest.json"
    (tmp_path / "manifest.json").write_text(manifest.read_text(encoding="utf-8"), encoding="utf-8")
    older = KnowledgeBase(base.settings, Generation(tmp_path))
    with pytest.raises(NotReady, match="run `whence build`"):
        pages.read_terms(older)


def test_datasets_are_counted_as_search_counts_them(base: KnowledgeBase) -> None:
    under = pages.datasets_under(base)
    assert under["retina"] >= pages.datasets_stating(base, "retina") > 0
    assert under["eyeball"] >= under["retina"]
    assert under["retina"] == sum("retina" in held for held in base.entailed_concepts.values())
