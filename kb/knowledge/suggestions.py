"""Suggestions for a misspelt name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(found: str, known: Iterable[str]) -> str | None:
    """`did you mean a, b?`, or None where nothing is close."""
    close = get_close_matches(found, list(known), n=3, cutoff=0.6)
    return f"did you mean {', '.join(close)}?" if close else None
