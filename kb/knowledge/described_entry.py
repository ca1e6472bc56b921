"""An entry with what every export says of it: labels, licences, references as addresses, whose record this is.

Exports of other vocabularies (`croissant`, `schema_org`, `dcat`, `citation`, `entry_row`) are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS, Attribute, Facet, FieldStatus, RelationKind, StatusField
from kb.knowledge.entry_parts import Count, PopulationShare, Relation
from kb.knowledge.names import DATASET, reference_iri
from kb.knowledge.vocabulary import Concept, Vocabulary

#: Whose the record is (the data it describes have their own authors and licence); see LICENSE-DATA.
CREDIT = "Whence contributors"
HOME_PAGE = "https://w3id.org/whence/"
RECORD_LICENCE = "CC-BY-4.0"
RECORD_LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"

#: Media types of released files; a format that is not here has no registered type we are sure of.
MEDIA_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "tiff": "image/tiff",
    "tif": "image/tiff",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "dicom": "application/dicom",
    "csv": "text/csv",
    "json": "application/json",
    "xml": "application/xml",
}
#: Names of languages as entries write them → BCP 47.
_LANGUAGE_TAGS = {"English": "en", "Chinese": "zh", "German": "de", "French": "fr", "Spanish": "es"}
_STATUS_WORDS: dict[FieldStatus, str] = {
    "reportedNone": "none, as reported",
    "notReported": "not reported by what was read",
    "notApplicable": "does not apply",
}


@dataclass(frozen=True)
class StatedLicence:
    """A licence in the words of a reference, with its address where the words name one."""

    words: str
    spdx: str | None

    @property
    def url(self) -> str | None:
        """Page of the licence in the SPDX list."""
        return None if self.spdx is None else f"https://spdx.org/licenses/{self.spdx}"


@dataclass(frozen=True)
class DescribedEntry:
    """An entry, its description, and what it takes to say it in words of others."""

    entry: DatasetEntry
    description: str
    vocabulary: Vocabulary
    names: Mapping[str, str]
    data_version: str

    @property
    def iri(self) -> str:
        """IRI of the entry."""
        return str(DATASET[self.entry.id])

    @property
    def landing_page(self) -> str:
        """Home page of the data; where none is known, the entry itself."""
        return self.entry.url or self.iri

    @property
    def credit(self) -> str:
        """Whom to credit for the record, as a sentence without its full stop."""
        return f"Record by {CREDIT}, data version {self.data_version}, {RECORD_LICENCE}"

    @property
    def year(self) -> int | None:
        """Year of release where the references agree on one."""
        years = {year.value for year in self.entry.years}
        return years.pop() if len(years) == 1 else None

    @property
    def licences(self) -> tuple[StatedLicence, ...]:
        """Licences of the data as stated, each once."""
        return tuple(dict.fromkeys(StatedLicence(one.stated, one.spdx) for one in self.entry.licences))

    @property
    def stated_routes(self) -> tuple[str, ...]:
        """Routes of access that a reference states; what was guessed from the host is none."""
        routes = (one.route for one in self.entry.access if one.basis == "stated" and one.route != "unknown")
        return tuple(dict.fromkeys(routes))

    @property
    def language_tags(self) -> tuple[str, ...]:
        """BCP 47 tags of its texts; a language without one stays in words."""
        return tuple(_LANGUAGE_TAGS.get(name, name) for name in self.entry.languages)

    @property
    def papers(self) -> tuple[str, ...]:
        """Addresses of its papers."""
        return tuple(str(reference_iri(ref)) for ref in self.entry.papers)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Persistent identifiers of the data, as addresses."""
        return tuple(str(reference_iri(ref)) for ref in self.entry.identifiers)

    @property
    def other_links(self) -> tuple[str, ...]:
        """Addresses of the data beside the landing page; those of papers are not among them."""
        urls = (link.url for link in self.entry.links if link.role != "paper")
        return tuple(dict.fromkeys(url for url in urls if url != self.landing_page))

    @property
    def media_types(self) -> tuple[str, ...]:
        """Registered media types of the files as released."""
        known = (MEDIA_TYPES.get(name.lower()) for name in self.formats)
        return tuple(dict.fromkeys(one for one in known if one is not None))

    @property
    def formats(self) -> tuple[str, ...]:
        """File formats as released."""
        released = (form for form in self.entry.form if form.stage == "released")
        return tuple(dict.fromkeys(name for form in released for name in form.formats))

    @property
    def sizes(self) -> tuple[str, ...]:
        """Counts of the whole in words."""
        return tuple(dict.fromkeys(count_words(count) for count in self.entry.counts if count.split is None))

    @property
    def keywords(self) -> tuple[str, ...]:
        """Labels of all concepts stated."""
        return tuple(concept.label for facet in FACETS for concept in self.concepts(facet))

    def concepts(self, facet: Facet) -> tuple[Concept, ...]:
        """Concepts stated for one facet."""
        return tuple(self.vocabulary[concept] for concept in self.entry.concepts(facet))

    def relations(self, *kinds: RelationKind) -> tuple[Relation, ...]:
        """Stated relations of these kinds."""
        return tuple(one for one in self.entry.relations if one.kind in kinds and one.grade == "stated")

    def partner(self, relation: Relation) -> str:
        """Name of the dataset at the other end."""
        return relation.target_name or self.names.get(relation.target or "", relation.target or "")

    def facts(self, *attributes: Attribute) -> Iterator[tuple[str, str]]:
        """(attribute in words, value with its references) of stated facts, in the order of the attributes."""
        for attribute in attributes:
            for fact in self.entry.facts:
                if fact.attribute == attribute and fact.grade == "stated":
                    yield attribute.replace("-", " "), with_references(fact.value, fact.refs)

    def countries(self) -> tuple[str, ...]:
        """Countries that the data come from, as stated."""
        values = (fact.value for fact in self.entry.facts if fact.attribute == "country")
        return tuple(dict.fromkeys(values))

    def status_words(self, *fields: StatusField) -> Iterator[str]:
        """What is known of fields without a value; an unchecked field says nothing."""
        for note in self.entry.field_status:
            words = _STATUS_WORDS.get(note.status)
            for field in fields:
                if words is not None and field in note.fields:
                    yield with_references(f"{field_words(field)}: {words}", note.refs)


def field_words(field: str) -> str:
    """`population.skin-tone` → `population, skin tone`."""
    return field.replace("-", " ").replace(".", ", ")


def count_words(count: Count) -> str:
    """A count in words, such as `7,007 images (train)`."""
    unit = "items (unit not stated)" if count.unit == "unstated" else count.unit
    return f"{count.n:,} {unit}" + (f" ({count.split})" if count.split else "")


def population_words(share: PopulationShare) -> str:
    """A share of the people imaged in words, such as `sex: female, 51 %`."""
    percent = f", {share.percent:g} %" if share.percent is not None else ""
    number = f", {share.n:,} {share.unit or ''}".rstrip() if share.n is not None else ""
    return f"{share.attribute.replace('-', ' ')}: {share.group}{percent}{number}"


def with_references(text: str, refs: Iterable[str]) -> str:
    """The text, followed by what it rests on."""
    rests_on = "; ".join(refs)
    return f"{text} [{rests_on}]" if rests_on else text


def statuses(entry: DatasetEntry) -> dict[FieldStatus, tuple[StatusField, ...]]:
    """Fields without a value by the reason why; every status stands there."""
    return {
        status: tuple(
            sorted({field for note in entry.field_status if note.status == status for field in note.fields})
        )
        for status in get_args(FieldStatus)
    }
