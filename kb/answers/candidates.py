"""From which dataset should I transfer? Source candidates for a target, in groups, every column with its own meaning.

The order rests on predictions made without the target's own outcomes and those of targets that may share items with it,
so that predicted and measured columns are independent. Inside a group the order is not supported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kb.answers.candidate_answer import (
    Candidate,
    CandidatesAnswer,
    Composite,
    CompositeRow,
    Kept,
    MeasuredOn,
    Overlap,
    Predicted,
    TargetAnswer,
)
from kb.answers.candidate_factors import factors_of, population_of, weights_of
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search_tables import Floats
from kb.answers.target import Target
from kb.errors import InvalidInput, NotFound
from kb.knowledge.comparison import ComparisonGroup, MeasuredRow
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.interpretation import Constraint
from kb.knowledge.overlap import is_certain
from kb.knowledge.predictor import INTERVAL_LEVEL, Prediction, Predictor, tiers
from kb.knowledge.predictor_evidence import Source, facts_of
from kb.knowledge.similarity import DOCUMENTATION, SENSES, Assessed, assess, record, values
from kb.knowledge.study import FROM_SCRATCH
from kb.knowledge.suggestions import did_you_mean
from kb.knowledge.verdicts import judge, status_of

#: Always in the table, so that every other source is read beside them.
BASELINES = ("imagenet-1k", FROM_SCRATCH)
_SCRATCH_NAMES = (FROM_SCRATCH, "scratch", "from-scratch", "random")
_MOST = 200


@dataclass(frozen=True)
class Wanted:
    """What is asked for beside the target."""

    sources: tuple[str, ...] = ()
    must: tuple[Constraint, ...] = ()
    leave_out: tuple[str, ...] = ()
    architecture: str | None = None
    strategy: str | None = None
    metric: str = "auroc"
    limit: int = 12
    composite: Mapping[str, float] = field(default_factory=dict)


def candidates(base: KnowledgeBase, target: Target, wanted: Wanted | None = None) -> CandidatesAnswer:
    """Source candidates for a target, best group first.

    Raises `NotFound` for an unknown source or thing to leave out, `InvalidInput` for a limit out of range or a sense
    that can't be weighted.
    """
    return _Table(base, target, wanted or Wanted()).answer()


class _Table:
    """One answer in the making."""

    def __init__(self, base: KnowledgeBase, target: Target, wanted: Wanted) -> None:
        if not 1 <= wanted.limit <= _MOST:
            raise InvalidInput(f"expected 1 to {_MOST}, found {wanted.limit}", field="limit")
        self.base, self.target, self.wanted = base, target, wanted
        self.evidence = base.evidence
        self.facts = facts_of(target.entry, base.vocabulary)
        self.profile = self.evidence.profiler.of(target.entry)
        self.left_out = left_out(base, target, wanted.leave_out)
        self.predictor: Predictor = self.evidence.predictor(self.left_out)
        known = {row.metric for row in self.evidence.rows.rows}
        self.metric = wanted.metric if wanted.metric in known else "auroc"

    def answer(self) -> CandidatesAnswer:
        """The whole answer."""
        pool, kept = self._pool()
        predictions = self.predictor.predict(self.facts, pool)
        group_of = {p.source: number for number, tier in enumerate(tiers(predictions), start=1) for p in tier}
        best = [p for p in predictions if p.source not in BASELINES][: self.wanted.limit]
        tried = {row.source_id for g in self.evidence.groups if g.target == self.target.id for row in g.rows}
        always = [p for p in predictions if p.source in BASELINES or (self.target.id and p.source in tried)]
        shown = sorted({p.source: p for p in (*best, *always)}.values(), key=lambda p: (-p.score, p.source))
        by_id = {source.id: source for source in pool}
        detailed = {
            p.source: p
            for p in self.predictor.predict(self.facts, [by_id[p.source] for p in shown], self.metric)
        }
        return CandidatesAnswer(
            target=self._target(),
            metric=self.metric,
            architecture=self.wanted.architecture,
            strategy=self.wanted.strategy,
            data_version=self.base.manifest.data_version,
            considered=len(pool),
            groups=len({group_of[p.source] for p in shown}),
            candidates=tuple(
                self._candidate(by_id[p.source], detailed[p.source], group_of[p.source]) for p in shown
            ),
            conditions=kept,
            composite=self._composite(pool) if self.wanted.composite else None,
            notes=tuple(self._notes(group_of, shown)),
        )

    def _pool(self) -> tuple[list[Source], tuple[Kept, ...]]:
        """Sources that are considered, and what each condition kept out."""
        if self.wanted.sources:
            return [source_named(self.base, name) for name in self.wanted.sources], ()
        on_file = self.evidence.rows.sources
        pool = [
            *on_file.values(),
            *(Source(i, (facts,)) for i, facts in self.evidence.facts.items() if i not in on_file),
        ]
        pool = [source for source in pool if [part.id for part in source.parts] != [self.target.id]]
        tables = self.base.search_tables
        kept = []
        for constraint in self.wanted.must:
            statuses = {
                entry_id: status_of(
                    entry, constraint, tables.entailed_by(tables.row_of[entry_id]), tables.facet_of
                )
                for entry_id, entry in self.base.entries.items()
            }
            found = [[statuses[part.id] for part in source.parts] for source in pool]
            kept.append(
                Kept(
                    condition=constraint.said,
                    fails=sum("fails" in of for of in found),
                    unknown=sum("unknown" in of and "fails" not in of for of in found),
                )
            )
            pool = [source for source, of in zip(pool, found, strict=True) if "fails" not in of]
        if not any(source.parts for source in pool):
            raise InvalidInput(
                "no source meets all conditions: "
                + "; ".join(f"{one.condition} kept out {one.fails:,}" for one in kept),
                field="must",
                hint="drop or loosen one",
            )
        return pool, tuple(kept)

    def _target(self) -> TargetAnswer:
        entry, meant = self.target.entry, self.target.interpretation
        return TargetAnswer(
            id=self.target.id,
            name=entry.name,
            stated={
                facet: entry.concepts(facet)
                for facet in ("modality", "anatomy", "task", "finding")
                if entry.concepts(facet)
            },
            not_understood=meant.not_understood if meant else (),
            left_out=tuple(sorted(self.left_out)),
        )

    def _candidate(self, source: Source, prediction: Prediction, group: int) -> Candidate:
        entries = [self.base.entries[part.id] for part in source.parts if part.id in self.base.entries]
        single = entries[0] if len(entries) == 1 else None
        measured, elsewhere = self._measured(source)
        overlap = self._overlap(source)
        similarities = self._similarities(single) if single else {}
        tables = self.base.search_tables
        return Candidate(
            source=source.id,
            name=self._name(source, entries),
            datasets=tuple(part.id for part in source.parts),
            baseline=source.id in BASELINES,
            group=group,
            similarities=similarities,
            measured=measured,
            measured_elsewhere=elsewhere,
            predicted=_predicted(prediction, self.metric),
            weights=tuple(weights_of(single, self.wanted.architecture)) if single else (),
            licence=tuple(f"{e.id}: {one.stated}" for e in entries for one in e.licences),
            access=tuple(f"{e.id}: {one.route} ({one.basis})" for e in entries for one in e.access),
            population=population_of(single) if single else {},
            overlap=overlap,
            checked=tuple(
                judge(entry, constraint, tables.entailed_by(tables.row_of[entry.id]), tables.facet_of)
                for constraint in self.wanted.must
                for entry in entries
            ),
            factors=factors_of(self.target.entry, entries, similarities, measured, prediction, overlap),
        )

    def _name(self, source: Source, entries: Sequence[DatasetEntry]) -> str:
        if source.id == FROM_SCRATCH:
            return "trained from scratch"
        if len(entries) == 1:
            return entries[0].name + source.id.removeprefix(entries[0].id)
        return source.id

    def _similarities(self, entry: DatasetEntry) -> dict[str, Assessed]:
        profile = self.evidence.profiles[entry.id]
        found = {
            sense.key: one
            for sense, one in zip(SENSES, assess(profile, self.profile, self.evidence.profiler), strict=True)
        }
        cosine = float(self._cosines[self.base.search_tables.row_of[entry.id]])
        found[DOCUMENTATION.key] = record(DOCUMENTATION, cosine, profile, self.profile)
        return found

    @cached_property
    def _cosines(self) -> Floats:
        return self.base.search_tables.cosines(self.base.text_of(self.target.entry))

    def _measured(self, source: Source) -> tuple[tuple[MeasuredOn, ...], tuple[MeasuredOn, ...]]:
        """Outcomes of a source on this target, and on those of its modality and anatomy or that share items."""
        here: list[MeasuredOn] = []
        like: list[MeasuredOn] = []
        family = self.evidence.rows.family(self.facts)
        for group in self.evidence.groups:
            if group.subgroup is not None or group.target is None:
                continue
            place = here if group.target == self.target.id else like if group.target in family else None
            if place is None:
                continue
            place += [_measured_on(group, row) for row in group.rows if row.source_id == source.id]
        return tuple(here), tuple(like)

    def _overlap(self, source: Source) -> Overlap:
        if self.target.id is None or not source.parts:
            return Overlap(risk="not-checked", path=(), warning=None)
        parts = [part.id for part in source.parts_for(self.target.id)]
        risk = self.evidence.overlaps.risk(parts, self.target.id)
        paths = [path for part in parts if (path := self.evidence.overlaps.path(part, self.target.id))]
        if self.target.id in parts:
            return Overlap(risk="known", path=(), warning="the source is the target itself")
        if not paths:
            return Overlap(risk=risk, path=(), warning=None)
        path = min(paths, key=lambda steps: (not is_certain(steps), len(steps)))
        said = "may hold" if risk == "possible" else "holds"
        return Overlap(
            risk=risk,
            path=tuple(f"{step.source} {step.kind} {step.target}" for step in path),
            warning=f"the source {said} items of the target: test only on items it was not trained on",
        )

    def _composite(self, pool: Sequence[Source]) -> Composite:
        """Weighted sum of senses over the sources for which all are computable."""
        known = {sense.key: sense for sense in SENSES}
        for name in self.wanted.composite:
            if name not in known or not known[name].higher or known[name].maximum != 1:
                usable = [key for key, sense in known.items() if sense.higher and sense.maximum == 1]
                raise InvalidInput(
                    f"can't weight {name!r}", field="composite", hint=f"one of {', '.join(usable)}"
                )
        rows = []
        for source in pool:
            if (
                len(source.parts) == 1
                and source.parts[0].id == source.id
                and source.id in self.evidence.profiles
            ):
                found = values(self.evidence.profiles[source.id], self.profile, self.evidence.profiler)
                parts = {name: found[name] for name in self.wanted.composite}
                complete = {name: value for name, value in parts.items() if value is not None}
                if len(complete) == len(parts):
                    total = sum(self.wanted.composite[name] * value for name, value in complete.items())
                    rows.append(CompositeRow(source=source.id, value=total, parts=complete))
        rows.sort(key=lambda row: (-row.value, row.source))
        return Composite(weights=dict(self.wanted.composite), rows=tuple(rows[: self.wanted.limit]))

    def _notes(self, group_of: Mapping[str, int], shown: Iterable[Prediction]) -> Iterable[str]:
        first = sum(1 for number in group_of.values() if number == 1)
        yield (
            f"{first:,} of {len(group_of):,} sources are in the first group: there is no clear difference between them, "
            "and their order is not supported."
        )
        if not any(p.outcomes for p in shown):
            yield "Nothing was measured for any of these sources: the order rests on features alone."
        if self.metric != self.wanted.metric:
            yield f"Nothing was measured with {self.wanted.metric}: expected values are of {self.metric}."
        if self.target.id is None:
            yield "Overlap of a described target with a source can't be known: check that no items are shared."
        if self.wanted.strategy:
            yield "Outcomes on file are too few to tell strategies apart: the prediction does not depend on it."


def left_out(base: KnowledgeBase, target: Target, asked: Iterable[str] = ()) -> frozenset[str]:
    """Targets and studies that a prediction for this target must not rest on.

    `asked`: study ids, target names, or `family` for all targets of the same modality and anatomy. Raises `NotFound`.
    """
    evidence = base.evidence
    gone = set(evidence.family(target.id)) if target.id else set()
    studies = {study.id for study in evidence.studies}
    for name in asked:
        if name == "family":
            gone |= evidence.rows.family(facts_of(target.entry, base.vocabulary))
        elif name in studies:
            gone.add(name)
        elif name in evidence.rows.targets:
            gone |= evidence.family(name)
        else:
            choices = [*studies, *evidence.rows.targets, "family"]
            raise NotFound(
                f"no study and no target {name!r} in the evidence", hint=did_you_mean(name, choices)
            )
    return frozenset(gone)


def source_named(base: KnowledgeBase, name: str) -> Source:
    """A source by the id of an entry, its name in the evidence, or `none` for training from scratch.

    Raises `NotFound` with near ids.
    """
    if name in _SCRATCH_NAMES:
        return base.evidence.rows.sources[FROM_SCRATCH]
    if name in base.evidence.rows.sources:
        return base.evidence.rows.sources[name]
    return Source(base.entry(name).id, (base.evidence.facts[name],))


def _measured_on(group: ComparisonGroup, row: MeasuredRow) -> MeasuredOn:
    best = group.rows[0]
    return MeasuredOn(
        group=group.id,
        target=group.target or group.target_name,
        study=group.study,
        metric=group.metric,
        value=row.value,
        low=row.low,
        high=row.high,
        sd=row.sd,
        runs=row.runs,
        best_in_group=best.value,
        place=1 + group.rows.index(row),
        of=len(group.rows),
        clearly_behind="no" if row is best else group.separable(best, row)[0],
        overlap=row.overlap,
        refs=row.refs,
    )


def _predicted(prediction: Prediction, metric: str) -> Predicted:
    return Predicted(
        score=float(prediction.score),
        low=float(prediction.low),
        high=float(prediction.high),
        level=INTERVAL_LEVEL,
        metric=metric if prediction.outcome else None,
        outcome=prediction.outcome,
        basis=prediction.basis,
        outcomes=prediction.outcomes,
        studies=prediction.studies,
    )
