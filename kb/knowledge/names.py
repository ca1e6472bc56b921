"""Names: the namespaces of Whence and the IRIs of entries, concepts and references."""

from __future__ import annotations

from urllib.parse import quote, unquote

from rdflib import Namespace, URIRef

BASE = "https://w3id.org/whence/"
WH = Namespace(BASE + "ontology/")
DATASET = Namespace(BASE + "dataset/")
REFERENCE = Namespace(BASE + "reference/")
GRAPH = Namespace(BASE + "graph/")

ONTOLOGY_GRAPH = GRAPH["ontology"]
INFERRED_GRAPH = GRAPH["inferred"]
PROVENANCE_GRAPH = GRAPH["provenance"]
PHRASES_GRAPH = GRAPH["phrases"]

#: Predeclared for every SPARQL query, so that examples stay short.
PREFIXES = {
    "wh": str(WH),
    "whd": str(DATASET),
    "whr": str(REFERENCE),
    "whg": str(GRAPH),
    "sense": BASE + "sense/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
}

#: Reference schemes that resolve outside Whence, with the prefix of their IRIs.
_RESOLVERS = {"doi": "https://doi.org/", "arxiv": "https://arxiv.org/abs/"}


def reference_iri(reference: str) -> URIRef:
    """IRI of a reference such as `PX:807`, `doi:10.1002/mp.13942` or `url:https://example.org/`."""
    scheme, _, locator = reference.partition(":")
    if scheme == "url":
        return URIRef(locator)
    if scheme in _RESOLVERS:
        return URIRef(_RESOLVERS[scheme] + quote(locator, safe="/:;()"))
    return REFERENCE[f"{scheme}/{quote(locator, safe='')}"]


def reference_of(iri: str) -> str:
    """Reference that `reference_iri` made this IRI from."""
    if iri.startswith(str(REFERENCE)):
        scheme, _, locator = iri.removeprefix(str(REFERENCE)).partition("/")
        return f"{scheme}:{unquote(locator)}"
    for scheme, prefix in _RESOLVERS.items():
        if iri.startswith(prefix):
            return f"{scheme}:{unquote(iri.removeprefix(prefix))}"
    return f"url:{iri}"
