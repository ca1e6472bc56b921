"""Candidates over HTTP: by id, by description, by part of an entry; problems name the field."""

from __future__ import annotations

import httpx

from kb.answers.candidates import candidates
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.target import target_of


def test_get_is_what_the_library_answers(server: str, base: KnowledgeBase) -> None:
    answer = httpx.get(f"{server}/api/candidates", params={"target": "chexpert"}, timeout=30)
    assert answer.status_code == 200
    expected = candidates(base, target_of(base, "chexpert")).model_dump(mode="json")
    assert answer.json()["target"] == expected["target"]
    assert [c["source"] for c in answer.json()["candidates"]] == [c["source"] for c in expected["candidates"]]


def test_a_described_target_by_post(server: str) -> None:
    body = {"entry": {"modality": ["dermoscopy"], "anatomy": ["skin"]}, "must": ["weights=yes"], "limit": 3}
    answer = httpx.post(f"{server}/api/candidates", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()["target"]["stated"] == {"modality": ["dermoscopy"], "anatomy": ["skin"]}
    by_words = httpx.post(f"{server}/api/candidates", json={"target": "dermoscopy of the skin"}, timeout=30)
    assert by_words.json()["target"]["stated"]["modality"] == ["dermoscopy"]


def test_problems_name_the_field(server: str) -> None:
    cases = [
        ({"target": "chexprt-x"}, 404, "chexpert"),
        ({"target": "nothing known"}, 400, "modality"),
        ({"target": "chexpert", "must": "licence=free"}, 400, "must"),
        ({"target": "chexpert", "limit": "0"}, 422, "limit"),
        ({}, 422, "target"),
    ]
    for params, status, word in cases:
        answer = httpx.get(f"{server}/api/candidates", params=params, timeout=30)
        assert answer.status_code == status, (params, answer.text)
        assert word in answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_path_is_no_file_for_the_service(server: str) -> None:
    answer = httpx.get(f"{server}/api/candidates", params={"target": "README.yaml"}, timeout=30)
    assert answer.status_code in (400, 404)


def test_evidence_over_http(server: str) -> None:
    outcomes = httpx.get(f"{server}/api/outcomes", params={"target": "chexpert"}, timeout=30).json()
    assert outcomes["groups"] and outcomes["subgroups"] and outcomes["gaps"]
    assert httpx.get(f"{server}/api/outcomes", params={"target": "chexprt"}, timeout=30).status_code == 404
    senses = httpx.get(
        f"{server}/api/alignment", params={"sense": "AnatomyConceptSimilarity"}, timeout=30
    ).json()
    assert [one["sense"] for one in senses["senses"]] == ["AnatomyConceptSimilarity"]
    assert httpx.get(f"{server}/api/fairness", params={"target": "chexpert"}, timeout=30).json()["gaps"]
