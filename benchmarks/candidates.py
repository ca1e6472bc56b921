"""How well sources are ranked for a target that nothing was measured on: the protocol of design/evidence.md, section 6.

    python benchmarks/candidates.py

Prints family-out and plain leave-one-target-out, leave-one-study-out, all baselines, bootstrap intervals over families,
regret, concordance and scored abstention, and the machine it ran on. The splits are fixed in
data/evaluation/candidates/splits.yaml. Deterministic; no network, no GPU.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.stats import rankdata, weightedtau  # type: ignore[import-untyped]

from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.predictor import CLEAR, INTERVAL_LEVEL, Prediction, Predictor, chance_better
from kb.knowledge.predictor_evidence import Evidence, Measured, closeness, evidence_of
from kb.knowledge.studies import read_studies
from kb.knowledge.study import Study
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings

Scores = dict[str, float]
#: Evidence without the left-out rows, target → score of each source; sources that it says nothing of are missing.
Ranker = Callable[[Evidence, str, list[str]], Scores]
Floats = NDArray[np.float64]

#: Standard deviation of one cell of the 168-row study by the choice among its 120 settings (design/evidence.md, "Noise
#: ceiling"): the study has one seed and one fold, and states no spread. Noise of folds and pretraining comes on top.
CELL_SD = 0.011
#: Differences of at least so many standard errors count as measured.
ERRORS = 2.0
#: What the predictor's figures are to be read with. The nested figures: the form is chosen among 15 inside the training
#: families alone, for each family left out (2026-11-23); the 15 were drawn up by someone who had seen the targets.
CHOSEN_AFTER = (
    "The predictor's form was chosen after about 140 variants had been scored on these same targets: its figures and\n"
    "intervals flatter it. Choosing among 15 forms inside the training families gave 0.588 family-out, 0.572 plain."
)
FIXED_LIST = ("imagenet-1k", "radimagenet", "medmnist2d-leave-target-out")


@dataclass(frozen=True)
class Splits:
    """Content of splits.yaml."""

    study: str
    protocol: str
    metric: str
    comparable: list[str]
    plain: list[list[str]]
    family_out: list[list[str]]
    study_out: list[str]
    draws: int
    seed: int
    level: float


@dataclass(frozen=True)
class World:
    """Everything that is read: all evidence, the splits, and the published scores of the table's study."""

    evidence: Evidence
    splits: Splits
    published: Mapping[str, Scores]

    @property
    def table(self) -> dict[str, Scores]:
        """Target → source → measured value, of the one study and protocol whose sources form a table."""
        found: dict[str, Scores] = {}
        for row in self.evidence.rows:
            study, _, protocol, *_ = row.block.split("/")
            if (study, protocol) == (self.splits.study, self.splits.protocol):
                found.setdefault(row.target, {})[row.source] = row.value
        return dict(sorted(found.items()))


def read_splits(path: Path) -> Splits:
    """Read the fixed splits."""
    document: dict[str, Any] = YAML(typ="safe").load(path)
    bootstrap = document.pop("bootstrap")
    return Splits(**{name.replace("-", "_"): value for name, value in document.items()}, **bootstrap)


def read_world(settings: Settings) -> World:
    """Read ontology, catalogue, studies and splits."""
    ontology = load_ontology(settings.ontology)
    vocabulary = Vocabulary.from_graph(ontology)
    entries = read_catalogue(settings.datasets, vocabulary)
    studies = read_studies(settings.data / "evidence", entries, ontology)
    splits = read_splits(settings.data / "evaluation" / "candidates" / "splits.yaml")
    study = next(study for study in studies if study.id == splits.study)
    return World(evidence_of(studies, entries, vocabulary), splits, published_scores(study))


def published_scores(study: Study) -> dict[str, Scores]:
    """Target → source → LPxFU, the paper's final score; it needs images of the target."""
    protocols = {protocol.id: protocol for protocol in study.protocols}
    block = next(
        block
        for block in study.estimates
        if block.estimator == "lp-fu"
        and block.architecture in ("resnet18", protocols["sources"].architecture)
    )
    found: dict[str, Scores] = {}
    for source, row in block.values.items():
        for target, value in row.items():
            found.setdefault(target, {})[source] = value
    return found


# Rankers: what is asked is always "these sources for this target", from evidence that has lost the left-out rows.


def by_predictor(evidence: Evidence, target: str, sources: list[str]) -> Scores:
    """The predictor as it is used."""
    return {p.source: p.score for p in predictions(evidence, target, sources)}


def predictions(evidence: Evidence, target: str, sources: list[str]) -> list[Prediction]:
    """Predictions for a target of the evidence."""
    wanted = [evidence.sources[source] for source in sources]
    return Predictor(evidence).predict(evidence.targets[target], wanted)


def by_predictor_cold(evidence: Evidence, target: str, sources: list[str]) -> Scores:
    """The predictor when a source is new: its own outcomes are withheld, one source at a time."""
    found: Scores = {}
    for source in sources:
        rows = tuple(row for row in evidence.rows if row.source != source)
        found |= by_predictor(replace(evidence, rows=rows), target, [source])
    return found


def by_mean(scale: Callable[[Floats], Floats]) -> Ranker:
    """Mean over the targets left of the source's scaled outcome there."""

    def rank(evidence: Evidence, _target: str, sources: list[str]) -> Scores:
        blocks: dict[str, list[Measured]] = {}
        for row in evidence.rows:
            blocks.setdefault(row.block, []).append(row)
        found: dict[str, list[float]] = {}
        for rows in blocks.values():
            if len(rows) > 1:
                for row, value in zip(rows, scale(np.array([row.value for row in rows])), strict=True):
                    found.setdefault(row.source, []).append(float(value))
        return {source: float(np.mean(found[source])) for source in sources if source in found}

    return rank


def by_fixed_list(_evidence: Evidence, _target: str, sources: list[str]) -> Scores:
    """ImageNet, then RadImageNet, then the union of the other sets, then the rest as tied."""
    places = {source: float(len(FIXED_LIST) - i) for i, source in enumerate(FIXED_LIST)}
    return {source: places.get(source, 0.0) for source in sources}


def by_size(evidence: Evidence, target: str, sources: list[str]) -> Scores:
    """Images of the source, as the catalogue counts them."""
    parts = {source: evidence.sources[source].parts_for(target) for source in sources}
    return {source: sum(part.images or 0.0 for part in parts[source]) for source in sources}


def by_closeness(evidence: Evidence, target: str, sources: list[str]) -> Scores:
    """Metadata similarity: colour, modality, anatomy and family."""
    near = {
        source: closeness(evidence.sources[source], evidence.targets[target], evidence.alike)
        for source in sources
    }
    return {source: value for source, value in near.items() if value is not None}


def ranks(values: Floats) -> Floats:
    """Minus the place, best is -1."""
    return np.asarray(-rankdata(-values), dtype=np.float64)


def standard(values: Floats) -> Floats:
    """Standard units within the block."""
    return np.asarray((values - values.mean()) / (values.std() or 1.0), dtype=np.float64)


def fused(one: Ranker, published: Mapping[str, Scores]) -> Ranker:
    """Equal-weight sum of the ranks by a ranker and by the published score, which needs images of the target."""

    def rank(evidence: Evidence, target: str, sources: list[str]) -> Scores:
        if target not in published:
            return {}
        ours = one(evidence, target, sources)
        first = ranks(np.array([ours[source] for source in sources]))
        second = ranks(np.array([published[target][source] for source in sources]))
        return dict(zip(sources, first + second, strict=True))

    return rank


@dataclass(frozen=True)
class Result:
    """What one ranker did on one target."""

    wtau: float
    regret1: float
    regret3: float
    concordance: float
    separable: float


def score_target(scores: Scores, truth: Scores) -> Result:
    """Score one ranking; sources without a score stand in the middle, ties count half."""
    if not scores:
        return Result(nan, nan, nan, nan, nan)
    sources = sorted(truth)
    middle = float(np.median(list(scores.values())))
    given = np.array([scores.get(source, middle) for source in sources])
    actual = np.array([truth[source] for source in sources])
    order = sorted(range(len(sources)), key=lambda i: (-given[i], sources[i]))
    best = float(actual.max())
    pairs = list(combinations(range(len(sources)), 2))
    far = [(i, j) for i, j in pairs if abs(actual[i] - actual[j]) > ERRORS * 2**0.5 * CELL_SD]
    return Result(
        float(weightedtau(given, actual).statistic),
        best - float(actual[order[0]]),
        best - float(actual[order[:3]].max()),
        concordance(given, actual, pairs),
        concordance(given, actual, far),
    )


def concordance(given: Floats, actual: Floats, pairs: list[tuple[int, int]]) -> float:
    """Share of pairs in the measured order; a tie on either side counts half."""
    signs = [np.sign(given[i] - given[j]) * np.sign(actual[i] - actual[j]) for i, j in pairs]
    return float(np.mean([(1 + sign) / 2 for sign in signs])) if signs else nan


class Bootstrap:
    """Draws of whole families, the same for every ranker, so that differences are paired."""

    def __init__(self, groups: list[list[str]], targets: list[str], splits: Splits) -> None:
        kept = [[targets.index(t) for t in group if t in targets] for group in groups]
        kept = [group for group in kept if group]
        drawn = np.random.default_rng(splits.seed).integers(len(kept), size=(splits.draws, len(kept)))
        member = np.zeros((len(kept), len(targets)))
        for g, group in enumerate(kept):
            member[g, group] = 1
        times = np.stack([(drawn == g).sum(axis=1) for g in range(len(kept))], axis=1) @ member
        self._weights = times / times.sum(axis=1, keepdims=True)
        self._tail = (1 - splits.level) / 2

    def interval(self, values: Floats) -> tuple[float, float]:
        """Percentile interval of the mean over targets."""
        low, high = np.quantile(self._weights @ values, [self._tail, 1 - self._tail])
        return float(low), float(high)


def rankers(world: World) -> dict[str, Ranker]:
    """All that is compared; `*` marks what needs images of the target."""
    study = world.splits.study

    def table_only(rank: Ranker) -> Ranker:
        return lambda evidence, target, sources: rank(of_study(evidence, study), target, sources)

    mean_rank = table_only(by_mean(ranks))
    return {
        "predictor (all studies)": by_predictor,
        "predictor (this study only)": table_only(by_predictor),
        "predictor, source unseen too": by_predictor_cold,
        "mean rank over other targets": mean_rank,
        "mean z over other targets": table_only(by_mean(standard)),
        "fixed list": by_fixed_list,
        "source size": by_size,
        "metadata similarity": by_closeness,
        "LPxFU, published *": lambda _evidence, target, _sources: dict(world.published.get(target, {})),
        "mean rank + LPxFU *": fused(mean_rank, world.published),
        "predictor + LPxFU *": fused(by_predictor, world.published),
    }


def of_study(evidence: Evidence, study: str) -> Evidence:
    """Rows of one study."""
    return replace(evidence, rows=tuple(row for row in evidence.rows if row.study == study))


def left_out(world: World, group: Iterable[str], *, family: bool) -> frozenset[str]:
    """Targets that go with a group; with `family` also what other studies have of it, such as its parent set.

    Inside the table the fixed split prevails, so that all rankers lose what the published figures lost.
    """
    gone = frozenset(group)
    if not family:
        return gone
    kin = gone.union(*(world.evidence.family(world.evidence.targets[target]) for target in gone))
    return gone | (kin - world.table.keys())


def evaluate(world: World, groups: list[list[str]], *, family: bool) -> dict[str, dict[str, Result]]:
    """Ranker → target → result, each group of targets left out in turn."""
    found: dict[str, dict[str, Result]] = {}
    for group in groups:
        evidence = world.evidence.without(left_out(world, group, family=family))
        for target in group:
            truth = world.table[target]
            for name, rank in rankers(world).items():
                scores = rank(evidence, target, sorted(truth))
                scores = {source: value for source, value in scores.items() if source in truth}
                found.setdefault(name, {})[target] = score_target(scores, truth)
    return found


def print_targets(world: World, found: dict[str, dict[str, Result]]) -> None:
    """Summary with intervals, paired differences, regret and concordance; then wtau of each target."""
    targets, splits = world.splits.comparable, world.splits
    bootstrap = Bootstrap(splits.family_out, targets, splits)
    wtau = {name: np.array([row[t].wtau for t in targets]) for name, row in found.items()}
    print(
        f"{'':<30}  wtau   95% interval    of 12   minus fixed list         minus mean rank         regret@1 (worst)  "
        "regret@3 (worst)  concordant  separable"
    )
    for name, row in found.items():
        results = [row[t] for t in targets]
        of_12 = float(np.mean([r.wtau for r in row.values()]))
        low, high = bootstrap.interval(wtau[name])
        parts = [f"{name:<30} {wtau[name].mean():6.3f}  {low:5.2f} .. {high:5.2f}  ", _number(of_12, 7, 3)]
        for other in ("fixed list", "mean rank over other targets"):
            difference = wtau[name] - wtau[other]
            low, high = bootstrap.interval(difference)
            text = f"{difference.mean():+.3f} ({low:+.3f} .. {high:+.3f})" if name != other else "-"
            parts.append(f"   {text:<22}")
        for regret in ([r.regret1 for r in results], [r.regret3 for r in results]):
            parts.append(f"   {np.mean(regret):.4f} ({max(regret):.4f})")
        share = float(np.mean([r.concordance for r in results]))
        far = float(np.nanmean([r.separable for r in results]))
        parts.append(f"    {share:.3f}       {far:.3f}")
        print("".join(parts))
    print(
        f"\nwtau of each target\n{'':<30}"
        + "".join(f"{name.removesuffix('mnist')[:7]:>8}" for name in world.table)
    )
    for name, row in found.items():
        print(f"{name:<30}" + "".join(f"{_number(row[t].wtau, 8, 2)}" for t in world.table))


def _number(value: float, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if isnan(value) else f"{value:{width}.{digits}f}"


def print_abstention(world: World) -> None:
    """Score the predictor's "no clear difference" and its intervals, family-out, on all pairs of sources."""
    clear, clear_right, open_within, open_all, far_clear, far_all = 0, 0.0, 0, 0, 0, 0
    inside, cold_inside, cells = 0, 0, 0
    widths: list[list[float]] = [[], []]
    threshold = ERRORS * 2**0.5 * CELL_SD
    for group in world.splits.family_out:
        evidence = world.evidence.without(left_out(world, group, family=True))
        for target in group:
            truth = world.table[target]
            found = predictions(evidence, target, sorted(truth))
            for one, other in combinations(found, 2):
                measured = truth[one.source] - truth[other.source]
                far_all += abs(measured) > threshold
                if chance_better(one, other) >= CLEAR:
                    clear += 1
                    clear_right += (1 + np.sign(measured)) / 2
                    far_clear += abs(measured) > threshold
                else:
                    open_all += 1
                    open_within += abs(measured) <= threshold
            units = dict(zip(truth, standard(np.array(list(truth.values()))), strict=True))
            for p in found:
                rows = tuple(row for row in evidence.rows if row.source != p.source)
                cold = predictions(replace(evidence, rows=rows), target, [p.source])[0]
                cells += 1
                inside += p.low <= units[p.source] <= p.high
                cold_inside += cold.low <= units[p.source] <= cold.high
                widths[0].append(p.high - p.low)
                widths[1].append(cold.high - cold.low)
    print(
        f"called clear (chance at least {CLEAR:.0%}): {clear} of {clear + open_all} pairs, {clear_right / clear:.1%} right"
    )
    print(
        f"called no clear difference: {open_all} pairs, {open_within / open_all:.1%} of them measured within "
        f"{ERRORS:.0f} SE ({threshold:.3f} AUC); of all pairs {(clear + open_all - far_all) / (clear + open_all):.1%} are"
    )
    print(f"of {far_all} pairs measured further apart, {far_clear / far_all:.1%} were called clear")
    print(
        f"{INTERVAL_LEVEL:.0%} intervals hold {inside / cells:.1%} of {cells} outcomes, mean width {np.mean(widths[0]):.2f} "
        f"standard units; source unseen: {cold_inside / cells:.1%}, {np.mean(widths[1]):.2f}"
    )


def print_studies(world: World) -> None:
    """Leave-one-study-out: concordance inside each block; studies weigh the same, blocks inside a study too."""
    named: dict[str, tuple[Ranker, bool]] = {
        "predictor": (by_predictor, False),
        "predictor, family out too": (by_predictor, True),
        "mean rank": (by_mean(ranks), False),
        "fixed list": (by_fixed_list, False),
        "source size": (by_size, False),
    }
    print(f"{'':<42} blocks  pairs  far" + "".join(f"{name:>27}" for name in named))
    totals: dict[str, list[tuple[float, float]]] = {name: [] for name in named}
    for study in world.splits.study_out:
        blocks: dict[str, list[Measured]] = {}
        for row in of_study(world.evidence, study).rows:
            blocks.setdefault(row.block, []).append(row)
        kept = {name: rows for name, rows in sorted(blocks.items()) if len(rows) > 1}
        if not kept:
            print(f"{study:<42}      -  no block with two sources")
            continue
        rest = replace(world.evidence, rows=tuple(r for r in world.evidence.rows if r.study != study))
        cells, pairs, far = [], 0, 0
        for name, (rank, family) in named.items():
            shares = []
            for rows in kept.values():
                target, sources = rows[0].target, [row.source for row in rows]
                evidence = (
                    rest.without(world.evidence.family(world.evidence.targets[target])) if family else rest
                )
                every, apart = block_concordance(rank(evidence, target, sources), rows)
                shares.append((every[0], apart[0]))
                pairs, far = (pairs + every[1], far + apart[1]) if name == "predictor" else (pairs, far)
            columns = np.array(shares)
            mean = (float(columns[:, 0].mean()), nan_mean(columns[:, 1]))
            totals[name].append(mean)
            cells.append(f"{mean[0]:>17.2f} /{_number(mean[1], 8, 2)}")
        print(f"{study:<42} {len(kept):>6} {pairs:>6} {far:>4}" + "".join(cells))
    means = [(nan_mean(np.array(rows)[:, 0]), nan_mean(np.array(rows)[:, 1])) for rows in totals.values()]
    print(f"{'mean over studies':<60}" + "".join(f"{one:>17.2f} /{_number(two, 8, 2)}" for one, two in means))


def nan_mean(values: Floats) -> float:
    """Mean of what is a number; not a number where nothing is."""
    said = values[~np.isnan(values)]
    return float(said.mean()) if said.size else nan


def block_concordance(scores: Scores, rows: list[Measured]) -> tuple[tuple[float, int], tuple[float, int]]:
    """Concordance and number of pairs of a block: all pairs, and those more than two standard errors apart."""
    middle = float(np.median(list(scores.values()))) if scores else 0.0
    given = np.array([scores.get(row.source, middle) for row in rows])
    actual = np.array([row.value for row in rows])
    pairs = list(combinations(range(len(rows)), 2))
    far = []
    for i, j in pairs:
        one, other = rows[i].error, rows[j].error
        if (
            one is not None
            and other is not None
            and abs(actual[i] - actual[j]) > ERRORS * (one**2 + other**2) ** 0.5
        ):
            far.append((i, j))
    return (concordance(given, actual, pairs), len(pairs)), (concordance(given, actual, far), len(far))


def main() -> None:
    """Run the whole protocol and print it."""
    started = time.perf_counter()
    world = read_world(Settings())
    cells = sum(map(len, world.table.values()))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores (one used), Python {platform.python_version()}, numpy {np.__version__}"
    )
    print(
        f"{cells} outcomes of {len(world.table)} targets in the table; {len(world.evidence.rows)} in all studies"
    )
    print(
        "* needs images of the target. wtau over the 11 targets with published scores; intervals: families drawn"
    )
    print(CHOSEN_AFTER)
    print("\nFamily-out leave-one-target-out (headline)\n")
    print_targets(world, evaluate(world, world.splits.family_out, family=True))
    print("\nPlain leave-one-target-out\n")
    print_targets(world, evaluate(world, world.splits.plain, family=False))
    print(f"\nAbstention and intervals, family-out (cells of one seed: SE taken as {CELL_SD} AUC)\n")
    print_abstention(world)
    print("\nLeave-one-study-out: concordance of all pairs / of pairs more than 2 SE apart\n")
    print_studies(world)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
