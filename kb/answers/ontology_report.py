"""The ontology's head count and every check with its result, for `whence ontology report` and for the tests."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pydantic import BaseModel, ConfigDict
from pyoxigraph import Triple
from rdflib import OWL, RDF, RDFS, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import Node

import kb
from kb.engines.inference import entail
from kb.engines.owlapi import examine, realise
from kb.engines.reasoner import check_consistency
from kb.engines.store import to_triple
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_rdf import entry_graph
from kb.knowledge.mappings import MAPPING_CHECKS, label_checked, read_mappings
from kb.knowledge.names import WH
from kb.knowledge.ontology_checks import GRAPH_CHECKS, Problems, bad_header, counts, not_canonical, undeclared
from kb.knowledge.vocabulary import Vocabulary, load_ontology
from kb.settings import Settings

_PROBE = URIRef("https://example.org/probe")
#: Pairs of classes that nothing may be at once; each is planted, and each reasoner must notice.
CONTRADICTIONS = (
    ("EmbeddingProximity", "SiteSimilarity"),
    ("PerceivedVisualSimilarity", "ComputedPerceptualSimilarity"),
    ("SimilarityAssessment", "MeasuredOutcome"),
    ("ExpectedPerformance", "OutcomeRecord"),
    ("MeasuredOutcome", "OutcomeDifference"),
    ("Modality", "Finding"),
    ("DatasetSimilarity", "InstanceOverlap"),
    ("Revision", "Proposal"),
)
_SAMPLE = 20
_SEED = 3


class Check(BaseModel):
    """One check: what was asked, what was wrong, what else there is to say."""

    model_config = ConfigDict(frozen=True)

    name: str
    problems: tuple[str, ...]
    note: str = ""
    seconds: float = 0.0


class OntologyReport(BaseModel):
    """Counts and checks of the ontology."""

    model_config = ConfigDict(frozen=True)

    version: str
    counts: dict[str, int]
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool:
        """Whether no check found anything."""
        return not any(check.problems for check in self.checks)


def contradiction(one: str, other: str) -> Graph:
    """A probe that is both things."""
    graph = Graph()
    for triple in (
        (_PROBE, RDF.type, OWL.NamedIndividual),
        (_PROBE, RDF.type, WH[one]),
        (_PROBE, RDF.type, WH[other]),
    ):
        graph.add(triple)
    return graph


def impossible_class() -> Graph:
    """A class below two disjoint ones."""
    graph = Graph()
    for broad in (WH.Modality, WH.Task):
        graph.add((_PROBE, RDF.type, OWL.Class))
        graph.add((_PROBE, RDFS.subClassOf, broad))
    return graph


def report(settings: Settings) -> OntologyReport:
    """Run every check on the ontology and data that the settings name."""
    ontology = load_ontology(settings.ontology)
    entries = read_catalogue(settings.datasets, Vocabulary.from_graph(ontology))
    return OntologyReport(
        version=kb.__version__,
        counts={**dict(counts(ontology)), **_label_checked(settings, ontology)},
        checks=tuple(_checks(settings, ontology, entries)),
    )


def _label_checked(settings: Settings, ontology: Graph) -> dict[str, int]:
    mappings = read_mappings(settings.ontology / "mappings")
    kinds = {"modalities": WH.Modality, "structures": WH.AnatomicalStructure, "tasks": WH.Task}
    return {
        f"{name} with a label-checked code": len(label_checked(mappings, ontology, kind))
        for name, kind in kinds.items()
    }


def _checks(settings: Settings, ontology: Graph, entries: dict[str, DatasetEntry]) -> Iterator[Check]:
    yield _timed("modules in canonical form", lambda: not_canonical(settings.ontology))
    yield _timed("header metadata, version of the software", lambda: bad_header(ontology, kb.__version__))
    for name, check in GRAPH_CHECKS.items():
        yield _timed(name, partial(check, ontology))
    yield _timed(
        "no undeclared term in the data",
        lambda: undeclared(ontology, *(entry_graph(e) for e in entries.values())),
    )
    mappings = read_mappings(settings.ontology / "mappings")
    for name, mapping_check in MAPPING_CHECKS.items():
        yield _timed(f"mappings: {name}", partial(mapping_check, mappings, ontology))
    yield from _java_checks(ontology)
    yield _timed("HermiT through owlready2: consistent", lambda: _hermit(ontology))
    sample = comparison_sample(entries)
    yield _timed(
        "materialisation equals HermiT's on a sample",
        lambda: differences_from_hermit(ontology, (entry_graph(entry) for entry in sample)),
        f"{len(sample)} entries",
    )


def _timed(name: str, check: Callable[[], Problems], note: str = "") -> Check:
    started = time.perf_counter()
    problems = check()
    return Check(
        name=name, problems=tuple(problems), note=note, seconds=round(time.perf_counter() - started, 2)
    )


def _java_checks(ontology: Graph) -> Iterator[Check]:
    planted = (*(contradiction(*pair) for pair in CONTRADICTIONS), impossible_class())
    names = (*(" + ".join(pair) for pair in CONTRADICTIONS), "a class below two disjoint ones")
    whole = examine(ontology, reasoners=("HermiT", "Openllet"), planted=planted)
    # ELK reads classes, not numbers, so it is asked about the terminology; the probes are individuals and classes.
    terminology = examine(ontology, profiles=(), reasoners=("ELK",), terminology_only=True, planted=planted)
    for profile, violations in whole.violations.items():
        yield Check(
            name=f"OWL 2 {profile} profile (OWLAPI)",
            problems=violations,
            note=f"{whole.logical_axioms:,} logical axioms",
        )
    for finding in (*whole.findings, *terminology.findings):
        scope = "terminology" if finding.reasoner == "ELK" else "whole ontology"
        problems = [] if finding.consistent else ["inconsistent"]
        problems += [f"unsatisfiable: {cls}" for cls in finding.unsatisfiable]
        yield Check(
            name=f"{finding.reasoner}: consistent, no unsatisfiable class",
            problems=tuple(problems),
            note=scope,
            seconds=finding.seconds,
        )
        missed = [name for name, found in zip(names, finding.planted_found, strict=True) if not found]
        yield Check(
            name=f"{finding.reasoner}: planted contradictions found",
            problems=tuple(f"not noticed: {name}" for name in missed),
            note=f"{len(names) - len(missed)} of {len(names)}",
        )


def _hermit(ontology: Graph) -> Problems:
    verdict = check_consistency(ontology)
    return ([] if verdict.consistent else ["inconsistent"]) + list(verdict.unsatisfiable)


def comparison_sample(entries: dict[str, DatasetEntry]) -> list[DatasetEntry]:
    """Entries drawn with a fixed seed, and all that have relations to them."""
    drawn = random.Random(_SEED).sample(sorted(entries), _SAMPLE)  # noqa: S311 - a sample, no secret
    related = {r.target for entry_id in drawn for r in entries[entry_id].relations if r.target}
    return [entries[entry_id] for entry_id in sorted({*drawn, *related})]


def differences_from_hermit(ontology: Graph, data: Iterable[Graph]) -> Problems:
    """What our materialisation and HermiT conclude differently about `data` and all concepts it reaches.

    The symmetry that OWL 2 EL lacks is given to HermiT as an axiom for this comparison.
    """
    graph = _reachable(ontology, data)
    for prop in ontology.subjects(WH.materialisedAs, RdfLiteral("symmetric")):
        graph.add((prop, RDF.type, OWL.SymmetricProperty))
    individuals = {
        str(s) for s, _, kind in graph.triples((None, RDF.type, None))
        if isinstance(s, URIRef) and (kind == OWL.NamedIndividual or (kind, RDF.type, OWL.Class) in graph)
    }  # fmt: skip
    by_hermit = realise(graph, tuple(sorted(individuals)))
    graph.remove((None, RDF.type, OWL.SymmetricProperty))
    found = {to_triple(triple) for triple in graph}
    found |= entail(found, graph)
    ours = {
        (t.subject.value, t.predicate.value, t.object.value)
        for t in found
        if not isinstance(t.subject, Triple) and not isinstance(t.object, Triple)
    }
    properties = {str(prop) for prop in graph.subjects(RDF.type, OWL.ObjectProperty)}
    types = {
        (s, o)
        for s, p, o in ours
        if p == str(RDF.type) and s in individuals and o != str(OWL.NamedIndividual)
    }
    values = {(s, p, o) for s, p, o in ours if p in properties and s in individuals}
    return [
        *(f"only HermiT: {' a '.join(pair)}" for pair in sorted(by_hermit.types - types)),
        *(f"only ours: {' a '.join(pair)}" for pair in sorted(types - by_hermit.types)),
        *(f"only HermiT: {' '.join(triple)}" for triple in sorted(by_hermit.values - values)),
        *(f"only ours: {' '.join(triple)}" for triple in sorted(values - by_hermit.values)),
    ]


def _reachable(ontology: Graph, data: Iterable[Graph]) -> Graph:
    """Terminology, data, and the individuals of the ontology that the data lead to."""
    individuals = set(ontology.subjects(RDF.type, OWL.NamedIndividual))
    graph = Graph()
    for triple in ontology:
        if triple[0] not in individuals:
            graph.add(triple)
    for part in data:
        graph += part
    todo: list[Node] = [node for triple in graph for node in triple if node in individuals]
    seen: set[Node] = set()
    while todo:
        if (node := todo.pop()) in seen:
            continue
        seen.add(node)
        for predicate, value in ontology.predicate_objects(node):
            graph.add((node, predicate, value))
            if value in individuals:
                todo.append(value)
    return graph
