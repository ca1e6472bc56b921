"""Read the records of all terms out of the ontology's graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, BNode, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.collection import Collection
from rdflib.term import Node

from kb.errors import InvalidFile
from kb.knowledge.names import BASE, WH
from kb.knowledge.terms import (
    KINDS,
    Axiom,
    Code,
    Fact,
    Kind,
    Module,
    Reference,
    Reused,
    SenseFacts,
    Term,
    Value,
    short_name,
)
from kb.knowledge.vocabulary import Vocabulary

_KIND_CLASSES: dict[URIRef, Kind] = dict(
    zip((OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty), KINDS, strict=False)
)
_MAPPINGS = (SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch, WH.code)
_SCHEMES = (
    ("http://purl.obolibrary.org/obo/UBERON_", "UBERON"),
    ("http://purl.obolibrary.org/obo/NCIT_", "NCI Thesaurus"),
    ("http://snomed.info/id/", "SNOMED CT"),
    ("http://purl.org/sig/ont/fma/fma", "FMA"),
    ("http://radlex.org/RID/", "RadLex"),
    ("http://dicom.nema.org/resources/ontology/DCM/", "DICOM"),
    ("http://edamontology.org/", "EDAM"),
    ("https://rsna.org/roadmap/", "ROADMAP"),
    ("http://w3id.org/mlso/vocab/ml_task_type/", "MLSO task types"),
    ("http://purl.org/nidash/nidm#", "NIDM"),
    ("https://bids-specification.readthedocs.io/", "BIDS"),
    ("http://purl.obolibrary.org/obo/STATO_", "STATO"),
    ("http://purl.obolibrary.org/obo/OBI_", "OBI"),
    ("http://purl.obolibrary.org/obo/CHMO_", "CHMO"),
    ("http://purl.obolibrary.org/obo/FBbi_", "FBbi"),
    ("https://w3id.org/aio/", "AIO"),
)
#: Predicates that a field of `Term` holds; every other statement about a term is one of its facts.
_HELD = {
    RDF.type, RDFS.label, SKOS.prefLabel, SKOS.altLabel, SKOS.definition, SKOS.scopeNote, DCTERMS.source,
    RDFS.isDefinedBy, RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader, WH.partOf, WH.locatedIn, RDFS.domain,
    RDFS.range, OWL.disjointWith, OWL.propertyChainAxiom, OWL.equivalentClass, OWL.deprecated,
    DCTERMS.isReplacedBy, WH.mirrorsClass, *_MAPPINGS,
}  # fmt: skip
#: The same for the class of a sense, whose `SenseFacts` hold more.
_HELD_OF_SENSES = _HELD | {
    WH.comparand, WH.allowedBasis, WH.needsImages, WH.scaleNote, WH.directionNote, WH.storable,
    WH.lowValueIsEvidenceFor,
}  # fmt: skip
#: Predicates whose other direction a field of `Term` holds; any other statement is a mention of its object.
_BOTH_WAYS = {
    RDF.type, RDFS.isDefinedBy, RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader, WH.partOf, WH.locatedIn,
    RDFS.domain, RDFS.range, OWL.disjointWith, WH.mirrorsClass,
}  # fmt: skip


def read_reference(ontology: Graph) -> Reference:
    """Everything that the ontology says, term by term.

    Raises `InvalidFile` at a term that no module of ours defines.
    """
    return _Reader(ontology).reference()


class _Reader:
    """Reads records out of the graph; every list is sorted, so that equal graphs give equal JSON."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.modules = {iri for iri in graph.subjects(RDF.type, OWL.Ontology) if isinstance(iri, URIRef)}
        self.declared = {
            iri
            for iri in {*graph.subjects(RDFS.isDefinedBy, None), *graph.subjects(RDF.type, None)}
            if isinstance(iri, URIRef) and iri not in self.modules
        }
        self.ours = {
            iri for iri in self.declared if (iri, RDFS.isDefinedBy, None) in graph or iri.startswith(BASE)
        }
        self.vocabulary = Vocabulary.from_graph(graph)
        self.concepts = {str(WH[concept.id]): concept for concept in self.vocabulary}
        self.mirrored = {cls: concept for concept, cls in graph.subject_objects(WH.mirrorsClass)}
        self.disjoint: dict[Node, set[Node]] = {}
        for one, other in graph.subject_objects(OWL.disjointWith):
            self._keep_apart({one, other})
        for axiom in graph.subjects(RDF.type, OWL.AllDisjointClasses):
            self._keep_apart(set(self._list(graph.value(axiom, OWL.members))))
        self.mentions: dict[Node, dict[Node, set[Node]]] = {}
        for subject, predicate, value in graph:
            if subject in self.ours and predicate not in _BOTH_WAYS and isinstance(value, URIRef):
                self._mention(value, predicate, subject)
        for subject, expression in (
            *graph.subject_objects(OWL.equivalentClass),
            *((cls, part) for part, cls in graph.subject_objects(RDFS.subClassOf) if isinstance(part, BNode)),
        ):
            for named in self._named_in(expression):
                self._mention(named, OWL.equivalentClass, subject)

    def reference(self) -> Reference:
        return Reference(
            modules=tuple(self._module(iri) for iri in sorted(self.modules)),
            terms=tuple(self._term(iri) for iri in sorted(self.ours)),
            reused=tuple(
                Reused(iri=str(iri), name=short_name(str(iri)), kinds=self._kinds(iri))
                for iri in sorted(self.declared - self.ours)
            ),
        )

    def _module(self, iri: URIRef) -> Module:
        def text(predicate: URIRef) -> str:
            return str(self.graph.value(iri, predicate) or "")

        return Module(
            name=str(iri).rsplit("/", 1)[-1],
            iri=str(iri),
            title=text(DCTERMS.title),
            description=text(DCTERMS.description),
            version=text(OWL.versionInfo),
            version_iri=text(OWL.versionIRI),
            licence=text(DCTERMS.license),
            created=text(DCTERMS.created),
            creators=self._texts(iri, DCTERMS.creator),
        )

    def _term(self, iri: URIRef) -> Term:
        graph = self.graph
        kind: Kind = next(
            (kind for cls, kind in _KIND_CLASSES.items() if (iri, RDF.type, cls) in graph), "individual"
        )
        module = min(self._iris(iri, RDFS.isDefinedBy), default="")
        if URIRef(module) not in self.modules:
            raise InvalidFile(f"ontology: {iri} is defined by no module of ours (rdfs:isDefinedBy)")
        concept = self.concepts.get(str(iri))
        above = _above(kind)
        return Term(
            iri=str(iri),
            name=short_name(str(iri)),
            kind=kind,
            module=module.rsplit("/", 1)[-1],
            label=self._label(iri),
            alt_labels=self._texts(iri, SKOS.altLabel),
            definition=" ".join(self._texts(iri, SKOS.definition)),
            scope_notes=self._texts(iri, SKOS.scopeNote),
            sources=self._texts(iri, DCTERMS.source),
            facet=concept.facet if concept else None,
            types=tuple(t for t in self._iris(iri, RDF.type) if not t.startswith(str(OWL))),
            traits=self._traits(iri),
            parents=self._iris(iri, above),
            children=self._back(above, iri),
            part_of=self._iris(iri, WH.partOf),
            parts=self._back(WH.partOf, iri),
            located_in=self._iris(iri, WH.locatedIn),
            holds=self._back(WH.locatedIn, iri),
            instances=self._back(RDF.type, iri) if kind == "class" else (),
            domain=self._iris(iri, RDFS.domain),
            range=self._iris(iri, RDFS.range),
            domain_of=self._back(RDFS.domain, iri),
            range_of=self._back(RDFS.range, iri),
            disjoint_with=_sorted(self.disjoint.get(iri, ())),
            chains=tuple(self._chain(iri, chain) for chain in self._chains(iri)),
            equivalent=self._axioms(graph.objects(iri, OWL.equivalentClass)),
            sufficient=self._axioms(n for n in graph.subjects(RDFS.subClassOf, iri) if isinstance(n, BNode)),
            conditions=self._axioms(n for n in graph.objects(iri, RDFS.subClassOf) if isinstance(n, BNode)),
            codes=tuple(
                Code(scheme=_scheme(value), value=value, mapping=short_name(str(mapping)))
                for mapping in _MAPPINGS
                for value in self._texts(iri, mapping)
            ),
            sense=self._sense(iri, self.mirrored[iri]) if iri in self.mirrored else None,
            mirrors=next(iter(self._iris(iri, WH.mirrorsClass)), None),
            facts=tuple(self._facts(iri)),
            mentions=self._mentions(iri),
            follows=tuple(Axiom(text=text, terms=terms) for text, terms in self._follows(iri, kind) if terms),
            deprecated=any(str(value) == "true" for value in graph.objects(iri, OWL.deprecated)),
            replaced_by=self._iris(iri, DCTERMS.isReplacedBy),
        )

    def _sense(self, cls: URIRef, concept: Node) -> SenseFacts:
        def flag(predicate: URIRef) -> bool | None:
            value = self.graph.value(cls, predicate)
            return None if value is None else str(value) in ("true", "1")

        return SenseFacts(
            concept=str(concept),
            concept_definition=" ".join(self._texts(concept, SKOS.definition)),
            comparand=" ".join(self._texts(cls, WH.comparand)),
            bases=self._iris(cls, WH.allowedBasis),
            needs_images=flag(WH.needsImages),
            scale=" ".join(self._texts(cls, WH.scaleNote)),
            direction=" ".join(self._texts(cls, WH.directionNote)),
            storable=flag(WH.storable) or False,
            shifts=self._iris(cls, WH.lowValueIsEvidenceFor),
            methods=self._back(WH.assessesSense, concept),
        )

    def _facts(self, iri: URIRef) -> Iterator[Fact]:
        held = _HELD_OF_SENSES if iri in self.mirrored else _HELD
        for predicate in _in_order(p for p in self.graph.predicates(iri, None) if p not in held):
            values = _in_order(self.graph.objects(iri, predicate))
            yield Fact(predicate=str(predicate), values=tuple(self._value(v) for v in values))

    def _mentions(self, iri: URIRef) -> tuple[Fact, ...]:
        return tuple(
            Fact(predicate=str(p), values=tuple(self._value(s) for s in _in_order(subjects)))
            for p, subjects in sorted(self.mentions.get(iri, {}).items(), key=str)
        )

    def _value(self, node: Node) -> Value:
        if isinstance(node, URIRef):
            return Value(text=self._label(node), iri=str(node))
        if isinstance(node, BNode):
            return Value(text=self._expression(node))
        return Value(text=str(node))

    def _follows(self, iri: URIRef, kind: Kind) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Sentences about what stating the term entails; each names the terms it ends in."""
        graph, ancestors = self.graph, self._closure(iri, _above(kind))
        if kind == "class":
            yield "Every instance is also an instance of", _sorted(ancestors)
            for ancestor in sorted(ancestors):
                yield (
                    f"Being a kind of {self._label(ancestor)}, no instance is also an instance of",
                    _sorted(self.disjoint.get(ancestor, ())),
                )
            yield (
                "Low similarity in this sense speaks for, but never proves,",
                self._iris(iri, WH.lowValueIsEvidenceFor),
            )
        elif kind != "individual":
            yield "What is stated with it holds also with", _sorted(ancestors)
            line = {iri, *ancestors}
            domains = (t for p in line for t in graph.objects(p, RDFS.domain))
            ranges = (t for p in line for t in graph.objects(p, RDFS.range))
            if kind == "object property":
                yield "What it is stated of is an instance of", _sorted(domains)
                yield "What it leads to is an instance of", _sorted(ranges)
            users = {
                p for p, chain in graph.subject_objects(OWL.propertyChainAxiom) if iri in self._list(chain)
            }
            yield "Chained with others it yields statements with", _sorted(users - {iri})
        elif str(iri) in self.concepts:
            entailed = self.vocabulary.entailed(self.concepts[str(iri)].id)
            yield "A dataset that states it is found under", _sorted({WH[c] for c in entailed} - {iri})
        else:
            classes = {c for t in graph.objects(iri, RDF.type) for c in self._closure(t, RDFS.subClassOf)}
            yield "By its class it is also an instance of", _sorted(classes)

    def _closure(self, node: Node, predicate: URIRef) -> set[URIRef]:
        """Named nodes above, without the node itself."""
        return {n for n in self.graph.transitive_objects(node, predicate) if isinstance(n, URIRef)} - {node}

    def _chains(self, iri: URIRef) -> list[list[Node]]:
        return sorted((self._list(c) for c in self.graph.objects(iri, OWL.propertyChainAxiom)), key=str)

    def _chain(self, iri: URIRef, links: list[Node]) -> Axiom:
        names = "xyzuvw"
        steps = [f"{names[i]} {self._label(link)} {names[i + 1]}" for i, link in enumerate(links)]
        text = f"if {' and '.join(steps)}, then x {self._label(iri)} {names[len(links)]}"
        return Axiom(text=text, terms=tuple(map(str, links)))

    def _axioms(self, expressions: Iterable[Node]) -> tuple[Axiom, ...]:
        found = (Axiom(text=self._expression(n), terms=_sorted(self._named_in(n))) for n in expressions)
        return tuple(sorted(found, key=lambda axiom: axiom.text))

    def _expression(self, node: Node) -> str:
        """A class expression in words, after the Manchester syntax."""
        graph = self.graph
        if not isinstance(node, BNode):
            return self._label(node)
        for predicate, word in ((OWL.intersectionOf, "and"), (OWL.unionOf, "or")):
            if members := graph.value(node, predicate):
                return f" {word} ".join(self._expression(member) for member in self._list(members))
        if (prop := graph.value(node, OWL.onProperty)) is not None:
            for predicate, word in (
                (OWL.someValuesFrom, "some"),
                (OWL.allValuesFrom, "only"),
                (OWL.hasValue, "value"),
            ):
                if (filler := graph.value(node, predicate)) is not None:
                    words = self._expression(filler)
                    words = f"({words})" if (filler, OWL.intersectionOf, None) in graph else words
                    return f"({self._label(prop)} {word} {words})"
        said = sorted(f"{self._label(p)} {self._expression(v)}" for p, v in graph.predicate_objects(node))
        return f"[{'; '.join(said)}]"

    def _named_in(self, node: Node) -> Iterator[Node]:
        if not isinstance(node, BNode):
            yield node
            return
        for predicate, value in self.graph.predicate_objects(node):
            if predicate not in (RDF.type, RDFS.subClassOf) and value != RDF.nil:
                yield from self._named_in(value)

    def _traits(self, iri: URIRef) -> tuple[str, ...]:
        traits = [short_name(t)[4:-8].lower() for t in map(str, self.graph.objects(iri, RDF.type))
                  if t.startswith(str(OWL)) and t.endswith("Property") and URIRef(t) not in _KIND_CLASSES]  # fmt: skip
        return tuple(sorted(traits))

    def _kinds(self, iri: URIRef) -> tuple[str, ...]:
        return tuple(kind for cls, kind in _KIND_CLASSES.items() if (iri, RDF.type, cls) in self.graph)

    def _mention(self, named: Node, predicate: Node, subject: Node) -> None:
        self.mentions.setdefault(named, {}).setdefault(predicate, set()).add(subject)

    def _keep_apart(self, members: set[Node]) -> None:
        for member in members:
            self.disjoint.setdefault(member, set()).update(members - {member})

    def _list(self, head: Node | None) -> list[Node]:
        return [] if head is None else list(Collection(self.graph, head))

    def _label(self, node: Node) -> str:
        label = self.graph.value(node, SKOS.prefLabel) or self.graph.value(node, RDFS.label)
        return str(label) if label is not None else short_name(str(node))

    def _texts(self, subject: Node, predicate: URIRef) -> tuple[str, ...]:
        return tuple(
            sorted(str(v) for v in self.graph.objects(subject, predicate) if not isinstance(v, BNode))
        )

    def _iris(self, subject: Node, predicate: URIRef) -> tuple[str, ...]:
        return _sorted(v for v in self.graph.objects(subject, predicate) if isinstance(v, URIRef))

    def _back(self, predicate: URIRef, value: Node) -> tuple[str, ...]:
        return _sorted(s for s in self.graph.subjects(predicate, value) if isinstance(s, URIRef))


def _above(kind: Kind) -> URIRef:
    """Predicate that leads to the next broader term of this kind."""
    if kind == "class":
        return RDFS.subClassOf
    return SKOS.broader if kind == "individual" else RDFS.subPropertyOf


def _sorted(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(
        sorted({str(n) for n in nodes if not isinstance(n, RdfLiteral) and n != OWL.NamedIndividual})
    )


def _in_order(nodes: Iterable[Node]) -> list[Node]:
    return sorted(set(nodes), key=str)


def _scheme(code: str) -> str:
    for prefix, scheme in _SCHEMES:
        if code.startswith(prefix):
            return scheme
    return code.partition(":")[0] if "://" not in code else code.split("/")[2]
