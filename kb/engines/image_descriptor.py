"""A descriptor of an image by fixed formulas: intensity, colour, texture, spectrum. It needs no weights and no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.engines.image_reader import INTENSITY, Image
from kb.errors import NotReady
from kb.knowledge.features import Preprocessing

NAME = "whence-descriptor"
#: Change this when a number changes for the same image.
VERSION = "1"
LAYER = "intensity, colour, texture, spectrum"
SIDE = 128
HOW = Preprocessing(width=SIDE, height=SIDE, channels=3, intensity=INTENSITY)
_BINS, _RINGS, _LEVELS = 32, 24, 32
#: Neighbours and radius of each local binary pattern; a uniform pattern has two more values than neighbours.
_PATTERNS = ((8, 1), (16, 2))
_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation")
_LEAST_POWER = 1e-10  # below rounding of 8-bit values, so that a blank image has a logarithm
_SIZES = {
    "histogram": _BINS,
    "moments": 5,
    "colour": 6,
    "texture": sum(neighbours + 2 for neighbours, _ in _PATTERNS) + len(_PROPERTIES),
    "spectrum": _RINGS,
}


def parts() -> dict[str, tuple[int, int]]:
    """Columns of each part."""
    ends = np.cumsum(list(_SIZES.values())).tolist()
    return {name: (end - size, end) for (name, size), end in zip(_SIZES.items(), ends, strict=True)}


def describe(images: Sequence[Image]) -> NDArray[np.float32]:
    """One row per image of shape (128, 128, 3) with values from 0 to 1."""
    return np.stack([_row(image) for image in images]).astype(np.float32)


def _row(image: Image) -> NDArray[np.float64]:
    # Rounded, so that one grey value does not fall into two bins by the way its weights add up.
    grey = np.round(np.tensordot(image.astype(np.float64), [0.299, 0.587, 0.114], axes=1), 6)
    histogram = np.histogram(np.clip(grey, 0, 1), bins=_BINS, range=(0, 1))[0] / grey.size
    return np.concatenate(
        [histogram, _moments(grey, histogram), _colour(image), _texture(grey), _spectrum(grey)]
    )


def _moments(grey: NDArray[np.float64], histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, deviation, skewness and excess kurtosis (both brought between -1 and 1), entropy of the histogram (0 to 1)."""
    mean, deviation = grey.mean(), grey.std()
    # A blank image has no third moment; rounding must not make one up.
    standard = (grey - mean) / deviation if deviation > 1e-6 else np.zeros_like(grey)
    skewness = (standard**3).mean()
    excess = (standard**4).mean() - 3 if standard.any() else 0.0
    shares = histogram[histogram > 0]
    entropy = -(shares * np.log2(shares)).sum() / np.log2(_BINS)
    return np.array([mean, deviation, skewness / (1 + abs(skewness)), excess / (1 + abs(excess)), entropy])


def _colour(image: Image) -> NDArray[np.float64]:
    """Mean and deviation of red less green and of yellow less blue; mean and deviation of colourfulness (HSV saturation)."""
    red, green, blue = np.moveaxis(image.astype(np.float64), -1, 0)
    greatest = image.max(axis=-1)
    saturation = np.divide(
        greatest - image.min(axis=-1), greatest, out=np.zeros_like(greatest), where=greatest > 0
    )
    opponents = (red - green, (red + green) / 2 - blue, saturation)
    return np.array([value for plane in opponents for value in (plane.mean(), plane.std())])


def _texture(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of uniform local binary patterns at two radii; properties of grey-level co-occurrence, each at most 1."""
    library = _scikit_image()
    bytes_ = np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    found = []
    for neighbours, radius in _PATTERNS:
        pattern = library.local_binary_pattern(bytes_, neighbours, radius, method="uniform")
        found.append(np.bincount(pattern.astype(int).ravel(), minlength=neighbours + 2) / pattern.size)
    levels = (bytes_ // (256 // _LEVELS)).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrix = library.graycomatrix(levels, [1], angles, levels=_LEVELS, symmetric=True, normed=True)
    scales = {"contrast": (_LEVELS - 1) ** 2, "dissimilarity": _LEVELS - 1}
    return np.concatenate(
        [*found, [library.graycoprops(matrix, name).mean() / scales.get(name, 1) for name in _PROPERTIES]]
    )


def _spectrum(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decimal logarithm of mean power in rings of spatial frequency, from the coarsest to half a cycle per pixel."""
    window = np.hanning(SIDE)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) ** 2 / grey.size
    axis = np.fft.fftfreq(SIDE)
    radius = np.hypot(axis[:, None], axis[None, :])
    inside = (radius > 0) & (radius <= 0.5)
    ring = np.minimum((radius[inside] * 2 * _RINGS).astype(int), _RINGS - 1)
    total = np.bincount(ring, weights=power[inside], minlength=_RINGS)
    return np.asarray(np.log10(total / np.bincount(ring, minlength=_RINGS) + _LEAST_POWER))


def _scikit_image() -> Any:  # noqa: ANN401 - scikit-image is untyped
    try:
        from skimage import feature
    except ImportError as error:
        raise NotReady("scikit-image is not installed", hint="pip install 'whence[images]'") from error
    return feature
