"""Pick a media type by the Accept header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that the header likes best, the first of equals; None when none will do."""
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]

    def quality(media_type: str) -> float:
        matching = [(specific, q) for pattern, q in ranges if (specific := _specificity(pattern, media_type))]
        return max(matching)[1] if matching else 0.0

    best = max(offered, key=quality)
    return best if quality(best) > 0 else None


def _range(part: str) -> tuple[str, float]:
    pattern, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return pattern.lower(), min(1.0, max(0.0, float(value)))
            except ValueError:
                return pattern.lower(), 0.0
    return pattern.lower(), 1.0


def _specificity(pattern: str, media_type: str) -> int:
    """3 for the type itself, 2 for `type/*`, 1 for `*/*`, 0 for no match."""
    if pattern == media_type:
        return 3
    if pattern == media_type.partition("/")[0] + "/*":
        return 2
    return 1 if pattern == "*/*" else 0
