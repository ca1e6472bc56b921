"""Search in plain words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.state import Base
from kb.answers.search import search as find
from kb.answers.search_answer import SearchAnswer
from kb.knowledge.interpretation import Interpretation

router = APIRouter(prefix="/api", tags=["search"])


class SearchRequest(BaseModel):
    """Body of a search."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(description="What you look for, in plain words.", examples=["chest X-ray pneumonia"])
    limit: int = Field(default=10, ge=1, le=200, description="How many entries to return.")
    cursor: str | None = Field(default=None, description="`next` of an answer, to go on from there.")
    interpretation: Interpretation | None = Field(
        default=None,
        description="What the query means, in place of what it would be taken to mean: the answer's, corrected.",
    )


@router.get("/search", operation_id="search", summary="Find entries for a query in plain words")
def search(
    base: Base,
    q: Annotated[
        str, Query(description="What you look for, in plain words.", examples=["chest X-ray pneumonia"])
    ],
    limit: Annotated[int, Query(ge=1, le=200, description="How many entries to return.")] = 10,
    cursor: Annotated[str | None, Query(description="`next` of an answer, to go on from there.")] = None,
) -> SearchAnswer:
    """Entries that match, that may match and that nearly do, each with the reasons; and what was understood."""
    return find(base, q, limit=limit, cursor=cursor)


@router.post(
    "/search", operation_id="searchByPost", summary="The same, for long queries and corrected interpretations"
)
def search_by_post(base: Base, request: SearchRequest) -> SearchAnswer:
    """The same; any part of the answer's `interpretation` can be corrected and sent back."""
    return find(
        base, request.q, limit=request.limit, cursor=request.cursor, interpretation=request.interpretation
    )
