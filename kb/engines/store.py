"""The triple store (Oxigraph on disk): written once per generation, then only read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, serialize
from rdflib import BNode, Graph, URIRef
from rdflib import Literal as RdflibLiteral
from rdflib.term import Node

from kb.engines.inference import entail
from kb.knowledge.names import INFERRED_GRAPH, ONTOLOGY_GRAPH


@dataclass(frozen=True)
class StoreCounts:
    """How many triples a store holds: stated ones, those entailed beyond them, and both together."""

    asserted: int
    entailed: int
    merged: int


@cache
def _term(node: Node) -> NamedNode | BlankNode | Literal:
    if isinstance(node, URIRef):
        return NamedNode(str(node))
    if isinstance(node, BNode):
        return BlankNode(str(node))
    if isinstance(node, RdflibLiteral):
        if node.language:
            return Literal(str(node), language=node.language)
        return (
            Literal(str(node), datatype=NamedNode(str(node.datatype)))
            if node.datatype
            else Literal(str(node))
        )
    raise TypeError(f"not an RDF term: {node!r}")


def to_triple(triple: tuple[Node, Node, Node]) -> Triple:
    """The triple in Oxigraph's terms."""
    subject, predicate, value = (_term(node) for node in triple)
    return Triple(subject, predicate, value)  # type: ignore[arg-type]


def serialize_sorted(graph: Graph, media_type: str) -> bytes:
    """A graph with canonical blank nodes as text that is the same for the same triples; its prefixes are kept."""
    kind = RdfFormat.from_media_type(media_type)
    if kind is None:
        raise ValueError(f"no RDF format {media_type}")
    triples = [to_triple(triple) for triple in sorted(graph)]
    prefixes = {prefix: str(namespace) for prefix, namespace in graph.namespaces() if prefix}
    text = serialize(triples, format=kind, prefixes=prefixes)
    return text or b""


def write_store(
    folder: Path, ontology: Graph, parts: Iterable[tuple[URIRef, Iterable[tuple[Node, Node, Node]]]]
) -> StoreCounts:
    """Write a new store: ontology, each named part, what follows from all of them, and the merge.

    The default graph holds each triple once, whichever graphs it stands in.
    """
    graphs: dict[NamedNode, set[Triple]] = {
        NamedNode(str(ONTOLOGY_GRAPH)): {to_triple(triple) for triple in ontology}
    }
    for name, triples in parts:
        graphs[NamedNode(str(name))] = {to_triple(triple) for triple in triples}
    asserted = set().union(*graphs.values())
    entailed = entail(asserted, ontology)
    graphs[NamedNode(str(INFERRED_GRAPH))] = entailed
    store = Store(str(folder))
    store.bulk_extend(
        Quad(t.subject, t.predicate, t.object, graph) for graph, triples in graphs.items() for t in triples
    )
    store.bulk_extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in asserted | entailed)
    store.optimize()
    store.flush()
    return StoreCounts(asserted=len(asserted), entailed=len(entailed), merged=len(asserted | entailed))
