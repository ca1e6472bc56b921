"""Which sources do well on a target that nothing has been measured on, as far as outcomes on other targets tell.

A prediction has two parts, both in standard units of a comparable block (0: the mean of its sources, 1: one standard
deviation above it):

- the *source effect*: the mean of the source's outcomes on other targets, in which a target counts the more, the
  better the other targets agree with its order (the weights of Bartlett's factor score, Brit. J. Psychol. 28, 1937);
  drawn towards what sources of that size and kind reach, the more so the fewer outcomes it has (empirical Bayes, Efron
  and Morris, JASA 70, 1975), and that alone for a source without outcomes (cold start);
- *closeness* of source and target (the mean of colour agreement, modality and anatomy concept similarity, and whether
  they are of one family) times one slope, learnt from targets of other families only.

Outcomes of the target and of its family never enter. Differences, subgroups and changed test conditions are no
absolute outcomes and are never read. Values of different blocks are never pooled as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kb.knowledge.predictor_evidence import Evidence, Facts, Measured, Source, closeness, groups

Floats = NDArray[np.float64]

#: Fewest sources that a block and the others must share before their agreement says anything.
SHARED = 5
#: Agreement that is assumed of a block too small to tell: the middle of what the large blocks show.
ASSUMED_AGREEMENT = 0.5
#: Standard deviation of what is believed of the slope before data: alike in all against alike in nothing moves a
#: source by about one standard deviation, either way.
SLOPE_PRIOR = 1.0
#: Ridge on standardised features of sources, in sources: two dozen sources carry three slopes with care.
FEATURE_RIDGE = 3.0
#: Rounds of weighting; it settles in a handful, and a fixed number gives the same result everywhere.
ROUNDS = 20
#: Level of intervals, and how sure an order must be before it is called one.
INTERVAL_LEVEL = 0.8
CLEAR = 0.8


@dataclass(frozen=True)
class Prediction:
    """What is expected of one source on one target.

    `score`, `low`, `high` and the parts are standard units within a comparable block; `outcome` is the expected value
    of the metric with its interval, which is wide since the level of a new target is not known; None where nothing was
    measured with that metric. The interval covers a new measurement with probability `INTERVAL_LEVEL`.
    """

    source: str
    score: float
    low: float
    high: float
    sd: float
    source_effect: float
    closeness: float | None
    closeness_effect: float
    outcome: tuple[float, float, float] | None
    outcomes: int
    targets: int
    studies: tuple[str, ...]

    @property
    def basis(self) -> str:
        """What the prediction rests on, in words."""
        start = "features only (cold start)"
        if self.outcomes:
            start = f"{self.outcomes} outcomes on {self.targets} other targets ({', '.join(self.studies)})"
        return f"{start}; closeness to the target" if self.closeness is not None else start


class Predictor:
    """Fitted to evidence from which the target's own family is already gone; `predict_for` sees to that."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._table = _Table(evidence)
        self._effects = _Effects(self._table, evidence)
        self.slope, self.residual_sd = self._learn_slope()

    def predict(
        self, target: Facts, sources: Sequence[Source], metric: str | None = None
    ) -> list[Prediction]:
        """Predictions for the sources, best first; ties in the order of ids."""
        found = [self._predict_one(target, source, metric) for source in sources]
        return sorted(found, key=lambda p: (-p.score, p.source))

    def _predict_one(self, target: Facts, source: Source, metric: str | None) -> Prediction:
        effect, variance = self._effects.of(source)
        near = closeness(source, target, self.evidence.alike)
        part = 0.0 if near is None else self.slope * (near - self._table.mean_closeness)
        score = effect + part
        sd = float(np.sqrt(self.residual_sd**2 + variance))
        half = NormalDist().inv_cdf(0.5 + INTERVAL_LEVEL / 2) * sd
        rows = self._table.rows_of.get(source.id, [])
        return Prediction(
            source=source.id, score=score, low=score - half, high=score + half, sd=sd,
            source_effect=effect, closeness=near, closeness_effect=part,
            outcome=None if metric is None else self._table.outcome(metric, score, sd),
            outcomes=len(rows), targets=len({row.target for row in rows}),
            studies=tuple(sorted({row.study for row in rows})),
        )  # fmt: skip

    def _learn_slope(self) -> tuple[float, float]:
        """Slope on closeness and standard deviation of what is left.

        Each family of training targets is predicted from the others, so that the slope corrects predictions of the
        kind that it will correct.
        """
        table, evidence = self._table, self.evidence
        xx, xr, rr, n = 0.0, 0.0, 0.0, 0.0
        for group in groups(evidence):
            inner = evidence.without(group)
            if not inner.rows:
                continue
            effects = _Effects(_Table(inner), inner)
            for b in [b for b, target in enumerate(table.targets) if target in group]:
                there = np.flatnonzero(table.measured[:, b])
                # Unknown closeness moves nothing in a prediction, so here it stands at the mean too.
                x = np.nan_to_num(table.closeness[there, b], nan=table.mean_closeness)
                expected = np.array([effects.of(evidence.sources[table.sources[s]])[0] for s in there])
                residual = table.units[there, b] - expected
                x, residual = x - x.mean(), residual - residual.mean()
                weight = table.prior[b]
                xx, xr = xx + weight * float(x @ x), xr + weight * float(x @ residual)
                rr, n = rr + weight * float(residual @ residual), n + weight * (len(there) - 1)
        variance = rr / n if n else 1.0
        slope = xr / (xx + variance / SLOPE_PRIOR**2)
        left = (rr - 2 * slope * xr + slope**2 * xx) / n if n else 1.0
        return slope, float(np.sqrt(max(left, 1e-6)))


def predict_for(
    evidence: Evidence,
    target: Facts,
    sources: Sequence[Source],
    metric: str | None = None,
    leave_out: Iterable[str] = (),
) -> list[Prediction]:
    """Predictions from the outcomes on other targets: those of the target, of its family and `leave_out` are gone."""
    gone = evidence.family(target) | frozenset(leave_out)
    return Predictor(evidence.without(gone)).predict(target, sources, metric)


def chance_better(one: Prediction, other: Prediction) -> float:
    """Probability that `one` does better than `other`, as far as the predictions go."""
    return NormalDist().cdf((one.score - other.score) / (one.sd**2 + other.sd**2) ** 0.5)


def tiers(predictions: Sequence[Prediction]) -> list[list[Prediction]]:
    """Predictions, best first, cut where the order is clear: inside a tier there is no clear difference to its first."""
    found: list[list[Prediction]] = []
    for prediction in predictions:
        if found and chance_better(found[-1][0], prediction) < CLEAR:
            found[-1].append(prediction)
        else:
            found.append([prediction])
    return found


class _Table:
    """Evidence as an array: sources by blocks, each block in standard units; blocks of one source are left out."""

    def __init__(self, evidence: Evidence) -> None:
        blocks: dict[str, list[Measured]] = {}
        for row in evidence.rows:
            blocks.setdefault(row.block, []).append(row)
        kept = {name: rows for name, rows in sorted(blocks.items()) if len(rows) > 1}
        self.sources = sorted({row.source for rows in kept.values() for row in rows})
        self.targets = [rows[0].target for rows in kept.values()]
        place = {source: s for s, source in enumerate(self.sources)}
        shape = (len(self.sources), len(kept))
        self.units, self.closeness = np.zeros(shape), np.full(shape, np.nan)
        self.measured = np.zeros(shape, dtype=bool)
        self.prior = np.zeros(len(kept))
        self._levels: dict[str, list[tuple[float, float]]] = {}
        self.rows_of: dict[str, list[Measured]] = {}
        for b, rows in enumerate(kept.values()):
            values = np.array([row.value for row in rows])
            spread = float(values.std()) or 1.0
            where = [place[row.source] for row in rows]
            self.measured[where, b] = True
            self.units[where, b] = (values - values.mean()) / spread
            # A block of n sources says n - 1 things about their order.
            self.prior[b] = rows[0].weight * (len(rows) - 1) / len(rows)
            target = evidence.targets[self.targets[b]]
            for row in rows:
                self.rows_of.setdefault(row.source, []).append(row)
                near = closeness(evidence.sources[row.source], target, evidence.alike)
                self.closeness[place[row.source], b] = np.nan if near is None else near
            if values.min() > 0 and values.max() < 1:
                logits = np.log(values / (1 - values))
                self._levels.setdefault(rows[0].metric, []).append(
                    (float(logits.mean()), float(logits.std()))
                )
        said = self.closeness[self.measured & ~np.isnan(self.closeness)]
        self.mean_closeness = float(said.mean()) if said.size else 0.0

    def outcome(self, metric: str, score: float, sd: float) -> tuple[float, float, float] | None:
        """Expected value of a metric that is a fraction, with interval, through its logit; level from all targets."""
        levels = np.array(self._levels.get(metric, []))
        if len(levels) < 3:
            return None
        level, spread = float(levels[:, 0].mean()), float(np.median(levels[:, 1]))
        half = NormalDist().inv_cdf(0.5 + INTERVAL_LEVEL / 2)
        width = half * float(np.sqrt(levels[:, 0].var(ddof=1) * (1 + 1 / len(levels)) + (spread * sd) ** 2))
        middle = level + spread * score
        low, mid, high = (float(1 / (1 + np.exp(-x))) for x in (middle - width, middle, middle + width))
        return mid, low, high


class _Effects:
    """Source effects: weighted means of standard units, drawn towards what the features of a source let expect."""

    def __init__(self, table: _Table, evidence: Evidence) -> None:
        self._place = {source: s for s, source in enumerate(table.sources)}
        self._mean, self._between = 0.0, 1.0  # what holds without any evidence: standard units
        self._centre, self._scale, self._slopes = np.zeros(3), np.ones(3), np.zeros(3)
        if table.sources:
            self._fit(table, evidence)

    def _fit(self, table: _Table, evidence: Evidence) -> None:
        units, measured = table.units, table.measured.astype(float)
        sizes, means = measured.sum(axis=0), np.zeros(len(table.sources))
        shift = np.zeros(len(sizes))
        weights = table.prior.copy()
        for _ in range(ROUNDS):
            weights = table.prior * _reliability(units, measured, weights)
            weights = weights / weights.mean() if weights.any() else table.prior
            amount = measured @ weights
            means = ((units + shift) * measured) @ weights / np.maximum(amount, 1e-9)
            # A block of strong sources only is centred on their mean, not on that of all sources.
            shift = means @ measured / sizes
        units = units + shift
        counts = measured.sum(axis=1)
        residual = (units - means[:, None]) * measured
        freedom = max(float(measured.sum()) - len(means), 1.0)
        noise = max(float((residual**2).sum()) / freedom, 1e-3)
        facts = [evidence.sources[source] for source in table.sources]
        rows = np.array([_source_features(source) for source in facts]).reshape(len(facts), 3)
        known = ~np.isnan(rows)
        amounts = np.maximum(known.sum(axis=0), 1)
        self._centre = np.nansum(rows, axis=0) / amounts
        self._scale = np.sqrt(np.nansum((rows - self._centre) ** 2, axis=0) / amounts) + 1e-9
        design = self._design(rows)
        trust = counts / (counts + 1.0)
        self._mean = float(trust @ means / trust.sum())
        left = design.T @ (trust * (means - self._mean))
        self._slopes = np.linalg.solve(design.T @ (trust[:, None] * design) + FEATURE_RIDGE * np.eye(3), left)
        expected = self._mean + design @ self._slopes
        spread = float(trust @ (means - expected) ** 2 / trust.sum())
        self._between = max(spread - noise * float((trust / counts).mean()), 0.05)
        share = counts * self._between / (counts * self._between + noise)
        self._effect = share * means + (1 - share) * expected
        self._variance = (1 - share) * self._between

    def of(self, source: Source) -> tuple[float, float]:
        """Effect of a source in standard units, and the variance of what is not known of it."""
        if (s := self._place.get(source.id)) is not None:
            return float(self._effect[s]), float(self._variance[s])
        design = self._design(np.array([_source_features(source)]))
        return self._mean + float((design @ self._slopes)[0]), self._between

    def _design(self, rows: Floats) -> Floats:
        # What is not known of a source counts as that of the mean source.
        design: Floats = np.nan_to_num((rows - self._centre) / self._scale, nan=0.0)
        return design


def _source_features(source: Source) -> tuple[float, float, float]:
    """Size (log10 of images), share of natural images, whether it pools several datasets; not a number: unknown."""
    if not source.parts:
        return (float("nan"),) * 3
    sizes = [part.images for part in source.parts if part.images is not None]
    size = float(np.log10(sum(sizes))) if sizes else float("nan")
    natural = sum(part.natural for part in source.parts) / len(source.parts)
    return size, natural, float(len(source.parts) > 1)


def _reliability(units: Floats, measured: Floats, weights: Floats) -> Floats:
    """Weight of each block by its agreement with the weighted mean of the others: c / (1 - c²), bounded.

    Bartlett's weights, loading over unique variance, with the correlation as the loading.
    """
    total, amount = (units * measured) @ weights, measured @ weights
    others_amount = amount[:, None] - measured * weights
    shared = measured * (others_amount > 1e-9)
    others = (total[:, None] - units * measured * weights) / np.maximum(others_amount, 1e-9)
    n = np.maximum(shared.sum(axis=0), 1.0)
    x = (units - (units * shared).sum(axis=0) / n) * shared
    y = (others - (others * shared).sum(axis=0) / n) * shared
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    agreement = np.clip((x * y).sum(axis=0) / np.maximum(scale, 1e-9), 0.0, 1.0)
    agreement = np.where(shared.sum(axis=0) >= SHARED, agreement, ASSUMED_AGREEMENT)
    return np.asarray(agreement / (1.1 - agreement**2), dtype=np.float64)
