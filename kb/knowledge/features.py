"""What a features file says of itself: numbers for images, how they were made, and nothing of the images.

No pixels, no file names and no class names are kept: a row can't be led back to its image by this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from kb.errors import InvalidInput

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


class Preprocessing(BaseModel):
    """What was done to an image before the encoder saw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    channels: Literal[1, 3]
    interpolation: str = "bilinear with anti-aliasing; the aspect ratio is not kept"
    intensity: str = Field(description="How raw values became numbers from 0 to 1.")
    mean: tuple[float, ...] = Field(default=(), description="Subtracted from each channel; none: nothing.")
    deviation: tuple[float, ...] = Field(
        default=(), description="By which each channel was then divided; none: nothing."
    )

    def __str__(self) -> str:
        colour = "grey" if self.channels == 1 else "RGB"
        by = f", normalised by mean {self.mean} and deviation {self.deviation}" if self.mean else ""
        return f"{self.width}x{self.height} {colour}{by}"


class Origin(BaseModel):
    """How features were made; two files compare only where all but the sample agrees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    kind: Literal["descriptor", "model"]
    output: Literal["features", "probabilities"] = "features"
    encoder: str = Field(description="Name of the encoder, without its folder.")
    encoder_digest: str = Field(
        description="SHA-256 of the encoder's file; version of a built-in descriptor."
    )
    layer: str
    preprocessing: Preprocessing
    images: int = Field(gt=0, description="Images that the features stand for.")
    found: int = Field(gt=0, description="Images that were there to draw from.")
    seed: int | None = Field(default=None, description="Seed of the draw; none: every image was taken.")
    skipped: int = Field(default=0, ge=0, description="Images that could not be read and were left out.")
    constant: int = Field(default=0, ge=0, description="Images of one single intensity.")
    parts: dict[str, tuple[int, int]] = Field(
        default_factory=dict, description="Columns of each part of a built-in descriptor."
    )
    made_by: str = Field(description="Name and version of the program.")

    @property
    def encoder_words(self) -> str:
        """The encoder as an assessment names it."""
        return f"{self.encoder} ({self.encoder_digest[:12]})"


@dataclass(frozen=True)
class Features:
    """One row of numbers per image, the class of each where that is known, and how they were made."""

    matrix: Matrix
    labels: Labels | None
    origin: Origin


def differences(one: Origin, other: Origin) -> list[str]:
    """What keeps two feature files from being compared, in words."""
    found = []
    for name, words in (
        ("kind", "kind"),
        ("output", "output"),
        ("encoder_digest", "encoder"),
        ("layer", "layer"),
        ("preprocessing", "preprocessing"),
        ("parts", "parts of the descriptor"),
    ):
        first, second = getattr(one, name), getattr(other, name)
        if first != second:
            if name == "encoder_digest":
                first, second = one.encoder_words, other.encoder_words
            found.append(f"{words}: {first} and {second}")
    return found


def checked(values: NDArray[np.floating], name: str) -> Matrix:
    """The features as float64 of shape (images, dimensions).

    Raises `InvalidInput` for another shape, for values that are no numbers, and where all images have the same features.
    """
    if values.ndim != 2 or not values.size:
        raise InvalidInput(f"features need the shape (images, dimensions); found {values.shape}", field=name)
    matrix = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(matrix).all(axis=1)
    if bad.any():
        raise InvalidInput(
            f"{int(bad.sum()):,} of {len(matrix):,} rows hold NaN or infinity, the first is row {int(bad.argmax())}",
            field=name,
        )
    if len(matrix) > 1 and not np.ptp(matrix, axis=0).any():
        raise InvalidInput(
            f"all {len(matrix):,} images have the same features: nothing to compare",
            hint="look for blank images, or an encoder that ignores its input",
            field=name,
        )
    return matrix
