"""A generation: one published, immutable state of everything built, and the pointer to the current one.

    HOME/current                      number of the current generation
    HOME/generations/<number>/        manifest.json, entries.jsonl, studies.jsonl, vocabulary.json, terms.json, resolver.json, vectors.faiss,
                                  concepts.faiss, words.sqlite, store/, ontology/
    HOME/encoders/<fingerprint>/      model.onnx, tokenizer.json, limits.json

A generation is written under a temporary name, renamed, and only then pointed to: a build that fails changes
nothing that worked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from kb.errors import NotReady

_KEPT = 3


class Manifest(BaseModel):
    """What a generation was made from, and how large it is."""

    model_config = ConfigDict(frozen=True)

    data_version: str
    release: str
    sequence: int
    content: str
    inputs: str
    model: str
    model_name: str
    dimension: int
    device: str
    entries: int
    concepts: int
    asserted: int
    entailed: int
    merged: int
    build_seconds: float


class Generation:
    """One generation on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.model_validate_json((folder / "manifest.json").read_text(encoding="utf-8"))

    def whole(self, *files: Path) -> None:
        """Check that files of the generation are there.

        Raises `NotReady` where one is not: another release built it.
        """
        for file in files:
            if not file.exists():
                raise NotReady(
                    f"this generation holds no {file.name}: another release built it",
                    hint="run `whence build`",
                )

    @property
    def store(self) -> Path:
        """Folder of the triple store."""
        return self.folder / "store"

    @property
    def entries(self) -> Path:
        """File of all entries, canonical JSON, one a line, in the order of the vectors."""
        return self.folder / "entries.jsonl"

    @property
    def vocabulary(self) -> Path:
        """File of all concepts."""
        return self.folder / "vocabulary.json"

    @property
    def terms(self) -> Path:
        """File of the reference of all terms of the ontology."""
        return self.folder / "terms.json"

    @property
    def resolver(self) -> Path:
        """File of what resolves wordings of likeness."""
        return self.folder / "resolver.json"

    @property
    def conditions(self) -> Path:
        """Table of wordings of conditions of search; their vectors are in `condition_vectors`."""
        return self.folder / "conditions.tsv"

    @property
    def condition_vectors(self) -> Path:
        """FAISS index of the wordings of conditions, in the order of the table."""
        return self.folder / "conditions.faiss"

    @property
    def ontology(self) -> Path:
        """Folder of the ontology's release files."""
        return self.folder / "ontology"

    @property
    def vectors(self) -> Path:
        """File of the FAISS index."""
        return self.folder / "vectors.faiss"

    @property
    def studies(self) -> Path:
        """File of the studies, one JSON object a line."""
        return self.folder / "studies.jsonl"

    @property
    def concept_vectors(self) -> Path:
        """File of the FAISS index of concepts, in the order of the vocabulary."""
        return self.folder / "concepts.faiss"

    @property
    def words(self) -> Path:
        """File of the full-text index."""
        return self.folder / "words.sqlite"

    @property
    def encoder(self) -> Path:
        """Folder of the query encoder with the weights that the index was built with."""
        return self.folder.parent.parent / "encoders" / self.manifest.model


def current_generation(home: Path) -> Generation:
    """The published generation.

    Raises `NotReady` when nothing was built yet.
    """
    pointer = home / "current"
    if not pointer.is_file():
        raise NotReady(f"nothing built in {home}", hint="run `whence build`")
    return Generation(home / "generations" / pointer.read_text(encoding="utf-8").strip())


@contextmanager
def new_generation(home: Path) -> Iterator[Path]:
    """Folder to write a generation into; published when the block ends, thrown away when it raises."""
    generations = home / "generations"
    generations.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=generations))
    try:
        yield building
        numbers = sorted(int(path.name) for path in generations.iterdir() if path.name.isdigit())
        number = numbers[-1] + 1 if numbers else 1
        building.rename(generations / str(number))
        pointer = home / f".current-{number}"
        pointer.write_text(f"{number}\n", encoding="utf-8")
        pointer.replace(home / "current")
    finally:
        shutil.rmtree(building, ignore_errors=True)
    for old in numbers[: 1 - _KEPT]:
        shutil.rmtree(generations / str(old), ignore_errors=True)
