"""Resolving wordings over HTTP."""

from __future__ import annotations

import httpx


def test_a_phrase_is_resolved_by_get_and_post(http: httpx.Client) -> None:
    phrase = "The datasets are visually similar."
    got = http.get("/api/resolve", params={"phrase": phrase}).json()
    posted = http.post("/api/resolve", json={"phrase": phrase}).json()
    assert got == posted
    (one,) = got["expressions"]
    assert (one["text"], one["settled"]) == ("visually similar", False) and one["question"]
    assert one["senses"][0]["name"] == "PerceivedVisualSimilarity" and one["senses"][0]["definition"]


def test_bad_requests_are_problems_that_name_the_field(http: httpx.Client) -> None:
    empty = http.get("/api/resolve", params={"phrase": " "})
    assert empty.status_code in {422, 400}
    assert empty.headers["content-type"].startswith("application/problem+json") and "phrase" in empty.text
    long = http.post("/api/resolve", json={"phrase": "same " * 10_000})
    assert long.status_code in (400, 422) and "phrase" in long.text
