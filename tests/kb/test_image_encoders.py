"""Every form of an encoder gives the features of its network, and says why it can not."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb.answers.image_features import (
    compare_features,
)
from kb.engines.feature_file import read_features
from kb.errors import InvalidFile, InvalidInput, NotReady, WhenceError
from kb.knowledge.features import Matrix
from tests.kb.image_samples import folder, network, onnx_file, run, torchscript

pytest.importorskip("PIL")
pytest.importorskip("skimage")


@pytest.mark.parametrize("form", ["torchscript", "export", "onnx", "onnx of one image"])
def test_every_form_of_a_network_gives_the_same_features(tmp_path: Path, form: str) -> None:
    import torch

    images = folder(tmp_path / "images", 7)
    if form == "torchscript":
        model = torchscript(tmp_path / "net.pt")
    elif form == "export":
        model = tmp_path / "net.pt2"
        dynamic = ({0: torch.export.Dim("n")},)
        torch.export.save(
            torch.export.export(network(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=dynamic), model
        )
    else:
        model = onnx_file(tmp_path / "net.onnx", *((1, 32) if form == "onnx of one image" else ()))
    size = {} if form == "onnx of one image" else {"size": 32}
    answer = run(images, tmp_path / "f.npz", model=str(model), batch=3, device="cpu", **size)
    features = read_features(tmp_path / "f.npz")
    assert (answer.origin.encoder, answer.origin.layer, answer.dimensions) == (model.name, "output", 4)
    assert features.origin.preprocessing.width == 32
    assert features.origin.preprocessing.mean == (0.485, 0.456, 0.406)
    from PIL import Image as Pillow

    batch = np.stack(
        [
            (
                np.asarray(Pillow.open(path).resize((32, 32), Pillow.Resampling.BILINEAR)) / 255
                - [0.485, 0.456, 0.406]
            )
            / [0.229, 0.224, 0.225]
            for path in sorted(images.rglob("*.png"))
        ]
    )
    with torch.inference_mode():
        expected = network()(torch.tensor(batch.transpose(0, 3, 1, 2), dtype=torch.float32)).numpy()
    np.testing.assert_allclose(
        features.matrix, expected, atol=0.01
    )  # Pillow rounds 8-bit images when it resizes them


def test_a_layer_of_an_onnx_network_is_its_mean_over_the_map(tmp_path: Path) -> None:
    images, model = folder(tmp_path / "images", 4), str(onnx_file(tmp_path / "net.onnx"))
    for layer in ("active", "flat"):
        run(images, tmp_path / f"{layer}.npz", model=model, layer=layer, size=32)
    pooled, flat = (read_features(tmp_path / f"{layer}.npz") for layer in ("active", "flat"))
    np.testing.assert_allclose(pooled.matrix, flat.matrix, atol=1e-5)
    with pytest.raises(InvalidInput, match="layer: active and flat"):
        compare_features(tmp_path / "active.npz", tmp_path / "flat.npz")
    with pytest.raises(InvalidInput, match=r"found 'nowhere'.*pooled"):
        run(images, tmp_path / "n.npz", model=model, layer="nowhere", size=32)


def test_a_network_with_several_outputs_needs_a_layer(tmp_path: Path) -> None:
    import torch

    class Two(torch.nn.Module):
        def forward(self, x: Any) -> Any:  # noqa: ANN401
            return {"early": x.mean(dim=(2, 3)), "late": x.amax(dim=(2, 3))}

    images, model = folder(tmp_path / "images", 4), str(torchscript(tmp_path / "two.pt", Two()))
    with pytest.raises(InvalidInput, match="the network gives early, late"):
        run(images, tmp_path / "f.npz", model=model, size=32)
    answer = run(images, tmp_path / "f.npz", model=model, size=32, layer="late")
    assert (answer.origin.layer, answer.dimensions) == ("late", 3)
    with pytest.raises(InvalidInput, match="layer: this TorchScript network gives one output only"):
        run(images, tmp_path / "g.npz", model=str(torchscript(tmp_path / "one.pt")), size=32, layer="late")


@pytest.mark.parametrize("layer", [None, "3"])
def test_an_installed_architecture_takes_weights_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: str | None
) -> None:
    """Tests do not install timm: a stand-in with the one function of it that is called."""
    import torch

    library = types.ModuleType("timm")
    asked = []

    def create_model(name: str, *, pretrained: bool) -> Any:  # noqa: ANN401
        asked.append((name, pretrained))
        return torch.nn.Sequential(*[type(one)(*_arguments(one)) for one in network()])

    monkeypatch.setattr(library, "create_model", create_model, raising=False)
    monkeypatch.setitem(sys.modules, "timm", library)
    torch.save(network().state_dict(), tmp_path / "weights.pth")
    images = folder(tmp_path / "images", 4)
    answer = run(
        images, tmp_path / "f.npz", model="timm:tiny", weights=tmp_path / "weights.pth", size=32, layer=layer
    )
    assert asked == [("tiny", False)]
    assert answer.origin.encoder == "timm tiny with weights.pth"
    run(
        images, tmp_path / "o.npz", model=str(onnx_file(tmp_path / "n.onnx")), size=32, layer=layer and "flat"
    )
    ours, theirs = (read_features(tmp_path / name).matrix for name in ("f.npz", "o.npz"))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    with pytest.raises(InvalidInput, match="no weights are ever fetched"):
        run(images, tmp_path / "g.npz", model="timm:tiny")
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InvalidFile, match=r"other\.pth: no weights for tiny"):
        run(images, tmp_path / "g.npz", model="timm:tiny", weights=tmp_path / "other.pth")


def _arguments(layer: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return {"Conv2d": (3, 6, 3), "Linear": (6, 4), "AdaptiveAvgPool2d": (1,)}.get(type(layer).__name__, ())


@pytest.mark.gpu
def test_a_gpu_gives_the_features_of_the_cpu(tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    images, model = folder(tmp_path / "images", 40), str(torchscript(tmp_path / "net.pt"))
    found: dict[str, Matrix] = {}
    for device in ("cpu", "cuda"):
        answer = run(images, tmp_path / f"{device}.npz", model=model, size=32, device=device)
        assert answer.device == device
        found[device] = read_features(tmp_path / f"{device}.npz").matrix
    np.testing.assert_allclose(found["cuda"], found["cpu"], atol=1e-3)
    near = compare_features(tmp_path / "cpu.npz", tmp_path / "cuda.npz").assessments
    assert next(one.value for one in near if one.method == "method-fid") == pytest.approx(0, abs=1e-5)


def test_cuda_without_a_gpu_is_said(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("torch sees a GPU")
    images = folder(tmp_path / "images", 3)
    for model in (torchscript(tmp_path / "net.pt"), onnx_file(tmp_path / "net.onnx")):
        with pytest.raises(NotReady, match="--device cuda"):
            run(images, tmp_path / "f.npz", model=str(model), device="cuda")


def test_encoders_that_can_not_run_are_refused(tmp_path: Path) -> None:
    import torch

    images = folder(tmp_path / "images", 3)
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    (tmp_path / "net.h5").write_bytes(b"another format")
    grey = torchscript(tmp_path / "grey.pt", torch.nn.Conv2d(1, 4, 3), 1)

    class Nan(torch.nn.Module):
        def forward(self, x: Any) -> Any:  # noqa: ANN401
            return x.mean(dim=(2, 3)) / 0.0 * 0.0

    for model, options, words in (
        ("weights.pt", {}, "a file of weights alone has no network"),
        ("broken.onnx", {}, "broken.onnx: can't be read as ONNX"),
        ("net.h5", {}, "one of .pt, .ts, .pt2, .onnx"),
        (grey.name, {"size": 32}, "grey.pt: fails on images of shape (3, 32, 32)"),
        (grey.name, {"size": 32, "channels": 1}, "imagenet belongs to colour images"),
        (torchscript(tmp_path / "nan.pt", Nan()).name, {"size": 32}, "nan.pt: gave NaN"),
        (
            onnx_file(tmp_path / "fixed.onnx", "n", 32).name,
            {"size": 64},
            "size: found 64; fixed.onnx takes 32",
        ),
    ):
        with pytest.raises(WhenceError) as caught:
            run(images, tmp_path / "f.npz", model=str(tmp_path / model), **options)
        assert words in str(caught.value), model
    answer = run(images, tmp_path / "f.npz", model=str(grey), size=32, channels=1, normalise="half")
    assert str(answer.origin.preprocessing) == "32x32 grey, normalised by mean (0.5,) and deviation (0.5,)"
