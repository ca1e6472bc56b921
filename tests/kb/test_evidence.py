"""The evidence as data: every study is whole, refers to what exists, and keeps the closed-world rules."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rdflib import RDF, Graph, URIRef

from kb.engines.shapes import load_shapes, violations
from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_rdf import RELATION_PROPERTIES
from kb.knowledge.names import BASE, DATASET, WH
from kb.knowledge.ontology_checks import undeclared
from kb.knowledge.overlap import Overlaps
from kb.knowledge.studies import check_study, read_studies
from kb.knowledge.study import Study
from kb.knowledge.study_rdf import study_graph
from kb.knowledge.study_yaml import read_study, study_to_yaml
from kb.settings import Settings

#: Too large for pySHACL in a test; its first rows of each block stand for it.
LARGE = "juodelyte2024-dataset-transferability"


@pytest.fixture(scope="module")
def studies(entries: dict[str, DatasetEntry], ontology: Graph) -> dict[str, Study]:
    return {study.id: study for study in read_studies(Settings().data / "evidence", entries, ontology)}


def sample(study: Study) -> Study:
    """The study, or of the large one a few rows of each kind."""
    if study.id != LARGE:
        return study
    document = json.loads(study.model_dump_json())
    document["outcomes"] = document["outcomes"][::16]
    for block in document["estimates"]:
        block["values"] = {
            source: dict(list(row.items())[:2]) for source, row in list(block["values"].items())[:3]
        }
    return Study.model_validate(document)


def test_every_published_figure_on_file_is_there(studies: dict[str, Study]) -> None:
    assert len(studies) == 8
    assert sum(len(study.outcomes) for study in studies.values()) == 479
    assert sum(outcome.is_difference for study in studies.values() for outcome in study.outcomes) == 59
    assert sum(len(rating.values) for study in studies.values() for rating in study.ratings) == 115
    cells = [row for study in studies.values() for block in study.estimates for row in block.values.values()]
    assert sum(map(len, cells)) == 2_244


def test_files_are_what_the_canonical_writer_writes(studies: dict[str, Study]) -> None:
    for study in studies.values():
        path = Settings().data / "evidence" / f"{study.id}.yaml"
        assert path.read_text(encoding="utf-8") == study_to_yaml(study), path.name


def test_every_study_keeps_the_closed_world_rules(
    studies: dict[str, Study], entries: dict[str, DatasetEntry], ontology: Graph
) -> None:
    shapes = load_shapes(Settings().ontology / "shapes")
    overlaps = Overlaps(entries)
    for study in studies.values():
        graph = study_graph(sample(study), overlaps.risk)
        used = {*graph.objects(None, WH.hasSource), *graph.objects(None, WH.hasTarget)}
        related = Graph()
        for entry in entries.values():
            for relation in entry.relations:
                if (
                    relation.target
                    and relation.grade == "stated"
                    and DATASET[entry.id] in used
                    and DATASET[relation.target] in used
                ):
                    related.add(
                        (DATASET[entry.id], RELATION_PROPERTIES[relation.kind], DATASET[relation.target])
                    )
        found = [v for v in violations(graph + related, shapes, ontology) if v.severity == "Violation"]
        assert found == [], study.id
        assert undeclared(ontology, graph) == [], study.id


def test_records_of_one_study_have_addresses_of_their_own(studies: dict[str, Study]) -> None:
    for study in studies.values():
        graph = study_graph(study)
        records = Counter(
            kind for cls in (WH.MeasuredOutcome, WH.OutcomeDifference, WH.TransferabilityEstimate)
            for kind in [cls] * len(set(graph.subjects(RDF.type, cls)))
        )  # fmt: skip
        assert records[WH.MeasuredOutcome] + records[WH.OutcomeDifference] == len(study.outcomes)
        estimates = sum(len(row) for block in study.estimates for row in block.values.values())
        assert records[WH.TransferabilityEstimate] == estimates
        assert len(set(graph.subjects(WH.assessesSource))) == sum(
            len(rating.values) for rating in study.ratings
        )
        assert all(
            len(list(graph.objects(record, WH.value))) == 1 for record in graph.subjects(WH.reportedIn)
        )
        assert all(
            str(node).count("#") <= 1 for triple in graph for node in triple if isinstance(node, URIRef)
        )


def test_a_pool_leaves_out_the_target_of_each_outcome(studies: dict[str, Study]) -> None:
    graph = study_graph(studies[LARGE])
    pools = {
        (str(model).rpartition("-without-")[2], str(dataset).removeprefix(str(DATASET)))
        for model, dataset in graph.subject_objects(WH.pretrainedOn)
        if "-without-" in str(model)
    }
    targets = {target for target, _ in pools}
    assert len(targets) == 12 and len(pools) == 12 * 11
    assert all((target, target) not in pools for target in targets)


def test_what_a_study_does_not_say_has_a_status(studies: dict[str, Study]) -> None:
    graph = study_graph(studies["chen2019-med3d"])
    for outcome in graph.subjects(RDF.type, WH.MeasuredOutcome):
        noted = {str(graph.value(note, WH.fieldName)) for note in graph.objects(outcome, WH.hasStatusNote)}
        assert {"testSet", "splitUnit", "seeds", "spread"} <= noted


def test_published_overlap_is_flagged_on_the_outcome(
    studies: dict[str, Study], entries: dict[str, DatasetEntry]
) -> None:
    graph = study_graph(studies[LARGE], Overlaps(entries).risk)
    train = next(o.train for o in studies[LARGE].outcomes if o.target == "organcmnist")
    iri = URIRef(f"{BASE}outcome/{LARGE}/sources-organamnist-organcmnist-auroc-train-{train}")
    assert str(graph.value(iri, WH.overlapRisk)) in ("known", "possible")
    apart = URIRef(f"{BASE}outcome/{LARGE}/sources-bloodmnist-organcmnist-auroc-train-{train}")
    assert str(graph.value(apart, WH.overlapRisk)) == "not-checked"


def test_a_proxy_is_declared(studies: dict[str, Study]) -> None:
    graph = study_graph(studies["vandenbrandt2021-cats-not-cat-scans"])
    proxies = set(graph.subjects(WH.computedOnSourceProxy, DATASET["stl-10"]))
    assert len(proxies) == 3
    assert all((proxy, WH.assessesSource, DATASET["imagenet-1k"]) in graph for proxy in proxies)


GOOD: dict[str, Any] = {
    "id": "probe", "title": "Probe", "refs": ["arxiv:2401.14497"],
    "models": [{"id": "m", "datasets": ["imagenet-1k"]}, {"id": "n", "datasets": ["dtd"]}],
    "targets": [{"id": "t", "dataset": "drive", "task": "image-segmentation"}],
    "protocols": [{"id": "p", "strategies": ["full-fine-tuning"], "architecture": "a", "grade": "paper table"}],
    "outcomes": [{"source": "m", "target": "t", "protocol": "p", "metric": "dice", "value": 0.8}],
}  # fmt: skip


def outcome(**change: object) -> dict[str, Any]:
    return {**GOOD, "outcomes": [{**GOOD["outcomes"][0], **change}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (outcome(source="x"), "outcomes.0.source: found 'x'; one of m, n, none"),
        (outcome(target="x"), "outcomes.0.target"),
        (outcome(versus="m"), "outcomes.0.versus"),
        (outcome(versus="n", minus="sex=male", subgroup="sex=female"), "give one"),
        (outcome(minus="sex=male"), "needs a subgroup"),
        (outcome(low=0.9, high=0.95), "lies outside its interval"),
        (outcome(low=0.7), "both ends"),
        (outcome(sd=0.1, low=0.7, high=0.9), "standard deviation or the interval"),
        (outcome(value=float("nan")), "finite"),
        ({**GOOD, "outcomes": GOOD["outcomes"] * 2}, "stands there twice"),
        ({**GOOD, "models": [{"id": "m"}]}, "give either datasets"),
        ({**GOOD, "protocols": GOOD["protocols"] * 2}, "protocols: the same id"),
    ],
)
def test_a_study_that_contradicts_itself_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Study.model_validate(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**GOOD, "models": [{"id": "m", "datasets": ["nowhere"]}]}, "models.m.datasets: no entry 'nowhere'"),
        (outcome(metric="nonsense"), "'metric-nonsense' is no PerformanceMetric"),
        ({**GOOD, "targets": [{"id": "t", "dataset": "drive", "task": "melanoma"}]}, "'melanoma' is no Task"),
    ],
)
def test_a_study_that_names_what_is_not_there_is_refused(
    document: dict[str, Any], message: str, entries: dict[str, DatasetEntry], ontology: Graph
) -> None:
    with pytest.raises(InvalidFile, match=message):
        check_study(Study.model_validate(document), entries, ontology, where="probe.yaml")


def test_a_rating_needs_a_storable_sense_and_an_allowed_basis(
    entries: dict[str, DatasetEntry], ontology: Graph
) -> None:
    rating = {
        "id": "r", "sense": "AppearanceSimilarity", "basis": "human-judgement", "method": "distance-rating",
        "direction": "lower-is-more-similar", "grade": "paper table",
        "values": [{"source": "dtd", "target": "drive", "value": 2}],
    }  # fmt: skip
    with pytest.raises(InvalidFile, match="no sense that a value can have"):
        check_study(Study.model_validate({**GOOD, "ratings": [rating]}), entries, ontology, where="x")
    rating |= {"sense": "EmbeddingProximity"}
    with pytest.raises(InvalidFile, match="no basis that EmbeddingProximity allows"):
        check_study(Study.model_validate({**GOOD, "ratings": [rating]}), entries, ontology, where="x")


def test_a_broken_file_names_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    text = study_to_yaml(Study.model_validate(GOOD))
    path.write_text(text.replace("value: 0.8", "value: much"), encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"probe\.yaml:\d+: outcomes\.0\.value"):
        read_study(path)
    path.write_text(text, encoding="utf-8")
    assert read_study(path) == Study.model_validate(GOOD)
