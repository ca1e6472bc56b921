"""A study of transfers as one file: what was trained on what, under which protocol, and what came out.

What a study leaves unsaid is said so: a field that may carry a status holds `notReported`, `unknown` or
`notApplicable` in place of its value. Outcomes, ratings and estimates stay apart (three record types).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from kb.knowledge.entry_base import Part, Ref, Rule, Slug, SplitUnit, Text

Unstated = Literal["notReported", "unknown", "notApplicable"]
UNSTATED: tuple[Unstated, ...] = ("notReported", "unknown", "notApplicable")
#: Source of an outcome that was trained from random weights.
FROM_SCRATCH = "none"
EvidenceGrade = Literal[
    "paper table", "paper abstract", "repository table", "notebook output", "raw lab log", "own run"
]
Direction = Literal["higher-is-more-similar", "lower-is-more-similar"]
Number = Annotated[float, Field(allow_inf_nan=False)]
SenseName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+$")]


class SourceModel(Part):
    """A pretrained network by the name that the study uses; its architecture is that of the protocol."""

    id: Slug = Field(title="Name in the study")
    datasets: tuple[Slug, ...] = Field(default=(), title="Entries it was trained on, in order")
    other: Text | None = Field(default=None, title="What it was trained on, where that has no entry")
    without_target: bool = Field(default=False, title="A pool that leaves out the target of each outcome")
    objective: Literal["supervised", "self-supervised", "image-text"] = Field(
        default="supervised", title="Objective"
    )
    variant: Text | None = Field(
        default=None, title="Variant", description="What tells two models of one dataset apart."
    )
    rules: ClassVar = (
        Rule("exactly-one", ("datasets", "other"), "give either datasets (entry ids) or other (words)"),
    )

    @property
    def source_id(self) -> str:
        """Name of what it was trained on across studies: networks of one dataset, variant and objective are one source."""
        name = self.datasets[0] if len(self.datasets) == 1 else self.id
        kinds = [kind for kind in (self.variant, self.objective) if kind and kind != "supervised"]
        return f"{name} ({', '.join(kinds)})" if kinds else name


class Target(Part):
    """What was transferred to: an entry or a named dataset, a part of it, and the task."""

    id: Slug = Field(title="Name in the study")
    dataset: Slug | None = Field(default=None, title="Entry")
    other: Text | None = Field(default=None, title="Name, where there is no entry")
    subset: Text | None = Field(default=None, title="Part that was used")
    task: Slug = Field(title="Task, a concept of the ontology")
    rules: ClassVar = (
        Rule("exactly-one", ("dataset", "other"), "give either dataset (an entry id) or other (a name)"),
    )


class Protocol(Part):
    """How transfers were done and tested; outcomes compare only inside one protocol, target, metric and subgroup."""

    id: Slug = Field(title="Identifier within the study")
    strategies: tuple[Slug, ...] = Field(min_length=1, title="Strategies", description="Without `strategy-`.")
    architecture: Text = Field(title="Architecture")
    budget: Text | Unstated = Field(default="notReported", title="Search and training effort")
    test_set: Text | Unstated = Field(default="notReported", title="Test set")
    split_unit: SplitUnit | Unstated = Field(default="notReported", title="Unit kept together by the split")
    seeds: Annotated[int, Field(gt=0)] | Unstated = Field(
        default="notReported", title="Runs with different seeds"
    )
    folds: Annotated[int, Field(gt=0)] | None = Field(default=None, title="Folds of cross-validation")
    spread_over: Text | None = Field(default=None, title="What the spread is over")
    interval_kind: Text | None = Field(default=None, title="How intervals were made")
    interval_level: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, title="Level of intervals"
    )
    condition: Text | None = Field(default=None, title="Changed condition of the test, such as a confounder")
    grade: EvidenceGrade = Field(title="Where the values were read")
    file: Text | None = Field(default=None, title="File or part of the paper")
    note: Text | None = Field(default=None, title="Note")


class Outcome(Part):
    """A measured value, or a difference where `versus` or `minus` says from what."""

    source: Slug = Field(title="Model of this study, or none for training from scratch")
    target: Slug = Field(title="Target of this study")
    protocol: Slug = Field(title="Protocol of this study")
    metric: Slug = Field(
        title="Metric", description="Without `metric-`; of differences the metric of both sides."
    )
    value: Number = Field(
        title="Value", description="A fraction where the metric is one; differences are signed."
    )
    versus: Slug | None = Field(default=None, title="Model whose value was subtracted")
    subgroup: Text | None = Field(default=None, title="Subgroup")
    minus: Text | None = Field(default=None, title="Subgroup whose value was subtracted")
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, title="Standard deviation"
    )
    low: Number | None = Field(default=None, title="Lower end of the interval")
    high: Number | None = Field(default=None, title="Upper end of the interval")
    p: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, title="p value")
    p_below: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, title="Bound below which p lies"
    )
    correction: Text | None = Field(default=None, title="Correction for several comparisons")
    train: Annotated[int, Field(gt=0)] | None = Field(default=None, title="Training images of the target")
    note: Text | None = Field(default=None, title="Note")

    @property
    def is_difference(self) -> bool:
        """Whether the value is a difference and never an absolute figure."""
        return self.versus is not None or self.minus is not None

    @model_validator(mode="after")
    def _is_consistent(self) -> Outcome:
        if self.versus is not None and self.minus is not None:
            raise ValueError("versus, minus: give one; a difference of differences is another record")
        if self.minus is not None and (self.subgroup is None or self.subgroup == self.minus):
            raise ValueError("minus: needs a subgroup that it was subtracted from, and another one")
        if (self.low is None) != (self.high is None):
            raise ValueError("low, high: give both ends of the interval")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"value: {self.value} lies outside its interval {self.low} to {self.high}")
        if self.sd is not None and self.low is not None:
            raise ValueError("sd, low: give the standard deviation or the interval")
        return self


class Rated(Part):
    """Value for one pair of datasets."""

    source: Slug = Field(title="Entry compared as the source")
    target: Slug = Field(title="Entry compared as the target")
    value: Number = Field(title="Value")
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, title="Standard deviation"
    )
    n: Annotated[int, Field(gt=0)] | None = Field(default=None, title="Sample size")
    source_proxy: Slug | None = Field(default=None, title="Entry that stood in for the source")


class Rating(Part):
    """Assessments of one sense, made in one way."""

    id: Slug = Field(title="Identifier within the study")
    sense: SenseName = Field(title="Class of the sense")
    basis: Slug = Field(title="Basis", description="Such as human-judgement.")
    method: Slug = Field(title="Method", description="Without `method-`.")
    direction: Direction = Field(title="How the number reads")
    minimum: Number | None = Field(default=None, title="Lowest value of the scale")
    maximum: Number | None = Field(default=None, title="Highest value of the scale")
    version: Text | Unstated = Field(default="notReported", title="Version or variant of the method")
    encoder: Text | Unstated | None = Field(default=None, title="Encoder", description="For computed senses.")
    raters: Annotated[int, Field(gt=0)] | Unstated | None = Field(default=None, title="Number of raters")
    instrument: Text | Unstated | None = Field(default=None, title="Question or scale put to raters")
    grade: EvidenceGrade = Field(title="Where the values were read")
    file: Text | None = Field(default=None, title="File or part of the paper")
    note: Text | None = Field(default=None, title="Note")
    values: tuple[Rated, ...] = Field(min_length=1, title="Values")


class Estimate(Part):
    """Transferability estimates by one estimator on one architecture: source → target → value."""

    estimator: Slug = Field(title="Estimator", description="Without `estimator-`.")
    architecture: Text = Field(title="Architecture")
    strategies: tuple[Slug, ...] = Field(
        default=("full-fine-tuning",), title="Strategies of the transfers predicted"
    )
    version: Text | Unstated = Field(default="notReported", title="Version")
    sample: Annotated[int, Field(gt=0)] | Unstated = Field(default="notReported", title="Target images used")
    grade: EvidenceGrade = Field(title="Where the values were read")
    file: Text | None = Field(default=None, title="File or part of the paper")
    note: Text | None = Field(default=None, title="Note")
    values: dict[Slug, dict[Slug, Number]] = Field(min_length=1, title="Values")


class Study(Part):
    """Everything that one paper, thesis or repository reports."""

    id: Slug = Field(title="Identifier, also the name of the file")
    title: Text = Field(title="Title")
    refs: tuple[Ref, ...] = Field(min_length=1, title="References")
    year: Annotated[int, Field(strict=True, ge=1990, le=2100)] | None = Field(default=None, title="Year")
    note: Text | None = Field(default=None, title="Note")
    models: tuple[SourceModel, ...] = Field(default=(), title="Pretrained models")
    targets: tuple[Target, ...] = Field(default=(), title="Targets")
    protocols: tuple[Protocol, ...] = Field(default=(), title="Protocols")
    outcomes: tuple[Outcome, ...] = Field(default=(), title="Outcomes and differences")
    ratings: tuple[Rating, ...] = Field(default=(), title="Similarity assessments")
    estimates: tuple[Estimate, ...] = Field(default=(), title="Transferability estimates")

    @model_validator(mode="after")
    def _names_are_known(self) -> Study:
        models = _unique("models", [model.id for model in self.models]) | {FROM_SCRATCH}
        targets = _unique("targets", [target.id for target in self.targets])
        protocols = _unique("protocols", [protocol.id for protocol in self.protocols])
        _unique("ratings", [rating.id for rating in self.ratings])
        seen = set[str]()
        for number, outcome in enumerate(self.outcomes):
            where = f"outcomes.{number}"
            _known(f"{where}.source", outcome.source, models)
            _known(f"{where}.target", outcome.target, targets)
            _known(f"{where}.protocol", outcome.protocol, protocols)
            if outcome.versus is not None:
                _known(f"{where}.versus", outcome.versus, models - {outcome.source})
            if (key := outcome_key(outcome)) in seen:
                raise ValueError(f"{where}: the same cell stands there twice: {key}")
            seen.add(key)
        for rating in self.ratings:
            _unique(
                f"ratings.{rating.id}.values", [f"{pair.source} and {pair.target}" for pair in rating.values]
            )
        _unique(
            "estimates",
            [f"{b.estimator} {b.version} on {b.architecture} from {b.file}" for b in self.estimates],
        )
        for number, block in enumerate(self.estimates):
            for source, row in block.values.items():
                _known(f"estimates.{number}.values", source, models - {FROM_SCRATCH})
                for target in row:
                    _known(f"estimates.{number}.values.{source}", target, targets)
        return self


def outcome_key(outcome: Outcome) -> str:
    """What tells an outcome apart from the others of its study."""
    parts = [outcome.protocol, outcome.source, outcome.target, outcome.metric]
    parts += [outcome.subgroup or "", f"vs {outcome.versus}" if outcome.versus else ""]
    parts += [
        f"minus {outcome.minus}" if outcome.minus else "",
        f"train {outcome.train}" if outcome.train else "",
    ]
    return "--".join(part for part in parts if part)


def _unique(field: str, names: list[str]) -> set[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{field}: the same id stands there twice: {', '.join(twice)}")
    return set(names)


def _known(field: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise ValueError(f"{field}: found {name!r}; one of {', '.join(sorted(known))}")
