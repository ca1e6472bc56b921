"""What a phrase of likeness may mean."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.state import Base
from kb.answers.resolve import LONGEST, ResolveAnswer
from kb.answers.resolve import resolve as find

router = APIRouter(prefix="/api", tags=["wordings"])


class ResolveRequest(BaseModel):
    """Body of a request."""

    model_config = ConfigDict(extra="forbid")

    phrase: str = Field(max_length=LONGEST, description="Phrase, sentence or paragraph.")
    context: str | None = Field(
        default=None, max_length=LONGEST, description="What stands around it; decides between senses."
    )


@router.get("/resolve", operation_id="resolve", summary="What does this phrase of likeness mean?")
def resolve(
    base: Base,
    phrase: Annotated[str, Query(description="Phrase or sentence.", examples=["visually similar"])],
    context: Annotated[str | None, Query(description="What stands around it.")] = None,
) -> ResolveAnswer:
    """Expressions found, each with ranked senses, their definitions, and the one question that would settle it."""
    return find(base, phrase, context)


@router.post("/resolve", operation_id="resolve_text", summary="What do the phrases of this text mean?")
def resolve_text(base: Base, request: ResolveRequest) -> ResolveAnswer:
    """The same for a longer text."""
    return find(base, request.phrase, request.context)
