"""Source candidates for a target."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.state import Base
from kb.answers.candidate_answer import CandidatesAnswer
from kb.answers.candidates import Wanted
from kb.answers.candidates import candidates as find
from kb.answers.target import Target, partial_entry, target_of
from kb.errors import InvalidInput
from kb.knowledge.requirement import requirement

router = APIRouter(prefix="/api", tags=["candidates"])
Texts = Annotated[list[str] | None, Query()]


class CandidatesRequest(BaseModel):
    """Body of a request for candidates; give `target` or `entry`."""

    model_config = ConfigDict(extra="forbid")

    target: str | None = Field(default=None, description="Id of an entry, or a description in words.")
    entry: dict[str, Any] | None = Field(default=None, description="Any part of an entry's JSON.")
    sources: list[str] = Field(default=[], description="Only these; none stands for training from scratch.")
    must: list[str] = Field(default=[], description="Conditions on sources, such as licence=commercial.")
    leave_out: list[str] = Field(default=[], description="Studies or targets to predict without.")
    architecture: str | None = None
    strategy: str | None = None
    metric: str = "auroc"
    limit: int = Field(default=12, ge=1, le=200)
    composite: dict[str, float] = Field(default={}, description="Sense → weight.")


def _wanted(base: Base, request: CandidatesRequest) -> Wanted:
    return Wanted(
        sources=tuple(request.sources),
        must=tuple(requirement(text, base.vocabulary) for text in request.must),
        leave_out=tuple(request.leave_out),
        architecture=request.architecture,
        strategy=request.strategy,
        metric=request.metric,
        limit=request.limit,
        composite=request.composite,
    )


def _target(base: Base, request: CandidatesRequest) -> Target:
    if request.entry is not None:
        return Target(partial_entry(base, request.entry, field="entry"))
    if request.target is None:
        raise InvalidInput("give target or entry", field="target")
    return target_of(base, request.target, files=False)


@router.get("/candidates", operation_id="candidates", summary="From which dataset should I transfer?")
def candidates(
    base: Base,
    target: Annotated[
        str,
        Query(description="Id of an entry, or a description in words.", examples=["chexpert"]),
    ],
    source: Texts = None,
    must: Texts = None,
    leave_out: Texts = None,
    architecture: str | None = None,
    metric: str = "auroc",
    limit: Annotated[int, Query(ge=1, le=200)] = 12,
) -> CandidatesAnswer:
    """Candidates in groups: evidence, each similarity sense, predictions, weights, rights, people, overlap."""
    request = CandidatesRequest(
        target=target,
        sources=source or [],
        must=must or [],
        leave_out=leave_out or [],
        architecture=architecture,
        metric=metric,
        limit=limit,
    )
    return find(base, _target(base, request), _wanted(base, request))


@router.post("/candidates", operation_id="candidatesByPost", summary="The same, for a described target")
def candidates_by_post(base: Base, request: CandidatesRequest) -> CandidatesAnswer:
    """The target may be any part of an entry, for data that the catalogue does not know."""
    return find(base, _target(base, request), _wanted(base, request))
