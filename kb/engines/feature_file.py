"""Features and class predictions as npz files: numbers and how they were made, never a pickled object."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kb.errors import InvalidFile, InvalidInput, NotFound
from kb.knowledge.features import Features, Origin


def check_destination(path: Path) -> None:
    """Raise `InvalidInput` where a features file must not be written: another kind of file is never replaced."""
    if path.suffix != ".npz":
        raise InvalidInput(f"{path}: a features file ends in .npz", field="out")
    if not path.parent.is_dir():
        raise InvalidInput(f"{path.parent}: no such folder", field="out")
    if path.exists() and not (path.is_file() and "origin" in _arrays(path, ("origin",))):
        raise InvalidInput(
            f"{path} is there and is no features file", hint="choose another name", field="out"
        )


def write_features(path: Path, features: Features) -> None:
    """Write a features file, whole or not at all."""
    arrays = {
        "features": features.matrix.astype(np.float32),
        "origin": np.array(features.origin.model_dump_json()),
    }
    if features.labels is not None:
        arrays["labels"] = features.labels
    unfinished = path.with_name(f".{path.stem}-{os.getpid()}.npz")
    try:
        np.savez_compressed(unfinished, allow_pickle=False, **arrays)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_features(path: Path) -> Features:
    """Read a features file.

    Raises `NotFound`, or `InvalidFile` where it is none.
    """
    arrays = _arrays(path, ("features", "labels", "origin"))
    if "features" not in arrays or "origin" not in arrays:
        raise InvalidFile(
            f"{path}: is no features file; found {', '.join(arrays) or 'nothing of one'}",
            hint="make one by `whence embed`",
        )
    try:
        origin = Origin.model_validate_json(str(arrays["origin"]))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "origin"
        raise InvalidFile(
            f"{path}: {where}: {first['msg']}", hint="make it anew by `whence embed`"
        ) from error
    matrix, labels = arrays["features"], arrays.get("labels")
    if matrix.dtype.kind != "f" or matrix.ndim != 2 or len(matrix) != origin.images:
        raise InvalidFile(
            f"{path}: found {matrix.dtype} of shape {matrix.shape} for {origin.images:,} images"
        )
    if labels is not None and labels.shape != (len(matrix),):
        raise InvalidFile(f"{path}: found labels of shape {labels.shape} for {len(matrix):,} images")
    if any(end > matrix.shape[1] or start >= end for start, end in origin.parts.values()):
        raise InvalidFile(f"{path}: parts of the descriptor lie outside its {matrix.shape[1]:,} columns")
    return Features(matrix.astype(np.float64), None if labels is None else labels.astype(np.int64), origin)


def read_predictions(path: Path) -> tuple[NDArray[np.floating], NDArray[np.generic] | None, Origin | None]:
    """Class probabilities, labels and origin: of `whence embed --probabilities`, or arrays `predictions` and `labels`."""
    arrays = _arrays(path, ("predictions", "labels", "origin"))
    if "origin" in arrays:
        features = read_features(path)
        if features.origin.output != "probabilities":
            raise InvalidFile(
                f"{path}: holds features and no class probabilities",
                hint="make it by `whence embed --probabilities`",
            )
        return features.matrix, features.labels, features.origin
    if "predictions" not in arrays:
        raise InvalidFile(f"{path}: holds no array `predictions` of shape (images, source classes)")
    if arrays["predictions"].dtype.kind not in "fiu":
        raise InvalidFile(f"{path}: predictions are {arrays['predictions'].dtype} and not numbers")
    return arrays["predictions"].astype(np.float64), arrays.get("labels"), None


def read_labels(path: Path) -> NDArray[np.generic]:
    """Classes in the order of the rows: the array `labels` of an npz, or the last column of a CSV file with a header."""
    if path.suffix == ".npz":
        arrays = _arrays(path, ("labels",))
        if "labels" not in arrays:
            raise InvalidFile(f"{path}: holds no array `labels`")
        return arrays["labels"]
    from kb.engines.image_labels import read_rows

    return np.array([row[-1] for row in read_rows(path)])


def _arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InvalidFile(f"{path}: holds one array; need an npz archive")
            return {name: np.asarray(archive[name]) for name in names if name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidFile(f"{path}: can't be read as npz: {' '.join(str(error).split())}") from error
