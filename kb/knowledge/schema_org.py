"""schema.org `Dataset` of an entry as JSON-LD, for search engines and whoever reads structured data."""

from __future__ import annotations

from typing import Any

from kb.knowledge.described_entry import (
    CREDIT,
    HOME_PAGE,
    RECORD_LICENCE_URL,
    DescribedEntry,
    with_references,
)
from kb.knowledge.entry_base import RelationKind
from kb.knowledge.names import DATASET


def schema_org(described: DescribedEntry) -> dict[str, Any]:
    """The entry as a schema.org document; what is not known is left out."""
    entry = described.entry
    document: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": described.iri,
        "name": entry.name,
        "alternateName": entry.aliases,
        "description": described.description,
        "url": described.landing_page,
        "identifier": [described.iri, *described.identifiers],
        "sameAs": _partners(described, "same-as"),
        "license": [one.url or {"@type": "CreativeWork", "name": one.words} for one in described.licences],
        "isAccessibleForFree": True if described.stated_routes == ("open",) else None,
        "conditionsOfAccess": "; ".join(
            with_references(": ".join(filter(None, (one.route, one.note))), one.refs)
            for one in entry.access
            if one.basis == "stated" and one.route != "unknown"
        ),
        "datePublished": None if described.year is None else str(described.year),
        "keywords": described.keywords,
        "inLanguage": described.language_tags,
        "size": described.sizes,
        "measurementTechnique": [concept.label for concept in described.concepts("modality")],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": concept.label, "propertyID": str(concept.iri)}
            for concept in described.concepts("finding")
        ],
        "about": [
            {"@type": "DefinedTerm", "@id": str(concept.iri), "name": concept.label}
            for facet in ("anatomy", "task")
            for concept in described.concepts(facet)
        ],
        "locationCreated": [{"@type": "Place", "name": name} for name in described.countries()],
        "citation": described.papers,
        "maintainer": [{"@type": "Organization", "name": one.by} for one in entry.maintenance if one.by],
        "includedInDataCatalog": [{"@type": "DataCatalog", "name": name} for name in entry.platforms],
        "isBasedOn": _partners(described, "derived-from", "subset-of", "synthetic-of"),
        "isPartOf": [{"@type": "Dataset", "@id": iri} for iri in _partners(described, "part-of")],
        "encodingFormat": described.media_types,
        "sdPublisher": {"@type": "Organization", "name": CREDIT, "url": HOME_PAGE},
        "sdLicense": RECORD_LICENCE_URL,
        "creditText": described.credit,
    }
    return {name: value for name, value in document.items() if value not in (None, "", (), [])}


def _partners(described: DescribedEntry, *kinds: RelationKind) -> list[str]:
    targets = (one.target for one in described.relations(*kinds))
    return list(dict.fromkeys(str(DATASET[target]) for target in targets if target is not None))
