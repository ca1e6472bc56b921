"""DCAT 3 of an entry, in the profile that European data portals share (DCAT-AP)."""

from __future__ import annotations

from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, PROV

from kb.knowledge.described_entry import CREDIT, HOME_PAGE, RECORD_LICENCE_URL, DescribedEntry
from kb.knowledge.entry_base import FACETS, RelationKind
from kb.knowledge.names import DATASET, PREFIXES, WH

#: The catalogue itself, the same node as in the graph of provenance.
CATALOGUE = WH["whence-catalogue"]
DCAT_VERSION = URIRef(f"{DCAT}version")  # of DCAT 3, which rdflib does not know yet
_ADMS = Namespace("http://www.w3.org/ns/adms#")
_AUTHORITY = "http://publications.europa.eu/resource/authority/"
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_LANGUAGES = {"en": "ENG", "zh": "ZHO", "de": "DEU", "fr": "FRA", "es": "SPA"}
#: Routes of access → the European list of access rights, where asking anyone to register still counts as public.
_ACCESS_RIGHTS = {
    "open": "PUBLIC",
    "registration": "PUBLIC",
    "application": "RESTRICTED",
    "agreement": "RESTRICTED",
    "credentialed": "RESTRICTED",
    "closed": "NON_PUBLIC",
}
_RELATIONS: tuple[tuple[RelationKind, URIRef], ...] = (
    ("derived-from", DCTERMS.source),
    ("synthetic-of", DCTERMS.source),
    ("subset-of", DCTERMS.isPartOf),
    ("part-of", DCTERMS.isPartOf),
    ("same-as", DCTERMS.relation),
    ("companion-of", DCTERMS.relation),
)


def dcat(described: DescribedEntry) -> Graph:
    """The entry as a `dcat:Dataset` in the catalogue; every node has an IRI."""
    graph = Graph(bind_namespaces="none")
    for prefix in ("dcat", "dcterms", "prov", "rdfs", "skos", "wh", "whd", "xsd"):
        graph.bind(prefix, PREFIXES[prefix])
    graph.bind("adms", _ADMS)
    graph.bind("foaf", FOAF)
    subject = DATASET[described.entry.id]
    _dataset(graph, subject, described)
    _pages(graph, subject, described)
    _people_and_places(graph, subject, described)
    if described.entry.url is not None:
        _distribution(graph, subject, described)
    _catalogue(graph, subject, described)
    return graph


def _text(text: str) -> Literal:
    return Literal(text, lang="en")


def _dataset(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    entry = described.entry
    graph.add((subject, RDF.type, DCAT.Dataset))
    graph.add((subject, DCTERMS.identifier, Literal(described.iri, datatype=XSD.anyURI)))
    graph.add((subject, DCTERMS.title, _text(entry.name)))
    graph.add((subject, DCTERMS.description, _text(described.description)))
    graph.add((subject, DCAT.landingPage, URIRef(described.landing_page)))
    graph.add((URIRef(described.landing_page), RDF.type, FOAF.Document))
    for alias in entry.aliases:
        graph.add((subject, SKOS.altLabel, _text(alias)))
    for keyword in described.keywords:
        graph.add((subject, DCAT.keyword, _text(keyword)))
    for facet in FACETS:
        for concept in described.concepts(facet):
            graph.add((subject, DCTERMS.subject, concept.iri))
    if entry.domain == "medical":
        theme = URIRef(f"{_AUTHORITY}data-theme/HEAL")
        graph.add((subject, DCAT.theme, theme))
        graph.add((theme, RDF.type, SKOS.Concept))
        graph.add((theme, SKOS.prefLabel, _text("Health")))
    for tag in described.language_tags:
        if tag in _LANGUAGES:
            language = URIRef(f"{_AUTHORITY}language/{_LANGUAGES[tag]}")
            graph.add((subject, DCTERMS.language, language))
            graph.add((language, RDF.type, DCTERMS.LinguisticSystem))
    if described.year is not None:
        graph.add((subject, DCTERMS.issued, Literal(str(described.year), datatype=XSD.gYear)))
    for version in entry.versions:
        words = version.name if version.change is None else f"{version.name}: {version.change}"
        graph.add((subject, _ADMS.versionNotes, _text(words)))
    for kind, predicate in _RELATIONS:
        for relation in described.relations(kind):
            if relation.target is not None:
                graph.add((subject, predicate, DATASET[relation.target]))
    _access(graph, subject, described)


def _access(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    rights = {_ACCESS_RIGHTS[route] for route in described.stated_routes}
    if len(rights) == 1:  # the profile takes one; where references differ, none is said
        right = URIRef(f"{_AUTHORITY}access-right/{rights.pop()}")
        graph.add((subject, DCTERMS.accessRights, right))
        graph.add((right, RDF.type, DCTERMS.RightsStatement))


def _pages(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    for address in (*described.papers, *described.other_links):
        graph.add((subject, FOAF.page, URIRef(address)))
        graph.add((URIRef(address), RDF.type, FOAF.Document))
    for position, address in enumerate(described.identifiers, start=1):
        identifier = URIRef(f"{subject}#dcat-identifier-{position}")
        graph.add((subject, _ADMS.identifier, identifier))
        graph.add((identifier, RDF.type, _ADMS.Identifier))
        graph.add((identifier, SKOS.notation, Literal(address, datatype=XSD.anyURI)))


def _people_and_places(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    for position, name in enumerate(described.countries(), start=1):
        place = URIRef(f"{subject}#dcat-location-{position}")
        graph.add((subject, DCTERMS.spatial, place))
        graph.add((place, RDF.type, DCTERMS.Location))
        graph.add((place, SKOS.prefLabel, _text(name)))
    keepers = dict.fromkeys(one.by for one in described.entry.maintenance if one.by is not None)
    for position, name in enumerate(keepers, start=1):
        attribution = URIRef(f"{subject}#dcat-attribution-{position}")
        agent = URIRef(f"{subject}#dcat-maintainer-{position}")
        graph.add((subject, PROV.qualifiedAttribution, attribution))
        graph.add((attribution, RDF.type, PROV.Attribution))
        graph.add((attribution, PROV.agent, agent))
        graph.add((attribution, DCAT.hadRole, URIRef(f"{_AUTHORITY}role/CUSTODIAN")))
        graph.add((agent, RDF.type, FOAF.Agent))
        graph.add((agent, FOAF.name, Literal(name)))


def _distribution(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    node = URIRef(f"{subject}#dcat-distribution")
    graph.add((subject, DCAT.distribution, node))
    graph.add((node, RDF.type, DCAT.Distribution))
    graph.add((node, DCTERMS.title, _text(f"{described.entry.name}, at its own site")))
    graph.add((node, DCAT.accessURL, URIRef(described.landing_page)))
    if len(described.media_types) == 1:  # the profile takes one, and one licence
        name = URIRef(_MEDIA_TYPES + described.media_types[0])
        graph.add((node, DCAT.mediaType, name))
        graph.add((name, RDF.type, DCTERMS.MediaType))
    licences = described.licences
    if len(licences) == 1:
        document = URIRef(licences[0].url or f"{subject}#dcat-licence")
        graph.add((node, DCTERMS.license, document))
        graph.add((document, RDF.type, DCTERMS.LicenseDocument))
        graph.add((document, RDFS.label, Literal(licences[0].spdx or licences[0].words)))
    elif licences:
        rights = URIRef(f"{subject}#dcat-rights")
        graph.add((node, DCTERMS.rights, rights))
        graph.add((rights, RDF.type, DCTERMS.RightsStatement))
        stated = "; ".join(licence.words for licence in licences)
        graph.add((rights, RDFS.label, _text(f"References state different licences: {stated}")))


def _catalogue(graph: Graph, subject: URIRef, described: DescribedEntry) -> None:
    publisher = URIRef(HOME_PAGE)
    licence = URIRef(RECORD_LICENCE_URL)
    graph.add((CATALOGUE, RDF.type, DCAT.Catalog))
    graph.add((CATALOGUE, DCTERMS.title, _text("Whence")))
    graph.add((
        CATALOGUE,
        DCTERMS.description,
        _text("Imaging datasets and the measured transfers between them. The licence here is that of the records, "
              "not of the data they describe."),
    ))  # fmt: skip
    graph.add((CATALOGUE, DCTERMS.publisher, publisher))
    graph.add((publisher, RDF.type, FOAF.Agent))
    graph.add((publisher, FOAF.name, Literal(CREDIT)))
    graph.add((CATALOGUE, DCTERMS.license, licence))
    graph.add((licence, RDF.type, DCTERMS.LicenseDocument))
    graph.add((CATALOGUE, DCAT_VERSION, Literal(described.data_version)))
    graph.add((CATALOGUE, DCAT.dataset, subject))
