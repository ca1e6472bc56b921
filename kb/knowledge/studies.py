"""The evidence as files: read all studies and check what no single study can show."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

from rdflib import RDF, Graph, URIRef

from kb.errors import InvalidFile
from kb.knowledge.names import WH
from kb.knowledge.study import Study
from kb.knowledge.study_yaml import read_study


def read_studies(folder: Path, entries: Container[str], ontology: Graph) -> list[Study]:
    """All studies of `folder` in the order of their ids; none where there is no such folder.

    Raises `InvalidFile` at the first broken file.
    """
    studies = [read_study(path) for path in sorted(folder.glob("*.yaml"))]
    for study in studies:
        check_study(study, entries, ontology, where=str(folder / f"{study.id}.yaml"))
    return studies


def check_study(study: Study, entries: Container[str], ontology: Graph, *, where: str) -> None:
    """Check that datasets have entries and that tasks, strategies, metrics, senses and the like are declared.

    Raises `InvalidFile`; `where` starts its message.
    """
    for field, dataset in _datasets(study):
        if dataset not in entries:
            raise InvalidFile(
                f"{where}: {field}: no entry {dataset!r}", hint="name it by `other` where it has none"
            )
    for field, term, kind in _terms(study):
        if (term, RDF.type, kind) not in ontology:
            raise InvalidFile(
                f"{where}: {field}: {str(term).removeprefix(str(WH))!r} is no {_name(kind)} of the ontology"
            )
    for number, rating in enumerate(study.ratings):
        sense = WH[rating.sense]
        if str(ontology.value(sense, WH.storable)) != "true":
            raise InvalidFile(
                f"{where}: ratings.{number}.sense: {rating.sense!r} is no sense that a value can have"
            )
        if (sense, WH.allowedBasis, WH[rating.basis]) not in ontology:
            raise InvalidFile(
                f"{where}: ratings.{number}.basis: {rating.basis!r} is no basis that {rating.sense} allows"
            )


def _datasets(study: Study) -> Iterator[tuple[str, str]]:
    for model in study.models:
        yield from ((f"models.{model.id}.datasets", dataset) for dataset in model.datasets)
    for target in study.targets:
        if target.dataset is not None:
            yield f"targets.{target.id}.dataset", target.dataset
    for rating in study.ratings:
        for pair in rating.values:
            for dataset in filter(None, (pair.source, pair.target, pair.source_proxy)):
                yield f"ratings.{rating.id}.values", dataset


def _terms(study: Study) -> Iterator[tuple[str, URIRef, URIRef]]:
    """(field, term, class that it must be of)."""
    for target in study.targets:
        yield f"targets.{target.id}.task", WH[target.task], WH.Task
    for protocol in study.protocols:
        for strategy in protocol.strategies:
            yield f"protocols.{protocol.id}.strategies", WH[f"strategy-{strategy}"], WH.TransferStrategy
    for outcome in study.outcomes:
        yield "outcomes.metric", WH[f"metric-{outcome.metric}"], WH.PerformanceMetric
    for rating in study.ratings:
        yield f"ratings.{rating.id}.method", WH[f"method-{rating.method}"], WH.AssessmentMethod
        yield f"ratings.{rating.id}.basis", WH[rating.basis], WH.Basis
    for block in study.estimates:
        yield "estimates.estimator", WH[f"estimator-{block.estimator}"], WH.TransferabilityEstimator


def _name(kind: URIRef) -> str:
    return str(kind).removeprefix(str(WH))
