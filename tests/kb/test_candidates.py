"""Candidates: independent of the target's own outcomes, flagged where items are shared, honest where nothing is known."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from kb.answers.candidate_answer import CandidatesAnswer
from kb.answers.candidates import BASELINES, Wanted, candidates, left_out, source_named
from kb.answers.evidence import EvidenceBase
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.target import Target, target_of
from kb.errors import InvalidInput, NotFound
from kb.knowledge.requirement import requirement
from tests.conftest import Run

TARGETS = ("chexpert", "nct-crc-he-100k", "ham10000", "octmnist", "fetal ultrasound of the head, 900 images")


def answer_for(base: KnowledgeBase, target: str, **wanted: object) -> CandidatesAnswer:
    return candidates(base, target_of(base, target), Wanted(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("target", TARGETS)
def test_every_column_names_what_it_is(base: KnowledgeBase, target: str) -> None:
    answer = answer_for(base, target)
    assert {one.source for one in answer.candidates if one.baseline} == set(BASELINES)
    assert [one.group for one in answer.candidates] == sorted(one.group for one in answer.candidates)
    for one in answer.candidates:
        for sense, found in one.similarities.items():
            assert sense.startswith(found.sense) and found.basis and found.method and found.direction
            assert (found.value is None) == bool(found.missing)
        assert one.predicted.low <= one.predicted.score <= one.predicted.high
        assert one.predicted.outcomes > 0 or "cold start" in one.predicted.basis
        if one.overlap.path:
            assert one.overlap.warning


def test_the_target_is_no_candidate_for_itself(base: KnowledgeBase) -> None:
    assert all(one.datasets != ("chexpert",) for one in answer_for(base, "chexpert", limit=200).candidates)


def test_outcomes_of_organ_sets_carry_the_flag_of_overlap(base: KnowledgeBase) -> None:
    found = {one.source: one for one in answer_for(base, "organcmnist", limit=20).candidates}
    organ = found["organamnist"]
    assert organ.overlap.risk == "known" and organ.overlap.warning
    assert organ.measured and all(row.overlap == "known" for row in organ.measured)
    assert any(
        factor.leaning == "against" and "items of the target" in factor.statement for factor in organ.factors
    )


def test_what_is_not_separable_is_said_so(base: KnowledgeBase) -> None:
    group = next(
        g for g in base.evidence.groups
        if (g.target, g.metric, g.subgroup) == ("chexpert", "macro-auroc", None) and len(g.rows) == 5
    )  # fmt: skip
    rows = {row.source: row for row in group.rows}
    assert group.separable(rows["imagenet-1k"], rows["radimagenet"])[0] == "no"
    difference = next(d for d in group.differences if (d.source, d.versus) == ("imagenet-1k", "radimagenet"))
    assert (difference.value, difference.low, difference.high) == (-0.0078, -0.0235, 0.0072)
    assert {"ecoset", "radimagenet"} <= set(group.leading)


def test_a_prediction_does_not_see_the_outcomes_of_its_target(base: KnowledgeBase) -> None:
    """Shuffled outcomes of the target and its family leave every prediction bit-identical."""
    target = target_of(base, "organamnist")
    gone = left_out(base, target)
    assert {"organamnist", "organcmnist", "organsmnist"} <= gone
    shuffled = []
    for study in base.evidence.studies:
        names = {one.id for one in study.targets if one.dataset in gone}
        places = [n for n, outcome in enumerate(study.outcomes) if outcome.target in names]
        values = [study.outcomes[n].value for n in places]
        random.Random(7).shuffle(values)
        outcomes = list(study.outcomes)
        for n, value in zip(places, values, strict=True):
            outcomes[n] = outcomes[n].model_copy(update={"value": value, "low": None, "high": None})
        shuffled.append(study.model_copy(update={"outcomes": tuple(outcomes)}))
    changed = KnowledgeBase(base.settings, base.generation)
    changed.__dict__["evidence"] = EvidenceBase(shuffled, base.entries, base.vocabulary)
    before = {one.source: one.predicted for one in candidates(base, target).candidates}
    after = {one.source: one.predicted for one in candidates(changed, target).candidates}
    shared = before.keys() & after.keys()
    assert len(shared) > 10 and all(before[name] == after[name] for name in shared)


def test_conditions_keep_sources_out_and_say_how_many(base: KnowledgeBase) -> None:
    must = (requirement("licence=commercial", base.vocabulary), requirement("items>=100000", base.vocabulary))
    answer = answer_for(base, "ham10000", must=must)
    assert [kept.condition for kept in answer.conditions] == [
        "permission commercial",
        "items at least 100,000",
    ]
    assert all(kept.fails > 0 for kept in answer.conditions)
    for one in answer.candidates:
        assert all(verdict.status != "fails" for verdict in one.checked)
    contradictory = tuple(requirement(text, base.vocabulary) for text in ("evidence=yes", "evidence=no"))
    with pytest.raises(InvalidInput, match="kept out"):
        answer_for(base, "ham10000", must=contradictory)


@pytest.mark.parametrize(
    "text", ["licence", "licence=free", "items>=many", "colour=red", "modality=unicorn", "weights=maybe"]
)
def test_a_condition_that_is_none_is_explained(base: KnowledgeBase, text: str) -> None:
    with pytest.raises(InvalidInput):
        requirement(text, base.vocabulary)


def test_weights_come_with_their_own_licence_and_how_to_load_them(base: KnowledgeBase) -> None:
    found = answer_for(base, "ham10000", sources=("imagenet-1k",), architecture="ResNet-50")
    (one,) = found.candidates
    assert one.weights and all("resnet50" in w.architecture.lower().replace("-", "") for w in one.weights)
    assert all(w.url and w.refs for w in one.weights)


def test_people_are_not_applicable_to_natural_images_and_unknown_is_not_none(base: KnowledgeBase) -> None:
    (one,) = answer_for(base, "chexpert", sources=("imagenet-1k",)).candidates
    assert set(one.population.values()) == {"notApplicable"}
    (silent,) = answer_for(base, "chexpert", sources=("octmnist",)).candidates
    assert set(silent.population) == {"sex", "age", "ethnicity", "skin-tone", "country"}


def test_a_composite_exists_only_when_asked_for_and_shows_its_parts(base: KnowledgeBase) -> None:
    assert answer_for(base, "chexpert").composite is None
    weights = {"ModalityConceptSimilarity": 1.0, "AnatomyConceptSimilarity": 0.5}
    composite = answer_for(base, "chexpert", composite=weights).composite
    assert composite is not None and composite.sense == "CompositeRanking"
    for row in composite.rows:
        assert row.value == pytest.approx(sum(weights[name] * value for name, value in row.parts.items()))
    with pytest.raises(InvalidInput, match="MetaFeatureSimilarity"):
        answer_for(base, "chexpert", composite={"MetaFeatureSimilarity": 1.0})


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("", InvalidInput, "no target"),
        ("chexprt-x", NotFound, "chexp"),
        ("something nice", InvalidInput, "names no modality"),
    ],
)
def test_a_target_that_can_not_be_used_is_explained(
    base: KnowledgeBase, target: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        target_of(base, target)


def test_a_target_is_understood_by_a_description_without_names(base: KnowledgeBase) -> None:
    target = target_of(base, "sound wave pictures of unborn babies")
    assert "obstetric-ultrasound" in target.entry.concepts("modality")
    assert target.interpretation is not None
    assert {mention.scope for mention in target.interpretation.concepts} == {"description"}


def test_unknown_sources_and_things_to_leave_out_are_explained(base: KnowledgeBase) -> None:
    with pytest.raises(NotFound, match="imagenet"):
        source_named(base, "imagenet-1kk")
    with pytest.raises(NotFound):
        left_out(base, Target(base.entries["chexpert"], "chexpert"), ["no-such-study"])


def test_a_file_with_part_of_an_entry_is_a_target(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: our clinic\nmodality: [dermoscopy]\nanatomy: [skin]\ncounts: [{n: 400, unit: images}]\n"
    )
    result = run("candidates", "--target", str(file), "--limit", "3", "--must", "access=open")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Target: our clinic: modality dermoscopy; anatomy skin")
    assert "Condition access open: kept out " in result.stdout and "baseline" in result.stdout
    file.write_text("modality: [no such thing]\n")
    broken = run("candidates", "--target", str(file))
    assert broken.returncode == 2 and "no modality goes by 'no such thing'" in broken.stderr


def test_batch_ranks_what_it_is_given(run: Run, base: KnowledgeBase, tmp_path: Path) -> None:
    sources = [{"id": "imagenet-1k"}, {"id": "radimagenet"}, {"id": "none"}, {"id": "dermamnist"}]
    mine = {"entry": {"id": "mine", "modality": ["dermoscopy"], "counts": [{"n": 500, "unit": "images"}]}}
    lines = [
        {"id": "a", "target": {"id": "pathmnist"}, "sources": sources, "metric": "auroc", "n_train": 100},
        {"id": "b", "target": {"description": "retinal OCT of macular oedema"}, "sources": [*sources, mine]},
        {"id": "c", "target": {"entry": {"modality": ["chest-radiography"]}}, "sources": sources, "strategy": "full-fine-tuning"},
    ]  # fmt: skip
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = run("candidates", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"))
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [one["id"] for one in answers] == ["a", "b", "c"]
    assert {row["source"] for row in answers[1]["ranking"]} == {
        "imagenet-1k",
        "radimagenet",
        "none",
        "dermamnist",
        "mine",
    }
    for answer in answers:
        values = [row["predicted"] for row in answer["ranking"]]
        assert values == sorted(values, reverse=True)
        assert all(
            row["low"] <= row["predicted"] <= row["high"] and row["basis"] for row in answer["ranking"]
        )
    (tmp_path / "in.jsonl").write_text(
        '{"id": "a", "target": {"id": "pathmnst"}, "sources": [{"id": "none"}]}'
    )
    broken = run("candidates", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "no.jsonl"))
    assert broken.returncode == 2 and "in.jsonl:1" in broken.stderr and "pathmnist" in broken.stderr
    assert not (tmp_path / "no.jsonl").exists()
