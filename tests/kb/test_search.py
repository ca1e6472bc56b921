"""Search finds what it should, says why, and refuses what it can't use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.errors import InvalidInput
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.interpretation import Constraint, Interpretation

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
    answer = search(base, query)
    first = {hit.id for hit in (*answer.results, *answer.may_match)}
    assert len(first & EXPECTED[query]) >= min(3, len(EXPECTED[query])), first


def test_a_name_is_found_whatever_its_case(base: KnowledgeBase) -> None:
    for query in ("CheXpert", "chexpert dataset", "is HAM10000 any good", "ham10000"):
        answer = search(base, query)
        assert answer.results[0].id in ("chexpert", "ham10000"), query
        assert answer.results[0].relevance.part("NameMatch").value == 1
        assert all("may" in hit.status and hit.lacks for hit in answer.may_match)


def test_a_broad_concept_covers_the_narrow_ones(base: KnowledgeBase) -> None:
    answer = search(base, "radiological imaging of the thorax", limit=50)
    for hit in answer.results:
        entailed = base.entailed_concepts[hit.id]
        assert {match.concept for match in hit.concepts if match.hold in ("stated", "entailed")} <= entailed
    stated = {concept for hit in answer.results for concept in base.entries[hit.id].concepts()}
    assert stated & {"lung", "heart"}
    assert "thorax" in {mention.concept for mention in answer.interpretation.concepts}


def test_every_score_names_its_sense_and_basis(base: KnowledgeBase) -> None:
    answer = search(base, "dermoscopy melanoma")
    assert answer.searched == len(base.entries)
    assert answer.data_version == base.manifest.data_version
    for hits in (answer.results, answer.may_match, answer.near):
        for hit in hits:
            relevance = hit.relevance
            assert relevance.sense == "SearchRelevance"
            assert relevance.part("DocumentationTextSimilarity").basis == "TextComputed"
            assert all(part.minimum - 1e-6 <= part.value <= part.maximum + 1e-6 for part in relevance.parts)
            assert relevance.value == pytest.approx(sum(part.weight * part.value for part in relevance.parts))
        values = [hit.relevance.value for hit in hits]
        assert values == sorted(values, reverse=True)


#: Query → whether an entry may stand in the first list.
KEPT: dict[str, Callable[[DatasetEntry], bool]] = {
    "3D but not CT, liver lesions": lambda e: "computed-tomography" not in e.concepts() and {d.value for d in e.dimensions} & {"3D", "3D+t"} != set(),
    "chest x-ray, at least 10k images": lambda e: max(c.n for c in e.counts) >= 10_000,
    "skin lesions, released after 2018": lambda e: max(y.value for y in e.years) > 2018,
    "retina, open access": lambda e: any(a.route == "open" for a in e.access),
    "histology without breast": lambda e: "breast" not in e.concepts(),
}  # fmt: skip


@pytest.mark.parametrize("query", KEPT)
def test_a_stated_condition_is_never_violated(base: KnowledgeBase, query: str) -> None:
    answer = search(base, query, limit=200)
    assert answer.results
    for hit in answer.results:
        assert KEPT[query](base.entries[hit.id]), hit.id
        assert all(verdict.status == "holds" for verdict in hit.checked)
    for hit in answer.may_match:
        assert hit.lacks and all(verdict.status != "fails" for verdict in hit.checked)
    for hit in answer.near:
        assert any(lack.endswith("not so") for lack in hit.lacks)


def test_a_fact_that_decides_comes_with_its_reference(base: KnowledgeBase) -> None:
    hit = search(base, "chest x-ray, at least 100,000 images").results[0]
    (verdict,) = hit.checked
    assert verdict.condition == "items at least 100,000" and verdict.refs
    assert int(verdict.fact.split()[0].replace(",", "")) >= 100_000


def test_when_nothing_matches_each_condition_says_what_it_kept_out(base: KnowledgeBase) -> None:
    answer = search(base, "retinal OCT with more than 900 million images")
    assert (not answer.results and not answer.may_match) or answer.matching == 0
    assert any(one.condition == "items at least 900,000,001" and one.fails > 5 for one in answer.excluded)


@pytest.mark.parametrize(
    "query",
    ["liver shear wave elastography", "steel surface defects inspection", "satellite images land cover"],
)
def test_a_need_that_the_catalogue_has_nothing_of(base: KnowledgeBase, query: str) -> None:
    answer = search(base, query)
    assert (answer.results, answer.may_match) == ((), ())
    assert answer.note is not None and answer.note.startswith("Nothing matches")


def test_contradictory_conditions_match_nothing_and_say_so(base: KnowledgeBase) -> None:
    answer = search(base, "CT but no CT of the lung, at least 1000 images, at most 100 images")
    assert answer.results == ()
    assert all(hit.status != "matches" for hit in answer.may_match)


def test_only_small_words_match_nothing(base: KnowledgeBase) -> None:
    answer = search(base, "the of and for")
    assert answer.matching == 0 and answer.note is not None and "small words" in answer.note


def test_things_are_found_by_a_description_without_their_name(base: KnowledgeBase) -> None:
    answer = search(base, "sound wave pictures of unborn babies")
    described = {
        mention.concept for mention in answer.interpretation.concepts if mention.scope == "description"
    }
    assert "obstetric-ultrasound" in described
    assert "hc18" in {hit.id for hit in answer.results[:5]}


def test_a_corrected_interpretation_stands_in_for_the_parsed_one(base: KnowledgeBase) -> None:
    query = "chest CT nodules"
    first = search(base, query, limit=5)
    negated = Constraint(kind="concept", words="CT", negated=True, values=("computed-tomography",))
    meant = first.interpretation.model_copy(
        update={
            "concepts": tuple(m for m in first.interpretation.concepts if m.facet != "modality"),
            "constraints": (negated,),
        }
    )
    corrected = search(base, query, limit=100, interpretation=meant)
    assert corrected.interpretation == meant and corrected.results
    assert not any("computed-tomography" in base.entailed_concepts[hit.id] for hit in corrected.results)
    with pytest.raises(InvalidInput, match="ontology"):
        search(
            base,
            query,
            interpretation=Interpretation(constraints=(negated.model_copy(update={"values": ("no-such",)}),)),
        )


def test_pages_follow_each_other_without_gap(base: KnowledgeBase) -> None:
    query = "brain MRI segmentation"
    whole = search(base, query, limit=60)
    cursor, seen = None, []
    for _ in range(6):
        page = search(base, query, limit=10, cursor=cursor)
        seen += [*page.results, *page.may_match]
        cursor = page.next
    assert seen == [*whole.results, *whole.may_match]
    assert [hit.rank for hit in seen] == list(range(1, 61))
    for wrong in ("nonsense", page.next and search(base, "retina", limit=1).next):
        with pytest.raises(InvalidInput, match="cursor"):
            search(base, query, cursor=wrong)


def test_facets_count_the_matching_entries(base: KnowledgeBase) -> None:
    answer = search(base, "retina", limit=200)
    matching = [base.entries[hit.id] for hit in answer.results]
    assert len(matching) == answer.matching
    by_modality = {count.value: count.count for count in answer.facets["modality"]}
    for concept, count in by_modality.items():
        assert count == sum(concept in base.entailed_concepts[entry.id] for entry in matching)
    assert by_modality["fundus-imaging"] > by_modality["colour-fundus-photography"]
    dimensions = {count.value: count.count for count in answer.facets["dimension"]}
    assert dimensions["2D"] == sum("2D" in {d.value for d in entry.dimensions} for entry in matching)


def test_an_answer_is_the_same_twice_and_a_prefix_of_a_longer_one(base: KnowledgeBase) -> None:
    one, two, longer = (search(base, "liver CT segmentation", limit=limit) for limit in (10, 10, 40))
    assert one == two
    assert one.results == longer.results[:10]


@pytest.mark.parametrize(
    "query",
    [
        'liver" OR "1"="1',
        "liver NEAR(ct, 3) AND NOT mri*",
        "SELECT * WHERE { ?s ?p ?o } SERVICE <http://localhost>",
        "liver\x00\x07 ct \u202e tumour 🙂",
        "name:liver -ct ^heart {kidney}",
        "liver " * 330,
    ],
)
def test_signs_of_query_languages_have_no_effect(base: KnowledgeBase, query: str) -> None:
    answer = search(base, query, limit=3)
    assert answer.searched == len(base.entries)


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
    assert len(answer.results) + len(answer.may_match) <= 3
    assert answer.matching + answer.may_match_count > 0 or answer.note
