"""The answer to "is more similar better?", as it leaves the system: points, agreement, counter-examples."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.agreement import Pooled
from kb.knowledge.difference import Separable
from kb.knowledge.overlap import Risk


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Point(_Answer):
    """One source on one target: how similar, and how it did."""

    source: str
    target: str
    group: str = Field(description="Comparison group; points of different groups do not compare.")
    similarity: float = Field(description="As assessed: see the direction of the sense.")
    outcome: float
    outcome_id: str
    proxy: str | None = Field(default=None, description="Entry that stood in for the source.")
    overlap: Risk = Field(description="Whether the source may hold items of the target.")
    refs: tuple[str, ...] = Field(description="Of the outcome and of the similarity.")


class GroupAlignment(_Answer):
    """Agreement inside one comparison group."""

    group: str
    study: str
    target: str
    metric: str
    higher_is_better: bool
    n: int = Field(description="Sources that enter.")
    datasets: int = Field(description="Different datasets among them.")
    tau: float | None = Field(
        description="Kendall's tau-b, + where more similar did better; None: not enough."
    )
    tau_without_overlap: float | None = Field(
        description="Without sources that may hold items of the target."
    )
    why_not: str | None = Field(default=None, description="Why there is no tau.")
    left_out: dict[str, int] = Field(description="Reason → number of sources that do not enter.")


class Example(_Answer):
    """Two sources of one group, the first more similar to the target than the second."""

    group: str
    target: str
    metric: str
    more_similar: Point
    less_similar: Point
    separable: Separable
    why: str


class SenseAlignment(_Answer):
    """Agreement of one sense, assessed in one way, with outcomes over all targets."""

    sense: str
    key: str = Field(description="Sense, and method or rating where there are several.")
    label: str
    basis: str
    method: str
    assessed_by: str = Field(description="Computed here, or the study that stores the values.")
    version: str | None = None
    direction: str
    pooled: Pooled
    without_overlap: Pooled
    statement: str
    proxies: int = Field(description="Assessments made on another dataset than the source.")
    left_out: dict[str, int] = Field(description="Reason → number of measured sources that do not enter.")
    groups: tuple[GroupAlignment, ...]
    points: tuple[Point, ...]
    more_similar_yet_worse: tuple[Example, ...]
    less_similar_yet_better: tuple[Example, ...] = Field(description="Other pairs, seen from the other side.")
    supporting: tuple[Example, ...] = Field(description="More similar, and better.")


class AlignmentAnswer(_Answer):
    """One record per sense and way of assessment; what can't be asked says why."""

    senses: tuple[SenseAlignment, ...]
    refused: dict[str, str] = Field(default={}, description="Sense → why its values are never ranked.")
    not_assessed: tuple[str, ...] = Field(
        default=(), description="Senses of the ontology without a value here."
    )
    note: str
