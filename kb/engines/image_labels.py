"""The class of each image, from a CSV file or from the names of the folders in which images lie."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from kb.engines.image_reader import ImageSource
from kb.errors import InvalidFile, InvalidInput, NotFound

#: In place of a CSV file: the folder of an image is its class.
FOLDERS = "folders"


def labels_for(source: ImageSource, labels: str) -> NDArray[np.generic]:
    """Class of each image of a source.

    Raises `InvalidInput` or `InvalidFile` where an image has no class, or two.
    """
    if source.labels is not None:
        raise InvalidInput("the archive holds labels of its own", field="labels")
    names = [source.name(number) for number in range(len(source))]
    if labels == FOLDERS:
        folders = [PurePosixPath(name).parent.name for name in names]
        if bare := [name for name, folder in zip(names, folders, strict=True) if not folder]:
            raise InvalidInput(
                f"{len(bare):,} images lie in no folder of a class, such as {bare[0]}", field="labels"
            )
        return np.array(folders)
    path = Path(labels)
    classes = _classes(path)
    found = [_class_of(name, classes) for name in names]
    if bare := [name for name, one in zip(names, found, strict=True) if one is None]:
        raise InvalidInput(
            f"{path}: {len(bare):,} of {len(names):,} images have no row, such as {bare[0]}",
            hint="the first column holds the path below the folder, the file's name, or its name without suffix",
            field="labels",
        )
    return np.array(found, dtype=str)


def read_rows(path: Path) -> list[list[str]]:
    """Rows of a CSV file below its header."""
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidFile(f"{path}: can't be read as CSV: {error}") from error
    if len(rows) < 2:
        raise InvalidFile(f"{path}: need a header and a row for each image")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]) or not row[-1].strip():
            raise InvalidFile(
                f"{path}: row {number}: need {len(rows[0])} columns, the last of them with a class"
            )
    return [[value.strip() for value in row] for row in rows[1:]]


def _classes(path: Path) -> dict[str, str]:
    classes: dict[str, str] = {}
    for row in read_rows(path):
        if len(row) != 2:
            raise InvalidFile(f"{path}: need two columns, image and class; found {len(row)}")
        if classes.setdefault(row[0], row[1]) != row[1]:
            raise InvalidFile(f"{path}: {row[0]} has two classes: {classes[row[0]]} and {row[1]}")
    return classes


def _class_of(name: str, classes: dict[str, str]) -> str | None:
    path = PurePosixPath(name)
    for key in (name, path.name, path.stem):
        if key in classes:
            return classes[key]
    return None
