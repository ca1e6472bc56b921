"""Parquet through pyarrow, the only place that imports it (extra `export`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from kb.errors import NotReady

Kind = Literal["text", "integer", "texts", "integers"]
_ROWS = 1_000


def write_parquet(
    path: Path, columns: Mapping[str, Kind], rows: Iterable[Mapping[str, Any]], metadata: Mapping[str, str]
) -> None:
    """Write rows a group at a time; the same rows give the same bytes with the same version of pyarrow.

    Raises `NotReady` when pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise NotReady("Parquet needs pyarrow", hint="pip install 'whence[export]'") from error
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "texts": pa.list_(pa.string()),
        "integers": pa.list_(pa.int64()),
    }
    schema = pa.schema(
        [pa.field(name, types[kind]) for name, kind in columns.items()], metadata=dict(metadata)
    )
    with pq.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _groups(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while group := [dict(row) for row in islice(remaining, _ROWS)]:
        yield group
