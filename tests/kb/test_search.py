"""Search finds what it should, says why, and refuses what it can't use."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import WEIGHTS, search
from kb.errors import InvalidInput

#: Query → entries of which at least three (or all, where fewer are given) are among the first ten.
EXPECTED = {
    "chest radiograph pneumonia classification": {
        "chest-x-ray-images-pneumonia", "pneumoniamnist", "rsna-pneumonia-detection-challenge-2018", "coronahack",
    },
    "fundus photographs graded for diabetic retinopathy": {
        "eyepacs-kaggle-diabetic-retinopathy-detection", "aptos-2019", "paraguay", "diaretdb", "retinamnist", "idrid", "drhagis",
    },
    "brain tumour segmentation in MRI": {"msd-brain", "brats21", "brats18", "brats19", "brats20", "dicom-glioma-seg", "brats2023-men", "brainmetshare", "brats12", "brats13", "brats14", "brats15", "brats16"},
    "H&E patches of colorectal cancer": {"nct-crc-he-100k", "crc-val-he-7k", "pathmnist", "crc-tp", "glas", "medimeta-colorectal-cancer-histopathology"},
    "retinal OCT": {"octmnist", "oct2017", "retinal-oct-c8", "eye-oct-datasets", "medimeta-oct", "rose", "duke-oct"},
    "knee MRI meniscal tear": {"mrnet"},
}  # fmt: skip


@pytest.mark.parametrize("query", EXPECTED)
def test_sensible_entries_come_first(base: KnowledgeBase, query: str) -> None:
    first = {hit.id for hit in search(base, query).results}
    assert len(first & EXPECTED[query]) >= min(3, len(EXPECTED[query])), first


def test_a_name_is_found_whatever_its_case(base: KnowledgeBase) -> None:
    for query in ("CheXpert", "chexpert dataset", "is HAM10000 any good", "ham10000"):
        answer = search(base, query)
        assert answer.results[0].id in ("chexpert", "ham10000"), query
        assert answer.results[0].relevance.name.value == 1


def test_a_broad_concept_covers_the_narrow_ones(base: KnowledgeBase) -> None:
    answer = search(base, "radiological imaging of the thorax", limit=50)
    for hit in answer.results:
        entailed = base.entailed_concepts[hit.id]
        for label in hit.relevance.concepts.matched:
            assert label in {base.vocabulary[concept].label for concept in entailed}
    stated = {concept for hit in answer.results for concept in base.entries[hit.id].concepts()}
    assert stated & {"lung", "heart"} and "thorax" in {mention.concept for mention in answer.understood}


def test_every_score_names_its_sense_and_basis(base: KnowledgeBase) -> None:
    answer = search(base, "dermoscopy melanoma")
    assert answer.searched == len(base.entries)
    assert answer.data_version == base.manifest.data_version
    for hit in answer.results:
        relevance = hit.relevance
        assert (relevance.sense, relevance.text.sense) == ("SearchRelevance", "DocumentationTextSimilarity")
        assert relevance.text.basis == "TextComputed"
        assert -1 <= relevance.text.value <= 1
        parts = (relevance.text, relevance.concepts, relevance.name)
        assert relevance.value == pytest.approx(sum(part.weight * part.value for part in parts))
    assert set(WEIGHTS) == {"DocumentationTextSimilarity", "ConceptMatch", "NameMatch"}
    values = [hit.relevance.value for hit in answer.results]
    assert values == sorted(values, reverse=True)


def test_an_answer_is_the_same_twice_and_a_prefix_of_a_longer_one(base: KnowledgeBase) -> None:
    one, two, longer = (search(base, "liver CT segmentation", limit=limit) for limit in (10, 10, 40))
    assert one == two
    assert one.results == longer.results[:10]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "no words"),
        ("  \n\t ", "no words"),
        ("?!…", "no words"),
        ("x" * 10_000, "10,000 characters"),
        ("🙂", "no words"),
    ],
)
def test_a_query_that_can_not_be_used_is_explained(base: KnowledgeBase, query: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        search(base, query)


def test_a_limit_out_of_range_is_explained(base: KnowledgeBase) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        search(base, "retina", limit=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=300))
def test_no_text_breaks_search(base: KnowledgeBase, query: str) -> None:
    try:
        answer = search(base, query, limit=3)
    except InvalidInput:
        return
    assert len(answer.results) == 3
