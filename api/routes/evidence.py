"""Measured transfers, their agreement with similarity, and their effects on people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.state import Base
from kb.answers.alignment import alignment as align
from kb.answers.alignment_answer import AlignmentAnswer
from kb.answers.fairness import FairnessAnswer
from kb.answers.fairness import fairness as effects
from kb.answers.outcomes import OutcomesAnswer
from kb.answers.outcomes import outcomes as find

router = APIRouter(prefix="/api", tags=["evidence"])


@router.get("/outcomes", operation_id="outcomes", summary="Measured transfers by target, source or study")
def outcomes(
    base: Base,
    target: Annotated[str | None, Query(description="Id of an entry.", examples=["chexpert"])] = None,
    source: Annotated[str | None, Query(description="Id of an entry, or none.")] = None,
    study: Annotated[str | None, Query(description="Id of a study.")] = None,
) -> OutcomesAnswer:
    """Comparison groups: values inside one compare, values of different ones do not."""
    return find(base, target=target, source=source, study=study)


@router.get("/alignment", operation_id="alignment", summary="Is more similar better?")
def alignment(
    base: Base,
    sense: Annotated[
        str | None,
        Query(
            description="One sense of similarity; all where none is given.",
            examples=["ModalityConceptSimilarity"],
        ),
    ] = None,
) -> AlignmentAnswer:
    """Agreement of each similarity sense with measured outcomes, with the points and the counter-examples."""
    return align(base, sense)


@router.get("/fairness", operation_id="fairness", summary="Effects on people, by source")
def fairness(
    base: Base, target: Annotated[str, Query(description="Id of an entry.", examples=["chexpert"])]
) -> FairnessAnswer:
    """Subgroup outcomes and gaps, and what sources report of the people in them."""
    return effects(base, target)
