"""Concepts are found by what people type."""

from __future__ import annotations

import pytest

from kb.answers.concepts import find_concepts
from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput


@pytest.mark.parametrize(
    ("query", "concept", "scope"),
    [
        ("lung", "lung", "label"), ("Lungs", "lung", "label"), ("CXR", "chest-radiography", "synonym"),
        ("GBM", "glioblastoma", "synonym"), ("whole-slide-imaging", "whole-slide-imaging", "label"),
        ("RID1301", "lung", "code"), ("UBERON:0002048", "lung", "code"), ("UBERON_0002048", "lung", "code"),
        ("39607008", "lung", "code"), ("chest radiog", "chest-radiography", "label beginning"),
        ("retinopathy diabetic", "diabetic-retinopathy", "words within"),
    ],
)  # fmt: skip
def test_the_right_concept_comes_first(base: KnowledgeBase, query: str, concept: str, scope: str) -> None:
    hit = find_concepts(base, query)[0]
    assert (hit.id, hit.scope) == (concept, scope)


def test_datasets_are_counted_with_the_narrower_concepts(base: KnowledgeBase) -> None:
    broad = find_concepts(base, "magnetic resonance imaging")[0]
    narrow = find_concepts(base, "FLAIR MRI")[0]
    assert broad.datasets > 300 > narrow.datasets


def test_a_facet_can_be_asked_for(base: KnowledgeBase) -> None:
    hits = find_concepts(base, "retin", limit=100)
    assert {hit.facet for hit in hits} > {"anatomy", "finding"}
    only = find_concepts(base, "retin", facet="anatomy", limit=100)
    assert only == tuple(hit for hit in hits if hit.facet == "anatomy")


def test_what_nobody_calls_anything_is_not_found(base: KnowledgeBase) -> None:
    assert find_concepts(base, "qwertzuiop") == ()
    with pytest.raises(InvalidInput, match="no words"):
        find_concepts(base, "?")
    with pytest.raises(InvalidInput, match="limit"):
        find_concepts(base, "lung", limit=1000)
