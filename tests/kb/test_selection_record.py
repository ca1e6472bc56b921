"""The record of a choice: whole, cited, in forms that a paper takes."""

from __future__ import annotations

from datetime import date

import pytest
from rdflib import RDF, Graph, URIRef

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.selection_record import (
    FORMATS,
    SelectionRecord,
    bibtex,
    json_ld,
    latex,
    markdown,
    selection_record,
)
from kb.answers.target import target_of
from kb.errors import InvalidInput, NotFound
from kb.knowledge.names import WH
from tests.conftest import Run


@pytest.fixture(scope="module")
def record(base: KnowledgeBase) -> SelectionRecord:
    return selection_record(
        base, target_of(base, "chexpert"), "radimagenet", "close in modality & cheap: 100 % there",
        senses=("ModalityConceptSimilarity", "DemographicSimilarity"), on=date(2026, 11, 23),
    )  # fmt: skip


def test_the_paragraph_says_what_was_asked_chosen_and_why(record: SelectionRecord) -> None:
    text = markdown(record)
    for part in ("RadImageNet was chosen: close in modality", "ModalityConceptSimilarity 0.", "(metadata-computed, method-simgic",
                 "DemographicSimilarity: not computable", record.data_version, "2026-11-23", "macro-auroc 0.7323", "(chosen)"):  # fmt: skip
        assert part in text, part
    assert record.refs and all(ref in text for ref in record.refs)


def test_latex_escapes_and_cites_every_reference_once(record: SelectionRecord) -> None:
    text, bibliography = latex(record), bibtex(record)
    assert r"\& cheap: 100 \% there" in text
    keys = text.split(r"\cite{")[1].split("}")[0].split(",")
    assert len(keys) == len(record.refs) == bibliography.count("@misc{")
    assert all(f"@misc{{{key}," in bibliography for key in keys)


def test_json_ld_is_a_source_choice_in_declared_terms(record: SelectionRecord, ontology: Graph) -> None:
    graph = Graph().parse(data=json_ld(record), format="json-ld")
    (choice,) = graph.subjects(RDF.type, WH.SourceChoice)
    assert (choice, WH.choosesSource, URIRef("https://w3id.org/whence/dataset/radimagenet")) in graph
    (rationale,) = graph.subjects(WH.justifies, choice)
    assert (rationale, WH.invokes, WH.ModalityConceptSimilarity) in graph
    used = {p for p in graph.predicates() if str(p).startswith(str(WH))}
    assert all((term, None, None) in ontology for term in used)


def test_a_choice_beyond_the_shown_ones_and_what_is_refused(base: KnowledgeBase) -> None:
    target = target_of(base, "chexpert")
    assert selection_record(base, target, "dtd", "textures").choice.source == "dtd"
    for chosen, because, senses, kind in (
        ("nope", "x", (), NotFound),
        ("dtd", " ", (), InvalidInput),
        ("dtd", "x", ("Similarity",), InvalidInput),
    ):
        with pytest.raises(kind):
            selection_record(base, target, chosen, because, senses=senses)


def test_the_command_writes_each_form(run: Run) -> None:
    for form in FORMATS:
        made = run(
            "record",
            "--target",
            "ham10000",
            "--choice",
            "imagenet-1k",
            "--because",
            "habit",
            "--format",
            form,
        )
        assert made.returncode == 0 and made.stdout, made.stderr
    wrong = run(
        "record", "--target", "ham10000", "--choice", "imagenet-1k", "--because", "habit", "--format", "pdf"
    )
    assert wrong.returncode == 2 and "markdown, latex" in wrong.stderr


def test_a_wording_that_is_open_is_asked_about_and_left_out_once_its_sense_is_named(
    base: KnowledgeBase,
) -> None:
    target = target_of(base, "chexpert")
    vague = selection_record(base, target, "radimagenet", "because it is visually similar")
    assert [one.text for one in vague.wordings] == ["visually similar"]
    assert "Did people look at the images" in str(vague.wordings[0].question)
    assert 'In what sense "visually similar" was meant is not stated (PerceivedVisualSimilarity' in markdown(
        vague
    )
    plain = selection_record(base, target, "radimagenet", "because it has the same modality")
    assert not plain.wordings


def test_the_command_asks_the_question(run: Run) -> None:
    done = run(
        "record", "--target", "chexpert", "--choice", "radimagenet", "--because", "it is visually similar"
    )
    assert done.returncode == 0
    assert 'the reason says "visually similar". Did people look' in done.stderr
