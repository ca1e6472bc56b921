"""Estimates, from a labelled target, of how useful a pretrained model will be: LogME, LEEP, NLEEP and H-score.

An estimate is about a model and a labelled target. It is neither a likeness of datasets nor a measured outcome.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from kb.errors import InvalidInput
from kb.knowledge.features import Labels, Matrix, Origin, checked

Estimator = Literal["logme", "leep", "nleep", "h-score"]
#: Of NLEEP: share of the variance that is kept, and components of the mixture for each class (Li and others 2021).
VARIANCE, COMPONENTS = 0.8, 5
#: Change this when a number changes for the same features.
VERSION = "1"
_STEPS, _TOLERANCE = 200, 1e-6


class TransferabilityEstimate(BaseModel):
    """A number that predicts how useful a model will be for a labelled target, and all that it depends on."""

    model_config = ConfigDict(frozen=True)

    estimator: str = Field(description="Estimator of the ontology.")
    label: str
    value: float
    direction: Literal["higher-predicts-better"] = "higher-predicts-better"
    minimum: float | None
    maximum: float | None
    how: str
    reference: str
    version: str
    sample: int = Field(description="Labelled images of the target.")
    classes: int
    dimensions: int = Field(description="Of the features; for LEEP the classes of the source model.")
    seed: int | None = None
    encoder: str | None = None
    layer: str | None = None
    preprocessing: str | None = None
    note: str = "Compare it only with estimates of the same estimator on the same labelled images."


class _Way(NamedTuple):
    label: str
    how: str
    reference: str
    compute: Callable[[Matrix, Labels, int], float]
    takes: Literal["features", "predictions"] = "features"
    maximum: float | None = None
    random: bool = False


def leep(predictions: Matrix, labels: Labels) -> float:
    """Mean log-likelihood of the labels under the source model's class probabilities and the empirical conditional."""
    joint = np.stack([predictions[labels == one].sum(axis=0) for one in range(labels.max() + 1)]) / len(
        labels
    )
    marginal = joint.sum(axis=0)
    conditional = np.divide(joint, marginal, out=np.zeros_like(joint), where=marginal > 0)
    return float(np.log((predictions * conditional[labels]).sum(axis=1)).mean())


def nleep(features: Matrix, labels: Labels, seed: int = 0) -> float:
    """LEEP on the posteriors of a Gaussian mixture fitted to the principal components of the features."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

    components = COMPONENTS * int(labels.max() + 1)
    if len(features) <= components:
        raise InvalidInput(
            f"NLEEP fits {components:,} Gaussians ({COMPONENTS} for each class) and needs more images than that; "
            f"found {len(features):,}"
        )
    reduced = PCA(n_components=VARIANCE, svd_solver="full").fit_transform(features)
    with warnings.catch_warnings():
        # Features that repeat leave some Gaussians without images of their own: the posteriors still sum to one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(components, random_state=seed).fit(reduced)
    return leep(np.asarray(mixture.predict_proba(reduced), dtype=np.float64), labels)


def logme(features: Matrix, labels: Labels) -> float:
    """Mean over classes of the maximum log evidence, per image, of a Bayesian linear model of class against rest."""
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    kept = singular > singular[0] * max(features.shape) * np.finfo(float).eps
    left, squares = left[:, kept], singular[kept] ** 2
    return float(
        np.mean([_evidence(left, squares, (labels == one).astype(float)) for one in range(labels.max() + 1)])
    )


def _evidence(left: Matrix, squares: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Log evidence per image at the precisions of weights (alpha) and noise (beta) that raise it most (MacKay's iteration)."""
    images = len(wanted)
    along = (left.T @ wanted) ** 2
    outside = max(float(wanted @ wanted - along.sum()), 0.0)
    # Where the features reproduce the labels exactly, the noise would go to nothing and the evidence beyond all bounds.
    floor = images * np.finfo(float).eps
    alpha = beta = 1.0
    for _ in range(_STEPS):
        ratio = alpha / beta
        effective = float((squares / (squares + ratio)).sum())
        weights = float((squares * along / (squares + ratio) ** 2).sum())
        misfit = outside + float((along * (ratio / (squares + ratio)) ** 2).sum())
        alpha = effective / max(weights, floor)
        beta = max(images - effective, floor) / max(misfit, floor)
        if abs(alpha / beta - ratio) <= _TOLERANCE * ratio:
            break
    ratio = alpha / beta
    weights = float((squares * along / (squares + ratio) ** 2).sum())
    misfit = outside + float((along * (ratio / (squares + ratio)) ** 2).sum())
    total = (
        len(squares) * np.log(alpha)
        + images * np.log(beta / (2 * np.pi))
        - float(np.log(alpha + beta * squares).sum())
        - beta * misfit
        - alpha * weights
    )
    return float(total / (2 * images))


def h_score(features: Matrix, labels: Labels) -> float:
    """Trace of the inverse covariance of the features times the covariance of their class means."""
    centred = features - features.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    left = left[:, singular > singular[0] * max(features.shape) * np.finfo(float).eps]
    if left.shape[1] >= len(features) - 1:
        raise InvalidInput(
            f"the H-score inverts a covariance of {features.shape[1]:,} dimensions and needs at least "
            f"{features.shape[1] + 2:,} images; found {len(features):,}, with which every labelling would score the same",
            hint="take more images, or LogME",
        )
    # With U the whitened features, the class means add up to: images of the class · |mean of U over the class|².
    return float(
        sum((left[labels == one].sum(axis=0) ** 2).sum() / (labels == one).sum() for one in set(labels))
    )


ESTIMATORS: dict[Estimator, _Way] = {
    "logme": _Way(
        "LogME",
        "maximum log evidence per image of a Bayesian linear model on the features, class against rest, mean over classes",
        "https://arxiv.org/abs/2102.11005", lambda features, labels, _: logme(features, labels),
    ),
    "leep": _Way(
        "LEEP",
        "mean natural logarithm of the likelihood of target labels, predicted from the source model's class probabilities",
        "https://arxiv.org/abs/2002.12462", lambda predictions, labels, _: leep(predictions, labels), "predictions", 0,
    ),
    "nleep": _Way(
        "NLEEP",
        f"LEEP (mean natural logarithm) with the posteriors of a Gaussian mixture, {COMPONENTS} components for each class, on "
        f"the principal components that hold {VARIANCE:.0%} of the variance",
        "https://arxiv.org/abs/2011.11200", nleep, random=True,
    ),
    "h-score": _Way(
        "H-score",
        "trace of the (pseudo-)inverse covariance of the features times the covariance of their class means",
        "https://arxiv.org/abs/2212.10082", lambda features, labels, _: h_score(features, labels),
    ),
}  # fmt: skip


def estimate(
    estimator: Estimator, values: NDArray[np.floating], labels: NDArray[np.generic], seed: int = 0
) -> TransferabilityEstimate:
    """The estimate from features of labelled target images, or from a source model's predictions for them (LEEP).

    Raises `InvalidInput` for shapes that don't fit, values that are no numbers, a single class, fewer images than classes,
    and predictions that are no probabilities.
    """
    way = ESTIMATORS[estimator]
    matrix = _probabilities(values) if way.takes == "predictions" else checked(values, "features")
    codes = _codes(labels, len(matrix))
    return TransferabilityEstimate(
        estimator=f"estimator-{estimator}",
        label=way.label,
        value=way.compute(matrix, codes, seed),
        minimum=None,
        maximum=way.maximum,
        how=way.how,
        reference=way.reference,
        version=f"{estimator} {VERSION}",
        sample=len(matrix),
        classes=int(codes.max()) + 1,
        dimensions=matrix.shape[1],
        seed=seed if way.random else None,
    )


def with_origin(found: TransferabilityEstimate, origin: Origin) -> TransferabilityEstimate:
    """The estimate with the encoder that made its features."""
    return found.model_copy(
        update={
            "encoder": origin.encoder_words,
            "layer": origin.layer,
            "preprocessing": str(origin.preprocessing),
            "version": f"{origin.made_by}, {found.version}",
        }
    )


def _probabilities(values: NDArray[np.floating]) -> Matrix:
    if values.ndim != 2 or values.shape[1] < 2:
        raise InvalidInput(
            f"need the shape (images, source classes); found {values.shape}", field="predictions"
        )
    matrix = np.asarray(values, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise InvalidInput("hold NaN or infinity", field="predictions")
    if (matrix < 0).any():
        raise InvalidInput(
            f"hold negative values (the least is {matrix.min():g})",
            hint="take the softmax first",
            field="predictions",
        )
    sums = matrix.sum(axis=1)
    if (np.abs(sums - 1) > 1e-3).any():
        worst = int(np.abs(sums - 1).argmax())
        raise InvalidInput(
            f"rows must sum to 1; row {worst} sums to {sums[worst]:g}",
            hint="take the softmax first",
            field="predictions",
        )
    return np.asarray(matrix / sums[:, None])


def _codes(labels: NDArray[np.generic], rows: int) -> Labels:
    """Classes as 0, 1, …, in the order of their names."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InvalidInput(
            f"need one class for each image; found the shape {labels.shape}",
            hint="for several labels per image, estimate each one by itself",
            field="labels",
        )
    if len(labels) != rows:
        raise InvalidInput(f"found {len(labels):,} for {rows:,} rows", field="labels")
    if labels.dtype.kind == "f":
        numbers = labels.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise InvalidInput("hold NaN or infinity", field="labels")
        if (numbers != np.round(numbers)).any():
            raise InvalidInput("hold fractions: need classes", field="labels")
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise InvalidInput(f"all {rows:,} images are of one class: {names[0]}", field="labels")
    if rows <= len(names):
        raise InvalidInput(
            f"found {rows:,} images for {len(names):,} classes: need more images", field="labels"
        )
    return np.asarray(codes, dtype=np.int64)
