"""Latency of the example queries over HTTP, next to plain pyoxigraph in the same run.

    python -m benchmarks.sparql [--repeats N]

The same store is read by the service's processes and, read-only, by this one; both serialise to SPARQL JSON or N-Triples. Prints p50
of each query both ways and the overhead. Needs a built knowledge base (WHENCE_HOME).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

import httpx
import numpy as np
from pyoxigraph import QueryResultsFormat, QueryTriples, RdfFormat, Store

from benchmarks.service import service
from kb.answers.example_queries import examples
from kb.engines.generation import current_generation
from kb.knowledge.names import PREFIXES
from kb.settings import read_settings

_ACCEPT = "application/sparql-results+json, application/n-triples;q=0.9"


def milliseconds(answer: Callable[[], object], repeats: int) -> float:
    """p50, after one to warm up."""
    answer()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        answer()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    settings = read_settings()
    store = Store.read_only(str(current_generation(settings.home).store))
    print(f"{os.cpu_count()} cores, {platform.machine()}, {repeats} repeats, one client\n")
    print("| example | HTTP p50 ms | pyoxigraph p50 ms | overhead ms |\n| --- | --- | --- | --- |")
    overheads = []
    with service(sparql_client_seconds="100000") as running, httpx.Client(base_url=running.address) as http:
        for example in examples(settings):

            def plain(text: str = example.text) -> bytes | None:
                result = store.query(text, prefixes=PREFIXES)
                if isinstance(result, QueryTriples):
                    return result.serialize(format=RdfFormat.N_TRIPLES)
                return result.serialize(format=QueryResultsFormat.JSON)

            def over_http(text: str = example.text) -> httpx.Response:
                return http.get(
                    "/sparql", params={"query": text}, headers={"Accept": _ACCEPT}
                ).raise_for_status()

            here, there = milliseconds(plain, repeats), milliseconds(over_http, repeats)
            overheads.append(there - here)
            print(f"| {example.id} | {there:.1f} | {here:.1f} | {there - here:+.1f} |")
    p50, p95 = np.quantile(overheads, [0.5, 0.95])
    print(f"\noverhead of {len(overheads)} queries: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
