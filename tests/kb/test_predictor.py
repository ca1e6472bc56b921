"""The predictor of source candidates: nothing leaks, unknown is said to be so, and the floors of the protocol hold."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from statistics import mean

import pytest
from rdflib import Graph

from benchmarks.candidates import (
    Splits,
    World,
    by_fixed_list,
    by_mean,
    evaluate,
    left_out,
    of_study,
    published_scores,
    ranks,
    read_splits,
    score_target,
)
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.predictor import Prediction, Predictor, chance_better, predict_for, tiers
from kb.knowledge.predictor_evidence import (
    Evidence,
    Facts,
    Source,
    closeness,
    evidence_of,
    facts_of,
    groups,
)
from kb.knowledge.studies import read_studies
from kb.knowledge.study import Study
from kb.knowledge.vocabulary import Vocabulary
from kb.settings import Settings

ORGANS = frozenset({"organamnist", "organcmnist", "organsmnist"})


@pytest.fixture(scope="module")
def studies(entries: dict[str, DatasetEntry], ontology: Graph) -> list[Study]:
    return read_studies(Settings().data / "evidence", entries, ontology)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return read_splits(Settings().data / "evaluation" / "candidates" / "splits.yaml")


@pytest.fixture(scope="module")
def world(
    studies: list[Study], splits: Splits, entries: dict[str, DatasetEntry], vocabulary: Vocabulary
) -> World:
    study = next(study for study in studies if study.id == splits.study)
    return World(evidence_of(studies, entries, vocabulary), splits, published_scores(study))


@pytest.fixture(scope="module")
def evidence(world: World) -> Evidence:
    return world.evidence


def family_of(evidence: Evidence, target: str) -> frozenset[str]:
    return evidence.family(evidence.targets[target])


def predict(evidence: Evidence, target: str) -> list[Prediction]:
    sources = [source for source in evidence.sources.values() if source.id != target]
    return predict_for(evidence, evidence.targets[target], sources, metric="auroc")


def test_evidence_is_the_absolute_outcomes(world: World, studies: list[Study]) -> None:
    assert len(world.table) == 12
    assert all(len(row) == 14 and target not in row for target, row in world.table.items())
    raw = next(study for study in studies if study.id == world.splits.study).outcomes
    values = {(o.source, o.target): o.value for o in raw if o.protocol == world.splits.protocol}
    assert {(s, t): value for t, row in world.table.items() for s, value in row.items()} == values
    absolute = sum(
        not o.is_difference and o.subgroup is None and study.protocols[0].condition is None
        for study in studies
        for o in study.outcomes
    )
    assert len(world.evidence.rows) < absolute  # rows whose source is the target are gone too
    assert "mei2022-radimagenet" not in {row.study for row in world.evidence.rows}  # differences only
    assert not any("confounder" in row.block for row in world.evidence.rows)


def test_splits_cover_the_targets_and_keep_families_together(world: World, splits: Splits) -> None:
    table = set(world.table)
    for split in (splits.plain, splits.family_out):
        named = [target for group in split for target in group]
        assert sorted(named) == sorted(table)
    assert set(splits.comparable) == table - {"chestmnist"} == set(world.published)
    for group in splits.family_out:
        assert all(set(group) <= family_of(world.evidence, target) for target in group)


def test_family_of_a_target_reaches_into_other_studies(evidence: Evidence) -> None:
    assert family_of(evidence, "organcmnist") >= ORGANS
    assert {"nct-crc-he-100k"} <= family_of(evidence, "pathmnist")
    assert {"chexpert", "chestmnist", "chest-x-ray-images-pneumonia"} <= family_of(evidence, "pneumoniamnist")
    assert "tissuemnist" not in family_of(evidence, "bloodmnist")
    assert evidence.family(Facts("nowhere")) == {"nowhere"}
    members = [target for group in groups(evidence) for target in group]
    assert len(members) == len(set(members)) == len({row.target for row in evidence.rows})


@pytest.mark.parametrize("target", ["organcmnist", "pathmnist", "pneumoniamnist", "chexpert"])
def test_the_targets_own_outcomes_do_not_leak(evidence: Evidence, target: str) -> None:
    """Shuffled, replaced by nonsense, or gone, for the target and its family: bit for bit the same prediction."""
    before = predict(evidence, target)
    family = family_of(evidence, target)
    own = [row.value for row in evidence.rows if row.target in family]
    shuffled = random.Random(1).sample(own, len(own))
    for values in (shuffled, [0.123] * len(own)):
        waiting = iter(values)
        rows = tuple(
            replace(row, value=next(waiting)) if row.target in family else row for row in evidence.rows
        )
        assert predict(replace(evidence, rows=rows), target) == before
    assert predict(evidence.without(family), target) == before


def test_what_is_evaluated_has_lost_the_left_out_rows(world: World) -> None:
    for group in world.splits.family_out:
        rest = world.evidence.without(left_out(world, group, family=True))
        assert not {row.target for row in rest.rows} & set(group)
        assert {row.target for row in of_study(rest, world.splits.study).rows} == world.table.keys() - set(
            group
        )


def test_equal_input_gives_equal_output(evidence: Evidence) -> None:
    once = predict(evidence, "retinamnist")
    backwards = replace(evidence, rows=tuple(reversed(evidence.rows)))
    again = {p.source: p for p in predict(backwards, "retinamnist")}
    assert predict(evidence, "retinamnist") == once
    assert all(p.score == pytest.approx(again[p.source].score, abs=1e-9) for p in once)


def test_floors_hold(world: World) -> None:
    """design/evidence.md: family-out at least 0.53, plain at least 0.55, over the 11 comparable targets."""
    for groups_, family, floor in ((world.splits.family_out, True, 0.53), (world.splits.plain, False, 0.55)):
        found = []
        for group in groups_:
            rest = world.evidence.without(left_out(world, group, family=family))
            model = Predictor(rest)
            for target in set(group) & set(world.splits.comparable):
                truth = world.table[target]
                wanted = [rest.sources[source] for source in truth]
                scores = {p.source: p.score for p in model.predict(rest.targets[target], wanted)}
                found.append(score_target(scores, truth).wtau)
        assert len(found) == 11
        assert mean(found) >= floor


def test_baselines_are_those_of_the_analysis(world: World) -> None:
    """The figures of design/evidence.md come out of the repository's own evidence."""
    table = of_study(world.evidence, world.splits.study)
    mean_rank, fixed, published = [], [], []
    for target in world.splits.comparable:
        truth = world.table[target]
        mean_rank.append(score_target(by_mean(ranks)(table.without([target]), target, list(truth)), truth))
        fixed.append(score_target(by_fixed_list(table, target, list(truth)), truth))
        scores = {s: v for s, v in world.published[target].items() if s in truth}
        published.append(score_target(scores, truth))
    assert mean(r.wtau for r in fixed) == pytest.approx(0.510, abs=0.001)
    assert mean(r.regret1 for r in fixed) == pytest.approx(0.0052, abs=0.0001)
    assert mean(r.wtau for r in mean_rank) == pytest.approx(0.562, abs=0.002)
    assert mean(r.wtau for r in published) == pytest.approx(0.523, abs=0.001)


def test_a_source_without_outcomes_is_a_cold_start(
    evidence: Evidence, entries: dict[str, DatasetEntry], vocabulary: Vocabulary
) -> None:
    new = [Source(name, (facts_of(entries[name], vocabulary),)) for name in ("chexpert", "drive")]
    found = {
        p.source: p
        for p in predict_for(evidence, evidence.targets["retinamnist"], [*new, *evidence.sources.values()])
    }
    known = found["imagenet-1k"]
    for source in new:
        cold = found[source.id]
        assert cold.outcomes == cold.targets == 0
        assert cold.basis.startswith("features only (cold start)")
        assert cold.high - cold.low > known.high - known.low
        assert cold.low < cold.score < cold.high
    assert known.outcomes >= 11
    assert known.basis.startswith(f"{known.outcomes} outcomes on {known.targets} other targets (")
    assert found["chexpert"].score > found["drive"].score  # 224,316 images against 40


def test_nothing_known_of_a_source_is_the_mean_source_with_the_widest_interval(evidence: Evidence) -> None:
    bare, known = predict_for(
        evidence, evidence.targets["dermamnist"], [Source("mystery"), evidence.sources["radimagenet"]]
    )[::-1]
    assert bare.source == "mystery"
    assert bare.closeness is None
    assert bare.closeness_effect == 0
    assert bare.basis == "features only (cold start)"
    assert bare.sd > known.sd


def test_a_described_target_needs_no_entry(evidence: Evidence) -> None:
    described = Facts("my-own-data", colour=True, modality=frozenset({"endoscopy", "optical-imaging"}))
    found = predict_for(evidence, described, list(evidence.sources.values()))
    assert "imagenet-1k" in {p.source for p in found[:3]}
    assert all(p.closeness is not None for p in found if evidence.sources[p.source].parts)
    bare = predict_for(evidence, Facts("nothing-said"), list(evidence.sources.values()))
    assert all(p.closeness is None for p in bare)


def test_no_evidence_at_all_is_no_crash(evidence: Evidence) -> None:
    for rows in ((), evidence.rows[:1], evidence.rows[:14]):
        found = predict_for(
            replace(evidence, rows=rows), Facts("new"), list(evidence.sources.values()), "auroc"
        )
        assert len(found) == len(evidence.sources)
        assert all(p.low < p.score < p.high for p in found)


def test_parts_add_up_and_outcomes_keep_to_their_scale(evidence: Evidence) -> None:
    for p in predict(evidence, "octmnist"):
        assert p.score == pytest.approx(p.source_effect + p.closeness_effect)
        assert p.low < p.score < p.high
        assert p.outcome is not None
        middle, low, high = p.outcome
        assert 0 < low < middle < high < 1
    [unmeasured] = predict_for(evidence, evidence.targets["octmnist"], [evidence.sources["none"]], "dice")
    assert unmeasured.outcome is None or unmeasured.studies  # a level needs three blocks of the metric


def test_closeness_is_between_nothing_and_all_in_common(evidence: Evidence) -> None:
    organ = evidence.targets["organcmnist"]
    values = {s.id: closeness(s, organ, evidence.alike) for s in evidence.sources.values()}
    assert values["organamnist"] == 1
    assert values["none"] is None
    assert all(0 <= value <= 1 for value in values.values() if value is not None)
    near, far = values["organamnist"], values["imagenet-1k"]
    assert near is not None and far is not None and near > far
    assert closeness(evidence.sources["organamnist"], Facts("nothing-said"), evidence.alike) is None


def test_a_pool_that_leaves_out_its_target_is_compared_without_it(evidence: Evidence) -> None:
    pool = evidence.sources["medmnist2d-leave-target-out"]
    assert len(pool.parts) == 12
    assert len(pool.parts_for("bloodmnist")) == 11
    assert len(pool.parts_for("drive")) == 12


def test_tiers_are_cut_only_where_the_order_is_clear(evidence: Evidence) -> None:
    found = predict(evidence, "dermamnist")
    cut = tiers(found)
    assert [p for tier in cut for p in tier] == found
    assert 1 < len(cut) < len(found)
    for tier, after in pairwise(cut):
        assert all(chance_better(tier[0], p) < 0.8 for p in tier[1:])
        assert chance_better(tier[0], after[0]) >= 0.8
    assert tiers([]) == []
    assert chance_better(found[0], found[0]) == 0.5


def test_unit_of_a_metric_and_the_level_of_a_target_do_not_matter(evidence: Evidence) -> None:
    """Raw values of different blocks are never pooled: each block may be moved and scaled as it likes."""
    moved = tuple(
        replace(row, value=0.5 * row.value + 0.001 * len(row.target)) if len(row.target) % 2 else row
        for row in evidence.rows
    )
    for before in predict(evidence, "breastmnist"):
        after = next(
            p for p in predict(replace(evidence, rows=moved), "breastmnist") if p.source == before.source
        )
        assert after.score == pytest.approx(before.score, abs=1e-6)


def test_every_ranker_is_scored_on_every_target(world: World) -> None:
    found = evaluate(world, [["retinamnist"]], family=True)
    assert all(-1 <= row["retinamnist"].wtau <= 1 for row in found.values())
    assert found["fixed list"]["retinamnist"].regret1 == 0
