"""Transferability estimates: hand computations, more for classes that lie apart, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from rdflib import Graph, Literal, Namespace

from kb.errors import InvalidInput
from kb.knowledge.features import Origin, Preprocessing
from kb.knowledge.transferability import (
    ESTIMATORS,
    Estimator,
    estimate,
    h_score,
    leep,
    logme,
    with_origin,
)

WH = Namespace("https://w3id.org/whence/ontology/")
FROM_FEATURES: tuple[Estimator, ...] = ("logme", "nleep", "h-score")


def clusters(
    apart: float, n: int = 150, d: int = 6, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Three classes of Gaussian features whose means lie apart."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return random.normal(size=(n, d)) + apart * np.eye(d)[labels], labels


def test_leep_agrees_with_a_hand_computation() -> None:
    predictions = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    labels = np.array([0, 0, 1])
    # P(y=0, z) = (1.4, 0.6) / 3, P(y=1, z) = (0.1, 0.9) / 3, P(z) = (1.5, 1.5) / 3.
    expected = (
        math.log(0.8 * 1.4 / 1.5 + 0.2 * 0.6 / 1.5)
        + math.log(0.6 * 1.4 / 1.5 + 0.4 * 0.6 / 1.5)
        + math.log(0.1 * 0.1 / 1.5 + 0.9 * 0.9 / 1.5)
    ) / 3
    assert leep(predictions, labels) == pytest.approx(expected)
    assert estimate("leep", predictions, labels).value == pytest.approx(expected)


def test_leep_is_zero_for_perfect_predictions_and_the_entropy_for_empty_ones() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2])
    assert leep(np.eye(3)[labels], labels) == pytest.approx(0)
    assert leep(np.full((6, 4), 0.25), labels) == pytest.approx(-math.log(3))


def test_h_score_agrees_with_its_definition() -> None:
    features, labels = clusters(1)
    means = np.stack([features[labels == one].mean(axis=0) for one in range(3)])[labels]
    expected = np.trace(np.linalg.pinv(np.cov(features.T)) @ np.cov(means.T))
    assert h_score(features, labels) == pytest.approx(float(expected))


def test_h_score_lies_between_zero_and_classes_less_one() -> None:
    features, labels = clusters(1_000)
    assert h_score(features, labels) == pytest.approx(2, abs=1e-3)
    same = np.tile(np.random.default_rng(1).normal(size=(10, 3)), (2, 1))
    assert h_score(same, np.repeat([0, 1], 10)) == pytest.approx(0, abs=1e-12)


def test_h_score_and_logme_hold_for_a_repeated_dimension() -> None:
    features, labels = clusters(1)
    assert h_score(np.c_[features, features[:, 0]], labels) == pytest.approx(h_score(features, labels))
    assert np.isfinite(logme(np.c_[features, features[:, 0]], labels))


def test_logme_is_the_evidence_at_its_maximum() -> None:
    """No other pair of precisions gives the data more evidence, computed from the full covariance of the labels."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]
    from scipy.stats import multivariate_normal  # type: ignore[import-untyped]

    features, labels = clusters(0.7, n=40, d=3)

    def shortfall(logs: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
        alpha, beta = np.exp(logs)
        covariance = features @ features.T / alpha + np.eye(40) / beta
        return -float(multivariate_normal(np.zeros(40), covariance).logpdf(wanted)) / 40

    best = [minimize(shortfall, [0, 0], args=((labels == one).astype(float),)).fun for one in range(3)]
    assert logme(features, labels) == pytest.approx(-float(np.mean(best)), rel=1e-4)


@pytest.mark.parametrize("estimator", FROM_FEATURES)
def test_classes_that_lie_further_apart_score_higher(estimator: Estimator) -> None:
    found = [estimate(estimator, *clusters(apart)).value for apart in (0, 1, 2, 5)]
    assert found == sorted(found)
    features, labels = clusters(3)
    shuffled = np.random.default_rng(4).permutation(labels)
    assert estimate(estimator, features, labels).value > estimate(estimator, features, shuffled).value + 0.1


@pytest.mark.parametrize("estimator", FROM_FEATURES)
def test_names_and_order_of_classes_change_nothing(estimator: Estimator) -> None:
    features, labels = clusters(2)
    once = estimate(estimator, features, labels)
    assert estimate(estimator, features, np.array(["b", "c", "a"])[labels]).value == pytest.approx(once.value)
    assert estimate(estimator, features, labels[:, None] * 7.0).value == pytest.approx(once.value)
    assert estimate(estimator, features, labels) == once
    assert (once.classes, once.sample, once.dimensions) == (3, 150, 6)


def test_logme_stays_finite_where_features_reproduce_the_labels() -> None:
    labels = np.arange(20) % 2
    features = np.eye(2)[labels]
    assert np.isfinite(estimate("logme", features, labels).value)
    wide = np.random.default_rng(0).normal(size=(20, 100))
    assert np.isfinite(estimate("logme", wide, labels).value)


def test_too_few_images_say_how_many_are_needed() -> None:
    features, labels = clusters(1, n=12, d=20)
    with pytest.raises(InvalidInput, match="needs at least 22 images; found 12"):
        estimate("h-score", features, labels)
    with pytest.raises(InvalidInput, match="15 Gaussians"):
        estimate("nleep", features, labels)


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (np.array([[1.5, -0.5], [0.5, 0.5], [0, 1]]), "negative"),
        (np.array([[0.7, 0.7], [0.5, 0.5], [0, 1]]), "row 0 sums to 1.4"),
        (np.array([[np.nan, 1], [0.5, 0.5], [0, 1]]), "NaN"),
        (np.ones((3, 1)), "shape"),
        (np.ones(3), "shape"),
    ],
)
def test_predictions_that_are_no_probabilities_are_refused(
    predictions: NDArray[np.float64], words: str
) -> None:
    with pytest.raises(InvalidInput, match=f"predictions: .*{words}"):
        estimate("leep", predictions, np.array([0, 1, 1]))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(150), "all 150 images are of one class"),
        (np.arange(149), "found 149 for 150 rows"),
        (np.arange(150), "150 images for 150 classes"),
        (np.zeros((150, 14)), "several labels per image"),
        (np.full(150, np.nan), "NaN"),
        (np.linspace(0, 1, 150), "fractions"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: NDArray[np.float64], words: str) -> None:
    features, _ = clusters(1)
    with pytest.raises(InvalidInput) as caught:
        estimate("logme", features, labels)
    assert words in str(caught.value)
    assert caught.value.field == "labels"


@pytest.mark.parametrize("estimator", FROM_FEATURES)
def test_features_that_can_not_be_used_are_refused(estimator: Estimator) -> None:
    features, labels = clusters(1)
    with pytest.raises(InvalidInput, match="all 150 images have the same features"):
        estimate(estimator, np.ones_like(features), labels)
    features[3, 3] = np.inf
    with pytest.raises(InvalidInput, match="the first is row 3"):
        estimate(estimator, features, labels)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_are_those_of_the_ontology(estimator: Estimator, ontology: Graph) -> None:
    term = WH[f"estimator-{estimator}"]
    assert (term, WH.higherPredictsBetter, Literal(True)) in ontology
    declared = ontology.value(term, WH.rangeMaximum)
    assert ESTIMATORS[estimator].maximum == (declared.toPython() if isinstance(declared, Literal) else None)
    assert ontology.value(term, WH.rangeMinimum) is None


def test_an_estimate_names_the_encoder_of_its_features() -> None:
    origin = Origin(
        kind="model",
        encoder="net.pt",
        encoder_digest="cd" * 32,
        layer="output",
        preprocessing=Preprocessing(width=28, height=28, channels=1, intensity="8-bit by 255"),
        images=150,
        found=150,
        made_by="whence test",
    )
    found = with_origin(estimate("nleep", *clusters(1), seed=3), origin)
    assert (found.encoder, found.layer, found.preprocessing) == (
        "net.pt (cdcdcdcdcdcd)",
        "output",
        "28x28 grey",
    )
    assert (found.version, found.seed, found.direction) == (
        "whence test, nleep 1",
        3,
        "higher-predicts-better",
    )
