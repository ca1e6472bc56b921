"""One build of the real catalogue, one running server; nothing reaches the network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from rdflib import Graph

from kb.answers.build import build
from kb.answers.knowledge_base import KnowledgeBase
from kb.engines.generation import Generation
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings

os.environ["HF_HUB_OFFLINE"] = "1"  # a hidden download fails loudly


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a home of the test's own and a short SPARQL deadline; all tests are one client."""
    home = tmp_path_factory.mktemp("home")
    return Settings(
        home=home,
        device="cpu",
        sparql_seconds=5,
        sparql_rows=2_000,
        sparql_client_seconds=10_000,
        sparql_client_errors=10_000,
        sparql_client_queries=1_000,
    )


@pytest.fixture(scope="session")
def ontology(settings: Settings) -> Graph:
    return load_ontology(settings.ontology)


@pytest.fixture(scope="session")
def vocabulary(ontology: Graph) -> Vocabulary:
    return Vocabulary.from_graph(ontology)


@pytest.fixture(scope="session")
def entries(settings: Settings, vocabulary: Vocabulary) -> dict[str, DatasetEntry]:
    """The real catalogue, read from its files."""
    return read_catalogue(settings.datasets, vocabulary)


@pytest.fixture(scope="session")
def generation(settings: Settings) -> Generation:
    """The real catalogue, built."""
    return build(settings)


@pytest.fixture(scope="session")
def base(settings: Settings, generation: Generation) -> KnowledgeBase:
    return KnowledgeBase(settings, generation)


def environment(settings: Settings) -> dict[str, str]:
    """Environment in which a process of ours finds the built generation."""
    return os.environ | {
        "WHENCE_HOME": str(settings.home),
        "WHENCE_DEVICE": "cpu",
        "WHENCE_SPARQL_SECONDS": str(settings.sparql_seconds),
        "WHENCE_SPARQL_ROWS": str(settings.sparql_rows),
        "WHENCE_SPARQL_CLIENT_SECONDS": str(settings.sparql_client_seconds),
        "WHENCE_SPARQL_CLIENT_ERRORS": str(settings.sparql_client_errors),
        "WHENCE_SPARQL_CLIENT_QUERIES": str(settings.sparql_client_queries),
    }


@contextmanager
def serving(settings: Settings, *arguments: str) -> Iterator[str]:
    """Base address of a real `whence serve` process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kb.cli", "serve", "--port", str(port), *arguments],
            env=environment(settings),
            stdout=log,
            stderr=log,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(150):
                try:
                    if httpx.get(f"{address}/livez").status_code:
                        break
                except httpx.TransportError:
                    time.sleep(0.2)
                if process.poll() is not None:
                    log.seek(0)
                    raise AssertionError(log.read())
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def server(settings: Settings, generation: Generation) -> Iterator[str]:
    """Base address of a service that all tests share."""
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="session")
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(settings: Settings, generation: Generation) -> Run:
    """Run `whence` as a user would, on the built generation."""

    def run(*arguments: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kb.cli", *arguments],
            capture_output=True, text=True, input=stdin, check=False, env=environment(settings) | extra, timeout=120,
        )  # fmt: skip

    return run
