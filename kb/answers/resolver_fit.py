"""Fitting the resolver of wordings: weights on the training sentences, thresholds and temperature on the development ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from kb.engines.encoder import Encoder
from kb.errors import InvalidFile
from kb.knowledge.cues import Cues, stems
from kb.knowledge.expressions import Candidate, Sentence, candidates
from kb.knowledge.phrases import Phrase
from kb.knowledge.readings import (
    UNSPECIFIED,
    Support,
    Topic,
    Weights,
    doubts,
    features_of,
    probability,
    ranked,
    supports,
)
from kb.knowledge.resolver import Lexicon
from kb.knowledge.sentences import Labelled, LabelledSentence

Array = NDArray[np.float64]

_FOLDS = 5
_ACCEPTED = 0.12  # weight of an acceptable further reading, where the right one has 1
_RIDGE_TOPIC = 0.05
_RIDGE = 0.5
_OVERLAP = 0.3  # of characters, from which a stretch counts as the labelled one
_FALSE_ALARMS = 0.04
_SENSE_FEATURES = (
    "phrase", "own", "likeness", "expression", "perhaps", "near", "around", "method", "method_sentence", "method_context",
    "named", "both", "silent", "prior", "unspecified",
)  # fmt: skip


class Item(NamedTuple):
    """One stretch of a labelled sentence that may be an expression."""

    sentence: LabelledSentence
    candidate: Candidate
    features: dict[str, float]
    supported: dict[str, Support]
    label: Labelled | None  # None: no expression stands there
    start: int
    end: int
    clause: str

    @property
    def beside(self) -> bool:
        """Whether its sentence has an expression elsewhere."""
        return self.label is None and bool(self.sentence.expressions)


def overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Shared characters of two stretches by those of either."""
    shared = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0]))


def items_of(sentences: Sequence[LabelledSentence], lexicon: Lexicon) -> list[Item]:
    """Stretches of all sentences."""
    cues = Cues(lexicon.cues)
    phrases: dict[tuple[str, ...], Phrase] = {stems(phrase.phrase): phrase for phrase in lexicon.phrases}
    labels = {name: note.label for name, note in lexicon.senses.items()}
    found = []
    for labelled in sentences:
        sentence = Sentence.of(labelled.text, cues)
        context = Sentence.of(labelled.context, cues) if labelled.context else None
        for candidate in candidates(sentence, phrases):
            place = candidate.place(sentence)
            label = max(
                labelled.expressions, key=lambda one: overlap((one.start, one.end), place), default=None
            )
            if label and overlap((label.start, label.end), place) < _OVERLAP:
                label = None
            found.append(
                Item(
                    labelled, candidate, features_of(candidate, sentence, context),
                    supports(candidate, sentence, context, labels), label, *place, candidate.clause_text(sentence),
                )
            )  # fmt: skip
    return found


def fit(
    train: Sequence[LabelledSentence],
    development: Sequence[LabelledSentence],
    lexicon: Lexicon,
    encoder: Encoder,
) -> Weights:
    """Weights of the resolver.

    Raises `InvalidFile` when either part has no sentence with, or none without, an expression.
    """
    for name, part in (("train", train), ("development", development)):
        if len({bool(one.expressions) for one in part}) < 2:
            raise InvalidFile(f"sentences/{name}.yaml: needs sentences with and without expressions")
    items = items_of(train, lexicon)
    held = items_of(development, lexicon)
    topics, crossed = _topics(train, items, encoder)
    features = [item.features | topic for item, topic in zip(items, crossed, strict=True)]
    meant = _meant(features, items)
    prior = _prior(items, lexicon)
    sense = _sense(items, prior)
    rough = Weights(
        sentence=topics[0], clause=topics[1], meant=meant, sense=sense, prior=prior, threshold=0.5, open={}, ask=0.5, temperature=1.0
    )  # fmt: skip
    shares = [
        *zip(items, _crossed_shares(train, items, features), strict=True),
        *(
            (item, probability(meant, found))
            for item, found in zip(held, with_topics(held, rough, encoder), strict=True)
        ),
    ]
    silent = [one.id for one in (*train, *development) if not one.expressions]
    weights = _calibrated(rough.model_copy(update={"threshold": _threshold(shares, silent)}), held)
    weights = weights.model_copy(update={"open": _open(items, weights)})
    return weights.model_copy(update={"ask": _ask((*items, *held), weights)})


def with_topics(items: Sequence[Item], weights: Weights, encoder: Encoder) -> list[dict[str, float]]:
    """Features of stretches with those that the encoder gives."""
    if not items:
        return []
    whole = encoder.encode([item.sentence.text for item in items])
    clause = encoder.encode([item.clause for item in items])
    return [
        item.features
        | {"topic_sentence": weights.sentence.of(whole[row].tolist()), "topic_clause": weights.clause.of(clause[row].tolist())}
        for row, item in enumerate(items)
    ]  # fmt: skip


def _topics(
    train: Sequence[LabelledSentence], items: Sequence[Item], encoder: Encoder
) -> tuple[tuple[Topic, Topic], list[dict[str, float]]]:
    """Both regressions on vectors, and what each says of a training item when fitted without its sentence."""
    order = {one.id: place for place, one in enumerate(train)}
    whole = np.asarray(encoder.encode([one.text for one in train]), dtype=np.float64)
    clause = np.asarray(encoder.encode([item.clause for item in items]), dtype=np.float64)
    has = np.array([bool(one.expressions) for one in train], dtype=np.float64)
    is_one = np.array([item.label is not None for item in items], dtype=np.float64)
    fold = np.array([order[item.sentence.id] % _FOLDS for item in items])
    crossed: list[dict[str, float]] = [{} for _ in items]
    for number in range(_FOLDS):
        kept = np.arange(len(train)) % _FOLDS != number
        first = _topic(whole[kept], has[kept])
        second = _topic(clause[fold != number], is_one[fold != number])
        for row in map(int, np.flatnonzero(fold == number)):
            crossed[row] = {
                "topic_sentence": first.of(whole[order[items[row].sentence.id]].tolist()),
                "topic_clause": second.of(clause[row].tolist()),
            }
    return (_topic(whole, has), _topic(clause, is_one)), crossed


def _logistic(x: Array, y: Array, ridge: float) -> Array:
    """Weights of a logistic regression with a ridge penalty on all but the last column."""
    penalty = np.full(x.shape[1], ridge)
    penalty[-1] = 1e-6

    def loss(w: Array) -> tuple[float, Array]:
        z = x @ w
        value = np.logaddexp(0, z) - y * z
        return float(value.sum() + (penalty * w * w).sum()), x.T @ (
            1 / (1 + np.exp(-z)) - y
        ) + 2 * penalty * w

    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x)


def _topic(x: Array, y: Array) -> Topic:
    found = _logistic(np.hstack([x, np.ones((len(x), 1))]), y, _RIDGE_TOPIC)
    return Topic(bias=round(float(found[-1]), 5), weights=tuple(round(float(one), 5) for one in found[:-1]))


def _meant(features: Sequence[dict[str, float]], items: Sequence[Item]) -> dict[str, float]:
    """Weights of being meant of data; a stretch beside a labelled one, badly cut or said twice, teaches nothing."""
    told = [place for place, item in enumerate(items) if item.label or not item.beside]
    features, items = [features[place] for place in told], [items[place] for place in told]
    names = sorted({name for one in features for name in one if name != "bias"})
    x = np.array([[*(one.get(name, 0.0) for name in names), 1.0] for one in features])
    y = np.array([item.label is not None for item in items], dtype=np.float64)
    found = _logistic(x, y, _RIDGE)
    return {name: round(float(weight), 4) for name, weight in zip((*names, "bias"), found, strict=True)}


def _prior(items: Sequence[Item], lexicon: Lexicon) -> dict[str, float]:
    labels = {(item.sentence.id, item.label.start): item.label.senses[0] for item in items if item.label}
    counts = Counter(labels.values())
    total = sum(counts.values()) + len(lexicon.senses) / 2
    return {name: round(math.log((counts[name] + 0.5) / total), 4) for name in sorted(lexicon.senses)}


def _sense(items: Sequence[Item], prior: dict[str, float]) -> dict[str, float]:
    """Weights of the features of senses: softmax over those that anything speaks for."""
    problems: list[tuple[Array, Array]] = []
    for item in items:
        if item.label is None or item.label.senses[0] not in item.supported:
            continue
        names = list(item.supported)
        rows = [
            [
                prior.get(name, 0.0) if feature == "prior" else float(name == UNSPECIFIED) if feature == "unspecified"
                else item.supported[name].features.get(feature, 0.0)
                for feature in _SENSE_FEATURES
            ]
            for name in names
        ]  # fmt: skip
        goal = np.zeros(len(names))
        for place, name in enumerate(item.label.senses):
            if name in item.supported:
                goal[names.index(name)] = _ACCEPTED if place else 1.0
        problems.append((np.array(rows), goal / goal.sum()))

    def loss(w: Array) -> tuple[float, Array]:
        total, slope = _RIDGE * float((w * w).sum()), 2 * _RIDGE * w
        for x, goal in problems:
            z = x @ w
            z = z - z.max()
            p = np.exp(z) / np.exp(z).sum()
            total -= float((goal * np.log(p + 1e-12)).sum())
            slope = slope + x.T @ (p - goal)
        return total, slope

    found = minimize(loss, np.zeros(len(_SENSE_FEATURES)), jac=True, method="L-BFGS-B").x
    return {name: round(float(weight), 4) for name, weight in zip(_SENSE_FEATURES, found, strict=True)}


def _crossed_shares(
    train: Sequence[LabelledSentence], items: Sequence[Item], features: Sequence[dict[str, float]]
) -> list[float]:
    """Probability of each training item of being meant of data, when fitted without its sentence."""
    fold = {one.id: place % _FOLDS for place, one in enumerate(train)}
    shares = [0.0] * len(items)
    for number in range(_FOLDS):
        kept = [place for place, item in enumerate(items) if fold[item.sentence.id] != number]
        weights = _meant([features[place] for place in kept], [items[place] for place in kept])
        for place in set(range(len(items))) - set(kept):
            shares[place] = probability(weights, features[place])
    return shares


def _threshold(shares: Sequence[tuple[Item, float]], silent: Sequence[str]) -> float:
    """Least probability at which no more than 4 in 100 sentences without an expression raise a false alarm."""
    allowed = math.floor(_FALSE_ALARMS * len(silent))
    highest = {
        name: max((share for item, share in shares if item.sentence.id == name), default=0.0)
        for name in silent
    }
    return next(
        (
            round(float(one), 2)
            for one in np.arange(0.3, 0.96, 0.01)
            if sum(share >= one for share in highest.values()) <= allowed
        ),
        0.95,
    )


def _calibrated(rough: Weights, items: Sequence[Item]) -> Weights:
    """Temperature by likelihood."""
    right = [item for item in items if item.label and item.label.senses[0] in item.supported]

    def surprise(temperature: float) -> float:
        weights = rough.model_copy(update={"temperature": temperature})
        return -sum(
            math.log(dict(ranked(item.supported, weights))[item.label.senses[0]] + 1e-9)
            for item in right
            if item.label
        )

    temperature = min((float(one) for one in np.arange(0.5, 3.01, 0.05)), key=surprise)
    return rough.model_copy(update={"temperature": round(temperature, 2)})


def _open(items: Sequence[Item], weights: Weights) -> dict[str, float]:
    """Weights of what leaves a reading open."""
    told = [item for item in items if item.label]
    features = [doubts(item.candidate, item.supported, ranked(item.supported, weights)) for item in told]
    names = sorted(features[0])
    x = np.array([[*(one[name] for name in names), 1.0] for one in features])
    y = np.array([float(item.label is not None and not item.label.settled) for item in told])
    found = _logistic(x, y, _RIDGE)
    return {name: round(float(weight), 4) for name, weight in zip((*names, "bias"), found, strict=True)}


def _ask(items: Sequence[Item], weights: Weights) -> float:
    """Probability of being open that sets apart best, by the mean of both shares told rightly."""
    told = [
        (
            probability(
                weights.open,
                doubts(item.candidate, item.supported, ranked(item.supported, weights)) | {"bias": 1.0},
            ),
            item.label.settled,
        )
        for item in items
        if item.label
    ]

    def balanced(least: float) -> float:
        open_ = [share >= least for share, settled in told if not settled]
        closed = [share < least for share, settled in told if settled]
        return float(np.mean(open_ or [True]) + np.mean(closed or [True]))

    return max((round(float(one), 2) for one in np.arange(0.1, 0.7, 0.02)), key=balanced)
