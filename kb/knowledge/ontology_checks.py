"""What every term and module of the ontology must satisfy, each rule a named check that returns its problems.

The rules follow the ERROR set of ROBOT report (https://robot.obolibrary.org/report) and the habits of OBO ontologies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rdflib import OWL, RDF, RDFS, SKOS, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.namespace import DCTERMS, VANN
from rdflib.term import Node

from kb.knowledge.names import BASE, WH

#: Kinds of declaration; a term has exactly one.
DECLARING = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.NamedIndividual)
_HEADER = (
    OWL.versionIRI, OWL.versionInfo, DCTERMS.title, DCTERMS.description, DCTERMS.license, DCTERMS.creator,
    DCTERMS.created, DCTERMS.modified, VANN.preferredNamespacePrefix, VANN.preferredNamespaceUri,
)  # fmt: skip
_HIERARCHIES = (RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader, WH.partOf, WH.locatedIn)

Problems = list[str]


def declared_terms(ontology: Graph) -> set[URIRef]:
    """Terms of our namespaces that the ontology declares."""
    return {
        term
        for kind in DECLARING
        for term in ontology.subjects(RDF.type, kind)
        if isinstance(term, URIRef) and str(term).startswith(BASE)
    }


def canonical_turtle(graph: Graph) -> str:
    """The one text of a module: rdflib's long Turtle over canonical blank nodes, so that a change shows as one."""
    return graph.serialize(format="longturtle", canon=True, encoding="utf-8").decode()


def not_canonical(folder: Path) -> Problems:
    """Modules whose text is not the canonical one."""
    return [
        f"{path.name}: write it with `whence ontology format`"
        for path in sorted(folder.glob("*.ttl"))
        if canonical_turtle(Graph().parse(path, format="turtle")) != path.read_text(encoding="utf-8")
    ]


def bad_header(ontology: Graph, version: str) -> Problems:
    """Modules without full metadata, or of another version than the software."""
    problems = []
    for module in sorted(ontology.subjects(RDF.type, OWL.Ontology), key=str):
        problems += [
            f"{module}: no {predicate}" for predicate in _HEADER if ontology.value(module, predicate) is None
        ]
        if str(ontology.value(module, OWL.versionInfo)) != version:
            problems.append(f"{module}: version is not {version}")
        if f"/{version}/" not in str(ontology.value(module, OWL.versionIRI)):
            problems.append(f"{module}: versionIRI does not hold {version}")
    return problems


def _labels(ontology: Graph, term: Node) -> set[Node]:
    return {*ontology.objects(term, RDFS.label), *ontology.objects(term, SKOS.prefLabel)}


def bad_label(ontology: Graph) -> Problems:
    """Terms without exactly one English label, with untidy space, or with a label that another term has."""
    problems, owners = [], Counter[tuple[str, str]]()
    for term in sorted(declared_terms(ontology)):
        labels = _labels(ontology, term)
        english = [x for x in labels if isinstance(x, RdfLiteral) and x.language == "en"]
        if len(english) != 1:
            problems.append(f"{term}: {len(english)} English labels")
            continue
        text = str(english[0])
        if text != " ".join(text.split()):
            problems.append(f"{term}: untidy space in {text!r}")
        owners[(_group(ontology, term), text.casefold())] += 1
    return problems + [
        f"{group}: several terms are called {text!r}" for (group, text), n in owners.items() if n > 1
    ]


def _group(ontology: Graph, term: Node) -> str:
    """Terms of one group need different labels: classes, properties, or individuals of one class."""
    types = sorted(str(t) for t in ontology.objects(term, RDF.type) if t != OWL.NamedIndividual)
    return types[0] if types else "term"


def bad_definition(ontology: Graph) -> Problems:
    """Terms without exactly one definition of their own, a full sentence that does not start with the label."""
    problems, texts = [], Counter[str]()
    for term in sorted(declared_terms(ontology)):
        found = list(ontology.objects(term, SKOS.definition))
        if len(found) != 1:
            problems.append(f"{term}: {len(found)} definitions")
            continue
        text = str(found[0])
        texts[text] += 1
        label = next((str(x) for x in _labels(ontology, term)), "")
        if len(text) < 10 or not text.endswith("."):
            problems.append(f"{term}: not a sentence: {text!r}")
        if label and re.match(rf"(an? |the )?{re.escape(label)} (is|are)\b", text, re.IGNORECASE):
            problems.append(f"{term}: the definition starts with the label")
    return problems + [f"several terms are defined as {text!r}" for text, n in texts.items() if n > 1]


def no_source(ontology: Graph) -> Problems:
    """Terms whose definition names no source (`own`, or an IRI)."""
    return [
        f"{t}: no dcterms:source"
        for t in sorted(declared_terms(ontology))
        if not any(ontology.objects(t, DCTERMS.source))
    ]


def bad_synonym(ontology: Graph) -> Problems:
    """Synonyms that repeat the label of the same term."""
    return [
        f"{term}: synonym {str(other)!r} repeats the label"
        for term in sorted(declared_terms(ontology))
        for other in ontology.objects(term, SKOS.altLabel)
        if str(other) in {str(label) for label in _labels(ontology, term)}
    ]


def several_kinds(ontology: Graph) -> Problems:
    """Terms that are, say, class and individual at once (punning)."""
    return [
        f"{term}: is {len(kinds)} kinds of thing"
        for term in sorted(declared_terms(ontology))
        if len(kinds := [kind for kind in DECLARING if (term, RDF.type, kind) in ontology]) != 1
    ]


def undeclared(ontology: Graph, *graphs: Iterable[tuple[Node, Node, Node]]) -> Problems:
    """Names of our term namespaces that are used, in the ontology or in `graphs`, but declared nowhere."""
    used = {
        str(node)
        for graph in (ontology, *graphs)
        for triple in graph
        for node in triple
        if isinstance(node, URIRef) and str(node).startswith((str(WH), f"{BASE}sense/"))
    }
    return sorted(used - {str(term) for term in declared_terms(ontology)})


def cycles(ontology: Graph) -> Problems:
    """Terms that lie above themselves in some hierarchy."""
    return [
        f"{term}: is above itself by {predicate}"
        for predicate in _HIERARCHIES
        for term in sorted(set(ontology.subjects(predicate, None)), key=str)
        if isinstance(term, URIRef)
        and any(term in _above(ontology, o, predicate) for o in ontology.objects(term, predicate))
    ]


def _above(ontology: Graph, start: Node, predicate: URIRef) -> set[Node]:
    return {node for node in ontology.transitive_objects(start, predicate) if node is not None}


def redundant(ontology: Graph) -> Problems:
    """Links to a broader term that another link of the same kind already gives."""
    problems = []
    for predicate in (RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader):
        for term in sorted(set(ontology.subjects(predicate, None)), key=str):
            above = [o for o in ontology.objects(term, predicate) if isinstance(o, URIRef)]
            for one in above:
                if any(one in _above(ontology, other, predicate) for other in above if other != one):
                    problems.append(f"{term}: the link to {one} goes without saying")
    return problems


def bad_obsolete(ontology: Graph) -> Problems:
    """Obsolete terms without mark or replacement, and live terms that still use them."""
    problems = []
    for term in sorted(ontology.subjects(OWL.deprecated, RdfLiteral(True)), key=str):
        if not all(str(label).startswith("obsolete ") for label in _labels(ontology, term)):
            problems.append(f"{term}: the label of an obsolete term starts with `obsolete`")
        if ontology.value(term, DCTERMS.isReplacedBy) is None:
            problems.append(f"{term}: obsolete without dcterms:isReplacedBy")
        problems += [f"{user}: uses obsolete {term}" for user, _, _ in ontology.triples((None, None, term))]
    return problems


def bad_region(ontology: Graph) -> Problems:
    """Structures that reach no body region or several, unless they are marked as systemic."""
    regions = set(ontology.subjects(RDF.type, WH.BodyRegion))
    problems = []
    for structure in sorted(ontology.subjects(RDF.type, WH.AnatomicalStructure), key=str):
        reached = regions & _places(ontology, structure)
        wanted = 0 if (structure, RDF.type, WH.SystemicStructure) in ontology else 1
        if len(reached) != wanted:
            problems.append(f"{structure}: reaches {len(reached)} body regions, not {wanted}")
    return problems


def _places(ontology: Graph, structure: Node) -> set[Node]:
    found, todo = set[Node](), [structure]
    while todo:
        if (node := todo.pop()) not in found:
            found.add(node)
            for predicate in (SKOS.broader, WH.partOf, WH.locatedIn):
                todo += ontology.objects(node, predicate)
    return found


#: Name of a check → the check itself, for all that need the graph only.
GRAPH_CHECKS: dict[str, Callable[[Graph], Problems]] = {
    "one English label, unique in its kind": bad_label,
    "one own definition, unique": bad_definition,
    "source of each definition": no_source,
    "synonyms differ from the label": bad_synonym,
    "one kind of thing for each term": several_kinds,
    "no undeclared term in the ontology": undeclared,
    "no cycle": cycles,
    "no redundant broader link": redundant,
    "obsolete terms are marked and unused": bad_obsolete,
    "one body region for each structure": bad_region,
}


def counts(ontology: Graph) -> Iterator[tuple[str, int]]:
    """(what, how many) for the ontology's head count."""
    yield "triples", len(ontology)
    for name, kind in zip(
        ("classes", "object properties", "datatype properties", "annotation properties", "individuals"),
        DECLARING,
        strict=True,
    ):
        yield name, sum(str(term).startswith(BASE) for term in set(ontology.subjects(RDF.type, kind)))
    for name, facet in (
        ("modalities", WH.Modality),
        ("structures", WH.AnatomicalStructure),
        ("tasks", WH.Task),
        ("findings", WH.Finding),
        ("assessment methods", WH.AssessmentMethod),
        ("performance metrics", WH.PerformanceMetric),
    ):
        yield name, len(set(ontology.subjects(RDF.type, facet)))
    yield "storable senses", len(set(ontology.subjects(WH.storable, RdfLiteral(True))))
    yield "synonyms", len(list(ontology.triples((None, SKOS.altLabel, None))))
    matches = (
        SKOS.exactMatch,
        SKOS.closeMatch,
        SKOS.broadMatch,
        SKOS.narrowMatch,
        SKOS.relatedMatch,
        WH.code,
    )
    yield "external codes", sum(len(list(ontology.triples((None, match, None)))) for match in matches)
