"""Search in plain words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.state import Base
from kb.answers.search import SearchAnswer
from kb.answers.search import search as find

router = APIRouter(prefix="/api", tags=["search"])


class SearchRequest(BaseModel):
    """Body of a search."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(description="What you look for, in plain words.", examples=["chest X-ray pneumonia"])
    limit: int = Field(default=10, ge=1, le=200, description="How many entries to return.")


@router.get("/search", operation_id="search", summary="Find entries for a query in plain words")
def search(
    base: Base,
    q: Annotated[
        str, Query(description="What you look for, in plain words.", examples=["chest X-ray pneumonia"])
    ],
    limit: Annotated[int, Query(ge=1, le=200, description="How many entries to return.")] = 10,
) -> SearchAnswer:
    """Entries, best first, each with the parts of its search relevance."""
    return find(base, q, limit=limit)


@router.post("/search", operation_id="searchByPost", summary="The same, for long queries")
def search_by_post(base: Base, request: SearchRequest) -> SearchAnswer:
    """Entries, best first, each with the parts of its search relevance."""
    return find(base, request.q, limit=request.limit)
