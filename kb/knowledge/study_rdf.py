"""A study as RDF: models, configurations, comparison groups and records, each with an IRI of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from rdflib import RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, PROV
from rdflib.term import Node

from kb.knowledge.names import BASE, DATASET, WH, reference_iri
from kb.knowledge.study import (
    FROM_SCRATCH,
    UNSTATED,
    Estimate,
    Outcome,
    Protocol,
    Rated,
    Rating,
    SourceModel,
    Study,
    Target,
    outcome_key,
)

#: (datasets of the source, dataset of the target) → overlap risk, as in `design` rule 9.
OverlapRisk = Callable[[tuple[str, ...], str | None], str]


#: Overlap risks, worst first.
_RISKS = ("known", "possible", "not-checked", "excluded-by-version")


def not_checked(_sources: tuple[str, ...], _target: str | None) -> str:
    """Overlap risk where nobody looked."""
    return "not-checked"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _spelled(text.lower())).strip("-")


def _spelled(text: str) -> str:
    """Signs that tell subgroups apart, in words."""
    for sign, word in (
        ("<=", "up to "),
        ("≤", "up to "),
        (">=", "from "),
        ("≥", "from "),
        ("<", "under "),
        (">", "over "),
        ("+", " plus"),
    ):
        text = text.replace(sign, word)
    return text


def _text(value: str) -> Literal:
    return Literal(value, datatype=XSD.string)


def _number(value: float) -> Literal:
    return Literal(format(Decimal(repr(float(value))), "f"), datatype=XSD.decimal)


class _Setup(NamedTuple):
    """What makes a configuration."""

    source: str
    target: Target
    architecture: str
    strategies: tuple[str, ...]
    budget: str | None = None
    train: int | None = None


def study_graph(study: Study, overlap_risk: OverlapRisk = not_checked) -> Graph:
    """All triples of a study."""
    return _Writer(study, overlap_risk).write()


class _Writer:
    """Writes one study; models, configurations and groups are made when a record first needs them."""

    def __init__(self, study: Study, overlap_risk: OverlapRisk) -> None:
        self.study = study
        self.overlap_risk = overlap_risk
        self.iri = URIRef(f"{BASE}study/{study.id}")
        self.graph = Graph()
        self.models = {model.id: model for model in study.models}
        self.targets = {target.id: target for target in study.targets}
        self.protocols = {protocol.id: protocol for protocol in study.protocols}

    def write(self) -> Graph:
        """The study with all its records."""
        add = self._add
        add(self.iri, RDF.type, WH.Study)
        add(self.iri, DCTERMS.title, _text(self.study.title))
        for reference in self.study.refs:
            add(self.iri, PROV.wasDerivedFrom, reference_iri(reference))
        if self.study.year is not None:
            add(self.iri, WH.year, Literal(self.study.year))
        if self.study.note is not None:
            add(self.iri, WH.note, _text(self.study.note))
        for outcome in self.study.outcomes:
            self._outcome(outcome)
        for rating in self.study.ratings:
            for pair in rating.values:
                self._assessment(rating, pair)
        for block in self.study.estimates:
            self._estimates(block)
        return self.graph

    def _add(self, subject: URIRef, predicate: URIRef, value: Node) -> None:
        self.graph.add((subject, predicate, value))

    def _record(self, iri: URIRef, cls: URIRef, grade: str, file: str | None, note: str | None) -> None:
        self._add(iri, RDF.type, cls)
        self._add(iri, WH.reportedIn, self.iri)
        for reference in self.study.refs:
            self._add(iri, PROV.wasDerivedFrom, reference_iri(reference))
        self._add(iri, WH.evidenceGrade, _text(grade))
        for predicate, value in ((WH.sourceFile, file), (WH.note, note)):
            if value is not None:
                self._add(iri, predicate, _text(value))

    def _or_status(self, iri: URIRef, field: str, value: str | int | None) -> None:
        """A value, or the status that stands in its place."""
        if value is None:
            return
        if value not in UNSTATED:
            self._add(iri, WH[field], Literal(value) if isinstance(value, int) else _text(value))
            return
        separator = "-" if "#" in iri else "#"
        note = URIRef(f"{iri}{separator}status-{_slug(field)}")
        status = {"notReported": "not-reported", "unknown": "unknown", "notApplicable": "not-applicable"}[
            str(value)
        ]
        self._add(iri, WH.hasStatusNote, note)
        self._add(note, RDF.type, WH.StatusNote)
        self._add(note, WH.fieldName, _text(field))
        self._add(note, WH.fieldStatus, WH[f"status-{status}"])

    def _target_iri(self, target: Target) -> URIRef:
        if target.dataset is not None:
            return DATASET[target.dataset]
        iri = URIRef(f"{self.iri}#target-{target.id}")
        self._add(iri, RDF.type, WH.UncataloguedDataset)
        self._add(iri, DCTERMS.title, _text(str(target.other)))
        return iri

    def _sources(self, model: SourceModel, target: Target) -> list[URIRef]:
        """Datasets that a model was trained on, for a pool without the target of this outcome."""
        if model.other is not None:
            iri = URIRef(f"{self.iri}#source-{model.id}")
            self._add(iri, RDF.type, WH.UncataloguedDataset)
            self._add(iri, DCTERMS.title, _text(model.other))
            return [iri]
        return [
            DATASET[dataset]
            for dataset in model.datasets
            if not (model.without_target and dataset == target.dataset)
        ]

    def _model(self, model: SourceModel, target: Target, architecture: str) -> URIRef:
        name = f"{self.study.id}-{model.id}-{_slug(architecture)}"
        if model.without_target:
            name += f"-without-{target.id}"
        iri = URIRef(f"{BASE}model/{name}")
        if (iri, RDF.type, None) in self.graph:
            return iri
        self._add(iri, RDF.type, WH.PretrainedModel)
        self._add(iri, WH.usesArchitecture, _text(architecture))
        strategy = WH[
            f"strategy-{'weakly-supervised' if model.objective == 'image-text' else model.objective}-pretraining"
        ]
        self._add(iri, WH.usesStrategy, strategy)
        if model.variant is not None:
            self._add(iri, WH.modelVariant, _text(model.variant))
        sources = self._sources(model, target)
        for source in sources:
            self._add(iri, WH.pretrainedOn, source)
        # Datasets that were pooled are one step; datasets one after the other are a step each.
        for order, group in enumerate(
            [sources] if model.without_target else [[source] for source in sources], start=1
        ):
            step = URIRef(f"{iri}#step-{order}")
            self._add(iri, WH.hasStep, step)
            self._add(step, RDF.type, WH.PretrainingStep)
            self._add(step, WH.stepOrder, Literal(order))
            self._add(step, WH.usesStrategy, strategy)
            for source in group:
                self._add(step, WH.stepDataset, source)
        return iri

    def _configuration(self, setup: _Setup) -> URIRef:
        target = setup.target
        key = "-".join(
            (
                setup.source,
                target.id,
                _slug(setup.architecture),
                *setup.strategies,
                _slug(setup.budget or ""),
                str(setup.train or ""),
            )
        )
        iri = URIRef(f"{self.iri}#configuration-{_slug(key)}")
        if (iri, RDF.type, None) in self.graph:
            return iri
        self._add(iri, RDF.type, WH.TransferConfiguration)
        self._add(iri, WH.hasTarget, self._target_iri(target))
        self._add(iri, WH.hasTargetTask, WH[target.task])
        if target.subset is not None:
            self._add(iri, WH.targetSubset, _text(target.subset))
        self._add(iri, WH.usesArchitecture, _text(setup.architecture))
        self._or_status(iri, "budget", setup.budget)
        if setup.train is not None:
            self._add(iri, WH.trainingItems, Literal(setup.train))
        if setup.source == FROM_SCRATCH:
            self._add(iri, WH.usesStrategy, WH["strategy-training-from-scratch"])
            return iri
        for strategy in setup.strategies:
            self._add(iri, WH.usesStrategy, WH[f"strategy-{strategy}"])
        model = self.models[setup.source]
        self._add(iri, WH.usesModel, self._model(model, target, setup.architecture))
        for dataset in self._sources(model, target):
            self._add(iri, WH.hasSource, dataset)
        return iri

    def _risk(self, source: str, target: Target) -> tuple[str, bool]:
        """Overlap risk, and whether the target is its own source."""
        if source == FROM_SCRATCH:
            return "excluded-by-version", False  # nothing was trained before
        model = self.models[source]
        if target.dataset is not None and target.dataset in model.datasets and not model.without_target:
            return "known", True
        datasets = tuple(d for d in model.datasets if not (model.without_target and d == target.dataset))
        return self.overlap_risk(datasets, target.dataset), False

    def _about(self, iri: URIRef, sources: tuple[str, ...], target: Target) -> None:
        """Overlap risk of a record: the worst of its sources, and whether one of them is the target itself."""
        found = [self._risk(source, target) for source in sources]
        self._add(iri, WH.overlapRisk, _text(min((risk for risk, _ in found), key=_RISKS.index)))
        if any(itself for _, itself in found):
            self._add(iri, WH.showsPitfall, WH["pitfall-self-source-artefact"])

    def _outcome(self, outcome: Outcome) -> None:
        target, protocol = self.targets[outcome.target], self.protocols[outcome.protocol]
        iri = URIRef(f"{BASE}outcome/{self.study.id}/{_slug(outcome_key(outcome))}")
        cls = WH.OutcomeDifference if outcome.is_difference else WH.MeasuredOutcome
        self._record(iri, cls, protocol.grade, protocol.file, outcome.note)

        def configuration(source: str) -> URIRef:
            return self._configuration(
                _Setup(
                    source, target, protocol.architecture, protocol.strategies, protocol.budget, outcome.train
                )
            )

        self._add(iri, WH.concerns, configuration(outcome.source))
        if outcome.versus is not None:
            self._add(iri, WH.comparedWith, configuration(outcome.versus))
        self._about(iri, (outcome.source, *filter(None, [outcome.versus])), target)
        self._add(iri, WH.hasMetric, WH[f"metric-{outcome.metric}"])
        self._add(iri, WH.value, _number(outcome.value))
        for predicate, number in (
            (WH.standardDeviation, outcome.sd), (WH.intervalLow, outcome.low), (WH.intervalHigh, outcome.high),
            (WH.pValue, outcome.p), (WH.pValueBelow, outcome.p_below),
        ):  # fmt: skip
            if number is not None:
                self._add(iri, predicate, _number(number))
        for predicate, text in (
            (WH.subgroup, outcome.subgroup), (WH.comparedSubgroup, outcome.minus), (WH.correction, outcome.correction),
            (WH.robustnessCondition, protocol.condition),
        ):  # fmt: skip
            if text is not None:
                self._add(iri, predicate, _text(text))
        self._protocol(iri, outcome, protocol)
        if not outcome.is_difference:
            self._add(iri, WH.inComparisonGroup, self._group(outcome))

    def _protocol(self, iri: URIRef, outcome: Outcome, protocol: Protocol) -> None:
        self._or_status(iri, "testSet", protocol.test_set)
        self._or_status(iri, "splitUnit", protocol.split_unit)
        self._or_status(iri, "seeds", protocol.seeds)
        if protocol.folds is not None:
            self._add(iri, WH.folds, Literal(protocol.folds))
        if outcome.sd is not None:
            self._or_status(iri, "spreadOver", protocol.spread_over or "notReported")
        elif outcome.low is not None:
            self._or_status(iri, "intervalKind", protocol.interval_kind or "notReported")
            if protocol.interval_level is not None:
                self._add(iri, WH.intervalLevel, _number(protocol.interval_level))
            else:
                self._or_status(iri, "intervalLevel", "notReported")
        else:
            self._or_status(iri, "spread", "notReported")

    def _group(self, outcome: Outcome) -> URIRef:
        parts = (
            outcome.protocol,
            outcome.target,
            outcome.metric,
            outcome.subgroup or "",
            str(outcome.train or ""),
        )
        iri = URIRef(f"{self.iri}#group-{_slug('-'.join(parts))}")
        self._add(iri, RDF.type, WH.ComparisonGroup)
        if (note := self.protocols[outcome.protocol].note) is not None:
            self._add(iri, WH.note, _text(note))
        return iri

    def _assessment(self, rating: Rating, pair: Rated) -> None:
        iri = URIRef(f"{BASE}assessment/{self.study.id}/{rating.id}--{pair.source}--{pair.target}")
        self._record(iri, WH[rating.sense], rating.grade, rating.file, rating.note)
        self._add(iri, WH.assessesSource, DATASET[pair.source])
        self._add(iri, WH.assessesTarget, DATASET[pair.target])
        self._add(iri, WH.hasBasis, WH[rating.basis])
        self._add(iri, WH.usesMethod, WH[f"method-{rating.method}"])
        self._add(iri, WH.direction, _text(rating.direction))
        self._add(iri, WH.value, _number(pair.value))
        for predicate, bound in ((WH.statedMinimum, rating.minimum), (WH.statedMaximum, rating.maximum)):
            if bound is not None:
                self._add(iri, predicate, _number(bound))
        if pair.sd is not None:
            self._add(iri, WH.standardDeviation, _number(pair.sd))
            self._or_status(iri, "spreadOver", "subsets")
        self._or_status(iri, "methodVersion", rating.version)
        self._or_status(iri, "encoder", rating.encoder)
        self._or_status(iri, "raterCount", rating.raters)
        self._or_status(iri, "instrument", rating.instrument)
        if pair.n is not None:
            self._add(iri, WH.sampleSize, Literal(pair.n))
        if pair.source_proxy is not None:
            self._add(iri, WH.computedOnSourceProxy, DATASET[pair.source_proxy])
            self._add(iri, WH.showsPitfall, WH["pitfall-proxy-computation"])

    def _estimates(self, block: Estimate) -> None:
        for source, target_id, value in _cells(block):
            target = self.targets[target_id]
            version = () if block.version in UNSTATED else (_slug(block.version),)
            name = "--".join((block.estimator, *version, _slug(block.architecture), source, target_id))
            iri = URIRef(f"{BASE}estimate/{self.study.id}/{name}")
            self._record(iri, WH.TransferabilityEstimate, block.grade, block.file, block.note)
            configuration = self._configuration(_Setup(source, target, block.architecture, block.strategies))
            self._add(iri, WH.concerns, configuration)
            self._add(iri, WH.usesEstimator, WH[f"estimator-{block.estimator}"])
            self._add(iri, WH.direction, _text("higher-predicts-better"))
            self._add(iri, WH.value, _number(value))
            self._or_status(iri, "methodVersion", block.version)
            self._or_status(iri, "sampleSize", block.sample)
            self._about(iri, (source,), target)


def _cells(block: Estimate) -> Iterator[tuple[str, str, float]]:
    for source, row in block.values.items():
        for target, value in row.items():
            yield source, target, value
