"""Measured transfers come back whole, inside their groups, with what their intervals and tests allow to say."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answers.fairness import fairness
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.outcomes import OutcomesAnswer, outcomes
from kb.errors import InvalidInput, NotFound
from kb.knowledge.comparison import ComparisonGroup
from tests.conftest import Run


@pytest.fixture(scope="module")
def everything(base: KnowledgeBase) -> OutcomesAnswer:
    return outcomes(base)


def groups(answer: OutcomesAnswer) -> list[ComparisonGroup]:
    parts = [view.group for view in (*answer.subgroups, *answer.conditions)]
    return [*(view.group for view in answer.groups), *parts]


def test_every_row_of_the_studies_comes_back_once(base: KnowledgeBase, everything: OutcomesAnswer) -> None:
    """Also differences of which no absolute figure is on file."""
    stored = [outcome for study in base.evidence.studies for outcome in study.outcomes]
    rows = [row.id for group in groups(everything) for row in group.rows]
    differences = [d.id for g in (*everything.differences, *everything.gaps) for d in g.differences]
    assert len(rows) == len(set(rows)) == sum(not outcome.is_difference for outcome in stored)
    assert len(differences) == len(set(differences)) == sum(outcome.is_difference for outcome in stored)
    assert all(d.minus is None for g in everything.differences for d in g.differences)
    assert all(d.minus is not None for g in everything.gaps for d in g.differences)


def test_groups_never_mix_protocols_and_are_sorted(everything: OutcomesAnswer) -> None:
    found = groups(everything)
    assert len({group.id for group in found}) == len(found)
    for group in found:
        values = [row.value for row in group.rows]
        assert values == sorted(values, reverse=group.higher_is_better)
        assert len({row.source for row in group.rows}) == len(group.rows)
        assert group.rows[0].source in group.leading
    assert all(view.group.subgroup is None and view.group.condition is None for view in everything.groups)


def test_outcomes_between_organ_sets_carry_the_overlap_with_its_path(base: KnowledgeBase) -> None:
    found = outcomes(base, target="organcmnist", source="organamnist")
    rows = [row for g in groups(found) for row in g.rows if row.datasets == ("organamnist",)]
    assert rows
    for row in rows:
        assert row.overlap == "known" and row.overlap_path


def test_what_is_not_separable_is_answered_so(base: KnowledgeBase) -> None:
    found = outcomes(base, target="chexpert", study="juodelyte2026-choice-intuitions")
    (view,) = found.groups
    (pair,) = [p for p in view.pairs if {p.one, p.other} == {"imagenet-1k", "radimagenet"}]
    assert pair.separable == "no"
    (one,) = [
        d for g in found.differences for d in g.differences
        if (d.source, d.versus) == ("imagenet-1k", "radimagenet")
    ]  # fmt: skip
    assert (one.value, one.low, one.high) == (-0.0078, -0.0235, 0.0072)
    assert one.separable == "no" and one.excludes_zero is False and "bootstrap" in (one.interval or "")
    assert {"ecoset", "radimagenet"} <= set(view.leading) and "imagenet-1k" not in view.leading


def test_one_run_and_what_is_not_reported_are_said(base: KnowledgeBase) -> None:
    found = outcomes(base, study="juodelyte2024-dataset-transferability")
    for view in found.groups:
        assert view.one_run and view.pairs == () and len(view.leading) == len(view.group.rows)
        assert all(row.runs == 1 and "spread" in row.not_reported for row in view.group.rows)
        pairs = len(view.group.rows) * (len(view.group.rows) - 1) // 2
        assert view.not_reported == pairs
        assert "separable from" not in view.statement or "not known whether" in view.statement


def test_a_study_of_differences_only_has_no_absolute_figures(base: KnowledgeBase) -> None:
    found = outcomes(base, study="mei2022-radimagenet")
    assert groups(found) == [] and found.note is None
    assert sum(len(g.differences) for g in found.differences) == 8
    assert {g.target_key for g in found.differences} >= {"ddti", "busi", "mrnet", "covid19-ct"}
    assert outcomes(base, source="radimagenet", target="ddti").differences


def test_filters_keep_what_is_comparable_together(base: KnowledgeBase) -> None:
    by_source = outcomes(base, source="ecoset")
    assert by_source.groups and all(
        any("ecoset" in row.datasets for row in view.group.rows) for view in by_source.groups
    )
    assert any(len(view.group.rows) > 1 for view in by_source.groups)
    scratch = outcomes(base, source="none")
    assert scratch.groups and all(
        any(row.source == "none" for row in view.group.rows) for view in scratch.groups
    )
    without_entry = outcomes(base, target="med3d-lungseg")
    assert without_entry.groups and all(view.group.target is None for view in without_entry.groups)


def test_nothing_measured_is_said_with_what_there_is(base: KnowledgeBase) -> None:
    found = outcomes(base, target="ham10000")
    assert not groups(found) and found.note is not None
    assert "chexpert" in found.note and "mei2022-radimagenet" in found.note


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"target": "organcmnst"}, "organcmnist"),
        ({"target": "med3d-lungsg"}, "med3d-lungseg"),
        ({"source": "imagenet-1kk"}, "imagenet-1k"),
        ({"study": "mei2022"}, "mei2022-radimagenet"),
    ],
)
def test_unknown_names_are_answered_with_near_ones(
    base: KnowledgeBase, asked: dict[str, str], near: str
) -> None:
    with pytest.raises(NotFound, match=near):
        outcomes(base, **asked)


def test_nothing_given_is_no_name(base: KnowledgeBase) -> None:
    with pytest.raises(InvalidInput, match="target"):
        outcomes(base, target=" ")


@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    spreads=st.lists(st.none() | st.floats(0.001, 0.2), min_size=2, max_size=2),
    runs=st.lists(st.none() | st.integers(1, 20), min_size=2, max_size=2),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_separability_is_mutual_and_needs_spread_over_runs_of_both(
    everything: OutcomesAnswer,
    values: list[float],
    spreads: list[float | None],
    runs: list[int | None],
) -> None:
    real = next(
        view.group for view in everything.groups if len(view.group.rows) > 1 and not view.group.differences
    )
    rows = [
        row.model_copy(update={"value": v, "sd": sd, "runs": n, "low": None, "high": None})
        for row, v, sd, n in zip(real.rows[:2], values, spreads, runs, strict=True)
    ]
    group = real.model_copy(update={"rows": tuple(rows)})
    verdict = group.separable(rows[0], rows[1])[0]
    assert verdict == group.separable(rows[1], rows[0])[0]
    known = all(sd is not None and n is not None and n > 1 for sd, n in zip(spreads, runs, strict=True))
    assert (verdict == "not reported") == (not known)
    if known:
        error = sum((sd or 0) ** 2 / (n or 1) for sd, n in zip(spreads, runs, strict=True)) ** 0.5
        assert (verdict == "yes") == (abs(values[0] - values[1]) > 2 * error)


def test_gaps_come_by_source_and_metric_with_what_their_interval_says(base: KnowledgeBase) -> None:
    found = fairness(base, "chexpert")
    assert {gap.metric for gap in found.gaps} == {"macro-auroc", "tpr-at-80-specificity"}
    assert len(found.gaps) == 30 and sum(gap.excludes_zero is True for gap in found.gaps) == 2
    (one,) = [g for g in found.gaps if g.excludes_zero and g.source == "imagenet-1k"]
    assert (one.gap.subgroup, one.gap.minus, one.gap.value) == ("age=<60", "age=60+", -0.08)
    assert {row.source for row in found.outcomes} == {gap.source for gap in found.gaps}
    assert found.without_subgroups == ()


def test_silence_about_people_is_said_and_photographs_are_not_called_balanced(base: KnowledgeBase) -> None:
    found = {one.dataset: one for one in fairness(base, "chexpert").sources}
    natural = found["imagenet-1k"]
    assert {one.status for one in natural.attributes.values()} == {"notApplicable"}
    assert "not the same as balanced" in natural.statement
    silent = found["radimagenet"]
    assert silent.attributes["sex"].status == "unknown" and "nothing is known" in silent.statement
    assert silent.attributes["country"].status == "reported" and silent.attributes["country"].refs


def test_no_subgroup_outcome_is_not_fairness(base: KnowledgeBase) -> None:
    found = fairness(base, "busi")
    assert found.outcomes == () and found.gaps == () and "not known" in found.note
    assert {"imagenet-1k", "radimagenet"} == set(found.without_subgroups)
    assert fairness(base, "ham10000").sources == ()
    with pytest.raises(NotFound, match="chexpert"):
        fairness(base, "chexprt")


def test_commands_print_what_the_library_answers(run: Run, everything: OutcomesAnswer) -> None:
    result = run("outcomes", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == everything.model_dump(mode="json")
    text = run("outcomes", "--target", "chexpert").stdout
    assert "imagenet-1k minus radimagenet -0.0078 [-0.0235, +0.0072]" in text
    assert "Values of different groups do not compare" in text
    assert "OVERLAP known" in run("outcomes", "--target", "organcmnist").stdout
    broken = run("outcomes", "--target", "organcmnst")
    assert broken.returncode == 2 and "organcmnist" in broken.stderr
    people = run("fairness", "--target", "chexpert")
    assert people.returncode == 0 and "2 of 30 reported gaps" in people.stdout
    assert "not the same as balanced" in people.stdout
