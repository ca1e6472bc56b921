"""A generation: complete, counted the same everywhere, and never replaced by half a one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pyoxigraph import DefaultGraph, NamedNode, QuerySolutions, Store
from rdflib import Graph

from kb.answers.build import build, data_version
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.encoder import OnnxEncoder, TorchEncoder, model_folder
from kb.engines.generation import Generation, current_generation
from kb.engines.vector_index import VectorIndex, faiss_gpus
from kb.errors import InvalidFile, InvalidInput, NotReady
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.entry_rdf import entry_from_graph
from kb.knowledge.names import GRAPH, INFERRED_GRAPH, PREFIXES
from kb.knowledge.vocabulary import Vocabulary
from kb.settings import Settings


@pytest.fixture(scope="module")
def store(generation: Generation) -> Store:
    return Store.read_only(str(generation.store))


def select(store: Store, query: str) -> list[tuple[str, ...]]:
    """Rows as text, without the namespaces of entries and concepts."""
    result = store.query(query, prefixes=PREFIXES)
    assert isinstance(result, QuerySolutions)
    return [tuple(str(term.value).rpartition("/")[2] for term in row) for row in result]


def number(store: Store, query: str) -> int:
    ((value,),) = select(store, query)
    return int(value)


def test_all_parts_hold_the_same_entries(
    generation: Generation, base: KnowledgeBase, store: Store, entries: dict[str, DatasetEntry]
) -> None:
    counted = number(store, "SELECT (COUNT(DISTINCT ?d) AS ?n) { ?d a wh:ImagingDataset }")
    assert generation.manifest.entries == len(base.entries) == len(base.index) == counted == len(entries)
    assert base.entries == dict(sorted(entries.items()))
    assert generation.manifest.data_version == data_version(entries)


def test_counts_per_modality_include_the_narrower_ones(
    store: Store, entries: dict[str, DatasetEntry], vocabulary: Vocabulary
) -> None:
    """Against the YAML files, by the closure computed in Python."""
    for facet in FACETS:
        query = f"SELECT ?c (COUNT(DISTINCT ?d) AS ?n) {{ ?d wh:has{facet.capitalize()} ?c }} GROUP BY ?c"
        found = {concept: int(n) for concept, n in select(store, query)}
        expected: dict[str, int] = {}
        for entry in entries.values():
            for concept in vocabulary.entailed_by(entry.concepts()):
                if vocabulary[concept].facet == facet:
                    expected[concept] = expected.get(concept, 0) + 1
        assert found == expected


def test_everything_in_the_thorax(
    store: Store, entries: dict[str, DatasetEntry], vocabulary: Vocabulary
) -> None:
    found = {entry_id for (entry_id,) in select(store, "SELECT DISTINCT ?d { ?d wh:hasAnatomy wh:thorax }")}
    expected = {e.id for e in entries.values() if "thorax" in vocabulary.entailed_by(e.concepts())}
    assert found == expected
    assert {"chexpert", "lidc-idri", "busi", "acdc"} <= found
    assert not {"lits", "drive", "mrnet"} & found


def test_stated_and_entailed_can_be_told_apart(store: Store) -> None:
    stated = "ASK { GRAPH <https://w3id.org/whence/graph/dataset/chestmnist> { whd:chestmnist wh:statedAnatomy wh:thorax } }"
    assert store.query(stated, prefixes=PREFIXES)
    inferred = store.quads_for_pattern(None, None, None, NamedNode(str(INFERRED_GRAPH)))
    for quad in inferred:
        graphs = {
            q.graph_name for q in store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
        }
        assert graphs == {DefaultGraph(), NamedNode(str(INFERRED_GRAPH))}, quad


def test_the_default_graph_holds_each_triple_of_all_graphs_once(generation: Generation, store: Store) -> None:
    merged = sum(1 for _ in store.quads_for_pattern(None, None, None, DefaultGraph()))
    assert merged == generation.manifest.merged == generation.manifest.asserted + generation.manifest.entailed
    asked = number(store, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert asked == merged
    named = number(store, "SELECT (COUNT(*) AS ?n) { SELECT DISTINCT ?s ?p ?o { GRAPH ?g { ?s ?p ?o } } }")
    assert named == merged


def test_entries_can_be_read_back_from_the_store(store: Store, entries: dict[str, DatasetEntry]) -> None:
    for entry_id in ("chexpert", "isic19", "imagenet-1k", "organamnist", "cmb-mel"):
        quads = store.quads_for_pattern(None, None, None, NamedNode(str(GRAPH[f"dataset/{entry_id}"])))
        graph = Graph().parse(
            data="".join(f"{q.subject} {q.predicate} {q.object} .\n" for q in quads), format="nt"
        )
        assert entry_from_graph(graph, entry_id) == entries[entry_id]


def test_both_encoders_give_the_same_vectors(generation: Generation, base: KnowledgeBase) -> None:
    texts = [
        "chest X-ray",
        "",
        "Netzhautbilder 眼底",
        "fundus " * 400,
        *map(base.describe, list(base.entries.values())[:20]),
    ]
    torch_vectors = TorchEncoder(model_folder(""), "cpu").encode(texts)
    onnx_vectors = OnnxEncoder(generation.encoder).encode(texts)
    assert np.allclose(torch_vectors, onnx_vectors, atol=2e-6)
    assert np.allclose(np.linalg.norm(onnx_vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(OnnxEncoder(generation.encoder).encode(texts[:1]), onnx_vectors[:1], atol=2e-6)


def test_the_index_agrees_with_brute_force(tmp_path: Path) -> None:
    vectors = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    index = VectorIndex.build(vectors, "cpu")
    index.write(tmp_path / "index")
    values, rows = VectorIndex.read(tmp_path / "index", "cpu").nearest(vectors[:5], 10)
    expected = vectors[:5] @ vectors.T
    assert np.array_equal(rows, np.argsort(-expected, axis=1)[:, :10])
    assert np.allclose(values, -np.sort(-expected, axis=1)[:, :10], atol=1e-5)
    with pytest.raises(InvalidInput, match="dimension 16"):
        index.nearest(np.zeros((1, 3), dtype=np.float32), 1)


@pytest.mark.skipif(faiss_gpus() > 0, reason="this machine has a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NotReady, match="no GPU"):
        VectorIndex.build(np.eye(3, dtype=np.float32), "cuda")
    with pytest.raises(NotReady, match="no GPU"):
        TorchEncoder(model_folder(""), "cuda")


@pytest.mark.gpu
@pytest.mark.skipif(faiss_gpus() == 0, reason="needs faiss-gpu and an NVIDIA GPU")
def test_gpu_and_cpu_answer_alike(tmp_path: Path) -> None:
    texts = [f"dataset {n} of chest radiographs and fundus photographs" for n in range(64)]
    on_cpu, on_gpu = (TorchEncoder(model_folder(""), device).encode(texts) for device in ("cpu", "cuda"))
    assert np.allclose(on_cpu, on_gpu, atol=1e-4)
    vectors = np.random.default_rng(7).normal(size=(5_000, 384)).astype(np.float32)
    cpu, gpu = VectorIndex.build(vectors, "cpu"), VectorIndex.build(vectors, "cuda")
    assert (cpu.device, gpu.device) == ("cpu", "cuda")
    gpu.write(tmp_path / "index")
    again = VectorIndex.read(tmp_path / "index", "cpu")
    for index in (gpu, again):
        values, _ = index.nearest(vectors[:100], 10)
        assert np.allclose(values, cpu.nearest(vectors[:100], 10)[0], rtol=1e-3)


def test_building_again_with_nothing_changed_does_nothing(settings: Settings, generation: Generation) -> None:
    lines: list[str] = []
    again = build(settings, lines.append)
    assert again.folder == generation.folder
    assert lines == [f"up to date: {generation.manifest.data_version}"]


def test_a_broken_file_leaves_what_was_published(
    settings: Settings, generation: Generation, tmp_path: Path
) -> None:
    shutil.copytree(settings.data, tmp_path / "data")
    broken = tmp_path / "data" / "datasets" / "lits.yaml"
    broken.write_text(
        broken.read_text(encoding="utf-8").replace("domain: medical", "domain: music"), encoding="utf-8"
    )
    with pytest.raises(InvalidFile, match=r"lits\.yaml:\d+: domain: .*'music'"):
        build(Settings(home=settings.home, data=tmp_path / "data", device="cpu"))
    assert current_generation(settings.home).folder == generation.folder
    assert not list((settings.home / "generations").glob(".building-*"))


def test_nothing_built_is_said_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="whence build"):
        current_generation(tmp_path)
