"""How to cite the data of an entry: BibTeX, and JSON with the names of DataCite's schema 4.6."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from kb.knowledge.described_entry import DescribedEntry
from kb.knowledge.entry_base import RelationKind
from kb.knowledge.names import BASE, DATASET, WH

#: DataCite's word for a mandatory value that can't be had; a record about data of others knows no creators.
UNAVAILABLE = ":unav"
_RELATION_TYPES: dict[RelationKind, str] = {
    "derived-from": "IsDerivedFrom",
    "synthetic-of": "IsDerivedFrom",
    "subset-of": "IsPartOf",
    "part-of": "IsPartOf",
    "same-as": "IsIdenticalTo",
}
#: Braces become words, because BibTeX counts them even behind a backslash.
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
}
_LATEX_SPECIAL = re.compile("[" + re.escape("".join(_LATEX)) + "]")
_DOI = "https://doi.org/"


def latex(text: str) -> str:
    """Text for a field of BibTeX, on one line, with the characters that TeX would act on made safe."""
    return _LATEX_SPECIAL.sub(lambda match: _LATEX[match[0]], " ".join(text.split()))


def bibtex(described: DescribedEntry) -> str:
    """One `@misc` for the data; authors are unknown to a record about data of others and left out."""
    entry = described.entry
    dois = _dois(described)
    notes = [f"Papers: {', '.join(described.papers)}"] if described.papers else []
    notes.append(described.credit)
    fields = {
        "title": f"{{{latex(entry.name)}}}",  # the inner braces keep its capitals
        "year": None if described.year is None else str(described.year),
        "howpublished": latex(", ".join(entry.platforms)) or None,
        "doi": dois[0] if len(dois) == 1 else None,
        "url": described.landing_page,
        "note": latex(". ".join(notes)),
    }
    lines = (f"  {name} = {{{value}}}," for name, value in fields.items() if value is not None)
    return "\n".join((f"@misc{{{entry.id},", *lines, "}")) + "\n"


def _listed(addresses: Iterable[str]) -> str:
    return ", ".join(addresses)


def _dois(described: DescribedEntry) -> list[str]:
    """DOIs of the data; several are those of parts or versions, of which none stands for the whole."""
    return [one.removeprefix(_DOI) for one in described.identifiers if one.startswith(_DOI)]


def datacite(described: DescribedEntry) -> dict[str, Any]:
    """The entry in the properties of DataCite; not registered there, and no DOI of ours."""
    entry = described.entry
    dois = _dois(described)
    document: dict[str, Any] = {
        "doi": dois[0] if len(dois) == 1 else None,
        "alternateIdentifiers": [
            {"alternateIdentifier": described.iri, "alternateIdentifierType": "Whence entry"},
            *(
                {"alternateIdentifier": one, "alternateIdentifierType": "URL"}
                for one in described.identifiers
                if len(dois) != 1 or one != _DOI + dois[0]
            ),
        ],
        "url": described.landing_page,
        "creators": [{"name": UNAVAILABLE}],
        "titles": [
            {"title": entry.name},
            *({"title": alias, "titleType": "AlternativeTitle"} for alias in entry.aliases),
        ],
        "publisher": {"name": entry.platforms[0] if len(entry.platforms) == 1 else UNAVAILABLE},
        "publicationYear": None if described.year is None else str(described.year),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Imaging dataset"},
        "subjects": [
            {
                "subject": concept.label,
                "subjectScheme": "Whence ontology",
                "schemeUri": str(WH),
                "valueUri": str(concept.iri),
            }
            for facet in ("modality", "anatomy", "task", "finding")
            for concept in described.concepts(facet)
        ],
        "contributors": [
            *({"name": name, "contributorType": "HostingInstitution"} for name in entry.platforms),
            *({"name": one.by, "contributorType": "DataManager"} for one in entry.maintenance if one.by),
        ],
        "language": described.language_tags[0] if len(described.language_tags) == 1 else None,
        "relatedIdentifiers": [
            *({**_related(paper), "relationType": "IsDescribedBy"} for paper in described.papers),
            *(
                {
                    "relatedIdentifier": str(DATASET[one.target]),
                    "relatedIdentifierType": "URL",
                    "relationType": relation_type,
                }
                for kind, relation_type in _RELATION_TYPES.items()
                for one in described.relations(kind)
                if one.target is not None
            ),
        ],
        "sizes": list(described.sizes),
        "formats": list(described.formats),
        "rightsList": [
            {
                "rights": one.words,
                **(
                    {
                        "rightsUri": one.url,
                        "rightsIdentifier": one.spdx,
                        "rightsIdentifierScheme": "SPDX",
                        "schemeUri": "https://spdx.org/licenses/",
                    }
                    if one.spdx is not None
                    else {}
                ),
            }
            for one in described.licences
        ],
        "descriptions": [
            {"description": described.description, "descriptionType": "Abstract"},
            {"description": f"{described.credit}, {BASE}", "descriptionType": "Other"},
        ],
        "geoLocations": [{"geoLocationPlace": name} for name in described.countries()],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return {name: value for name, value in document.items() if value not in (None, [])}


def _related(address: str) -> dict[str, str]:
    """An address as DataCite names it: DOI and arXiv number without the resolver."""
    for prefix, kind, scheme in ((_DOI, "DOI", ""), ("https://arxiv.org/abs/", "arXiv", "arXiv:")):
        if address.startswith(prefix):
            return {
                "relatedIdentifier": scheme + address.removeprefix(prefix),
                "relatedIdentifierType": kind,
            }
    return {"relatedIdentifier": address, "relatedIdentifierType": "URL"}
