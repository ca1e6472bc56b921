"""How alike two datasets are, sense by sense, and several side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.state import Base
from kb.answers.compare import CompareAnswer
from kb.answers.compare import compare as side_by_side
from kb.answers.similarity import SimilarityAnswer
from kb.answers.similarity import similarity as find

router = APIRouter(prefix="/api", tags=["similarity"])
_DATASET = "Id of an entry, or a description in words."


@router.get("/similarity", operation_id="similarity", summary="How alike are two datasets?")
def similarity(
    base: Base,
    a: Annotated[str, Query(description=f"Source. {_DATASET}", examples=["imagenet-1k"])],
    b: Annotated[str, Query(description=f"Target. {_DATASET}", examples=["chexpert"])],
) -> SimilarityAnswer:
    """Every sense that needs no images, or which fact is missing; published values and ratings beside them."""
    return find(base, a, b)


@router.get("/compare", operation_id="compare", summary="Two to five datasets side by side")
def compare(
    base: Base,
    id: Annotated[list[str], Query(description=f"Two to five. {_DATASET}")],
) -> CompareAnswer:
    """What is known of each, or why it is not, and each sense of similarity between any two."""
    return side_by_side(base, id)
