"""First figures of a built knowledge base: start, memory, latency of 200 searches and of SPARQL.

    WHENCE_HOME=var python -m benchmarks.first_figures

Prints one table and the machine it was measured on. Queries are the descriptions' first words of a seeded
sample of entries, so that none repeats and none was tuned for.
"""

from __future__ import annotations

import platform
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.answers.sparql import ask, open_pool
from kb.settings import Settings

SEARCHES = 200
SPARQL = {
    "count per modality": "SELECT ?m (COUNT(DISTINCT ?d) AS ?n) { ?d wh:hasModality ?m } GROUP BY ?m",
    "in the thorax": "SELECT DISTINCT ?d { ?d wh:hasAnatomy wh:thorax }",
    "one entry": "DESCRIBE whd:chexpert",
}


def milliseconds(call: Callable[[], object]) -> float:
    """Wall clock of one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def row(name: str, times: list[float]) -> None:
    """Print p50, p95 and the fastest of some times."""
    p95 = statistics.quantiles(times, n=20)[18]
    print(f"{name:<28} p50 {statistics.median(times):8.1f} ms   p95 {p95:8.1f} ms   min {min(times):8.1f} ms")


def main() -> None:
    """Measure and print."""
    settings = Settings()
    base = KnowledgeBase.open(settings)
    print(
        f"{platform.machine()}, Python {platform.python_version()}, vectors on {base.index.device}, {base.manifest.data_version}"
    )
    print(f"{'load (encoder, entries, index)':<28} {milliseconds(base.load):12.0f} ms")
    sample = random.Random(7).sample(sorted(base.entries), SEARCHES)  # noqa: S311 - not for secrets
    queries = [" ".join(base.describe(base.entries[entry_id]).split()[4:18]) for entry_id in sample]
    row(f"search, {SEARCHES} queries", [milliseconds(lambda q=query: search(base, q)) for query in queries])  # type: ignore[misc]
    row("  of which encoding", [milliseconds(lambda q=query: base.encoder.encode([q])) for query in queries])  # type: ignore[misc]
    pool = open_pool(settings)
    pool.start()
    for name, query in SPARQL.items():
        row(f"SPARQL: {name}", [milliseconds(lambda q=query: ask(pool, q)) for _ in range(50)])  # type: ignore[misc]
    pool.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'peak memory of this process':<28} {peak:12.0f} MiB   torch imported: {'torch' in sys.modules}")


if __name__ == "__main__":
    main()
