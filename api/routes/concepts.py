"""Concepts of the ontology, for autocompletion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.state import Base
from kb.answers.concepts import ConceptHit, find_concepts
from kb.knowledge.entry_base import Facet

router = APIRouter(prefix="/api", tags=["vocabulary"])


@router.get("/concepts", operation_id="findConcepts", summary="Find concepts by label, synonym or code")
def concepts(
    base: Base,
    q: Annotated[str, Query(description="Name, beginning of a name, or code.", examples=["CXR"])],
    facet: Annotated[Facet | None, Query(description="Only this facet.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many concepts to return.")] = 10,
) -> tuple[ConceptHit, ...]:
    """Concepts, exact names and codes first, each with the name that matched and how."""
    return find_concepts(base, q, facet=facet, limit=limit)
