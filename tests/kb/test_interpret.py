"""What a query is taken to mean: concepts, conditions with their polarity, names; and what is left is said."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answers.interpret import interpret
from kb.answers.knowledge_base import KnowledgeBase
from kb.knowledge.interpretation import Interpretation


def meant(base: KnowledgeBase, query: str) -> Interpretation:
    return interpret(query, base.search_tables.lexicon)


def concepts(base: KnowledgeBase, query: str) -> set[str]:
    return {mention.concept for mention in meant(base, query).concepts}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("CXR pneumonia", {"chest-radiography", "pneumonia"}),
        ("MRIs of the knees", {"magnetic-resonance-imaging", "knee"}),
        ("mamography", {"mammography"}),
        ("brian tumor mri", {"brain-tumour", "magnetic-resonance-imaging"}),
        ("Netzhautbilder", {"fundus-imaging"}),
        ("Leberläsionen", {"liver-lesion"}),
        ("radiographies du thorax", {"thorax"}),
        ("tomografia computarizada del hígado", {"computed-tomography", "liver"}),
        ("immagini istologiche della mammella", {"breast"}),
        ("胸部CT 肺结节", {"computed-tomography", "pulmonary-nodule"}),
        ("眼底画像の糖尿病網膜症", {"fundus-imaging", "diabetic-retinopathy"}),
    ],
)
def test_concepts_are_found_by_any_of_their_names(
    base: KnowledgeBase, query: str, expected: set[str]
) -> None:
    assert expected <= concepts(base, query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("chest X-rays, at least 10k images", {"items at least 10,000"}),
        ("fundus, over 500 patients", {"patients at least 501"}),
        ("between 1,000 and 5,000 slides", {"items at least 1,000 at most 5,000"}),
        ("ten or more classes", {"classes at least 10"}),
        ("released after 2019", {"year from 2020"}),
        ("nothing older than 2016", {"year from 2016"}),
        ("3D but not CT, liver lesions", {"dimension 3D or 3D+t", "not concept computed-tomography"}),
        (
            "no CT or MRI, liver",
            {"not concept computed-tomography", "not concept magnetic-resonance-imaging"},
        ),
        ("heart ultrasound, video not stills", {"dimension 2D+t or 3D+t"}),
        ("MRT der Leber ohne CT, mindestens 500 Patienten", {"not concept computed-tomography", "patients at least 500"}),
        ("sans IRM, cerveau", {"not concept magnetic-resonance-imaging"}),
        ("liver MRI, excluding anything that includes CT", {"not concept computed-tomography"}),
        ("chest films, but not the NIH ChestX-ray14", {"not dataset chestx-ray14"}),
        ("fundus, north of 10k photographs", {"items at least 10,001"}),
        ("retina, more then 3000 fotos", {"items at least 3,001"}),
        ("abdominal CT, ten organs or more", {"classes at least 10"}),
        ("nuclei, no NC licence", {"permission commercial"}),
        ("CC0 or CC BY histology", {"licence CC0 or CC-BY"}),
        ("on Hugging Face or Zenodo, skin", {"platform Hugging Face or Zenodo"}),
        ("licence that doesn't forbid commercial use, skin", {"permission commercial"}),
        ("#classes > 5, dermoscopy", {"classes at least 6"}),
        ("size: 10k-50k, chest x-ray", {"items at least 10,000 at most 50,000"}),
        ("n>500 patients, cardiac MRI", {"patients at least 501"}),
        ("rule out histopathology, breast cancer", {"not concept histopathology-imaging"}),
        ("anything but dermoscopy for melanoma", {"not concept dermoscopy"}),
        ("post-2020 endoscopy", {"year from 2021"}),
        ("released 2018 to 2022, lung CT", {"year from 2018 until 2022"}),
        ("blood, published in the last three years", {f"year from {date.today().year - 3}"}),
        ("CT以外の肺画像", {"not concept computed-tomography"}),
        ("licence must allow commercial use", {"permission commercial"}),
        ("unlabelled brain MRI", {"not labels"}),
        ("lung CT on Zenodo", {"platform Zenodo"}),
        ("pretrained weights available, histology", {"weights"}),
        ("skin images with age and sex of the patient recorded", {"reports age", "reports sex"}),
        ("10000 images or less is no use", {"items at least 10,001"}),
    ],
)  # fmt: skip
def test_conditions_are_read_with_their_polarity(base: KnowledgeBase, query: str, said: set[str]) -> None:
    found = {one.said for one in meant(base, query).constraints if one.strength == "required"}
    assert said <= found, found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("brain MRI where the terms let a firm earn money with the model", {"permission commercial"}),
        ("skin photos our company may put into an app that it sells to clinics", {"permission commercial"}),
        ("xray dataset, gender of each person noted", {"reports sex"}),
        ("we are a team of five doctors, chest CT of smokers taken at night", set[str]()),
        ("endoscopy of pigs, applying for access is fine", set[str]()),
    ],
)
def test_conditions_in_words_of_no_list_are_read_by_their_nearest_wording(
    base: KnowledgeBase, query: str, said: set[str]
) -> None:
    assert {one.said for one in base.search_tables.understand(query).constraints} == said


@pytest.mark.parametrize(
    "query",
    ["unlabelled is fine, endoscopy", "a drop of blood on a slide", "share-alike is ok, abdominal CT"],
)
def test_what_is_but_allowed_is_no_condition(base: KnowledgeBase, query: str) -> None:
    assert base.search_tables.understand(query).constraints == ()


def test_a_wish_is_no_requirement(base: KnowledgeBase) -> None:
    constraints = meant(base, "fundus photos, ideally open, more than 5,000").constraints
    assert {(one.said, one.strength) for one in constraints} == {
        ("access open", "preferred"),
        ("items at least 5,001", "required"),
    }


def test_what_the_asker_has_is_no_condition(base: KnowledgeBase) -> None:
    constraints = meant(
        base, "We have 300 labelled knee MRIs and want sources with more than 1000 scans"
    ).constraints
    assert [one.said for one in constraints] == ["items at least 1,001"]


@pytest.mark.parametrize("query", ["pneumonia vs no pneumonia", "not only CT", "with or without contrast"])
def test_a_negation_that_excludes_nothing(base: KnowledgeBase, query: str) -> None:
    assert not [one for one in meant(base, query).constraints if one.negated]


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        ("ham 10000", "ham10000"),
        ("chexprt", "chexpert"),
        ("kits 2019", "kits19"),
        ("cameleon 17", "camelyon17"),
        ("DRIVE", "drive"),
        ("BraTS 2021", "brats21"),
    ],
)  # fmt: skip
def test_entries_are_known_by_name(base: KnowledgeBase, query: str, entry: str) -> None:
    best = max(meant(base, query).known_items, key=lambda item: item.confidence)
    assert best.id == entry


@pytest.mark.parametrize("query", ["chest x-ray pneumonia", "brain tumor mri", "covid-19 ct", "drive a car"])
def test_words_for_things_are_not_taken_for_names_of_entries(base: KnowledgeBase, query: str) -> None:
    assert meant(base, query).known_items == ()


def test_what_is_not_understood_is_said(base: KnowledgeBase) -> None:
    found = meant(base, "retina OCT of unicorns")
    assert found.not_understood == ("unicorns",)


def test_words_point_to_their_place_in_the_query(base: KnowledgeBase) -> None:
    query = "Ärztliche CT-Aufnahmen der Leber, 肝臓"
    for mention in meant(base, query).concepts:
        assert query[mention.start : mention.end] == mention.words


_PIECES = st.sampled_from(
    ["not", "CT", "MRI", "at least", "10k", "images", "ohne", "以外", "or", ",", "liver", "<=", "1.5", "million",
     "between", "and", "2019", "open", "ideally", "ham10000", "\"", "*", "NEAR(", "' OR 1=1 --", "}", "🙂", "\u202e", "ß"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=14).map(" ".join)))
def test_no_text_breaks_the_reader(base: KnowledgeBase, text: str) -> None:
    found = meant(base, text)
    assert Interpretation.model_validate_json(found.model_dump_json()) == found
    for mention in found.concepts:
        assert text[mention.start : mention.end] == mention.words
