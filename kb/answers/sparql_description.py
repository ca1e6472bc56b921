"""What the SPARQL service and its data are, for programs: service description and VoID.

W3C: SPARQL 1.1 Service Description (2013); Describing Linked Datasets with the VoID Vocabulary (2011).
"""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from typing import NamedTuple

from pyoxigraph import RdfFormat
from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF, VOID, XSD

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.sparql import ask
from kb.engines.sparql_pool import SparqlPool
from kb.engines.sparql_results import GRAPH_TYPES, TABLE_TYPES
from kb.knowledge.names import (
    BASE,
    DATASET,
    INFERRED_GRAPH,
    ONTOLOGY_GRAPH,
    PHRASES_GRAPH,
    PREFIXES,
    PROVENANCE_GRAPH,
    WH,
)

SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
_FORMATS = Namespace("http://www.w3.org/ns/formats/")
_TABLE_NAMES = {
    "json": "SPARQL_Results_JSON",
    "xml": "SPARQL_Results_XML",
    "csv": "SPARQL_Results_CSV",
    "tsv": "SPARQL_Results_TSV",
}
_GRAPH_NAMES = {
    RdfFormat.TURTLE: "Turtle",
    RdfFormat.N_TRIPLES: "N-Triples",
    RdfFormat.JSON_LD: "JSON-LD",
    RdfFormat.RDF_XML: "RDF_XML",
    RdfFormat.N_QUADS: "N-Quads",
    RdfFormat.TRIG: "TriG",
}
_LICENCE = URIRef("https://creativecommons.org/licenses/by/4.0/")
#: Graphs that are always there; those of entries and studies are found by `GRAPH ?g`.
_GRAPHS = (ONTOLOGY_GRAPH, INFERRED_GRAPH, PROVENANCE_GRAPH, PHRASES_GRAPH)


class Counted(NamedTuple):
    """A class or property and how many instances or triples it has."""

    iri: str
    uses: int


class Statistics(NamedTuple):
    """What VoID says in numbers of the default graph, each triple once."""

    triples: int
    subjects: int
    objects: int
    classes: tuple[Counted, ...]
    properties: tuple[Counted, ...]


def service_description(base: KnowledgeBase | None, endpoint: str, *, update: bool = False) -> Graph:
    """Description of the service at an address; `base` is None for one that begins empty."""
    graph = _graph()
    service = BNode("service")
    graph.add((service, RDF.type, SD.Service))
    graph.add((service, SD.endpoint, URIRef(endpoint)))
    graph.add((service, SD.supportedLanguage, SD.SPARQL11Query))
    if update:
        graph.add((service, SD.supportedLanguage, SD.SPARQL11Update))
    for name in _TABLE_NAMES.values():
        graph.add((service, SD.resultFormat, _FORMATS[name]))
    for name in _GRAPH_NAMES.values():
        graph.add((service, SD.resultFormat, _FORMATS[name]))
    dataset, default = BNode("dataset"), BNode("default")
    graph.add((service, SD.defaultDataset, dataset))
    graph.add((dataset, RDF.type, SD.Dataset))
    graph.add((dataset, SD.defaultGraph, default))
    graph.add((default, RDF.type, SD.Graph))
    if base is None:
        return graph
    graph.add((service, DCTERMS.title, Literal("Whence: SPARQL", lang="en")))
    graph.add((service, SD.availableGraphs, dataset))
    graph.add((default, VOID.triples, Literal(base.manifest.merged, datatype=XSD.integer)))
    for name in _GRAPHS:
        named, content = BNode(name.rpartition("/")[2]), BNode(name.rpartition("/")[2] + "-graph")
        graph.add((dataset, SD.namedGraph, named))
        graph.add((named, RDF.type, SD.NamedGraph))
        graph.add((named, SD.name, name))
        graph.add((named, SD.graph, content))
        graph.add((content, RDF.type, SD.Graph))
    return graph


def void_description(base: KnowledgeBase, pool: SparqlPool, address: str) -> Graph:
    """VoID of the published generation, served at an address such as `http://127.0.0.1:8000`."""
    numbers = _statistics(pool, base.manifest.data_version)
    graph = _graph()
    data = URIRef(BASE + "void#whence")
    graph.add((data, RDF.type, VOID.Dataset))
    graph.add(
        (
            data,
            DCTERMS.title,
            Literal("Whence: datasets of medical imaging and transfers between them", lang="en"),
        )
    )
    graph.add((data, DCTERMS.license, _LICENCE))
    graph.add(
        (data, URIRef("http://www.w3.org/2002/07/owl#versionInfo"), Literal(base.manifest.data_version))
    )
    graph.add((data, FOAF.homepage, URIRef(address + "/")))
    graph.add((data, VOID.sparqlEndpoint, URIRef(address + "/sparql")))
    graph.add((data, VOID.uriSpace, Literal(BASE)))
    graph.add((data, VOID.exampleResource, DATASET["chestmnist"]))
    graph.add((data, VOID.exampleResource, WH["computed-tomography"]))
    for name in sorted(set(PREFIXES.values()) - {BASE + "dataset/", BASE + "reference/", BASE + "graph/"}):
        graph.add((data, VOID.vocabulary, URIRef(name)))
    for suffix, form in (("ttl", "Turtle"), ("nq", "N-Quads"), ("jsonld", "JSON-LD")):
        graph.add((data, VOID.dataDump, URIRef(f"{address}/export/latest.{suffix}")))
        graph.add((data, VOID.feature, _FORMATS[form]))
    for predicate, value in (
        (VOID.triples, numbers.triples),
        (VOID.entities, base.manifest.entries),
        (VOID.distinctSubjects, numbers.subjects),
        (VOID.distinctObjects, numbers.objects),
        (VOID.classes, len(numbers.classes)),
        (VOID.properties, len(numbers.properties)),
    ):
        graph.add((data, predicate, Literal(value, datatype=XSD.integer)))
    for partition, kind, counts, members in (
        (VOID.classPartition, VOID["class"], VOID.entities, numbers.classes),
        (VOID.propertyPartition, VOID.property, VOID.triples, numbers.properties),
    ):
        for place, (iri, count) in enumerate(members):
            part = BNode(f"{partition.rpartition('#')[2]}{place}")
            graph.add((data, partition, part))
            graph.add((part, kind, URIRef(iri)))
            graph.add((part, counts, Literal(count, datatype=XSD.integer)))
    return graph


@lru_cache(maxsize=2)
def _statistics(pool: SparqlPool, version: str) -> Statistics:
    def rows(query: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(ask(pool, query, "text/csv").body.decode())))[1:]

    def counted(query: str) -> tuple[Counted, ...]:
        return tuple(Counted(iri, int(count)) for iri, count in rows(query))

    (numbers,) = rows(
        "SELECT (COUNT(*) AS ?t) (COUNT(DISTINCT ?s) AS ?subjects) (COUNT(DISTINCT ?o) AS ?objects) { ?s ?p ?o }"
    )
    triples, subjects, objects = map(int, numbers)
    return Statistics(
        triples,
        subjects,
        objects,
        counted("SELECT ?c (COUNT(?s) AS ?n) { ?s a ?c FILTER(isIRI(?c)) } GROUP BY ?c ORDER BY DESC(?n) ?c"),
        counted("SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p ORDER BY DESC(?n) ?p"),
    )


def _graph() -> Graph:
    graph = Graph(bind_namespaces="none")
    for prefix, name in (("sd", SD), ("void", VOID), ("dcterms", DCTERMS), ("foaf", FOAF), ("xsd", XSD)):
        graph.bind(prefix, name)
    return graph


#: Media types in which descriptions are served, default first.
DESCRIPTION_TYPES = tuple(GRAPH_TYPES)
assert set(_TABLE_NAMES) == set(TABLE_TYPES.values())  # noqa: S101 - every format is described
