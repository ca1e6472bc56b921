"""How well search ranks, next to BM25, plain dense retrieval and their fusion, in one run on the real catalogue.

    python benchmarks/search.py [--part development|test] [--misses N]

Prints nDCG@10, recall@20, precision@1 and the rate of broken conditions among the first ten, by category, with paired
bootstrap intervals over query families; the share of out-of-catalogue needs answered "nothing matches" and of false
empties; and latency of one thread. Queries, rules and the split are in data/evaluation/search/. Weights are set on the
development part only. Needs a built knowledge base (WHENCE_HOME); no network, no GPU.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.search_judgements import Judge, Query, read_queries
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.settings import read_settings

System = Callable[[str], list[str]]
_DRAWS = 10_000
_RRF = 60
_DEPTH = 100


@dataclass(frozen=True)
class Scored:
    """One query answered by one system."""

    query: Query
    ndcg: float
    recall: float
    first: float
    broken: float | None


def systems(base: KnowledgeBase) -> dict[str, System]:
    """Whence and what a user would take instead, each giving ids, best first."""
    tables = base.search_tables

    def whence(query: str) -> list[str]:
        answer = search(base, query, limit=_DEPTH)
        return [hit.id for hit in (*answer.results, *answer.may_match)]

    def dense(query: str) -> list[str]:
        return [tables.ids[row] for row in np.argsort(-tables.cosines(query), kind="stable")[:_DEPTH]]

    def words(query: str) -> list[str]:
        scores = tables.words(query)
        return [tables.ids[row] for row in np.argsort(-scores, kind="stable")[:_DEPTH] if scores[row] > 0]

    def fused(query: str) -> list[str]:
        total: dict[str, float] = {}
        for ranking in (dense(query), words(query)):
            for place, entry_id in enumerate(ranking):
                total[entry_id] = total.get(entry_id, 0.0) + 1 / (_RRF + place + 1)
        return sorted(total, key=lambda entry_id: -total[entry_id])[:_DEPTH]

    return {"Whence": whence, "dense": dense, "BM25": words, "RRF": fused}


def ndcg(ranking: list[str], grades: dict[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gains 2^grade - 1 (Burges et al. 2005)."""
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    gains = [2 ** grades.get(entry_id, 0) - 1 for entry_id in ranking[:depth]]
    best = sorted((2**grade - 1 for grade in grades.values()), reverse=True)[:depth]
    ideal = float(np.dot(best, discounts[: len(best)]))
    return float(np.dot(gains, discounts[: len(gains)])) / ideal


def score(query: Query, ranking: list[str], judge: Judge) -> Scored:
    """Figures of one answer."""
    grades, broken = judge.grades(query)
    relevant = {entry_id for entry_id, grade in grades.items() if grade == 2} or set(grades)
    found = len(relevant & set(ranking[:20])) / min(20, len(relevant))
    return Scored(
        query=query,
        ndcg=ndcg(ranking, grades),
        recall=found,
        first=float(bool(ranking) and ranking[0] in relevant),
        broken=sum(entry_id in broken for entry_id in ranking[:10]) / 10 if query.must else None,
    )


def interval(values: list[float], families: list[str]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, families drawn as wholes."""
    names = sorted(set(families))
    sums = np.array([sum(v for v, f in zip(values, families, strict=True) if f == name) for name in names])
    sizes = np.array([families.count(name) for name in names])
    drawn = np.random.default_rng(20261123).integers(len(names), size=(_DRAWS, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def mean(values: list[float]) -> float:
    """Mean; not a number for nothing."""
    return float(np.mean(values)) if values else float("nan")


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--part", choices=("development", "test"), default="test")
    arguments.add_argument("--misses", type=int, default=0, help="print the N worst answers of Whence")
    chosen = arguments.parse_args()
    base = KnowledgeBase.open(read_settings())
    base.load()
    judge = Judge(base.entries, base.vocabulary)
    queries = read_queries(chosen.part)
    inside = [query for query in queries if query.category != "out_of_catalogue"]
    answered = {
        name: [score(query, system(query.text), judge) for query in inside]
        for name, system in systems(base).items()
    }
    print(
        f"{len(queries)} queries of the {chosen.part} part, {len(base.entries):,} entries, data {base.manifest.data_version}\n"
    )
    _overall(answered)
    _by_category(answered)
    _empties(base, queries)
    _latency(base, queries)
    for one in sorted(answered["Whence"], key=lambda one: one.ndcg)[: chosen.misses]:
        print(f"{one.ndcg:.2f} {one.query.id}: {one.query.text}")


def _overall(answered: dict[str, list[Scored]]) -> None:
    print(
        "| system | nDCG@10 [95 %] | R@20 | P@1 | violation@10 | Whence minus it [95 %] |\n| --- | --- | --- | --- | --- | --- |"
    )
    ours = [one.ndcg for one in answered["Whence"]]
    families = [one.query.family for one in answered["Whence"]]
    for name, scored in answered.items():
        values = [one.ndcg for one in scored]
        low, high = interval(values, families)
        differences = [a - b for a, b in zip(ours, values, strict=True)]
        least, most = interval(differences, families)
        gap = f"{mean(differences):+.3f} [{least:+.3f}, {most:+.3f}]" if name != "Whence" else ""
        broken = mean([one.broken for one in scored if one.broken is not None])
        print(
            f"| {name} | {mean(values):.3f} [{low:.3f}, {high:.3f}] | {mean([one.recall for one in scored]):.3f} "
            f"| {mean([one.first for one in scored]):.3f} | {broken:.4f} | {gap} |"
        )


def _by_category(answered: dict[str, list[Scored]]) -> None:
    categories = dict.fromkeys(one.query.category for one in answered["Whence"])
    print(f"\n| nDCG@10 by category | n | {' | '.join(answered)} |\n| --- | --- |{' --- |' * len(answered)}")
    for category in categories:
        cells = [
            mean([one.ndcg for one in scored if one.query.category == category])
            for scored in answered.values()
        ]
        n = sum(one.query.category == category for one in answered["Whence"])
        print(f"| {category} | {n} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")


def _empties(base: KnowledgeBase, queries: list[Query]) -> None:
    empty: dict[bool, list[float]] = {True: [], False: []}
    for query in queries:
        answer = search(base, query.text)
        empty[query.category == "out_of_catalogue"].append(float(not (answer.results or answer.may_match)))
    print(
        f"\nout of catalogue, answered 'nothing matches': {mean(empty[True]):.3f} of {len(empty[True])}; "
        f"false empties elsewhere: {mean(empty[False]):.3f} of {len(empty[False])}"
    )


def _latency(base: KnowledgeBase, queries: list[Query]) -> None:
    base.search_tables.encode.cache_clear()
    whole, encoding = [], []
    for query in queries:
        started = time.perf_counter()
        base.encoder.encode([query.text])
        encoding.append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
        search(base, query.text)
        whole.append(1000 * (time.perf_counter() - started))
    for name, times in (("search, end to end", whole), ("of it: encoding the query", encoding)):
        p50, p95 = np.quantile(times, [0.5, 0.95])
        print(f"{name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms (one thread a query, no cached query)")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"memory of this process: {memory:.0f} MiB; {os.cpu_count()} cores, {platform.processor() or platform.machine()}"
    )


if __name__ == "__main__":
    main()
