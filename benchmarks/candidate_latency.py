"""How long a candidates answer over the whole catalogue takes once everything is loaded.

    python -m benchmarks.candidate_latency

Cold: the first answer for a target, for which a predictor is fitted without its family. Warm: the same again. Needs a
built knowledge base (WHENCE_HOME); no network, no GPU.
"""

from __future__ import annotations

import os
import platform
import time

import numpy as np

from kb.answers.candidates import candidates
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.target import Target, target_of
from kb.settings import read_settings

DESCRIBED = (
    "retinal OCT of macular oedema, 400 scans",
    "chest X-rays of children with pneumonia",
    "H&E slides of the colon",
    "dermoscopy of naevi",
    "cardiac MRI, left ventricle segmentation",
)


def main() -> None:
    """Print quantiles."""
    base = KnowledgeBase.open(read_settings())
    base.load()
    targets = [Target(base.entries[entry_id], entry_id) for entry_id in list(base.entries)[::12]]
    targets += [target_of(base, text) for text in DESCRIBED]
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    for target in targets:
        for found in times.values():
            started = time.perf_counter()
            candidates(base, target)
            found.append(1000 * (time.perf_counter() - started))
    print(
        f"{len(targets)} targets, {len(base.entries):,} entries, {os.cpu_count()} cores, {platform.machine()}"
    )
    for name, found in times.items():
        p50, p95, p99 = np.quantile(found, [0.5, 0.95, 0.99])
        print(f"{name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")


if __name__ == "__main__":
    main()
