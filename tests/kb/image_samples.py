"""Small images and networks that tests make for themselves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.answers.image_features import (
    Embedded,
    EmbedRequest,
    embed,
)
from kb.engines.image_reader import Image, ImageFolder
from kb.errors import InvalidFile

Shape = tuple[int, ...]


def noise(shape: Shape = (40, 48, 3), seed: int = 0, high: int = 256) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)


def save(path: Path, values: NDArray[Any]) -> Path:
    from PIL import Image as Pillow

    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(values).save(path)
    return path


def dicom(path: Path, values: NDArray[np.uint16], **changes: object) -> Path:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    record = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    record.SOPClassUID, record.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    record.Rows, record.Columns = values.shape[-2:]
    if values.ndim == 3:
        record.NumberOfFrames = len(values)
    record.SamplesPerPixel, record.PhotometricInterpretation = 1, "MONOCHROME2"
    record.BitsAllocated, record.BitsStored, record.HighBit, record.PixelRepresentation = 16, 12, 11, 0
    record.PixelData = values.astype("<u2").tobytes()
    for name, value in changes.items():
        setattr(record, name, value)
    record.save_as(path, enforce_file_format=True)
    return path


def nifti(path: Path, values: NDArray[np.float32], affine: NDArray[np.float64] | None = None) -> Path:
    import nibabel

    image: Any = nibabel.nifti1.Nifti1Image(values, np.eye(4) if affine is None else affine)  # type: ignore[no-untyped-call]
    image.to_filename(path)
    return path


def read(place: Path) -> list[Image]:
    source = ImageFolder(place)
    found = []
    for _, image in source.read(range(len(source))):
        if isinstance(image, InvalidFile):
            raise image
        found.append(image)
    return found


def folder(place: Path, n: int = 8, seed: int = 0, high: int = 256) -> Path:
    for number in range(n):
        save(place / f"{'ab'[number % 2]}" / f"patient-{number}.png", noise(seed=seed + number, high=high))
    return place


def run(images: Path, out: Path, **options: Any) -> Embedded:  # noqa: ANN401
    return embed(EmbedRequest.model_validate({"images": images, **options}), out)


def network() -> Any:  # noqa: ANN401
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(6, 4),
    ).eval()


def torchscript(path: Path, model: Any = None, channels: int = 3) -> Path:  # noqa: ANN401
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        trace: Any = torch.jit.trace
        trace(network() if model is None else model, torch.zeros(2, channels, 32, 32), strict=False).save(
            str(path)
        )
    return path


def onnx_file(path: Path, count: str | int = "n", side: str | int = "side") -> Path:
    """The same network, node by node, so that no exporter is needed."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = network()
    weights = [model[0].weight, model[0].bias, model[4].weight, model[4].bias]
    names = ["w", "b", "v", "c"]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["maps"]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "v", "c"], ["y"], transB=1),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [count, 3, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [count, 4])],
        [numpy_helper.from_array(w.detach().numpy(), n) for w, n in zip(weights, names, strict=True)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path
