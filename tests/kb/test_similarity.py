"""Similarity, sense by sense: what the ontology declares holds for every pair, and a missing fact is never a mismatch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import SKOS, Graph, Literal

from kb.answers.compare import compare
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.similarity import similarity
from kb.errors import InvalidInput, NotFound
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import (
    FACETS,
    Attribute,
    FieldStatus,
    LabelMethod,
    PopulationAttribute,
    StatusField,
    Unit,
)
from kb.knowledge.names import WH
from kb.knowledge.profiles import Profile, Profiles
from kb.knowledge.similarity import DOCUMENTATION, SENSES, Assessed, Sense, assess, values
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings
from tests.conftest import Run

REFS = ["TEST:row"]


@pytest.fixture(scope="module")
def profiles(vocabulary: Vocabulary) -> Profiles:
    return Profiles(vocabulary)


@pytest.fixture(scope="module")
def assessed(
    entries: dict[str, DatasetEntry], profiles: Profiles
) -> Callable[[str, str], dict[str, Assessed]]:
    """Every sense between two entries, by key."""

    def between(source: str, target: str) -> dict[str, Assessed]:
        found = assess(profiles.of(entries[source]), profiles.of(entries[target]), profiles)
        return {sense.key: one for sense, one in zip(SENSES, found, strict=True)}

    return between


Between = Callable[[str, str], dict[str, Assessed]]


@pytest.mark.parametrize("sense", [*SENSES, DOCUMENTATION], ids=lambda sense: sense.key)
def test_a_sense_is_what_the_ontology_declares(sense: Sense, ontology: Graph) -> None:
    cls, method = WH[sense.sense], WH[sense.method]
    (concept,) = ontology.subjects(WH.mirrorsClass, cls)
    assert str(ontology.value(cls, WH.storable)) == "true"
    assert (cls, WH.allowedBasis, WH[sense.basis]) in ontology
    assert (method, WH.assessesSense, concept) in ontology
    assert (method, WH.hasBasis, WH[sense.basis]) in ontology
    assert str(ontology.value(concept, SKOS.prefLabel)) == sense.label
    assert str(ontology.value(method, WH.isSymmetric)) == str(sense.symmetric).lower()
    assert str(ontology.value(method, WH.higherMeansMoreSimilar)) == str(sense.higher).lower()
    for bound, declared in ((sense.minimum, WH.rangeMinimum), (sense.maximum, WH.rangeMaximum)):
        found = ontology.value(method, declared)
        assert (None if bound is None else float(bound)) == (float(str(found)) if found is not None else None)


def test_every_sense_that_needs_no_images_is_computed(ontology: Graph) -> None:
    """Except what only people can say, and case mix, for which entries record too little."""
    declared = {
        str(cls).removeprefix(str(WH))
        for cls in ontology.subjects(WH.storable, Literal(True))
        if str(ontology.value(cls, WH.needsImages)) == "false"
    }
    left = declared - {sense.sense for sense in (*SENSES, DOCUMENTATION)}
    assert left == {"CaseMixSimilarity", "PerceivedSemanticSimilarity", "PerceivedTaskRelatedness"}


def test_information_content_counts_what_lies_below(vocabulary: Vocabulary, profiles: Profiles) -> None:
    content = profiles.content
    assert content["imaging-modality"] == 0 and content["analysis-task"] == 0
    modality = [one.id for one in vocabulary if one.facet == "modality"]
    below = sum("magnetic-resonance-imaging" in vocabulary.entailed(one) for one in modality) - 1
    assert below > 3
    assert content["magnetic-resonance-imaging"] == pytest.approx(
        1 - math.log(1 + below) / math.log(len(modality))
    )
    for concept in vocabulary:
        for broad in concept.parents:
            if vocabulary[broad].facet == concept.facet:
                assert content[broad] <= content[concept.id]


def test_simgic_is_shared_over_all_information(profiles: Profiles, vocabulary: Vocabulary) -> None:
    one, other = (
        _entry(modality=[{"concept": c, "refs": REFS}]) for c in ("dermoscopy", "magnetic-resonance-imaging")
    )
    both = [vocabulary.entailed(entry.modality[0].concept) for entry in (one, other)]
    expected = sum(profiles.content[c] for c in both[0] & both[1]) / sum(
        profiles.content[c] for c in both[0] | both[1]
    )
    found = values(profiles.of(one), profiles.of(other), profiles)["ModalityConceptSimilarity"]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sense", "near", "far"),
    [
        ("ModalityConceptSimilarity", ("chexpert", "mimic-cxr"), ("chexpert", "ham10000")),
        ("AnatomyConceptSimilarity", ("chexpert", "padchest"), ("chexpert", "idrid")),
        ("PathologyConceptSimilarity", ("ham10000", "isic-2018-task-3"), ("ham10000", "idrid")),
        ("BroadDomainMatch", ("kits19", "chexpert"), ("kits19", "pannuke")),
        ("TaskFormulationSimilarity", ("kits19", "amos22"), ("kits19", "ham10000")),
        ("LabelSpaceSimilarity", ("amos22", "btcv"), ("amos22", "ham10000")),
        ("SiteSimilarity", ("camelyon16", "patchcamelyon"), ("camelyon16", "lc25000")),
        ("DimensionalityMatch", ("kits19", "amos22"), ("kits19", "chexpert")),
    ],
)  # fmt: skip
def test_what_is_known_to_be_nearer_is_nearer(
    assessed: Between, sense: str, near: tuple[str, str], far: tuple[str, str]
) -> None:
    close, distant = assessed(*near)[sense].value, assessed(*far)[sense].value
    assert close is not None and distant is not None and close > distant


def test_a_class_is_the_concept_it_means(assessed: Between) -> None:
    """`left kidney` and `kidney` meet in one concept; bare numbers meet nothing outside their dataset."""
    found = assessed("kits19", "amos22")
    assert found["LabelSpaceSimilarity"].value
    assert assessed("retinamnist", "retinamnist")["LabelSpaceSimilarity"].value == 1
    assert assessed("retinamnist", "aptos-2019")["LabelSpaceSimilarity"].value == 0


def test_containment_is_not_symmetric_and_says_so(assessed: Between) -> None:
    there, back = assessed("ham10000", "isic20"), assessed("isic20", "ham10000")
    key = "LabelSpaceSimilarity/containment"
    assert there[key].value == 0.5 and back[key].value == pytest.approx(1 / 7)
    assert not there[key].symmetric and there["LabelSpaceSimilarity"].symmetric


def test_a_missing_fact_is_named_and_never_a_mismatch(assessed: Between) -> None:
    found = assessed("imagenet-1k", "chexpert")
    assert found["AnatomyConceptSimilarity"].missing == ("imagenet-1k: anatomy is not applicable",)
    assert found["BroadDomainMatch"].value == 0  # known on both sides: natural against medical images
    people = found["DemographicSimilarity"]
    assert people.value is None and "not of patients" in people.missing[0]
    classes = found["LabelSpaceSimilarity"]
    assert classes.missing == ("imagenet-1k: list of classes is not known, only how many there are",)


def test_a_slice_is_not_a_volume(assessed: Between) -> None:
    found = assessed("kits19", "amos22")["MetaFeatureSimilarity"]
    assert found.value is None and "counts images" in found.missing[0]


def test_which_attributes_were_compared_is_said(assessed: Between) -> None:
    found = assessed("ham10000", "isic20")
    assert found["ColourChannelMatch"].attributes == ("bit depth", "channels")
    assert found["ResolutionScaleSimilarity"].attributes == ("pixels a side",)
    assert found["SiteSimilarity"].attributes == ("country", "institution")
    assert all(
        one.refs for one in found.values() if one.value is not None and one.sense != "BroadDomainMatch"
    )


def test_texts_of_facts_are_read_only_where_they_are_plain(profiles: Profiles) -> None:
    def scale(**facts: str) -> dict[str, set[float]]:
        told = [
            {"attribute": name.replace("_", "-"), "value": value, "refs": REFS}
            for name, value in facts.items()
        ]
        return {kind: set(found) for kind, found in profiles.of(_entry(facts=told)).scale.items()}

    assert scale(image_size="(512, 512, 597)") == {"pixels a side": {512}}
    assert scale(image_size="28x28 (also 64/128/224)") == {"pixels a side": {28}}
    assert scale(spacing="(3.0,0.78,0.78)") == {"pixel spacing in mm": {0.78}}
    assert scale(magnification="40x") == {"magnification": {40}}
    for vague in ("Variable (Chest X-rays)", "500x500 to 600x600", "around 500x500"):
        assert scale(image_size=vague) == {}
    for vague in ("(0.46, 0.46)", "(3.3, 0.63, .066)", "8x8x30 nm (source)"):
        assert scale(spacing=vague) == {}


# Properties, on real entries and on random parts of entries


@cache
def _world() -> tuple[Profiles, tuple[Profile, ...], Vocabulary]:
    """Profiles of the real catalogue, once for all examples."""
    chosen = Settings()
    vocabulary = Vocabulary.from_graph(load_ontology(chosen.ontology))
    profiles = Profiles(vocabulary)
    entries = read_catalogue(chosen.datasets, vocabulary)
    return profiles, tuple(profiles.of(entry) for entry in entries.values()), vocabulary


def _entry(**fields: Any) -> DatasetEntry:  # noqa: ANN401
    return DatasetEntry.model_validate(
        {"id": "described", "name": "described", "domain": "medical", **fields}
    )


@st.composite
def _described(draw: st.DrawFn) -> Profile:
    """Profile of a random part of an entry, with words that facts may hold."""
    profiles, _, vocabulary = _world()
    words = st.one_of(
        st.text(min_size=1, max_size=30).filter(str.strip),
        st.sampled_from(
            ["3 T Siemens", "1,5T", "40x", "0x0", "512x512", "(0, 0, 0)", "(1.0, 1.0, 3.0)", "France", "Paris; UMC Utrecht", "men",
             "0 to 5 years", "120-18 years", "9x" * 40, "pathologist", "()", "9" * 400]
        ),
    )  # fmt: skip
    positive = st.integers(1, 10**6)

    def tags(facet: str) -> list[dict[str, Any]]:
        ids = [concept.id for concept in vocabulary if concept.facet == facet]
        return [
            {"concept": c, "refs": REFS}
            for c in draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))
        ]

    def some(part: st.SearchStrategy[dict[str, Any]], most: int = 3) -> list[dict[str, Any]]:
        return [{**one, "refs": REFS} for one in draw(st.lists(part, max_size=most))]

    label = st.fixed_dictionaries(
        {"name": st.one_of(words, st.sampled_from(["melanoma", "left kidney", "0", "normal"]))},
        optional={"n": st.integers(0, 10**5)},
    )
    status = {"status": draw(st.sampled_from(get_args(FieldStatus)))}
    fields = {facet: tags(facet) for facet in FACETS} | {
        "domain": draw(st.sampled_from(["medical", "natural", "natural-texture"])),
        "dimensions": some(st.fixed_dictionaries({"value": st.sampled_from(["2D", "3D", "2D+t"])})),
        "classes": some(st.fixed_dictionaries({"names": st.lists(label, max_size=5)}), 2),
        "counts": some(st.fixed_dictionaries({"n": positive, "unit": st.sampled_from(get_args(Unit))})),
        "form": some(
            st.fixed_dictionaries(
                {"channels": st.sampled_from([1, 3])},
                optional={"width": positive, "pixel_mm": st.floats(5e-324, 1e300), "stage": st.sampled_from(["released", "source"])},
            )
        ),
        "labelling": some(
            st.fixed_dictionaries({"method": st.sampled_from(get_args(LabelMethod))}, optional={"expertise": words})
        ),
        "population": some(
            st.fixed_dictionaries({"attribute": st.sampled_from(get_args(PopulationAttribute)), "group": words, "n": st.integers(0, 9)})
        ),
        "facts": some(st.fixed_dictionaries({"attribute": st.sampled_from(get_args(Attribute)), "value": words}), 8),
        "field_status": [{**status, "fields": draw(st.lists(st.sampled_from(get_args(StatusField)), min_size=1, max_size=4))}],
    }  # fmt: skip
    return profiles.of(_entry(**fields))


@st.composite
def _real(draw: st.DrawFn) -> Profile:
    everything = _world()[1]
    return everything[draw(st.integers(0, len(everything) - 1))]


ANY = st.one_of(_real(), _described())
SLOW = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SLOW
@given(ANY, ANY)
def test_ranges_directions_and_reasons_hold_for_any_two(source: Profile, target: Profile) -> None:
    profiles = _world()[0]
    quick = values(source, target, profiles)
    for sense, one in zip(SENSES, assess(source, target, profiles), strict=True):
        assert one.value == quick[sense.key]
        assert (one.value is None) == bool(one.missing)
        if one.value is not None:
            assert one.minimum is None or one.value >= one.minimum
            assert one.value <= one.maximum if one.maximum is not None else math.isfinite(one.value)
        assert Assessed.model_validate_json(one.model_dump_json()) == one


@SLOW
@given(ANY, ANY)
def test_symmetry_holds_exactly_where_it_is_declared(source: Profile, target: Profile) -> None:
    profiles = _world()[0]
    there, back = values(source, target, profiles), values(target, source, profiles)
    for sense in SENSES:
        if sense.symmetric:
            assert there[sense.key] == back[sense.key], sense.key
        else:
            assert (there[sense.key] is None) == (back[sense.key] is None), sense.key


@SLOW
@given(ANY)
def test_nothing_is_more_like_a_dataset_than_itself(one: Profile) -> None:
    found = values(one, one, _world()[0])
    for sense in SENSES:
        if found[sense.key] is not None:
            assert found[sense.key] == (sense.maximum if sense.higher else 0), sense.key


# Answers of a built base


def test_published_values_stand_beside_the_computed_ones(base: KnowledgeBase) -> None:
    answer = similarity(base, "imagenet-1k", "isic-2018-task-3")
    assert [one.sense for one in answer.computed] == [sense.sense for sense in (*SENSES, DOCUMENTATION)]
    by_sense = {one.sense: one for one in answer.stored}
    rated = by_sense["UnspecifiedSimilarity"]
    assert not rated.usable and rated.direction == "lower-is-more-similar" and rated.maximum == 6
    embedded = by_sense["TaskEmbeddingSimilarity"]
    assert embedded.usable and embedded.proxy == "stl-10" and embedded.refs == ("arxiv:2107.05940",)
    assert answer.versions.ontology and base.manifest.model in answer.versions.encoder
    assert "TaskEmbeddingSimilarity" in answer.needs_images


def test_a_published_value_is_shown_for_the_other_order_only_where_the_method_is_symmetric(
    base: KnowledgeBase,
) -> None:
    back = similarity(base, "isic-2018-task-3", "imagenet-1k").stored
    assert {one.method for one in back} == {"method-task2vec-cosine"}
    assert all(
        (one.source, one.target, one.symmetric) == ("imagenet-1k", "isic-2018-task-3", True) for one in back
    )


def test_a_description_stands_for_a_dataset(base: KnowledgeBase) -> None:
    answer = similarity(base, "idrid", "fundus photographs, grading of diabetic retinopathy")
    found = {one.sense: one.value for one in answer.computed}
    assert not answer.target.in_catalogue and answer.target.id == "described-target"
    modality, text = found["ModalityConceptSimilarity"], found["DocumentationTextSimilarity"]
    assert modality is not None and modality > 0.5
    assert text is not None and -1 <= text <= 1
    assert answer.stored == ()


def test_a_text_is_closest_to_itself(base: KnowledgeBase) -> None:
    cosine = similarity(base, "chexpert", "chexpert").computed[-1].value
    assert cosine == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("pair", [("chexprt", "ham10000"), ("ham10000", "chexprt")])
def test_an_unknown_id_is_answered_with_near_ones(base: KnowledgeBase, pair: tuple[str, str]) -> None:
    with pytest.raises(NotFound, match="chexpert"):
        similarity(base, *pair)


def test_side_by_side_every_heading_has_a_cell_for_each(base: KnowledgeBase) -> None:
    ids = ("imagenet-1k", "ham10000", "isic20")
    answer = compare(base, ids)
    assert answer.datasets == ids
    for row in answer.facts:
        assert tuple(cell.dataset for cell in row.cells) == ids
        for cell in row.cells:
            assert bool(cell.values) == (cell.status == "reported")
    headings = {row.fact: row.cells for row in answer.facts}
    assert {"licence", "access", "items", "patients", "people: sex", "people: skin-tone"} <= headings.keys()
    assert headings["finding"][0].status == "notApplicable"
    assert "commercial no" in headings["licence"][1].values[0]
    pairs = {row.key: [(pair.source, pair.target) for pair in row.pairs] for row in answer.senses}
    assert len(pairs["LabelSpaceSimilarity"]) == 3 and len(pairs["LabelSpaceSimilarity/containment"]) == 6


@pytest.mark.parametrize("count", [0, 1, 6])
def test_fewer_than_two_or_more_than_five_are_refused(base: KnowledgeBase, count: int) -> None:
    ids = ["chexpert", "ham10000", "idrid", "kits19", "amos22", "isic20"][:count]
    with pytest.raises(InvalidInput, match="2 to 5"):
        compare(base, ids)


def test_the_same_dataset_twice_is_refused(base: KnowledgeBase) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        compare(base, ["idrid", "chexpert", "idrid"])


def test_commands_print_one_line_for_each_sense(run: Run) -> None:
    text = run("similarity", "imagenet-1k", "isic-2018-task-3").stdout
    for sense in (*SENSES, DOCUMENTATION):
        assert sense.sense in text
    assert "not computable: imagenet-1k: anatomy is not applicable" in text
    assert (
        "lower is more similar" in text
        and "shown only, never ranked" in text
        and "in place of imagenet-1k" in text
    )
    document = json.loads(run("similarity", "imagenet-1k", "isic-2018-task-3", "--json").stdout)
    assert len(document["computed"]) == len(SENSES) + 1
    side_by_side = run("compare", "ham10000", "isic20").stdout
    assert "licence" in side_by_side and "ham10000 to isic20: 0.50" in side_by_side
    refused = run("compare", "ham10000")
    assert refused.returncode == 2 and "2 to 5" in refused.stderr
