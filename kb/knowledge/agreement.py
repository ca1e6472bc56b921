"""Agreement in order of two lists of figures, and its mean over targets with an interval that respects families."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

#: Fewest datasets of a group, and fewest targets and families of them, from which an order says anything.
LEAST_SOURCES = 4
LEAST_TARGETS = 3
#: Bootstrap, as in the splits of the evaluation of candidates.
DRAWS = 10_000
SEED = 20241220
LEVEL = 0.95

Verdict = Literal["more similar did better", "more similar did worse", "no clear agreement", "not enough"]


class Pooled(BaseModel):
    """Mean agreement over targets; every target counts once."""

    model_config = ConfigDict(frozen=True)

    tau: float | None = Field(description="Mean of Kendall's tau-b, + where more similar did better.")
    low: float | None = Field(description="95 % bootstrap interval over families of targets.")
    high: float | None
    targets: int
    families: int = Field(description="Targets that may share items or show the same are one family.")
    verdict: Verdict


def rank_agreement(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's tau-b; None where one of the lists has no order."""
    from scipy.stats import kendalltau  # type: ignore[import-untyped]

    if len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return max(-1.0, min(1.0, float(kendalltau(one, other).statistic)))


def pooled(by_target: Mapping[str, float], families: Iterable[frozenset[str]]) -> Pooled:
    """Mean over targets; its interval draws whole families, since targets of one family repeat each other."""
    clusters = [
        found
        for family in families
        if (found := [by_target[target] for target in sorted(family & by_target.keys())])
    ]
    targets = sum(map(len, clusters))
    if targets < LEAST_TARGETS or len(clusters) < LEAST_TARGETS:
        return Pooled(
            tau=None, low=None, high=None, targets=targets, families=len(clusters), verdict="not enough"
        )
    sums, sizes = np.array([sum(c) for c in clusters]), np.array([len(c) for c in clusters])
    drawn = np.random.default_rng(SEED).integers(len(clusters), size=(DRAWS, len(clusters)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = (float(x) for x in np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    verdict: Verdict = "no clear agreement"
    if low > 0:
        verdict = "more similar did better"
    elif high < 0:
        verdict = "more similar did worse"
    return Pooled(
        tau=float(sums.sum() / targets),
        low=low,
        high=high,
        targets=targets,
        families=len(clusters),
        verdict=verdict,
    )
