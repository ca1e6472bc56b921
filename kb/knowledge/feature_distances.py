"""Closeness of two sets of image features: points, whole distributions, and hand-defined descriptors.

Every function takes matrices of shape (images, dimensions) and is symmetric in its two sets, whatever was drawn at random.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from kb.errors import InvalidInput
from kb.knowledge.features import Features, Matrix, checked, differences
from kb.knowledge.similarity import Assessed, Basis

#: Most images of a side that a kernel distance takes at once, and the sizes of the draws above that.
KID_WHOLE, KID_SUBSET, KID_SUBSETS = 2_000, 1_000, 100
#: Most images of a side that are matched one to one.
MATCHED = 1_000
#: Change this when a number changes for the same features.
VERSION = "1"


class FeatureAssessment(Assessed):
    """A similarity between two sets of images in one sense, with all that it depends on."""

    encoder: str
    layer: str
    preprocessing: str
    source_images: int
    target_images: int
    method_version: str
    sd: float | None = None
    seed: int | None = None


class Distance(NamedTuple):
    """A value, its spread over draws, or why there is none."""

    value: float | None
    sd: float | None = None
    missing: tuple[str, ...] = ()
    seed: int | None = None  # of the draw, where one was made


class Method(NamedTuple):
    """How a value of a sense is computed from features."""

    sense: str
    label: str
    method: str
    how: str
    minimum: float | None
    maximum: float | None = None
    higher: bool = False


def centroid_cosine(one: Matrix, other: Matrix) -> Distance:
    """Cosine of the mean feature vectors."""
    first, second = one.mean(axis=0), other.mean(axis=0)
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    if length == 0:
        return Distance(None, missing=("a mean feature vector that is not zero",))
    return Distance(float(np.clip(first @ second / length, -1, 1)))


def frechet(one: Matrix, other: Matrix) -> Distance:
    """Squared Fréchet distance of the Gaussians that fit the two sets, as FID is printed."""
    needed = one.shape[1] + 1
    if few := [len(side) for side in (one, other) if len(side) < needed]:
        return Distance(
            None,
            missing=(
                f"more images than dimensions: a covariance of {one.shape[1]:,} dimensions needs at least {needed:,} "
                f"images on either side, found {min(few):,}",
            ),
        )
    first, second = _root(one), _root(other)
    # The trace of the root of a product of covariances A'A and B'B is the sum of the singular values of AB'.
    shared = float(np.linalg.svd(first @ second.T, compute_uv=False).sum())
    spread = float((first**2).sum() + (second**2).sum()) - 2 * shared
    gap = one.mean(axis=0) - other.mean(axis=0)
    return Distance(max(float(gap @ gap) + spread, 0.0))


def _root(side: Matrix) -> Matrix:
    """A matrix R with R'R the covariance of a set, no longer than it is wide."""
    triangle = np.asarray(np.linalg.qr(side - side.mean(axis=0), mode="r"))
    return np.asarray(triangle / np.sqrt(len(side) - 1))


def kid(one: Matrix, other: Matrix, seed: int = 0) -> Distance:
    """Unbiased squared maximum mean discrepancy under the kernel (x·y / d + 1)³; above 2,000 images the mean of 100 draws."""
    if min(len(one), len(other)) < 2:
        return Distance(None, missing=("two images on either side",))
    if max(len(one), len(other)) <= KID_WHOLE:
        return Distance(_discrepancy(one, other))
    first, second = _in_order(one, other)
    random = np.random.default_rng(seed)
    values = [
        _discrepancy(
            first[random.choice(len(first), min(len(first), KID_SUBSET), replace=False)],
            second[random.choice(len(second), min(len(second), KID_SUBSET), replace=False)],
        )
        for _ in range(KID_SUBSETS)
    ]
    return Distance(float(np.mean(values)), float(np.std(values, ddof=1)), seed=seed)


def _discrepancy(one: Matrix, other: Matrix) -> float:
    def kernel(first: Matrix, second: Matrix) -> Matrix:
        return np.asarray((first @ second.T / first.shape[1] + 1) ** 3)

    def within(side: Matrix) -> float:
        values = kernel(side, side)
        return float(values.sum() - np.trace(values)) / (len(side) * (len(side) - 1))

    return within(one) + within(other) - 2 * float(kernel(one, other).mean())


def wasserstein(one: Matrix, other: Matrix, seed: int = 0) -> Distance:
    """Root mean square distance of images matched one to one at least cost; of equally many drawn from either side."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
    from scipy.spatial.distance import cdist  # type: ignore[import-untyped]

    size = min(len(one), len(other), MATCHED)
    drawn = max(len(one), len(other)) > size
    if drawn:
        random = np.random.default_rng(seed)
        one, other = (
            side[random.choice(len(side), size, replace=False)] if len(side) > size else side
            for side in _in_order(one, other)
        )
    cost = cdist(one, other, "sqeuclidean")
    return Distance(float(np.sqrt(cost[linear_sum_assignment(cost)].mean())), seed=seed if drawn else None)


def _in_order(one: Matrix, other: Matrix) -> tuple[Matrix, Matrix]:
    """The two sets in an order of their own, so that draws don't depend on which one was named first."""

    def key(side: Matrix) -> tuple[int, bytes]:
        return len(side), hashlib.sha256(np.ascontiguousarray(side).tobytes()).digest()

    return (one, other) if key(one) <= key(other) else (other, one)


def histogram_move(one: Matrix, other: Matrix) -> Distance:
    """Least work between two mean histograms whose bins lie evenly from 0 to 1: area between their cumulated shares."""
    first, second = (np.cumsum(side.mean(axis=0) / side.mean(axis=0).sum()) for side in (one, other))
    return Distance(float(np.abs(first - second).sum() / len(first)))


def mean_gap(one: Matrix, other: Matrix) -> Distance:
    """Euclidean distance of the mean vectors."""
    return Distance(float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))))


def root_mean_square_gap(one: Matrix, other: Matrix) -> Distance:
    """Root mean square difference of the mean vectors, dimension by dimension."""
    return Distance(float(np.sqrt(((one.mean(axis=0) - other.mean(axis=0)) ** 2).mean())))


_DISTRIBUTION = ("FeatureDistributionSimilarity", "feature-distribution similarity")
_STATISTICS = ("LowLevelImageStatisticsSimilarity", "low-level image-statistics similarity")
COSINE = Method(
    "EmbeddingProximity", "embedding proximity", "method-centroid-cosine", "cosine of the mean feature vectors",
    minimum=-1, maximum=1, higher=True,
)  # fmt: skip
FRECHET = Method(
    *_DISTRIBUTION, "method-fid",
    "squared Fréchet distance of the two fitted Gaussians, for the encoder named; biased upwards for few images", minimum=0,
)  # fmt: skip
KID = Method(
    *_DISTRIBUTION, "method-kid",
    "unbiased squared maximum mean discrepancy, kernel (x·y / d + 1)³; may be negative; of all images up to "
    f"{KID_WHOLE:,} a side, else mean and SD of {KID_SUBSETS} draws of up to {KID_SUBSET:,}", minimum=None,
)  # fmt: skip
WASSERSTEIN = Method(
    *_DISTRIBUTION, "method-wasserstein",
    "2-Wasserstein distance, Euclidean ground cost, exact, nothing regularised or sliced, between equally many images of "
    f"either side, at most {MATCHED:,}; biased upwards for few images", minimum=0,
)  # fmt: skip
HISTOGRAM = Method(
    *_STATISTICS, "method-histogram-earth-mover",
    "least work between the mean histograms of grey values, in units of the range from black to white", minimum=0,
)  # fmt: skip
TEXTURE = Method(
    *_STATISTICS, "method-texture-descriptor-distance",
    "Euclidean distance of the mean texture descriptors (local binary patterns, co-occurrence), on their fixed scales",
    minimum=0,
)  # fmt: skip
SPECTRUM = Method(
    *_STATISTICS, "method-power-spectrum-distance",
    "root mean square difference of the mean decimal logarithm of power over spatial frequency", minimum=0,
)  # fmt: skip


def compare(one: Features, other: Features, seed: int = 0) -> tuple[FeatureAssessment, ...]:
    """Every sense that the two sets of features allow, each by its method.

    Raises `InvalidInput` where the sets were not made in one way, or hold features that can't be compared.
    """
    if found := differences(one.origin, other.origin):
        raise InvalidInput(
            f"the features were not made in one way: {'; '.join(found)}",
            hint="embed both with the same encoder, layer and preprocessing",
        )
    if one.origin.output != "features":
        raise InvalidInput("these are class probabilities: they serve `whence estimate --predictions`")
    first, second = checked(one.matrix, "source"), checked(other.matrix, "target")
    if first.shape[1] != second.shape[1]:
        raise InvalidInput(f"dimensions: found {first.shape[1]:,} and {second.shape[1]:,}")
    if one.origin.kind == "model":
        results = [
            (COSINE, centroid_cosine(first, second)),
            (FRECHET, frechet(first, second)),
            (KID, kid(first, second, seed)),
            (WASSERSTEIN, wasserstein(first, second, seed)),
        ]
        basis: Basis = "model-computed"
    else:
        columns = {name: slice(*place) for name, place in one.origin.parts.items()}
        results = [
            (method, measure(first[:, columns[part]], second[:, columns[part]]))
            for method, measure, part in (
                (HISTOGRAM, histogram_move, "histogram"),
                (TEXTURE, mean_gap, "texture"),
                (SPECTRUM, root_mean_square_gap, "spectrum"),
            )
        ]
        basis = "image-computed"
    return tuple(_record(method, result, basis, one, other) for method, result in results)


def _record(
    method: Method, result: Distance, basis: Basis, one: Features, other: Features
) -> FeatureAssessment:
    return FeatureAssessment(
        sense=method.sense,
        label=method.label,
        basis=basis,
        method=method.method,
        how=method.how,
        direction="higher-is-more-similar" if method.higher else "lower-is-more-similar",
        minimum=method.minimum,
        maximum=method.maximum,
        symmetric=True,
        value=result.value,
        missing=result.missing,
        encoder=one.origin.encoder_words,
        layer=one.origin.layer,
        preprocessing=str(one.origin.preprocessing),
        source_images=len(one.matrix),
        target_images=len(other.matrix),
        method_version=f"{one.origin.made_by}, {method.method.removeprefix('method-')} {VERSION}",
        sd=result.sd,
        seed=result.seed,
    )
