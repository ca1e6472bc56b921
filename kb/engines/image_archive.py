"""Images of an npz archive in the form of MedMNIST, read row by row so that a large archive needs little memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.engines.image_reader import Image
from kb.errors import InvalidFile, InvalidInput, NotFound

SPLITS = ("train", "val", "test")


class _Rows(NamedTuple):
    """An array inside the archive."""

    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape[1:])) * self.dtype.itemsize


class ImageArchive:
    """Arrays `train_images`, `val_images`, `test_images` (or one of them, or `images`) with their `…_labels`."""

    def __init__(self, path: Path, split: str | None = None) -> None:
        if not path.is_file():
            raise NotFound(f"no such file: {path}")
        self.notes: tuple[str, ...] = ()
        self.broken = 0
        self._path = path
        headers = self._headers()
        if split is not None and split not in SPLITS:
            raise InvalidInput(f"found {split!r}; one of {', '.join(SPLITS)}", field="split")
        names = [f"{one}_images" for one in ([split] if split else SPLITS)] + ([] if split else ["images"])
        self._parts = [headers[name] for name in names if name in headers]
        if not self._parts:
            raise InvalidFile(
                f"{path}: holds none of {', '.join(names)}; found {', '.join(headers) or 'no arrays'}",
                hint="give the arrays the names that MedMNIST uses",
            )
        for part in self._parts:
            self._check(part)
        self.labels = self._labels(headers)

    def __len__(self) -> int:
        return sum(part.shape[0] for part in self._parts)

    def name(self, number: int) -> str:
        """Row of the image."""
        return str(number)

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[int, Image | InvalidFile]]:
        """The chosen images."""
        start = 0
        with zipfile.ZipFile(self._path) as archive:
            for part in self._parts:
                rows = [number - start for number in chosen if start <= number < start + part.shape[0]]
                if rows:
                    try:
                        with archive.open(part.member) as file:
                            for row, values in _rows(file, part, rows):
                                yield start + row, self._image(part, row, values)
                    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
                        raise InvalidFile(f"{self._path}: {part.member} is broken: {error}") from error
                start += part.shape[0]

    def _image(self, part: _Rows, row: int, values: NDArray[np.generic]) -> Image | InvalidFile:
        """Like the values of an image file: 8-bit by 255, others from least to greatest."""
        image = values[:, :, 0] if values.ndim == 3 and values.shape[2] == 1 else values
        numbers = image.astype(np.float64)
        if not np.isfinite(numbers).all():
            return InvalidFile(f"{self._path}: row {row} of {part.member} holds NaN or infinity")
        if image.dtype == np.uint8:
            return np.asarray(numbers / 255, dtype=np.float32)
        return np.asarray((numbers - numbers.min()) / (np.ptp(numbers) or 1), dtype=np.float32)

    def _headers(self) -> dict[str, _Rows]:
        found = {}
        try:
            with zipfile.ZipFile(self._path) as archive:
                for member in archive.namelist():
                    if member.endswith(".npy"):
                        with archive.open(member) as file:
                            found[member.removesuffix(".npy")] = _header(file, member)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidFile(f"{self._path}: can't be read as npz: {error}") from error
        return found

    def _check(self, part: _Rows) -> None:
        what = f"{self._path}: {part.member.removesuffix('.npy')}"
        if part.dtype.hasobject or part.dtype.kind not in "uif":
            raise InvalidFile(f"{what} holds {part.dtype} and not numbers")
        if len(part.shape) not in (3, 4) or (len(part.shape) == 4 and part.shape[3] not in (1, 3)):
            raise InvalidFile(
                f"{what} has the shape {part.shape}; need (images, height, width), with 1 or 3 channels last",
                hint="give volumes as NIfTI, or their slices as images",
            )
        if part.fortran:
            raise InvalidFile(f"{what} lies column by column", hint="save it as a C-ordered array")

    def _labels(self, headers: dict[str, _Rows]) -> NDArray[np.generic] | None:
        names = [part.member.removesuffix("images.npy") + "labels" for part in self._parts]
        if any(name not in headers for name in names):
            return None
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                arrays = [np.asarray(archive[name]) for name in names]
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidFile(f"{self._path}: its labels are broken: {error}") from error
        for part, name, array in zip(self._parts, names, arrays, strict=True):
            if array.ndim == 0 or len(array) != part.shape[0]:
                raise InvalidFile(
                    f"{self._path}: {name} has the shape {array.shape} for {part.shape[0]:,} images"
                )
        if any(array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1) for array in arrays):
            self.notes = ("labels left out: each image has several",)
            return None
        return np.concatenate([array.reshape(-1) for array in arrays])


def _header(file: IO[bytes], member: str) -> _Rows:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return _Rows(member, shape, dtype, fortran and len(shape) > 1)


def _rows(file: IO[bytes], part: _Rows, rows: Sequence[int]) -> Iterator[tuple[int, NDArray[np.generic]]]:
    _header(file, part.member)
    at = 0
    for row in rows:
        for _ in range(row - at):
            file.read(part.row_bytes)
        content = file.read(part.row_bytes)
        if len(content) < part.row_bytes:
            raise EOFError(f"it ends before row {row}")
        at = row + 1
        yield row, np.frombuffer(content, dtype=part.dtype).reshape(part.shape[1:])
