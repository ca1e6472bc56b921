"""Images of a folder as arrays: PNG, JPEG, TIFF, DICOM (each frame) and NIfTI (each axial slice).

An image is float32 from 0 to 1, of shape (height, width) or (height, width, 3). Nothing is written, nothing leaves the machine.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.errors import InvalidFile, InvalidInput, NotFound, NotReady
from kb.knowledge.features import Preprocessing

Image = NDArray[np.float32]
#: Said of every features file, so that one read in another way is not compared with it.
INTENSITY = (
    "8-bit values by 255; 16-bit, integer and decimal values from the image's minimum to its maximum; DICOM after its rescale "
    "and first window; NIfTI from the 0.5 to the 99.5 percentile of its volume"
)
_PILLOW = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
_STACKS = {".tif", ".tiff"}
_MISSING = "pip install 'whence[images]'"


class ImageSource(Protocol):
    """Images by number, read in the order in which they lie."""

    #: Class of each image, where the images came with classes.
    labels: NDArray[np.generic] | None
    #: What was found and left out, in words.
    notes: tuple[str, ...]

    def __len__(self) -> int: ...

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[int, Image | InvalidFile]]:
        """The chosen images (in rising order), or why one can't be read."""
        ...

    def name(self, number: int) -> str:
        """Where an image lies, to match it with a list of classes."""
        ...


class Item(NamedTuple):
    """One image: a file, and which frame or slice of it."""

    path: Path
    frame: int


class ImageFolder:
    """The images below a folder, or the one image file that was named."""

    def __init__(self, place: Path, *, skip_broken: bool = False) -> None:
        if not place.exists():
            raise NotFound(f"no such folder or file: {place}")
        self.labels: NDArray[np.generic] | None = None
        self.broken = 0
        self._root = place if place.is_dir() else place.parent
        self._items: list[Item] = []
        others: Counter[str] = Counter()
        for path in [place] if place.is_file() else _files(place):
            try:
                frames = _frames(path)
            except InvalidFile:
                if not skip_broken:
                    raise
                self.broken += 1
                continue
            if not frames:
                others[path.suffix.lower() or "no suffix"] += 1
            self._items.extend(Item(path, frame) for frame in range(frames))
        left_out = ", ".join(f"{number:,} {suffix}" for suffix, number in sorted(others.items()))
        self.notes: tuple[str, ...] = (
            (f"files without an image that is read here: {left_out}",) if left_out else ()
        )
        if not self._items:
            raise InvalidInput(
                f"no images in {place}",
                hint=f"PNG, JPEG, TIFF, DICOM, NIfTI or npz{f'; found {left_out}' if left_out else ''}",
            )

    def __len__(self) -> int:
        return len(self._items)

    def name(self, number: int) -> str:
        """Path of the image below the folder."""
        return self._items[number].path.relative_to(self._root).as_posix()

    def read(self, chosen: Sequence[int]) -> Iterator[tuple[int, Image | InvalidFile]]:
        """The chosen images, or why one can't be read."""
        for number in chosen:
            try:
                image = _read(self._items[number])
            except InvalidFile as error:
                yield number, error
            else:
                yield number, image


def prepare(image: Image, how: Preprocessing) -> Image:
    """The image in the size and channels that an encoder takes: float32 (height, width, channels)."""
    from PIL import Image as Pillow

    planes = [image] if image.ndim == 2 else [image[:, :, channel] for channel in range(3)]
    if how.channels == 1 and len(planes) == 3:
        planes = [np.tensordot(image, np.array([0.299, 0.587, 0.114], dtype=np.float32), axes=1)]
    sized = [
        np.asarray(
            Pillow.fromarray(np.ascontiguousarray(plane)).resize(
                (how.width, how.height), Pillow.Resampling.BILINEAR
            )
        )
        for plane in planes
    ]
    result = np.stack(sized if len(sized) == how.channels else sized * how.channels, axis=-1)
    if how.mean:
        result = (result - np.array(how.mean)) / np.array(how.deviation)
    return np.asarray(result, dtype=np.float32)


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _frames(path: Path) -> int:
    """How many images a file holds; 0 where it is no image."""
    kind = _kind(path)
    if kind == "DICOM":
        return _dicom_frames(path)
    if kind == "NIfTI":
        return _volume_shape(path)[-1]
    if kind == "image" and path.suffix.lower() in _STACKS:
        with _reading(path, kind):
            from PIL import Image as Pillow

            with Pillow.open(path) as opened:
                return int(getattr(opened, "n_frames", 1))
    return int(kind == "image")


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return "NIfTI"
    if path.suffix.lower() in _PILLOW:
        return "image"
    if path.suffix.lower() in {".dcm", ".dicom"}:
        return "DICOM"
    with path.open("rb") as file:  # files of an archive often go without a suffix
        return "DICOM" if file.read(132)[128:] == b"DICM" else None


def _read(item: Item) -> Image:
    kind = _kind(item.path)
    readers = {"DICOM": _dicom, "NIfTI": _slice, "image": _picture}
    with _reading(item.path, str(kind)):
        image = readers[str(kind)](item.path, item.frame)
        if not np.isfinite(image).all():
            raise ValueError("it holds NaN or infinity")
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or not image.size:
            raise ValueError(f"its shape {image.shape} is not that of a grey or colour image")
    return np.asarray(image, dtype=np.float32)


class _reading:
    """Whatever a library raises over a file becomes one error that names the file; what it warns of is dropped."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        try:
            from PIL.Image import DecompressionBombWarning
        except ImportError as error:
            raise NotReady("pillow is not installed", hint=_MISSING) from error
        warnings.simplefilter("error", DecompressionBombWarning)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._warnings.__exit__(None, None, None)
        if isinstance(error, ModuleNotFoundError):
            raise NotReady(f"{error.name} is not installed", hint=_MISSING) from error
        if isinstance(error, Exception) and not isinstance(error, (InvalidFile, NotReady)):
            raise InvalidFile(f"{self._path}: can't be read as {self._kind}: {error}") from error


def _stretched(values: NDArray[Any], low: float | None = None, high: float | None = None) -> Image:
    """Values from 0 to 1 between two levels, by default the least and the greatest; nothing but zeros where those are one."""
    numbers = np.asarray(values, dtype=np.float64)
    low = float(numbers.min()) if low is None else low
    high = float(numbers.max()) if high is None else high
    if not np.isfinite([low, high]).all():
        raise ValueError("it holds NaN or infinity")
    if not high > low:
        return np.zeros(numbers.shape, dtype=np.float32)
    return np.asarray(np.clip((numbers - low) / (high - low), 0, 1), dtype=np.float32)


def _picture(path: Path, frame: int) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    with Pillow.open(path) as opened:
        if frame:
            opened.seek(frame)
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("F", "I") or upright.mode.startswith("I;16"):
            return _stretched(np.asarray(upright))
        if upright.mode in ("1", "L", "LA", "La"):
            return np.asarray(upright.convert("L"), dtype=np.float32) / np.float32(255)
        if upright.mode == "P":
            upright = upright.convert("RGBA")
        return np.asarray(upright.convert("RGB"), dtype=np.float32) / np.float32(255)


def _dicom_frames(path: Path) -> int:
    with _reading(path, "DICOM"):
        import pydicom

        header = pydicom.dcmread(path, stop_before_pixels=True)
        if "Rows" not in header:  # a report, a directory, a plan
            return 0
        return int(header.get("NumberOfFrames", 1) or 1)


def _dicom(path: Path, frame: int) -> Image:
    import pydicom
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
    from pydicom.pixels.utils import pixel_array

    record = pydicom.dcmread(path)
    values = pixel_array(record, index=frame)
    if int(record.SamplesPerPixel) == 3:
        return values.astype(np.float32) / np.float32(2 ** int(record.BitsStored) - 1)
    shown = _stretched(apply_voi_lut(apply_modality_lut(values, record), record))
    return 1 - shown if record.PhotometricInterpretation == "MONOCHROME1" else shown


def _nifti() -> Any:  # noqa: ANN401 - nibabel is typed in part
    import nibabel

    return nibabel


def _volume_shape(path: Path) -> tuple[int, ...]:
    """Volumes of a file and axial slices of each, as one number at the end."""
    with _reading(path, "NIfTI"):
        shape = _nifti().load(path).shape
        if not 2 <= len(shape) <= 4 or not all(shape):
            raise ValueError(f"its shape {shape} is not that of slices, a volume or a series of volumes")
        if len(shape) == 2:
            return (*shape, 1)
        return (*shape[:2], shape[_upward(path)] * (shape[3] if len(shape) == 4 else 1))


def _upward(path: Path) -> int:
    """Which axis of a volume runs from feet to head."""
    nibabel = _nifti()
    axes = nibabel.io_orientation(nibabel.load(path).affine)[:, 0]
    return [int(axis) for axis in axes].index(2) if 2 in axes else 2


@lru_cache(maxsize=1)
def _volume(path: Path, number: int) -> tuple[Image, float, float]:
    """One volume in standard orientation, slices last, with the levels between which it is shown."""
    nibabel = _nifti()
    loaded = nibabel.as_closest_canonical(nibabel.load(path))
    values = np.asarray(loaded.dataobj, dtype=np.float32)
    if values.ndim == 4:
        values = values[..., number]
    values = values.reshape(*values.shape[:2], -1)
    low, high = np.percentile(values, [0.5, 99.5])
    return values, float(low), float(high)


def _slice(path: Path, frame: int) -> Image:
    shape = _nifti().load(path).shape
    slices = 1 if len(shape) == 2 else shape[_upward(path)]
    values, low, high = _volume(path, frame // slices)
    return np.rot90(_stretched(values[:, :, frame % slices], low, high))  # head or front of the patient up
