"""FAISS over description vectors: exact inner product, on the GPU where faiss sees one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.engines.encoder import Vectors
from kb.errors import InvalidInput, NotReady


def _faiss() -> Any:  # noqa: ANN401 - faiss is untyped
    try:
        import faiss
    except (ImportError, RuntimeError) as error:  # faiss-gpu without its CUDA wheels raises RuntimeError
        raise NotReady(
            f"faiss can't be loaded: {error}", hint="pip install 'whence[cpu]' or 'whence[gpu]'"
        ) from error
    return faiss


def faiss_gpus() -> int:
    """How many GPUs the installed faiss can use."""
    faiss = _faiss()
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


class VectorIndex:
    """Exact nearest vectors by inner product; for vectors of length 1 that is the cosine."""

    def __init__(self, index: Any, device: str) -> None:  # noqa: ANN401
        self._index = index
        self.device = device

    @classmethod
    def build(cls, vectors: Vectors, device: str = "auto") -> VectorIndex:
        """Index of the rows of `vectors`, shape (n, dimension)."""
        faiss = _faiss()
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return cls._placed(index, device)

    @classmethod
    def read(cls, path: Path, device: str = "auto") -> VectorIndex:
        """Index from a file that `write` made."""
        return cls._placed(_faiss().read_index(str(path)), device)

    @classmethod
    def _placed(cls, index: Any, device: str) -> VectorIndex:  # noqa: ANN401
        faiss = _faiss()
        if device == "cuda" and faiss_gpus() == 0:
            raise NotReady(
                "WHENCE_DEVICE=cuda, but faiss sees no GPU", hint="set auto or cpu, or install whence[gpu]"
            )
        if device == "cpu" or faiss_gpus() == 0:
            return cls(index, "cpu")
        return cls(faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index), "cuda")

    def write(self, path: Path) -> None:
        """Write to a file that machines with and without a GPU can read."""
        faiss = _faiss()
        index = faiss.index_gpu_to_cpu(self._index) if self.device == "cuda" else self._index
        faiss.write_index(index, str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def nearest(self, vectors: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The `k` best rows for each vector: inner products, best first, and row numbers; both (n, k)."""
        if vectors.ndim != 2 or vectors.shape[1] != self._index.d:
            raise InvalidInput(f"expected vectors of dimension {self._index.d}, found shape {vectors.shape}")
        values, rows = self._index.search(vectors, min(k, len(self)))
        return values, rows
