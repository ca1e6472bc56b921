"""Similarity and comparison over HTTP: typed records, problems where the question can't be answered."""

from __future__ import annotations

import httpx
import pytest

from kb.knowledge.similarity import SENSES


def test_similarity_is_a_list_of_typed_records(http: httpx.Client) -> None:
    answer = http.get("/api/similarity", params={"a": "imagenet-1k", "b": "isic-2018-task-3"}).json()
    assert len(answer["computed"]) == len(SENSES) + 1
    for one in answer["computed"]:
        assert one["sense"] and one["basis"] and one["method"].startswith("method-")
        assert one["direction"] in ("higher-is-more-similar", "lower-is-more-similar")
        assert (one["value"] is None) == bool(one["missing"])
    assert {one["sense"]: one["usable"] for one in answer["stored"]} == {
        "UnspecifiedSimilarity": False,
        "TaskEmbeddingSimilarity": True,
    }


def test_a_description_may_stand_for_either(http: httpx.Client) -> None:
    params = {"a": "brain MRI with tumours", "b": "brats-2020"}
    answer = http.get("/api/similarity", params=params).json()
    assert answer["source"]["in_catalogue"] is False and answer["target"]["in_catalogue"] is True


def test_compare_answers_for_two_to_five(http: httpx.Client) -> None:
    answer = http.get("/api/compare", params={"id": ["chexpert", "mimic-cxr", "ham10000"]}).json()
    assert answer["datasets"] == ["chexpert", "mimic-cxr", "ham10000"]
    assert all(len(row["cells"]) == 3 for row in answer["facts"])


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        ("similarity", {"a": "chexprt", "b": "ham10000"}, 404, "chexpert"),
        ("similarity", {"a": "ham10000", "b": "nothing of use"}, 400, "names no modality"),
        ("similarity", {"a": "ham10000", "b": " "}, 400, "no target"),
        ("similarity", {"a": "ham10000"}, 422, "b"),
        ("similarity", {"a": "/etc/passwd.yaml", "b": "ham10000"}, 404, "no dataset"),
        ("compare", {"id": ["ham10000"]}, 400, "2 to 5"),
        ("compare", {"id": ["ham10000", "isic20", "idrid", "kits19", "amos22", "chexpert"]}, 400, "2 to 5"),
        ("compare", {"id": ["ham10000", "isic21"]}, 404, "isic20"),
        ("compare", {}, 422, "id"),
    ],
)
def test_questions_that_cant_be_answered_are_problems(
    http: httpx.Client, path: str, params: dict[str, str | list[str]], status: int, said: str
) -> None:
    answer = http.get(f"/api/{path}", params=params)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert said in answer.text
