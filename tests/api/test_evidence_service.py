"""Outcomes, agreement and effects on people over HTTP: what the library answers, with problems that name the field."""

from __future__ import annotations

import httpx
import pytest

from kb.answers.alignment import alignment
from kb.answers.fairness import fairness
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.outcomes import outcomes


def test_routes_answer_what_the_library_does(http: httpx.Client, base: KnowledgeBase) -> None:
    sense = "ModalityConceptSimilarity"
    for path, params, expected in (
        ("outcomes", {"target": "chexpert"}, outcomes(base, target="chexpert")),
        ("outcomes", {"study": "mei2022-radimagenet"}, outcomes(base, study="mei2022-radimagenet")),
        ("alignment", {"sense": sense}, alignment(base, sense)),
        ("fairness", {"target": "chexpert"}, fairness(base, "chexpert")),
    ):
        answer = http.get(f"/api/{path}", params=params)
        assert answer.status_code == 200, answer.text
        assert answer.json() == expected.model_dump(mode="json"), path


def test_all_senses_come_with_points_and_refusals(http: httpx.Client) -> None:
    document = http.get("/api/alignment").json()
    assert "UnspecifiedSimilarity" in document["refused"]
    assert all(one["points"] for one in document["senses"])


@pytest.mark.parametrize(
    ("path", "params", "status", "word"),
    [
        ("outcomes", {"target": "chexprt"}, 404, "chexpert"),
        ("outcomes", {"source": "imagenet-1kk"}, 404, "imagenet-1k"),
        ("outcomes", {"study": "mei"}, 404, "mei2022-radimagenet"),
        ("alignment", {"sense": "Looks"}, 404, "ModalityConceptSimilarity"),
        ("alignment", {"sense": "UnspecifiedSimilarity"}, 400, "never ranked"),
        ("fairness", {"target": "chexprt"}, 404, "chexpert"),
        ("fairness", {}, 422, "target"),
    ],
)
def test_problems_name_what_is_wrong(
    http: httpx.Client, path: str, params: dict[str, str], status: int, word: str
) -> None:
    answer = http.get(f"/api/{path}", params=params)
    assert answer.status_code == status, answer.text
    assert word in answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
