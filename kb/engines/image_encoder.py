"""Image encoders from a file of the user's: TorchScript or torch.export (CPU, GPU), ONNX, or an installed architecture.

Nothing is fetched. An encoder takes float32 of shape (images, channels, height, width) and gives one row per image.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.engines.encoder import pick_device
from kb.errors import InvalidFile, InvalidInput, NotFound, NotReady

Batch = NDArray[np.float32]
_SUFFIXES = {".pt": "TorchScript", ".ts": "TorchScript", ".pt2": "torch.export", ".onnx": "ONNX"}
_LIBRARIES = ("timm", "torchvision")


class ImageEncoder(NamedTuple):
    """A network that is ready to run, and what a features file says of it."""

    name: str
    digest: str
    layer: str
    device: str
    run: Callable[[Batch], NDArray[np.float32]]
    channels: int | None = None  # where the file fixes it
    side: int | None = None


def load_encoder(
    model: str, *, layer: str | None = None, weights: Path | None = None, device: str = "auto"
) -> ImageEncoder:
    """The encoder in a file, or `timm:NAME` or `torchvision:NAME` with a file of its weights.

    Raises `NotFound`, `InvalidFile` or `NotReady` where there is no such file, network or library.
    """
    library, _, architecture = model.partition(":")
    if library in _LIBRARIES and architecture:
        return _installed(library, architecture, layer, weights, device)
    if weights is not None:
        raise InvalidInput("--weights belongs to --model timm:NAME or torchvision:NAME", field="weights")
    path = Path(model)
    if not path.is_file():
        raise NotFound(
            f"no such encoder: {model}",
            hint="give a TorchScript (.pt), torch.export (.pt2) or ONNX (.onnx) file, or timm:NAME with --weights; "
            "nothing is fetched",
        )
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InvalidInput(f"{path.name}: can't tell what it is", hint=f"one of {', '.join(_SUFFIXES)}")
    if kind == "ONNX":
        return _onnx(path, layer, device)
    return _torch(path, kind, layer, device)


def one_row_each(output: NDArray[Any], images: int, name: str) -> NDArray[np.float32]:
    """The network's output as (images, dimensions): maps and tokens by their mean.

    Raises `InvalidInput` for an output without a row per image, or with values that are no numbers.
    """
    if output.ndim < 2 or len(output) != images:
        raise InvalidInput(
            f"{name}: gave the shape {output.shape} for {images:,} images; need a row for each"
        )
    if output.ndim == 3:  # tokens
        output = output.mean(axis=1)
    elif output.ndim > 3:  # maps
        output = output.reshape(*output.shape[:2], -1).mean(axis=2)
    if not np.isfinite(output).all():
        raise InvalidInput(f"{name}: gave NaN or infinity", hint="check its normalisation and number format")
    return np.asarray(output, dtype=np.float32)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _device(wanted: str) -> str:
    try:
        return pick_device(wanted)
    except ImportError as error:
        raise NotReady("torch is not installed", hint="pip install torch, or give an ONNX file") from error
    except NotReady as error:
        raise NotReady("--device cuda, but torch sees no GPU", hint="set auto or cpu") from error


def _torch(path: Path, kind: str, layer: str | None, wanted: str) -> ImageEncoder:
    device = _device(wanted)
    import torch

    if layer is not None and kind == "torch.export":
        raise InvalidInput(
            "a torch.export file has no layers to choose from", hint="export up to the layer", field="layer"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # torch.jit: old, and what most encoders are saved in
            if kind == "TorchScript":
                network = _load_script(path, device)
            else:
                network = torch.export.load(path).module().to(device)
    except Exception as error:
        raise InvalidFile(
            f"{path}: can't be read as {kind}: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            hint="a file of weights alone has no network; save the whole network with torch.jit.trace or torch.export",
        ) from error

    def choose(output: Any) -> Any:  # noqa: ANN401
        if isinstance(output, torch.Tensor):
            if layer is not None:
                raise InvalidInput(
                    "this TorchScript network gives one output only",
                    hint="let it return a dict of layers, or export it as ONNX",
                    field="layer",
                )
            return output
        outputs = output if isinstance(output, dict) else {str(i): one for i, one in enumerate(output)}
        return _chosen(outputs, layer)

    return ImageEncoder(
        path.name, _digest(path), layer or "output", device, _torch_run(network, choose, device, path.name)
    )


def _load_script(path: Path, device: str) -> Any:  # noqa: ANN401
    import torch

    load: Any = torch.jit.load
    return load(str(path), map_location=device).eval()


def _chosen(outputs: dict[str, Any], layer: str | None) -> Any:  # noqa: ANN401
    if layer is None and len(outputs) == 1:
        return next(iter(outputs.values()))
    if layer is None or layer not in outputs:
        raise InvalidInput(
            f"found {layer!r}; the network gives {', '.join(outputs)}",
            hint="choose one of them",
            field="layer",
        )
    return outputs[layer]


def _torch_run(
    network: Any,  # noqa: ANN401 - torch is untyped where a network was loaded
    choose: Callable[[Any], Any],
    device: str,
    name: str,
) -> Callable[[Batch], NDArray[np.float32]]:
    import torch

    def run(batch: Batch) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                output = choose(network(torch.from_numpy(batch).to(device)))
        except InvalidInput:
            raise
        except Exception as error:
            raise InvalidInput(
                f"{name}: fails on images of shape {batch.shape[1:]}: {str(error).strip().splitlines()[-1]}",
                hint="see --size and --channels",
            ) from error
        return one_row_each(output.float().cpu().numpy(), len(batch), name)

    return run


def _installed(
    library: str, architecture: str, layer: str | None, weights: Path | None, wanted: str
) -> ImageEncoder:
    """A network of an installed library with the user's weights; `layer` is the name of one of its modules."""
    if weights is None:
        raise InvalidInput(
            "needs a file of weights on this machine", hint="no weights are ever fetched", field="weights"
        )
    if not weights.is_file():
        raise NotFound(f"no such file of weights: {weights}")
    device = _device(wanted)
    import importlib

    import torch

    try:
        package = importlib.import_module(library)
    except ImportError as error:
        raise NotReady(f"{library} is not installed", hint=f"pip install {library}") from error
    try:
        if library == "timm":
            network = package.create_model(architecture, pretrained=False)
        else:
            network = importlib.import_module("torchvision.models").get_model(architecture, weights=None)
    except Exception as error:
        raise NotFound(f"{library} has no network {architecture!r}: {error}") from error
    modules = dict(network.named_modules())
    if layer is not None and layer not in modules:
        raise InvalidInput(
            f"found {layer!r}; {architecture} has {', '.join(list(network._modules))}",
            hint="choose a module",
            field="layer",
        )
    try:
        if weights.suffix == ".safetensors":
            state = importlib.import_module("safetensors.torch").load_file(str(weights))
        else:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get("state_dict", state))
    except Exception as error:
        raise InvalidFile(
            f"{weights}: no weights for {architecture}: {' '.join(str(error).split())[:300]}"
        ) from error
    kept: list[Any] = []
    if layer is not None:
        modules[layer].register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    run = _torch_run(
        network.eval().to(device),
        lambda output: output if layer is None else kept.pop(),
        device,
        architecture,
    )
    return ImageEncoder(
        f"{library} {architecture} with {weights.name}", _digest(weights), layer or "output", device, run
    )


def _onnx(path: Path, layer: str | None, wanted: str) -> ImageEncoder:
    try:
        import onnxruntime
    except ImportError as error:
        raise NotReady("onnxruntime is not installed", hint="pip install 'whence[serve]'") from error
    gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if wanted == "cuda" and not gpu:
        raise NotReady(
            "--device cuda, but this onnxruntime runs on the CPU only", hint="pip install onnxruntime-gpu"
        )
    device = "cuda" if gpu and wanted != "cpu" else "cpu"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    providers = ["CUDAExecutionProvider"] * (device == "cuda") + ["CPUExecutionProvider"]
    try:
        session: Any = onnxruntime.InferenceSession(_with_output(path, layer), options, providers=providers)
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidFile(f"{path}: can't be read as ONNX: {' '.join(str(error).split())[:300]}") from error
    inputs, outputs = session.get_inputs(), [output.name for output in session.get_outputs()]
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise InvalidFile(f"{path}: need one input of shape (images, channels, height, width)")
    count, channels, height, width = inputs[0].shape
    fixed = [size if isinstance(size, int) else None for size in (count, channels, height, width)]
    if fixed[2] != fixed[3]:
        raise InvalidFile(f"{path}: takes images of {height} x {width}; need a square")

    def run(batch: Batch) -> NDArray[np.float32]:
        name = layer or (outputs[0] if len(outputs) == 1 else None)
        if name is None:
            raise InvalidInput(
                f"the network gives {', '.join(outputs)}", hint="choose one of them", field="layer"
            )
        step = fixed[0] or len(batch)
        rows = []
        for start in range(0, len(batch), step):
            part = batch[start : start + step]
            # A network exported for a fixed number of images gets blank ones to fill up.
            full = np.concatenate([part, np.zeros((step - len(part), *part.shape[1:]), part.dtype)])
            try:
                (output,) = session.run([name], {inputs[0].name: full})
            except Exception as error:
                raise InvalidInput(
                    f"{path.name}: fails on images of shape {batch.shape[1:]}: {' '.join(str(error).split())[:300]}",
                    hint="see --size and --channels",
                ) from error
            rows.append(one_row_each(output, step, path.name)[: len(part)])
        return np.concatenate(rows)

    return ImageEncoder(path.name, _digest(path), layer or "output", device, run, fixed[1], fixed[2])


def _with_output(path: Path, layer: str | None) -> str | bytes:
    """The network, with a value from its inside as an output where that was asked for."""
    if layer is None:
        return str(path)
    try:
        import onnx
    except ImportError as error:
        raise NotReady("onnx is not installed, which --layer needs", hint="pip install onnx") from error
    network = onnx.load(str(path))
    if layer in {output.name for output in network.graph.output}:
        return str(path)
    inside = [name for node in network.graph.node for name in node.output]
    if layer not in inside:
        raise InvalidInput(
            f"found {layer!r}; the last of the network's values are {', '.join(inside[-8:])}", field="layer"
        )
    network.graph.output.append(onnx.ValueInfoProto(name=layer))
    return bytes(network.SerializeToString())
