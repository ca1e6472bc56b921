"""Shape of an answer about source candidates: every column keeps its own meaning, and what is not known says so."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entry_base import FieldStatus
from kb.knowledge.overlap import Risk
from kb.knowledge.similarity import Assessed
from kb.knowledge.verdicts import Verdict

Leaning = Literal["for", "against", "open"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class TargetAnswer(_Answer):
    """What the target was taken to be."""

    id: str | None
    name: str
    stated: dict[str, tuple[str, ...]] = Field(description="Concepts by facet.")
    not_understood: tuple[str, ...] = ()
    left_out: tuple[str, ...] = Field(
        description="Targets whose outcomes the prediction was made without: this one, those that may share items with "
        "it, and what was asked for."
    )


class MeasuredOn(_Answer):
    """One measured outcome of the source, inside its comparison group."""

    group: str
    target: str
    study: str
    metric: str
    value: float
    low: float | None
    high: float | None
    sd: float | None
    runs: int | None
    best_in_group: float
    place: int = Field(description="Place in the group, 1: highest in this report.")
    of: int
    clearly_behind: Literal["yes", "no", "not reported"] = Field(
        description="Whether the difference to the best of the group is separable from zero."
    )
    overlap: Risk
    refs: tuple[str, ...]


class Predicted(_Answer):
    """What is expected, from outcomes on other targets only; not a measurement."""

    score: float = Field(description="Standard units within a comparable block; 0 is an average source.")
    low: float
    high: float
    level: float = Field(description="Probability that a new measurement falls between low and high.")
    metric: str | None
    outcome: tuple[float, float, float] | None = Field(
        description="Expected value of the metric, low, high: wide, since the level of a new target is not known."
    )
    basis: str
    outcomes: int
    studies: tuple[str, ...]


class Weights(_Answer):
    """Downloadable weights of a network trained on the source; their licence is their own."""

    architecture: str
    objective: str
    url: str
    licence: str | None = Field(description="Of the weights; None: not stated where they are.")
    input: str = Field(description="Size, channel order and scaling, as far as stated.")
    framework: str | None
    snippet: str | None = Field(
        description="How to load a downloaded file; None where the framework is not stated."
    )
    refs: tuple[str, ...]


class Factor(_Answer):
    """Something that speaks for or against the source, or is open, with what it rests on."""

    factor: str = Field(description="Individual of the ontology.")
    leaning: Leaning
    statement: str
    heuristic: str | None = Field(
        default=None, description="Rule of thumb that says so, and no more than that."
    )
    refs: tuple[str, ...] = ()


class Overlap(_Answer):
    """Whether the source may hold items of the target."""

    risk: Risk
    path: tuple[str, ...]
    warning: str | None


class Candidate(_Answer):
    """One source candidate."""

    source: str
    name: str
    datasets: tuple[str, ...]
    baseline: bool
    group: int = Field(
        description="Groups come in an order that evidence supports; inside one it is not supported."
    )
    similarities: dict[str, Assessed] = Field(
        description="By sense; empty for pools and training from scratch."
    )
    measured: tuple[MeasuredOn, ...] = Field(description="On this target.")
    measured_elsewhere: tuple[MeasuredOn, ...] = Field(description="On targets like it.")
    predicted: Predicted
    weights: tuple[Weights, ...]
    licence: tuple[str, ...]
    access: tuple[str, ...]
    population: dict[str, FieldStatus] = Field(description="What is reported of the people in it.")
    overlap: Overlap
    checked: tuple[Verdict, ...] = Field(description="Conditions that were asked for.")
    factors: tuple[Factor, ...]


class CompositeRow(_Answer):
    """A source in an order that was asked for by weights."""

    source: str
    value: float
    parts: dict[str, float]


class Composite(_Answer):
    """An order by weighted senses; exists only when asked for, and is no assessment."""

    sense: Literal["CompositeRanking"] = "CompositeRanking"
    weights: dict[str, float]
    rows: tuple[CompositeRow, ...]


class Kept(_Answer):
    """What a condition kept out."""

    condition: str
    fails: int
    unknown: int


class CandidatesAnswer(_Answer):
    """Source candidates for a target, in groups."""

    target: TargetAnswer
    metric: str
    architecture: str | None
    strategy: str | None
    data_version: str
    considered: int
    groups: int = Field(description="How many groups the shown candidates fall into.")
    candidates: tuple[Candidate, ...]
    conditions: tuple[Kept, ...]
    composite: Composite | None = None
    notes: tuple[str, ...]
