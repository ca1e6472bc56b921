"""The ontology as files for others: Turtle, RDF/XML, JSON-LD and SSSOM, the same bytes whenever nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rdflib import OWL, RDF, Graph, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.compare import to_canonical_graph
from rdflib.namespace import DCTERMS, VANN

import kb
from kb.engines.store import serialize_sorted
from kb.errors import InvalidInput
from kb.knowledge.entry_shapes import entry_shapes
from kb.knowledge.names import BASE, PREFIXES, WH
from kb.knowledge.ontology_checks import canonical_turtle
from kb.knowledge.term_changes import changelog
from kb.knowledge.vocabulary import load_ontology

#: Name of a release file → media type.
FILES = {
    "whence.ttl": "text/turtle",
    "whence.owl": "application/rdf+xml",
    "whence.jsonld": "application/ld+json",
}


def merged(ontology: Graph, version: str) -> Graph:
    """All modules as one ontology with one header; the modules stay named in `rdfs:isDefinedBy`."""
    graph = Graph(bind_namespaces="none")
    modules = set(ontology.subjects(RDF.type, OWL.Ontology))
    for triple in sorted(to_canonical_graph(ontology)):
        if triple[0] not in modules:
            graph.add(triple)
    head = URIRef(f"{BASE}ontology")
    created = min(str(ontology.value(module, DCTERMS.created)) for module in modules)
    modified = max(str(ontology.value(module, DCTERMS.modified)) for module in modules)
    for predicate, value in (
        (RDF.type, OWL.Ontology),
        (OWL.versionIRI, URIRef(f"{BASE}ontology/{version}")),
        (OWL.versionInfo, RdfLiteral(version)),
        (DCTERMS.title, RdfLiteral("Whence", lang="en")),
        (DCTERMS.description, RdfLiteral(
            "From which dataset should I transfer? Modality, anatomy, task, finding, dataset, transfer evidence, and "
            "what people mean by similarity of datasets.", lang="en")),
        (DCTERMS.license, URIRef("https://creativecommons.org/licenses/by/4.0/")),
        (DCTERMS.creator, RdfLiteral("Whence contributors")),
        (DCTERMS.created, RdfLiteral(created)),
        (DCTERMS.modified, RdfLiteral(modified)),
        (VANN.preferredNamespacePrefix, RdfLiteral("wh")),
        (VANN.preferredNamespaceUri, RdfLiteral(str(WH))),
    ):  # fmt: skip
        graph.add((head, predicate, value))
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    graph.bind("vann", VANN)
    return graph


def write_release(ontology: Graph, mappings: Path, folder: Path) -> list[Path]:
    """Write all release files and `SHA256SUMS` into `folder`; returns what was written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{folder}: can't be made a folder: {error.strerror}", hint="name a folder"
        ) from error
    graph = merged(ontology, kb.__version__)
    written = []
    for name, media_type in FILES.items():
        path = folder / name
        if media_type == "text/turtle":
            path.write_text(canonical_turtle(graph), encoding="utf-8")
        else:
            path.write_bytes(serialize_sorted(graph, media_type))
        written.append(path)
    for source in sorted(mappings.glob("*.sssom.tsv")):
        path = folder / source.name
        path.write_bytes(source.read_bytes())
        written.append(path)
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(_sums(written)), encoding="utf-8")
    return [*written, sums]


def _sums(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def generated(folder: Path) -> dict[Path, str]:
    """Text that each file of the ontology's folder should have.

    Modules in canonical form, entry shapes as the model gives them, the changelog of terms.
    """
    texts = {
        path: canonical_turtle(Graph().parse(path, format="turtle")) for path in sorted(folder.glob("*.ttl"))
    }
    texts[folder / "shapes" / "entry.ttl"] = canonical_turtle(entry_shapes())
    texts[folder / "CHANGES.md"] = changelog(load_ontology(folder), kb.__version__, folder / "releases")
    return texts


def rewrite(folder: Path) -> list[Path]:
    """Write every generated text that differs from its file; returns the files that did."""
    changed = []
    for path, text in generated(folder).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
