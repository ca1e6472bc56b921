"""What search rests on, beside what could stand in for it, in one run: encoders, vector indexes, word indexes.

    python -m benchmarks.search_backends

Prints p50 and p95 of one query on one thread, time to the first answer in a fresh process and its memory for the encoders, and
whether the answers agree: top-10 overlap with exact search by numpy for vectors, with SQLite FTS5 for words. Texts are those of the
published generation (WHENCE_HOME), queries those of the development part. No network, no GPU.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.search_judgements import read_queries
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.encoder import TorchEncoder, model_folder
from kb.settings import read_settings

_FRESH = """
import re, time
started = time.perf_counter()
{imports}
encoder.encode(["chest radiographs with pneumonia"])
seconds = time.perf_counter() - started
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""
_ONNX = "from pathlib import Path; from kb.engines.encoder import OnnxEncoder; encoder = OnnxEncoder(Path({folder!r}))"
_TORCH = "from pathlib import Path; from kb.engines.encoder import TorchEncoder; encoder = TorchEncoder(Path({folder!r}), 'cpu')"


def timed(answer: Callable[[Any], object], asked: list[Any]) -> str:
    """p50 and p95 of milliseconds for one question at a time, after ten to warm up."""
    for one in asked[:10]:
        answer(one)
    times = []
    for one in asked:
        started = time.perf_counter()
        answer(one)
        times.append(1000 * (time.perf_counter() - started))
    p50, p95 = np.quantile(times, [0.5, 0.95])
    return f"{p50:.2f} | {p95:.2f}"


def fresh(imports: str) -> str:
    """Seconds to the first vector and MiB of a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", _FRESH.format(imports=imports)], check=True, capture_output=True, text=True
    )
    seconds, memory = done.stdout.split()
    return f"{float(seconds):.1f} | {float(memory):.0f}"


def agreement(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """Mean share of the ten first that two ways of searching have in common."""
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]))


def encoders(base: KnowledgeBase, queries: list[str]) -> NDArray[np.float32]:
    """Table of the encoders; vectors of the queries."""
    folder = model_folder(base.settings.model)
    torch = TorchEncoder(folder, "cpu")
    vectors = base.encoder.encode(queries)
    apart = float(np.abs(vectors - torch.encode(queries)).max())
    print(
        "| encoder of queries | p50 ms | p95 ms | first answer s | process MiB |\n| --- | --- | --- | --- | --- |"
    )
    onnx = timed(lambda query: base.encoder.encode([query]), queries)
    print(f"| ONNX Runtime | {onnx} | {fresh(_ONNX.format(folder=str(base.generation.encoder)))} |")
    plain = timed(lambda query: torch.encode([query]), queries)
    print(f"| sentence-transformers | {plain} | {fresh(_TORCH.format(folder=str(folder)))} |")
    print(f"\nlargest difference of a component: {apart:.1e}\n")
    return vectors


def vectors(base: KnowledgeBase, asked: NDArray[np.float32]) -> None:
    """Table of the vector indexes over the descriptions."""
    flat = faiss.read_index(str(base.generation.vectors))
    stored = flat.reconstruct_n(0, flat.ntotal)
    graph = faiss.IndexHNSWFlat(stored.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    graph.add(stored)
    rows = [row[None] for row in asked]
    exact = np.argsort(-(asked @ stored.T), axis=1, kind="stable")[:, :10]
    print(
        f"| nearest 10 of {len(stored):,} vectors | p50 ms | p95 ms | same as numpy |\n| --- | --- | --- | --- |"
    )
    for name, answer in (
        ("FAISS flat", lambda row: flat.search(row, 10)[1]),
        ("FAISS HNSW", lambda row: graph.search(row, 10)[1]),
        ("numpy, all products", lambda row: np.argsort(-(row @ stored.T), axis=1)[:, :10]),
    ):
        found = np.vstack([answer(row) for row in rows])
        print(f"| {name} | {timed(answer, rows)} | {agreement(found, exact):.3f} |")
    print()


def words(base: KnowledgeBase, queries: list[str]) -> None:
    """Table of the word indexes."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

    texts = [base.text_of(entry) for entry in base.entries.values()]
    tfidf = TfidfVectorizer(stop_words="english", sublinear_tf=True)
    table = tfidf.fit_transform(texts)

    def by_tfidf(query: str) -> NDArray[np.int64]:
        scores = np.asarray((table @ tfidf.transform([query]).T).todense()).ravel()
        return np.argsort(-scores, kind="stable")[:10]

    def by_fts(query: str) -> NDArray[np.int64]:
        found = sorted(base.texts.scores(query), key=lambda one: -one[1])[:10]
        return np.array([row for row, _ in found], dtype=np.int64)

    exact = [by_fts(query) for query in queries]
    print("| words | p50 ms | p95 ms | top 10 shared with FTS5 |\n| --- | --- | --- | --- |")
    print(f"| SQLite FTS5, BM25 | {timed(by_fts, queries)} | 1.000 |")
    same = [
        len(set(by_tfidf(query)) & set(found)) / max(1, len(found))
        for query, found in zip(queries, exact, strict=True)
    ]
    print(f"| TF-IDF by scikit-learn | {timed(by_tfidf, queries)} | {np.mean(same):.3f} |")


def main() -> None:
    """Print the three tables."""
    faiss.omp_set_num_threads(1)
    base = KnowledgeBase.open(read_settings())
    queries = [query.text for query in read_queries("development")]
    print(
        f"{len(queries)} queries, {os.cpu_count()} cores, {platform.machine()}, {base.manifest.data_version}\n"
    )
    vectors(base, encoders(base, queries))
    words(base, queries)


if __name__ == "__main__":
    main()
