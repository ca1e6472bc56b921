"""Negotiation by RFC 9110, section 12.5.1: the most specific range decides, the highest quality wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.negotiation import preferred

OFFERED = ("text/turtle", "application/ld+json", "text/csv")
QUALITY = st.integers(0, 1000).map(lambda n: n / 1000)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/turtle"),
        ("", "text/turtle"),
        ("*/*", "text/turtle"),
        ("text/*;q=0.5, application/ld+json", "application/ld+json"),
        ("text/csv;q=0, */*", "text/turtle"),
        ("text/turtle;q=0, text/*", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv; charset=utf-8; q=0.9, text/turtle;q=0.8", "text/csv"),
        ("image/png", None),
        ("text/csv;q=nonsense", None),
    ],
)
def test_the_header_decides(accept: str | None, expected: str | None) -> None:
    assert preferred(accept, OFFERED) == expected


@given(st.lists(st.tuples(st.sampled_from(OFFERED), QUALITY), unique_by=lambda pair: pair[0], min_size=1))
def test_the_best_quality_of_what_is_named_wins(ranges: list[tuple[str, float]]) -> None:
    chosen = preferred(", ".join(f"{name};q={quality:.3f}" for name, quality in ranges), OFFERED)
    best = max(quality for _, quality in ranges)
    if best == 0:
        assert chosen is None
    else:
        assert dict(ranges)[chosen or ""] == best


@given(st.text(max_size=80))
def test_no_header_breaks_it(accept: str) -> None:
    assert preferred(accept, OFFERED) in (*OFFERED, None)
