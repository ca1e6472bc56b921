"""Retired identifiers: read with their file and place in every error, chained to the last successor, never reused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.retired import Retired, last_of, read_retired, reused
from kb.settings import Settings


def written(folder: Path, text: str) -> Path:
    path = folder / "retired.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_current_entry_has_a_retired_id_and_successors_exist(
    settings: Settings, entries: dict[str, DatasetEntry]
) -> None:
    retired = read_retired(settings.data / "retired.yaml")
    current = {f"dataset/{entry_id}" for entry_id in entries}
    assert reused(retired, current) == []
    for place in retired:
        last = last_of(place, retired)
        assert last in retired or not last.startswith("dataset/") or last in current


def test_a_reused_id_is_named() -> None:
    gone = Retired(reason="twice", date="2026-11-23", successor="dataset/b")
    assert reused({"dataset/a": gone}, ["dataset/b", "dataset/a"]) == ["dataset/a"]


def test_replaced_and_withdrawn_are_told_apart(tmp_path: Path) -> None:
    text = (
        "dataset/old: {successor: dataset/older, reason: renamed, date: '2026-11-23'}\n"
        "dataset/older: {successor: dataset/new, reason: merged, date: '2026-11-23'}\n"
        "outcome/s/o: {reason: read wrongly, date: '2026-11-23'}\n"
    )
    found = read_retired(written(tmp_path, text))
    assert [found[place].state for place in found] == ["replaced", "replaced", "withdrawn"]
    assert last_of("dataset/old", found) == "dataset/new"
    assert last_of("outcome/s/o", found) == "outcome/s/o"
    assert read_retired(tmp_path / "none.yaml") == {}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("dataset/a: {successor: dataset/a, reason: x, date: '2026-11-23'}", "lead back"),
        (
            "dataset/a: {successor: dataset/b, reason: x, date: '2026-11-23'}\n"
            "dataset/b: {successor: dataset/a, reason: x, date: '2026-11-23'}",
            "lead back",
        ),
        ("dataset/a: {date: '2026-11-23'}", "dataset/a.reason"),
        ("dataset/a: {reason: x, date: yesterday}", "dataset/a.date"),
        ("'https://x.org/': {reason: x, date: '2026-11-23'}", "pattern"),
        ("dataset/a: [", "can't be read"),
    ],
)
def test_a_broken_file_is_named_with_its_place(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(InvalidFile, match=r"retired\.yaml") as caught:
        read_retired(written(tmp_path, text))
    assert part in str(caught.value)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=2))
def test_a_chain_ends_at_its_last_place(names: list[str]) -> None:
    places = [f"dataset/{name}" for name in names]
    retired = {
        place: Retired(reason="x", date="2026-11-23", successor=following)
        for place, following in pairwise(places)
    }
    assert {last_of(place, retired) for place in places} == {places[-1]}
