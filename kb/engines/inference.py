"""What the ontology entails, materialised before any query by rules read from its own axioms.

Covered: sub-class and equivalent class with intersections, existential restrictions and values (as OWL 2 EL has
them), sub-property, transitive property, property chain, domain and range; and the symmetry that EL lacks, marked
by `wh:materialisedAs`. Each axiom becomes CONSTRUCT queries that yield only what is not there yet; all run until
nothing new comes. An axiom of another kind is an error. What a rule can't write down is that something unnamed exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from pyoxigraph import BlankNode, DefaultGraph, Quad, Store, Triple
from rdflib import OWL, RDF, RDFS, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.collection import Collection
from rdflib.term import Node

from kb.errors import InvalidFile
from kb.knowledge.names import WH

_PREFIXES = (
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> PREFIX owl: <http://www.w3.org/2002/07/owl#> "
)
_UNSUPPORTED = (
    OWL.SymmetricProperty,
    OWL.AsymmetricProperty,
    OWL.ReflexiveProperty,
    OWL.IrreflexiveProperty,
    OWL.FunctionalProperty,
    OWL.InverseFunctionalProperty,
)
_UNSUPPORTED_PREDICATES = (OWL.sameAs, OWL.inverseOf, OWL.equivalentProperty, OWL.unionOf, OWL.complementOf, OWL.oneOf,
                           OWL.allValuesFrom, OWL.hasSelf, OWL.hasKey, OWL.propertyDisjointWith, OWL.disjointUnionOf,
                           OWL.cardinality, OWL.minCardinality, OWL.maxCardinality, OWL.qualifiedCardinality,
                           OWL.minQualifiedCardinality, OWL.maxQualifiedCardinality)  # fmt: skip


def rules(ontology: Graph) -> list[str]:
    """CONSTRUCT queries for the axioms of the ontology.

    Raises `InvalidFile` at an axiom that no rule covers.
    """
    _refuse_unsupported(ontology)
    found = [_rule("?x rdfs:subClassOf ?y . ?y rdfs:subClassOf ?z . FILTER(isIRI(?x) && isIRI(?z))",
                   "?x rdfs:subClassOf ?z")]  # fmt: skip
    for narrow, broad in sorted(ontology.subject_objects(RDFS.subClassOf)):
        found += _class_rules(ontology, narrow, broad)
    for one, other in sorted(ontology.subject_objects(OWL.equivalentClass)):
        found += _class_rules(ontology, one, other) + _class_rules(ontology, other, one)
    for narrow, broad in _named(ontology, RDFS.subPropertyOf):
        found.append(_rule(f"?x <{narrow}> ?y", f"?x <{broad}> ?y"))
    for name in _sorted(ontology.subjects(RDF.type, OWL.TransitiveProperty)):
        found.append(_rule(f"?x <{name}> ?y . ?y <{name}> ?z", f"?x <{name}> ?z"))
    for prop, chain in sorted(ontology.subject_objects(OWL.propertyChainAxiom)):
        links = [f"?v{i} <{link}> ?v{i + 1}" for i, link in enumerate(Collection(ontology, chain))]
        found.append(_rule(" . ".join(links), f"?v0 <{prop}> ?v{len(links)}"))
    for name in _sorted(ontology.subjects(WH.materialisedAs, RdfLiteral("symmetric"))):
        found.append(_rule(f"?x <{name}> ?y", f"?y <{name}> ?x"))
    for predicate in (RDFS.domain, RDFS.range):
        for prop, value in ontology.subject_objects(predicate):
            if not isinstance(value, URIRef):
                raise InvalidFile(
                    f"ontology: {prop} has an unnamed class for {predicate}, which no rule materialises"
                )
    for prop, cls in _named(ontology, RDFS.domain):
        found.append(_rule(f"?x <{prop}> ?y", f"?x a <{cls}>"))
    for prop, cls in _named(ontology, RDFS.range):
        if (prop, RDF.type, OWL.ObjectProperty) in ontology:
            found.append(_rule(f"?y <{prop}> ?x", f"?x a <{cls}>"))
    return found


def _refuse_unsupported(ontology: Graph) -> None:
    for kind in _UNSUPPORTED:
        for prop in ontology.subjects(RDF.type, kind):
            raise InvalidFile(f"ontology: {prop} is {kind}, which no rule materialises")
    for predicate in _UNSUPPORTED_PREDICATES:
        for subject in ontology.subjects(predicate, None):
            raise InvalidFile(f"ontology: {subject} has {predicate}, which no rule materialises")


def _class_rules(ontology: Graph, narrow: Node, broad: Node) -> list[str]:
    condition = " . ".join(_pattern(ontology, narrow, "?x", count(1)))
    return [_rule(condition, conclusion) for conclusion in _conclusions(ontology, broad)]


def _pattern(ontology: Graph, expression: Node, variable: str, numbers: Iterator[int]) -> Iterator[str]:
    """Triple patterns that hold of `variable` when it is in the class expression."""
    if isinstance(expression, URIRef):
        yield f"{variable} a <{expression}>"
    elif members := ontology.value(expression, OWL.intersectionOf):
        for member in Collection(ontology, members):
            yield from _pattern(ontology, member, variable, numbers)
    elif (prop := ontology.value(expression, OWL.onProperty)) is not None:
        value = ontology.value(expression, OWL.hasValue)
        if value is not None:
            yield f"{variable} <{prop}> {value.n3()}"
            return
        filler = ontology.value(expression, OWL.someValuesFrom)
        other = f"?n{next(numbers)}"
        yield f"{variable} <{prop}> {other}"
        if (prop, RDF.type, OWL.ObjectProperty) not in ontology:
            raise InvalidFile(f"ontology: {prop} is restricted to a datatype, which no rule materialises")
        if filler is not None and filler != OWL.Thing:
            yield from _pattern(ontology, filler, other, numbers)
    else:
        raise InvalidFile(f"ontology: class expression {expression} has a form that no rule covers")


def _conclusions(ontology: Graph, expression: Node) -> Iterator[str]:
    """What can be written down of `?x` in the class; that something unnamed exists can't."""
    if isinstance(expression, URIRef):
        if expression != OWL.Thing:
            yield f"?x a <{expression}>"
    elif members := ontology.value(expression, OWL.intersectionOf):
        for member in Collection(ontology, members):
            yield from _conclusions(ontology, member)
    elif (value := ontology.value(expression, OWL.hasValue)) is not None:
        yield f"?x <{ontology.value(expression, OWL.onProperty)}> {value.n3()}"
    elif ontology.value(expression, OWL.someValuesFrom) is None:
        raise InvalidFile(f"ontology: class expression {expression} has a form that no rule covers")


def _named(ontology: Graph, predicate: URIRef) -> Iterator[tuple[URIRef, URIRef]]:
    for subject, value in sorted(ontology.subject_objects(predicate)):
        if isinstance(subject, URIRef) and isinstance(value, URIRef):
            yield subject, value


def _sorted(nodes: Iterable[Node]) -> list[str]:
    return sorted(str(node) for node in nodes)


def _rule(condition: str, conclusion: str) -> str:
    return f"{_PREFIXES}CONSTRUCT {{ {conclusion} }} WHERE {{ {condition} . FILTER NOT EXISTS {{ {conclusion} }} }}"


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
    """Leave out what says nothing: conclusions about or to blank nodes, and x below x."""
    if not isinstance(triple, Triple) or isinstance(triple.subject, BlankNode):
        return False
    return not isinstance(triple.object, BlankNode) and triple.subject != triple.object
