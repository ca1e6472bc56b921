"""Images of every format as arrays, and their descriptor by fixed formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kb.engines import image_descriptor
from kb.engines.image_archive import ImageArchive
from kb.errors import InvalidFile
from kb.knowledge.features import Matrix
from tests.kb.image_samples import dicom, nifti, noise, read, save

pytest.importorskip("PIL")
pytest.importorskip("skimage")


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_pictures_keep_their_values(tmp_path: Path, suffix: str) -> None:
    colour, grey = noise(), noise((40, 48), 1)
    save(tmp_path / f"1.{suffix}", colour)
    save(tmp_path / f"2.{suffix}", grey)
    first, second = read(tmp_path)
    np.testing.assert_allclose(first, colour / 255, atol=1e-6)
    np.testing.assert_allclose(second, grey / 255, atol=1e-6)


def test_a_jpeg_is_read_upright(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    turned = Pillow.fromarray(np.repeat(np.array([[0], [255]], np.uint8), 16, axis=0).repeat(32, axis=1))
    exif = Pillow.Exif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "1.jpg", exif=exif, quality=95)
    (image,) = read(tmp_path)
    assert image[0].mean() > 0.9
    assert image[-1].mean() < 0.1


def test_transparency_palettes_and_deep_greys(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    save(tmp_path / "1.png", noise((20, 20, 4)))
    Pillow.fromarray(noise((20, 20, 3))).convert("P").save(tmp_path / "2.png")
    save(tmp_path / "3.png", np.linspace(100, 4_100, 400).astype(np.uint16).reshape(20, 20))
    save(tmp_path / "4.tiff", np.linspace(-3, 5, 400, dtype=np.float32).reshape(20, 20))
    rgba, palette, deep, floats = read(tmp_path)
    assert rgba.shape == palette.shape == (20, 20, 3)
    for image in (deep, floats):
        assert (image.min(), image.max()) == (0, 1)
        assert image[10, 0] == pytest.approx(0.5, abs=0.01)


def test_each_page_of_a_tiff_is_an_image(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    pages = [noise((20, 20), seed) for seed in range(3)]
    first, *others = [Pillow.fromarray(page) for page in pages]
    first.save(tmp_path / "stack.tif", save_all=True, append_images=others)
    np.testing.assert_allclose(read(tmp_path), np.array(pages) / 255, atol=1e-6)


def test_dicom_is_rescaled_windowed_and_turned_to_white_on_black(tmp_path: Path) -> None:
    ramp = np.arange(400, dtype=np.uint16).reshape(20, 20)
    dicom(tmp_path / "1.dcm", ramp)
    dicom(tmp_path / "2", ramp, PhotometricInterpretation="MONOCHROME1")  # without a suffix
    dicom(tmp_path / "3.dcm", ramp, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=300, WindowWidth=200)
    dicom(tmp_path / "4.dcm", np.stack([ramp, ramp[::-1]]))
    plain, inverted, windowed, one, two = read(tmp_path)
    np.testing.assert_allclose(plain, ramp / 399, atol=1e-6)
    np.testing.assert_allclose(inverted, 1 - plain, atol=1e-6)
    assert (windowed[:6] == 0).all()  # up to 2 · 150 - 100 = 200
    assert (windowed[-7:] == 1).all()
    assert windowed[10, 0] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(two, one[::-1])


def test_nifti_gives_axial_slices_whatever_the_orientation(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((6, 7, 5)).astype(np.float32)
    nifti(tmp_path / "1.nii.gz", values)
    upward_first = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=float)
    nifti(tmp_path / "2.nii", values.transpose(2, 0, 1), upward_first)
    nifti(tmp_path / "3.nii", np.stack([values, 1 - values], axis=-1))
    found = read(tmp_path)
    assert len(found) == 5 + 5 + 10
    assert found[0].shape == (7, 6)
    for one, other, series in zip(found[:5], found[5:10], found[10:15], strict=True):
        np.testing.assert_allclose(one, other)
        np.testing.assert_allclose(one, series)
    assert min(image.min() for image in found[:5]) == 0
    assert max(image.max() for image in found[:5]) == 1


def test_an_archive_is_read_as_medmnist_writes_it(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        f"{split}_images": noise((n, 28, 28), n) for split, n in (("train", 6), ("val", 3), ("test", 4))
    }
    labels: dict[str, Any] = {
        f"{split}_labels": np.arange(n)[:, None] % 2 for split, n in (("train", 6), ("val", 3), ("test", 4))
    }
    np.savez_compressed(tmp_path / "small.npz", **arrays, **labels)
    whole = ImageArchive(tmp_path / "small.npz")
    assert len(whole) == 13
    assert whole.labels is not None
    assert whole.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    found = dict(whole.read([1, 5, 6, 12]))
    for number, (split, row) in {1: ("train", 1), 5: ("train", 5), 6: ("val", 0), 12: ("test", 3)}.items():
        np.testing.assert_allclose(np.asarray(found[number]), arrays[f"{split}_images"][row] / 255, atol=1e-6)
    assert len(ImageArchive(tmp_path / "small.npz", "test")) == 4
    np.savez(tmp_path / "several.npz", train_images=noise((5, 28, 28, 3)), train_labels=np.zeros((5, 14)))
    several = ImageArchive(tmp_path / "several.npz")
    assert several.labels is None
    assert several.notes == ("labels left out: each image has several",)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"train_images": noise((3, 28, 28, 28))}, "need (images, height, width)"),
        ({"train_images": noise((3, 28, 28)), "train_labels": np.zeros(2)}, "shape (2,) for 3 images"),
        ({"pixels": noise((3, 28, 28))}, "found pixels"),
        ({"train_images": np.array([["a"]])}, "and not numbers"),
        ({"train_images": np.asfortranarray(noise((3, 28, 28)))}, "column by column"),
    ],
)
def test_archives_of_another_form_are_refused(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(InvalidFile) as caught:
        ImageArchive(tmp_path / "other.npz")
    assert "other.npz" in str(caught.value)
    assert words in str(caught.value)


# Descriptor


def describe(image: NDArray[np.floating]) -> dict[str, Matrix]:
    row = image_descriptor.describe([np.asarray(image, dtype=np.float32)])[0].astype(np.float64)
    return {name: row[slice(*place)] for name, place in image_descriptor.parts().items()}


def test_a_blank_image_has_a_descriptor() -> None:
    found = describe(np.full((128, 128, 3), 0.5))
    assert all(np.isfinite(part).all() for part in found.values())
    assert found["histogram"].tolist() == [0] * 16 + [1] + [0] * 15
    assert found["moments"] == pytest.approx([0.5, 0, 0, 0, 0], abs=1e-6)
    assert found["spectrum"] == pytest.approx(np.full(24, -10))


def test_the_spectrum_finds_a_grating_in_its_ring() -> None:
    for cycles in (8, 20, 40):
        wave = 0.5 + 0.4 * np.sin(2 * np.pi * cycles * np.arange(128) / 128)
        found = describe(np.tile(wave[None, :, None], (128, 1, 3)))
        assert found["spectrum"].argmax() == int(cycles / 128 * 2 * 24)


def test_intensity_and_colour_are_what_they_are_called() -> None:
    half = np.zeros((128, 128, 3))
    half[:, 64:, 0] = 1  # right half red
    found = describe(half)
    assert found["histogram"][0] == found["histogram"][int(0.299 * 32)] == 0.5
    assert found["moments"][:2] == pytest.approx([0.299 / 2, 0.299 / 2], abs=1e-4)
    assert found["colour"] == pytest.approx([0.5, 0.5, 0.25, 0.25, 0.5, 0.5])
    grey = describe(np.repeat(noise((128, 128, 1)) / 255, 3, axis=2))
    assert grey["colour"] == pytest.approx(np.zeros(6), abs=1e-6)
    assert grey["texture"][:10].sum() == pytest.approx(1)
    assert grey["texture"][10:28].sum() == pytest.approx(1)
    assert (np.abs(grey["texture"]) <= 1).all()
