"""What a user's own images give on the user's own machine: features, how alike two sets are, transferability estimates.

Images are read, turned into numbers and forgotten; no path, name or pixel of them is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.engines import image_descriptor
from kb.engines.feature_file import (
    check_destination,
    read_features,
    read_labels,
    read_predictions,
    write_features,
)
from kb.engines.image_archive import ImageArchive
from kb.engines.image_encoder import ImageEncoder, load_encoder
from kb.engines.image_labels import labels_for
from kb.engines.image_reader import INTENSITY, Image, ImageFolder, prepare
from kb.errors import InvalidFile, InvalidInput
from kb.knowledge import transferability
from kb.knowledge.feature_distances import FeatureAssessment, compare
from kb.knowledge.features import Features, Labels, Origin, Preprocessing, checked
from kb.knowledge.study import Estimate, Rated, Rating
from kb.knowledge.transferability import ESTIMATORS, Estimator, TransferabilityEstimate

_SIDE = 224
_NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((), ()),
}


class EmbedRequest(BaseModel):
    """Which images to embed, by which encoder, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Path
    split: Literal["train", "val", "test"] | None = None
    labels: str | None = None
    model: str | None = Field(default=None, description="None: the built-in descriptor.")
    weights: Path | None = None
    layer: str | None = None
    probabilities: bool = False
    size: int | None = Field(default=None, ge=8, le=4096)
    channels: Literal[1, 3] | None = None
    normalise: Literal["imagenet", "half", "none"] = "imagenet"
    limit: int | None = Field(default=None, gt=0)
    seed: int = Field(default=0, ge=0)
    skip_broken: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    batch: int = Field(default=32, gt=0)


class Embedded(BaseModel):
    """What was written, and what was left out."""

    model_config = ConfigDict(frozen=True)

    dimensions: int
    classes: int | None = Field(description="Classes of the images, where they are known.")
    device: str
    origin: Origin
    notes: tuple[str, ...]


class FeatureComparison(BaseModel):
    """Two sets of images, sense by sense; with entry ids also as ratings of a study."""

    model_config = ConfigDict(frozen=True)

    assessments: tuple[FeatureAssessment, ...]
    ratings: tuple[Rating, ...] = ()
    note: str = (
        "Values compare only with values of the same sense, method, encoder, layer, preprocessing and sample sizes. How alike "
        "images are does not say how well a transfer goes."
    )


class _Taken(NamedTuple):
    rows: list[NDArray[np.float32]]
    numbers: list[int]
    skipped: int
    constant: int


class _Way(NamedTuple):
    """An encoder or the descriptor, ready to run."""

    encoder: ImageEncoder | None
    how: Preprocessing
    probabilities: bool

    def rows(self, images: Sequence[Image]) -> NDArray[np.float32]:
        if self.encoder is None:
            return image_descriptor.describe(images)
        found = self.encoder.run(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
        return _softmax(found) if self.probabilities else found


def embed(request: EmbedRequest, out: Path) -> Embedded:
    """Write a features file for the images of a folder or archive.

    Raises a `WhenceError` and writes nothing where an image can't be read (unless broken ones are to be skipped), where
    the encoder can't be loaded or run, or where its features can't be used.
    """
    check_destination(out)
    way = _way(request)
    source = _source(request)
    labels = labels_for(source, request.labels) if request.labels else source.labels
    chosen = list(range(len(source)))
    drawn = request.limit is not None and request.limit < len(chosen)
    if drawn:
        random = np.random.default_rng(request.seed)
        chosen = sorted(random.choice(len(source), request.limit, replace=False).tolist())
    taken = _take(request, way, source, chosen)
    matrix = checked(np.concatenate(taken.rows), "features") if taken.rows else None
    if matrix is None:
        raise InvalidInput(f"none of the {taken.skipped:,} images can be read", field="images")
    codes = None if labels is None else _codes(labels[taken.numbers])
    encoder = way.encoder
    origin = Origin(
        kind="model" if encoder else "descriptor",
        output="probabilities" if request.probabilities else "features",
        encoder=encoder.name if encoder else image_descriptor.NAME,
        encoder_digest=encoder.digest if encoder else image_descriptor.VERSION,
        layer=encoder.layer if encoder else image_descriptor.LAYER,
        preprocessing=way.how,
        images=len(matrix),
        found=len(source),
        seed=request.seed if drawn else None,
        skipped=taken.skipped + source.broken,
        constant=taken.constant,
        parts={} if encoder else image_descriptor.parts(),
        made_by=f"whence {version('whence')}",
    )
    write_features(out, Features(matrix, codes, origin))
    return Embedded(
        dimensions=matrix.shape[1],
        classes=None if codes is None else int(codes.max()) + 1,
        device=encoder.device if encoder else "cpu",
        origin=origin,
        notes=source.notes,
    )


def compare_features(
    one: Path, other: Path, *, seed: int = 0, source: str | None = None, target: str | None = None
) -> FeatureComparison:
    """How alike two sets of images are, from their features files; as ratings too where both entries are named.

    Raises a `WhenceError` where the files can't be compared.
    """
    if (source is None) != (target is None):
        raise InvalidInput("give both --source and --target, the ids of the entries compared")
    found = compare(_named(one), _named(other), seed)
    ratings = _ratings(found, source, target) if source and target else ()
    return FeatureComparison(assessments=found, ratings=ratings)


def estimate_transferability(
    estimator: Estimator,
    *,
    features: Path | None = None,
    predictions: Path | None = None,
    labels: Path | None = None,
    seed: int = 0,
) -> TransferabilityEstimate:
    """A transferability estimate from a file of features or, for LEEP, of a source model's class probabilities.

    Raises a `WhenceError` where the file, its numbers or its labels can't be used.
    """
    wanted = ESTIMATORS[estimator].takes
    given, other = (features, predictions) if wanted == "features" else (predictions, features)
    if given is None or other is not None:
        raise InvalidInput(f"{ESTIMATORS[estimator].label} takes --{wanted}, and nothing else in its place")
    matrix: NDArray[np.floating]
    known: NDArray[np.generic] | None
    origin: Origin | None
    if wanted == "features":
        read = _named(given)
        if read.origin.output != "features":
            raise InvalidFile(f"{given}: holds class probabilities and no features")
        matrix, known, origin = read.matrix, read.labels, read.origin
    else:
        matrix, known, origin = read_predictions(given)
    if labels is not None:
        known = read_labels(labels)
    if known is None:
        raise InvalidInput(
            f"{given} holds none", hint="give --labels, here or to `whence embed`", field="labels"
        )
    found = transferability.estimate(estimator, matrix, known, seed)
    return transferability.with_origin(found, origin) if origin else found


def as_estimate(found: TransferabilityEstimate, model: str, target: str, architecture: str) -> Estimate:
    """The estimate as a study records it, for a model and a target of that study."""
    try:
        return Estimate(
            estimator=found.estimator.removeprefix("estimator-"),
            architecture=architecture,
            version=found.version,
            sample=found.sample,
            grade="own run",
            note=_joined(found.how, found.encoder, found.layer, found.preprocessing),
            values={model: {target: found.value}},
        )
    except ValidationError as error:
        raise _not_recorded(error) from error


def _ratings(found: Sequence[FeatureAssessment], source: str, target: str) -> tuple[Rating, ...]:
    try:
        return tuple(_rating(one, source, target) for one in found if one.value is not None)
    except ValidationError as error:
        raise _not_recorded(error) from error


def _rating(one: FeatureAssessment, source: str, target: str) -> Rating:
    return Rating.model_validate(
        {
            "id": one.method.removeprefix("method-"),
            "sense": one.sense,
            "basis": one.basis,
            "method": one.method.removeprefix("method-"),
            "direction": one.direction,
            "minimum": one.minimum,
            "maximum": one.maximum,
            "version": one.method_version,
            "encoder": one.encoder,
            "grade": "own run",
            "note": _joined(
                one.how,
                f"layer {one.layer}",
                one.preprocessing,
                f"{one.source_images:,} images of the source and {one.target_images:,} of the target",
                None if one.seed is None else f"seed {one.seed}",
            ),
            "values": [
                Rated.model_validate(
                    {
                        "source": source,
                        "target": target,
                        "value": one.value,
                        "sd": one.sd,
                        "n": min(one.source_images, one.target_images),
                    }
                )
            ],
        }
    )


def _joined(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)


def _not_recorded(error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False)[0]
    return InvalidInput(f"{first['msg']}; found {first['input']!r}", field=str(first["loc"][-1]))


def _named(path: Path) -> Features:
    """Features of a file; what is wrong with its numbers is said with its name."""
    features = read_features(path)
    checked(features.matrix, str(path))
    return features


def _source(request: EmbedRequest) -> ImageFolder | ImageArchive:
    if request.images.suffix.lower() == ".npz":
        return ImageArchive(request.images, request.split)
    if request.split is not None:
        raise InvalidInput("only an npz archive has splits; name the folder of the split", field="split")
    return ImageFolder(request.images, skip_broken=request.skip_broken)


def _way(request: EmbedRequest) -> _Way:
    if request.model is None:
        for name in ("layer", "weights", "size", "channels"):
            if getattr(request, name) is not None:
                raise InvalidInput("belongs to an encoder; give --model, too", field=name)
        if request.probabilities:
            raise InvalidInput("the built-in descriptor gives no class probabilities; give --model, too")
        return _Way(None, image_descriptor.HOW, probabilities=False)
    encoder = load_encoder(request.model, layer=request.layer, weights=request.weights, device=request.device)
    for name, asked, fixed in (
        ("size", request.size, encoder.side),
        ("channels", request.channels, encoder.channels),
    ):
        if asked is not None and fixed is not None and asked != fixed:
            raise InvalidInput(f"found {asked}; {encoder.name} takes {fixed}", field=name)
    channels = request.channels or encoder.channels or 3
    if channels not in (1, 3):
        raise InvalidInput(f"{encoder.name} takes {channels} channels; images have 1 or 3", field="channels")
    side = request.size or encoder.side or _SIDE
    mean, deviation = _NORMALISATIONS[request.normalise]
    if channels == 1 and request.normalise == "imagenet":
        raise InvalidInput(
            "imagenet belongs to colour images; give half or none for one channel", field="normalise"
        )
    how = Preprocessing(
        width=side, height=side, channels=1 if channels == 1 else 3, intensity=INTENSITY,
        mean=mean[:channels], deviation=deviation[:channels],
    )  # fmt: skip
    return _Way(encoder, how, request.probabilities)


def _take(
    request: EmbedRequest, way: _Way, source: ImageFolder | ImageArchive, chosen: Sequence[int]
) -> _Taken:
    """Features of the chosen images, a batch at a time."""
    rows: list[NDArray[np.float32]] = []
    numbers: list[int] = []
    waiting: list[Image] = []
    skipped = constant = 0
    for number, image in _prepared(source, chosen, way.how):
        if isinstance(image, InvalidFile):
            if not request.skip_broken:
                raise image
            skipped += 1
            continue
        constant += not np.ptp(image, axis=(0, 1)).any()
        numbers.append(number)
        waiting.append(image)
        if len(waiting) == request.batch:
            rows.append(way.rows(waiting))
            waiting = []
    if waiting:
        rows.append(way.rows(waiting))
    return _Taken(rows, numbers, skipped, constant)


def _prepared(
    source: ImageFolder | ImageArchive, chosen: Sequence[int], how: Preprocessing
) -> Iterator[tuple[int, Image | InvalidFile]]:
    for number, image in source.read(chosen):
        yield number, image if isinstance(image, InvalidFile) else prepare(image, how)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _codes(labels: NDArray[np.generic]) -> Labels:
    """Classes as numbers: their names are not kept."""
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
