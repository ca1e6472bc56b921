"""Phrases of likeness: found where they stand, resolved to senses, asked about where they are open."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.phrases import calibration_error, ours, pairs
from kb.answers.annotate import annotated, expressions_of
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.resolve import resolve, resolve_batch
from kb.errors import InvalidFile, InvalidInput
from kb.knowledge.cues import Cue, Cues, read_cues, words_of
from kb.knowledge.sentences import read_sentences
from kb.settings import Settings
from tests.conftest import Run


def first(base: KnowledgeBase, text: str, context: str | None = None) -> list[tuple[str, str]]:
    return [(one.text, one.senses[0].name) for one in resolve(base, text, context).expressions]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We chose a source with the same modality.", [("same modality", "ModalityConceptSimilarity")]),
        ("Both sets were rated visually similar by three radiologists.", [("visually similar", "PerceivedVisualSimilarity")]),
        ("Their label sets overlap.", [("label sets overlap", "LabelSpaceSimilarity")]),
        ("The FID between both sets is 21.", [("FID", "FeatureDistributionSimilarity")]),
        ("The two sets have a similar age range and the same scanner.",
         [("similar age range", "DemographicSimilarity"), ("same scanner", "DeviceProtocolSimilarity")]),
        ("Both datasets have a simliar resoluton.", [("simliar resoluton", "ResolutionScaleSimilarity")]),
        ("Our dataset is a subset of theirs.", [("subset of", "DerivationRelation")]),
    ],
)  # fmt: skip
def test_expressions_and_their_senses(base: KnowledgeBase, text: str, found: list[tuple[str, str]]) -> None:
    assert first(base, text)[-len(found) :] == found


@pytest.mark.parametrize(
    "text",
    [
        "Our results are similar to those of earlier studies.",
        "Training takes a similar amount of time.",
        "The domain name of our server expires in May.",
        "Please send the samples to the department of pathology.",
        "Similarly, we used early stopping.",
        "The new feature has the same shortcut.",
    ],
)
def test_likeness_of_other_things_is_no_expression(base: KnowledgeBase, text: str) -> None:
    assert resolve(base, text).expressions == ()


def test_context_decides(base: KnowledgeBase) -> None:
    text = "The distance between both datasets is small."
    assert first(base, text, "Task2Vec with a ResNet probe on both tasks.")[0][1] == "TaskEmbeddingSimilarity"
    assert (
        first(base, text, "Fréchet distance, FID, of Inception features.")[0][1]
        == "FeatureDistributionSimilarity"
    )


def test_an_open_phrase_is_asked_about_and_a_clear_one_is_not(base: KnowledgeBase) -> None:
    (vague,) = resolve(base, "Our datasets are visually similar.").expressions
    assert (
        not vague.settled and vague.question == "Did people look at the images, or did a metric compare them?"
    )
    assert len(vague.senses) > 1 and sum(reading.confidence for reading in vague.senses) <= 1.01
    (clear,) = resolve(base, "We took a source with the same modality.").expressions
    assert clear.settled and clear.question is None


def test_nothing_said_is_unspecified_with_a_question(base: KnowledgeBase) -> None:
    (one,) = resolve(
        base, "The source dataset is more similar to the target dataset than ImageNet."
    ).expressions
    assert one.senses[0].name == "UnspecifiedSimilarity" and one.question


def test_negation_is_kept_for_each_half(base: KnowledgeBase) -> None:
    text = "The source is not visually but semantically close to the target."
    found = {one.text: one.negated for one in resolve(base, text).expressions}
    assert found == {"visually": True, "semantically close": False}


def test_an_answer_says_what_the_sense_is(base: KnowledgeBase) -> None:
    (one,) = resolve(base, "The datasets have the same modality.").expressions
    reading = one.senses[0]
    assert reading.iri == "https://w3id.org/whence/ontology/ModalityConceptSimilarity"
    assert (
        reading.definition
        and reading.compared
        and reading.methods
        and reading.bases == ("computed from metadata",)
    )
    assert "modality" in " ".join(reading.because)
    (estimate,) = resolve(base, "Transferability of each dataset was estimated by LogME.").expressions
    assert estimate.senses[0].kind == "neighbour notion" and estimate.senses[0].compared is None


def test_places_count_code_points(base: KnowledgeBase) -> None:
    text = "😀 naïve ﬁrst line\n\nBoth datasets show the same organ at 𠮷."
    for one in resolve(base, text).expressions:
        assert text[one.start : one.end] == one.text
    assert first(base, text) == [("same organ", "AnatomyConceptSimilarity")]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gives_stretches_of_itself_in_order(base: KnowledgeBase, text: str) -> None:
    last = 0
    for one in base.resolver.resolve(text, text):
        assert last <= one.start < one.end and text[one.start : one.end] == one.text
        last = one.end
        shares = [reading.confidence for reading in one.senses]
        assert shares == sorted(shares, reverse=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["similar", "same", "modality", "datasets", "visually", "close", "features", "not", "but", "and", "organ", "results", "of", "the", ",", ".", "in", "domain", "FID"]), max_size=40))  # fmt: skip
def test_words_in_any_order_never_overlap(base: KnowledgeBase, words: list[str]) -> None:
    last = 0
    for one in base.resolver.resolve(" ".join(words)):
        assert one.start >= last
        last = one.end


def test_the_development_part_is_resolved_better_than_chance_of_regression(base: KnowledgeBase) -> None:
    sentences = read_sentences(base.settings.data / "phrases" / "sentences" / "development.yaml")
    answers = [ours(base.resolver)(one) for one in sentences]
    matched = list(pairs(sentences, answers))
    found = [(pair.label, pair.found) for pair in matched if pair.found]
    assert len(found) / len(matched) > 0.7
    assert np.mean([label.senses[0] == hit.senses[0][0] for label, hit in found]) > 0.8
    silent = [answer for one, answer in zip(sentences, answers, strict=True) if not one.expressions]
    assert sum(map(bool, silent)) / len(silent) < 0.15


def test_sentences_of_the_parts_are_sound_and_apart(base: KnowledgeBase) -> None:
    folder = base.settings.data / "phrases" / "sentences"
    parts = [read_sentences(folder / f"{name}.yaml") for name in ("train", "development", "test")]
    texts = [(one.text.casefold(), one.context) for part in parts for one in part]
    assert len(texts) == len(set(texts)) and len(texts) >= 300
    known = base.resolver.senses
    for part in parts:
        for sentence in part:
            assert all(sense in known for one in sentence.expressions for sense in one.senses), sentence.id


def test_calibration_error_of_known_answers() -> None:
    assert calibration_error([1.0, 1.0], [True, True]) == 0
    assert calibration_error([0.95, 0.95], [True, False]) == pytest.approx(0.45)


def test_cues_are_found_by_stem_and_misspelt() -> None:
    cues = Cues(
        [Cue("textures", "aspect", ("LowLevelImageStatisticsSimilarity",)), Cue("similarity", "likeness", ())]
    )
    assert [hit.cue.words for hit in cues.find(words_of("simliarity of texture"))] == [
        "similarity",
        "textures",
    ]


def test_a_wrong_cue_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "cues.tsv"
    path.write_text("words\trole\tsenses\nlook\taspect\tNoSuchSense\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"cues\.tsv:2: senses: no class 'NoSuchSense'"):
        read_cues(path, ["PerceivedVisualSimilarity"])


def test_empty_and_overlong_texts_are_refused(base: KnowledgeBase) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        resolve(base, " \n")
    with pytest.raises(InvalidInput, match="20,000"):
        resolve(base, "similar " * 3000)


def test_a_batch_answers_each_line_and_writes_nothing_when_one_is_wrong(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [
        {"id": "a", "phrase": "The datasets have the same modality."},
        {"id": "b", "phrase": "Similar results.", "context": None},
    ]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert resolve_batch(base, source, target) == 2
    made = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [one["id"] for one in made] == ["a", "b"] and made[1]["expressions"] == []
    (expression,) = made[0]["expressions"]
    assert expression["senses"][0]["name"] == "ModalityConceptSimilarity" and expression["question"] is None
    target.unlink()
    source.write_text('{"id": "a", "phrase": "x"}\n{"id": 3}\n', encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"in\.jsonl:2"):
        resolve_batch(base, source, target)
    assert not target.exists()


def test_annotating_marks_expressions_outside_code(base: KnowledgeBase) -> None:
    text = "Both datasets have the same organ.\n\n```\nsame modality\n```\n"
    found = expressions_of(base, text)
    made = annotated(text, found, rewrite=True)
    assert "have the **same organ**[1]." in made and "**same modality**" not in made
    assert "similar in anatomy (AnatomyConceptSimilarity, from metadata)" in made
    assert annotated("Nothing here.", []).endswith("No expression of likeness was found.\n")


def test_the_commands(run: Run, settings: Settings, tmp_path: Path) -> None:
    done = run("resolve", "The datasets are visually similar.", "--json")
    assert json.loads(done.stdout)["expressions"][0]["senses"][0]["name"] == "PerceivedVisualSimilarity"
    assert "ask: Did people look" in run("resolve", "Datasets that are visually similar.").stdout
    assert run("resolve").returncode == 2
    file = tmp_path / "methods.md"
    file.write_text("Source and target datasets have the same modality.\n", encoding="utf-8")
    assert "**same modality**[1]" in run("annotate", str(file)).stdout
    assert run("annotate", str(file), "--out", str(file)).returncode == 2
    assert run("annotate", str(tmp_path / "none.md")).returncode == 2
