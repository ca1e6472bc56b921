"""Is more similar better? Agreement is oriented, never mixes senses, says where it is not enough and what contradicts it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.answers.alignment import alignment
from kb.answers.alignment_answer import AlignmentAnswer, Example, SenseAlignment
from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidInput, NotFound
from kb.knowledge.agreement import LEAST_SOURCES, LEAST_TARGETS, pooled, rank_agreement
from kb.knowledge.similarity import DOCUMENTATION, SENSES
from tests.conftest import Run

figures = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12)
taus = st.dictionaries(st.sampled_from("abcdefghij"), st.floats(-1, 1), max_size=10)


@given(figures)
def test_rank_agreement_is_bounded_mutual_and_turns_with_its_scale(pairs: list[tuple[int, int]]) -> None:
    one, other = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    tau = rank_agreement(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert tau is None
        return
    assert tau is not None and -1 <= tau <= 1
    assert rank_agreement(other, one) == pytest.approx(tau)
    assert rank_agreement([-x for x in one], other) == pytest.approx(-tau)
    assert rank_agreement([x**3 + 1 for x in one], other) == pytest.approx(tau)
    assert rank_agreement(one, one) == pytest.approx(1)


@given(taus)
@settings(deadline=None)
def test_pooling_counts_each_target_once_and_says_not_enough(by_target: dict[str, float]) -> None:
    alone = [frozenset(name) for name in "abcdefghij"]
    found = pooled(by_target, alone)
    assert found.targets == found.families == len(by_target)
    if len(by_target) < LEAST_TARGETS:
        assert (found.tau, found.low, found.high, found.verdict) == (None, None, None, "not enough")
        return
    assert found.tau == pytest.approx(sum(by_target.values()) / len(by_target))
    assert found.low is not None and found.high is not None
    assert min(by_target.values()) - 1e-9 <= found.low <= found.high <= max(by_target.values()) + 1e-9
    assert found == pooled(dict(reversed(by_target.items())), alone)
    together = pooled(by_target, [frozenset("abcde"), frozenset("fghij")])
    assert together.verdict == "not enough", "two families show nothing of how families vary"


@pytest.fixture(scope="module")
def answer(base: KnowledgeBase) -> AlignmentAnswer:
    return alignment(base)


def sense_of(answer: AlignmentAnswer, key: str) -> SenseAlignment:
    return next(one for one in answer.senses if one.key == key)


def test_every_sense_and_way_of_assessment_stands_alone(answer: AlignmentAnswer) -> None:
    keys = [one.key for one in answer.senses]
    assert len(keys) == len(set(keys)) and {sense.key for sense in (*SENSES, DOCUMENTATION)} <= set(keys)
    assert sum(one.sense == "TaskEmbeddingSimilarity" for one in answer.senses) == 2
    assert "UnspecifiedSimilarity" in answer.refused
    assert "PerceivedSemanticSimilarity" in answer.not_assessed
    for one in answer.senses:
        assert one.basis and one.method.startswith("method-") and one.direction and one.statement
        assert (one.pooled.tau is None) == (one.pooled.verdict == "not enough")
        assert one.pooled.families <= one.pooled.targets


def test_ratings_with_imagenet_carry_the_proxy_flag_on_three_assessments(answer: AlignmentAnswer) -> None:
    one = sense_of(answer, "TaskEmbeddingSimilarity/vandenbrandt2021-cats-not-cat-scans/task2vec-published")
    assert one.proxies == 3
    assert {p.source for p in one.points if p.proxy == "stl-10"} == {"imagenet-1k"}
    assert one.pooled.targets == one.pooled.families == 3 and "narrower" in one.statement


def test_more_similar_is_better_has_contradicting_items(answer: AlignmentAnswer) -> None:
    contradicted = [one for one in answer.senses if one.more_similar_yet_worse]
    assert len(contradicted) > 10
    assert any(e.separable == "yes" for one in contradicted for e in one.more_similar_yet_worse)


def test_examples_are_what_their_list_says(base: KnowledgeBase, answer: AlignmentAnswer) -> None:
    higher_is_better = {group.id: group.higher_is_better for group in base.evidence.groups}

    def better(example: Example) -> bool:
        more, less = example.more_similar.outcome, example.less_similar.outcome
        return (more > less) == higher_is_better[example.group]

    for one in answer.senses:
        sign = 1 if one.direction == "higher-is-more-similar" else -1
        against = (*one.more_similar_yet_worse, *one.less_similar_yet_better)
        for example in (*against, *one.supporting):
            assert sign * (example.more_similar.similarity - example.less_similar.similarity) > 0
            assert example.separable != "no", "a difference that is none is an example of nothing"
            assert example.more_similar.group == example.less_similar.group == example.group
            assert example.more_similar.refs and example.less_similar.refs
        assert not any(map(better, against)) and all(map(better, one.supporting))
        assert not set(one.less_similar_yet_better) & set(one.more_similar_yet_worse)


def test_sources_enter_by_one_dataset_that_is_not_the_target(
    base: KnowledgeBase, answer: AlignmentAnswer
) -> None:
    rows = {row.id: (group, row) for group in base.evidence.groups for row in group.rows}
    for one in answer.senses:
        for point in one.points:
            group, row = rows[point.outcome_id]
            assert len(row.datasets) == 1 and not row.itself and row.datasets != (point.target,)
            assert group.subgroup is None and group.condition is None and group.target == point.target
            assert (point.outcome, point.overlap) == (row.value, row.overlap)
        for aligned in one.groups:
            group = next(g for g in base.evidence.groups if g.id == aligned.group)
            assert aligned.n + sum(aligned.left_out.values()) == len(group.rows)
            assert (aligned.tau is None) == (aligned.why_not is not None)
            assert aligned.tau is None or aligned.datasets >= LEAST_SOURCES


def test_tau_is_oriented_so_that_plus_means_more_similar_did_better(answer: AlignmentAnswer) -> None:
    """By hand on one group of a distance: pairs in order less pairs against it, ties left out of both."""
    one = sense_of(answer, "MetaFeatureSimilarity")
    assert one.direction == "lower-is-more-similar"
    aligned = next(g for g in one.groups if g.target == "organamnist" and g.tau is not None)
    points = [p for p in one.points if p.group == aligned.group]
    balance = ties_x = ties_y = pairs = 0
    for n, first in enumerate(points):
        for second in points[:n]:
            x = second.similarity - first.similarity
            y = first.outcome - second.outcome
            pairs, ties_x, ties_y = pairs + 1, ties_x + (x == 0), ties_y + (y == 0)
            balance += (x * y > 0) - (x * y < 0)
    assert aligned.tau == pytest.approx(balance / ((pairs - ties_x) * (pairs - ties_y)) ** 0.5)


def test_too_little_is_said_to_be_not_enough(answer: AlignmentAnswer) -> None:
    one = sense_of(answer, "DeviceProtocolSimilarity")
    assert one.pooled.tau is None and one.statement.startswith("not enough")


def test_one_sense_is_the_same_alone(base: KnowledgeBase, answer: AlignmentAnswer) -> None:
    found = alignment(base, "LabelSpaceSimilarity")
    assert [one.key for one in found.senses] == ["LabelSpaceSimilarity", "LabelSpaceSimilarity/containment"]
    assert list(found.senses) == [one for one in answer.senses if one.sense == "LabelSpaceSimilarity"]
    nothing = alignment(base, "PerceivedSemanticSimilarity")
    assert nothing.senses == () and "on file" in nothing.note


def test_a_sense_that_is_none_and_one_that_is_never_ranked(base: KnowledgeBase) -> None:
    with pytest.raises(NotFound, match="ModalityConceptSimilarity"):
        alignment(base, "ModalitySimilarity")
    with pytest.raises(InvalidInput, match="in which sense"):
        alignment(base, "UnspecifiedSimilarity")


def test_the_command_prints_agreement_and_counter_examples(run: Run) -> None:
    result = run("alignment", "--sense", "ModalityConceptSimilarity")
    assert result.returncode == 0, result.stderr
    assert "tau " in result.stdout and "more similar, yet worse: " in result.stdout
    assert "less similar, yet better: " in result.stdout and "targets of" in result.stdout
    document = json.loads(run("alignment", "--sense", "TaskEmbeddingSimilarity", "--json").stdout)
    assert {"source", "target", "group", "similarity", "outcome", "refs"} <= set(
        document["senses"][0]["points"][0]
    )
    broken = run("alignment", "--sense", "Looks")
    assert broken.returncode == 2 and "the senses are" in broken.stderr
