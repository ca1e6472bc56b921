"""What the ontology entails, materialised before any query by rules read from its own axioms.

Covered: sub-class, sub-property, transitive property, property chain of two, domain and range. Each axiom
becomes one CONSTRUCT that yields only what is not there yet; all run until nothing new comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Store, Triple
from rdflib import OWL, RDF, RDFS, Graph, URIRef
from rdflib.collection import Collection


def rules(ontology: Graph) -> list[str]:
    """One CONSTRUCT query per axiom of the ontology."""
    found = [_rule("?x rdfs:subClassOf ?y . ?y rdfs:subClassOf ?z", "?x rdfs:subClassOf ?z")]
    for narrow, broad in _named(ontology, RDFS.subClassOf):
        found.append(_rule(f"?x a <{narrow}>", f"?x a <{broad}>"))
    for narrow, broad in _named(ontology, RDFS.subPropertyOf):
        found.append(_rule(f"?x <{narrow}> ?y", f"?x <{broad}> ?y"))
    for prop in ontology.subjects(RDF.type, OWL.TransitiveProperty):
        found.append(_rule(f"?x <{prop}> ?y . ?y <{prop}> ?z", f"?x <{prop}> ?z"))
    for prop, chain in ontology.subject_objects(OWL.propertyChainAxiom):
        first, second = Collection(ontology, chain)
        found.append(_rule(f"?x <{first}> ?y . ?y <{second}> ?z", f"?x <{prop}> ?z"))
    for prop, cls in _named(ontology, RDFS.domain):
        found.append(_rule(f"?x <{prop}> ?y", f"?x a <{cls}>"))
    for prop, cls in _named(ontology, RDFS.range):
        if (prop, RDF.type, OWL.ObjectProperty) in ontology:
            found.append(_rule(f"?y <{prop}> ?x", f"?x a <{cls}>"))
    return found


def _named(ontology: Graph, predicate: URIRef) -> Iterator[tuple[URIRef, URIRef]]:
    for subject, value in sorted(ontology.subject_objects(predicate)):
        if isinstance(subject, URIRef) and isinstance(value, URIRef):
            yield subject, value


def _rule(condition: str, conclusion: str) -> str:
    return (
        "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
        f"CONSTRUCT {{ {conclusion} }} WHERE {{ {condition} . FILTER NOT EXISTS {{ {conclusion} }} }}"
    )


def entail(asserted: Iterable[Triple], ontology: Graph) -> set[Triple]:
    """Triples that the axioms of `ontology` add to `asserted` (which includes the ontology itself)."""
    store = Store()
    store.bulk_extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in asserted)
    queries = rules(ontology)
    entailed: set[Triple] = set()
    while True:
        before = len(entailed)
        for query in queries:
            new = {triple for triple in store.query(query) if _is_entailment(triple)}  # type: ignore[union-attr]
            entailed |= new
            store.extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in new)
        if len(entailed) == before:
            return entailed


def _is_entailment(triple: object) -> bool:
    """Leave out what says nothing: conclusions about blank nodes and x below x."""
    if not isinstance(triple, Triple) or isinstance(triple.subject, BlankNode):
        return False
    return isinstance(triple.object, NamedNode) and triple.subject != triple.object
