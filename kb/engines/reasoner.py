"""HermiT through owlready2: is the ontology consistent, are all classes satisfiable?"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from rdflib import Graph
from rdflib.term import Node

from kb.engines.java import java_home
from kb.errors import NotReady


@dataclass(frozen=True)
class Verdict:
    """What HermiT found."""

    consistent: bool
    unsatisfiable: tuple[str, ...]


def check_consistency(graph: Graph, extra: Iterable[tuple[Node, Node, Node]] = ()) -> Verdict:
    """Classify the ontology, with `extra` triples added, and report.

    Raises `NotReady` when owlready2 or a Java runtime is missing or HermiT can't start: a check that did not
    run never counts as passed.
    """
    try:
        import owlready2
    except ImportError as error:
        raise NotReady(
            f"HermiT can't run: {error.name} is not installed", hint="pip install 'whence[build]'"
        ) from error
    owlready2.JAVA_EXE = str(java_home() / "bin" / "java")
    merged = Graph()
    for triple in (*graph, *extra):
        merged.add(triple)
    document = io.BytesIO(merged.serialize(format="ntriples", encoding="utf-8"))
    world = owlready2.World()
    ontology = world.get_ontology("https://w3id.org/whence/merged").load(fileobj=document, format="ntriples")
    try:
        with ontology:
            owlready2.sync_reasoner_hermit(world, infer_property_values=False, debug=0)
    except owlready2.OwlReadyInconsistentOntologyError:
        return Verdict(consistent=False, unsatisfiable=())
    except (OSError, owlready2.OwlReadyJavaError) as error:
        raise NotReady(f"HermiT did not finish: {str(error).splitlines()[0]}") from error
    unsatisfiable = tuple(
        sorted(cls.iri for cls in world.inconsistent_classes() if cls is not owlready2.Nothing)
    )
    return Verdict(consistent=True, unsatisfiable=unsatisfiable)
