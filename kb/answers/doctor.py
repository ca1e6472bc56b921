"""What is installed, where things run, what was built."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from kb.engines.generation import current_generation
from kb.engines.sandbox import sandbox_state
from kb.errors import WhenceError
from kb.settings import Settings

_PACKAGES = (
    "pyoxigraph",
    "rdflib",
    "onnxruntime",
    "torch",
    "sentence-transformers",
    "owlready2",
    "fastapi",
    "pydantic",
)


def examine(settings: Settings) -> dict[str, str]:
    """Findings by name, in the order to print them; never raises for something that is missing."""
    findings = {
        "whence": version("whence"),
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "home": str(settings.home),
        "ontology": str(settings.ontology),
        "data": str(settings.data),
    }
    for package in _PACKAGES:
        findings[package] = _version(package)
    findings["faiss"] = (
        " or ".join(
            f"{name} {found}"
            for name in ("faiss-gpu", "faiss-cpu")
            if (found := _version(name)) != "not installed"
        )
        or "not installed"
    )
    findings["vector search on"] = _search_device(settings)
    findings["embedding on"] = _embedding_device(settings)
    walls = sandbox_state()
    findings["SPARQL walls"] = (
        "seccomp" if walls == "ok" else f"none: {walls}; the service binds loopback only"
    )
    try:
        manifest = current_generation(settings.home).manifest
    except WhenceError as error:
        findings["built"] = f"nothing: {error}"
        return findings
    findings |= {
        "data version": manifest.data_version,
        "entries": f"{manifest.entries:,}",
        "concepts": f"{manifest.concepts:,}",
        "triples": f"{manifest.merged:,} = {manifest.asserted:,} asserted + {manifest.entailed:,} entailed",
        "encoder": f"{manifest.model_name} ({manifest.model}), {manifest.dimension} dimensions, built on {manifest.device}",
        "build took": f"{manifest.build_seconds} s",
    }
    return findings


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _search_device(settings: Settings) -> str:
    from kb.engines.vector_index import faiss_gpus

    try:
        gpus = faiss_gpus()
    except WhenceError as error:
        return f"nothing: {error}"
    if settings.device == "cpu" or gpus == 0:
        return "cpu" if settings.device != "cuda" else "nothing: WHENCE_DEVICE=cuda, but faiss sees no GPU"
    return f"cuda ({gpus} GPU)"


def _embedding_device(settings: Settings) -> str:
    from kb.engines.encoder import pick_device

    try:
        return pick_device(settings.device)
    except ImportError:
        return "nothing: torch is not installed (queries need none)"
    except WhenceError as error:
        return f"nothing: {error}"
