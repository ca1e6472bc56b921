"""Entries of the catalogue."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.state import Base
from kb.errors import InvalidInput
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.names import DATASET

router = APIRouter(prefix="/api/datasets", tags=["datasets"])


class DatasetAnswer(BaseModel):
    """An entry with its description, written or rendered."""

    entry: DatasetEntry
    description: str
    iri: str


class DatasetPage(BaseModel):
    """Some entries in the order of their ids."""

    total: int
    data_version: str
    items: list[DatasetAnswer]
    next: str | None = Field(description="Cursor of the next page; None on the last one.")


def _answer(base: Base, entry: DatasetEntry) -> DatasetAnswer:
    return DatasetAnswer(entry=entry, description=base.describe(entry), iri=str(DATASET[entry.id]))


def _cursor(entry_id: str) -> str:
    return base64.urlsafe_b64encode(entry_id.encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput(
            f"not a cursor: {cursor[:40]!r}",
            field="cursor",
            hint="use `next` of the page before, or leave it out",
        ) from error


@router.get("", operation_id="listDatasets", summary="All entries, a page at a time")
def list_datasets(
    base: Base,
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200, description="Entries on the page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> DatasetPage:
    """Entries in the order of their ids; `Link: rel=next` leads on."""
    after = _after(cursor) if cursor else ""
    ids = [entry_id for entry_id in sorted(base.entries) if entry_id > after]
    more = _cursor(ids[limit - 1]) if len(ids) > limit else None
    if more:
        url = request.url.include_query_params(cursor=more, limit=limit)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return DatasetPage(
        total=len(base.entries),
        data_version=base.manifest.data_version,
        items=[_answer(base, base.entries[entry_id]) for entry_id in ids[:limit]],
        next=more,
    )


@router.get("/{entry_id}", operation_id="getDataset", summary="One entry")
def get_dataset(base: Base, entry_id: str) -> DatasetAnswer:
    """The entry with its description; an unknown id is answered with near ones."""
    return _answer(base, base.entry(entry_id))
