"""Leakage: known overlaps are told with their path, unknown ones are told as such."""

from __future__ import annotations

import itertools
import json

import pytest

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.overlap import Overlaps, is_certain
from tests.conftest import Run

#: Pairs of which it is published that items are shared.
KNOWN = [
    ("dermamnist", "ham10000"), ("isic-2018-task-3", "ham10000"), ("dermamnist", "isic-2018-task-3"),
    ("organamnist", "lits"), ("organcmnist", "lits"), ("organsmnist", "lits"), ("organamnist", "organcmnist"),
    ("pathmnist", "nct-crc-he-100k"), ("chestmnist", "chestx-ray14"), ("octmnist", "oct2017"),
    ("pneumoniamnist", "chest-x-ray-images-pneumonia"), ("retinamnist", "deepdrid"), ("breastmnist", "busi"),
    ("bloodmnist", "pbc-dataset-normal-peripheral-blood-cells"), ("tissuemnist", "bbbc051"),
    ("rsna-pneumonia-detection-challenge-2018", "chestx-ray14"), ("chestmnist", "rsna-pneumonia-detection-challenge-2018"),
    ("patchcamelyon", "camelyon16"), ("pcam-middle-100k", "patchcamelyon"), ("luna16", "lidc-idri"),
    ("nodulemnist3d", "lidc-idri"), ("nodulemnist3d", "luna16"), ("kits19", "kits21"), ("lits", "msd03-liver"),
    ("lits", "3d-ircadb"), ("histopathologic-cancer-det", "patchcamelyon"), ("dermamnist", "isic19"),
    ("cxr-lt", "mimic-cxr"), ("siim-acr-pneumothorax-segmentation", "chestx-ray14"),
]  # fmt: skip
#: Datasets of which no relation to one another is on file.
APART = [
    "bloodmnist", "busi", "drive", "imagenet-1k", "lidc-idri", "mura", "dtd", "ham10000", "kvasir-seg", "acdc", "oasis",
]  # fmt: skip


@pytest.fixture(scope="module")
def overlaps(entries: dict[str, DatasetEntry]) -> Overlaps:
    return Overlaps(entries)


@pytest.mark.parametrize(("one", "other"), KNOWN)
def test_known_overlaps_are_found_both_ways(overlaps: Overlaps, one: str, other: str) -> None:
    path, back = overlaps.path(one, other), overlaps.path(other, one)
    assert path and back
    assert len(path) == len(back)
    assert is_certain(path) == is_certain(back)
    assert all(step.refs for step in path)
    assert overlaps.risk([one], other) in ("known", "possible")


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(APART, 2)))
def test_where_nothing_is_known_nothing_is_said(overlaps: Overlaps, one: str, other: str) -> None:
    assert overlaps.path(one, other) is None
    assert overlaps.risk([one], other) == "not-checked"


@pytest.mark.parametrize(
    ("one", "other", "risk"),
    [
        ("dermamnist", "ham10000", "known"), ("organamnist", "lits", "known"), ("luna16", "lidc-idri", "known"),
        ("pathmnist", "nct-crc-he-100k", "known"), ("dermamnist", "isic-2018-task-3", "known"),
        ("organamnist", "3d-ircadb", "possible"), ("brainmetshare", "cmmd", "not-checked"),
        ("lits", "medical-segmentation-decathlon", "known"), ("crc-val-he-7k", "nct-crc-he-100k", "not-checked"),
    ],
)  # fmt: skip
def test_how_sure_it_is(overlaps: Overlaps, one: str, other: str, risk: str) -> None:
    assert overlaps.risk([one], other) == overlaps.risk([other], one) == risk


def test_the_same_data_reach_the_same(overlaps: Overlaps, entries: dict[str, DatasetEntry]) -> None:
    for item in entries.values():
        for relation in item.relations:
            if relation.kind == "same-as" and relation.target and relation.grade == "stated":
                for other in ("lits", "tcga", "medical-segmentation-decathlon", "ham10000"):
                    if other not in (item.id, relation.target):
                        assert (overlaps.path(item.id, other) is None) == (
                            overlaps.path(relation.target, other) is None
                        )


def entry(entry_id: str, *relations: tuple[str, str], grade: str = "stated") -> DatasetEntry:
    rows = [{"kind": kind, "target": target, "grade": grade, "refs": ["PX:1"]} for kind, target in relations]
    return DatasetEntry.model_validate(
        {"id": entry_id, "name": entry_id, "domain": "medical", "relations": rows}
    )


def small(*found: DatasetEntry) -> Overlaps:
    return Overlaps({item.id: item for item in found})


def test_members_of_one_collection_share_nothing_by_that_alone() -> None:
    overlaps = small(entry("a", ("part-of", "c")), entry("b", ("part-of", "c")), entry("c"))
    assert overlaps.path("a", "b") is None
    assert overlaps.risk(["c"], "a") == "known"


def test_a_common_parent_makes_it_possible_and_a_copy_certain() -> None:
    overlaps = small(
        entry("a", ("derived-from", "p")), entry("b", ("subset-of", "p")), entry("p", ("same-as", "q")), entry("q")
    )  # fmt: skip
    assert overlaps.risk(["a"], "b") == "possible"
    assert overlaps.risk(["a"], "q") == "known"
    path = overlaps.path("a", "q")
    assert path is not None and is_certain(path)


def test_an_unverified_relation_is_never_certain() -> None:
    overlaps = small(entry("a", ("derived-from", "p"), grade="unverified"), entry("p"))
    assert overlaps.risk(["a"], "p") == "possible"


def test_overlap_does_not_travel_over_two_neighbours() -> None:
    overlaps = small(entry("a", ("overlaps-with", "b")), entry("b", ("overlaps-with", "c")), entry("c"))
    assert overlaps.path("a", "c") is None
    assert overlaps.path("a", "a") == ()


def test_the_command_explains_or_says_that_none_is_known(run: Run) -> None:
    assert "dermamnist: derived from ham10000" in run("overlap", "dermamnist", "ham10000").stdout
    assert "which is not that there are none" in run("overlap", "dermamnist", "dtd").stdout
    assert json.loads(run("overlap", "dermamnist", "ham10000", "--json").stdout)["certain"] is True
