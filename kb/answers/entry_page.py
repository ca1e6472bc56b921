"""The page of an entry: every field that has a value, each value with the references it rests on, links to formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import link, read_terms
from kb.knowledge.describe import RELATION_WORDS
from kb.knowledge.described_entry import count_words, population_words
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Part
from kb.knowledge.entry_parts import (
    ClassInventory,
    ConceptTag,
    Count,
    Fact,
    Link,
    ListRow,
    PopulationShare,
    Relation,
    StatusNote,
)
from kb.knowledge.names import BASE, WH, reference_iri
from kb.knowledge.terms import Reference

_NOT_SHOWN = {"id", "name", "description"}
_STATUS_WORDS = {
    "reported": "reported",
    "reportedNone": "reported to be none",
    "notReported": "not reported by what was read",
    "unknown": "not known",
    "notApplicable": "does not apply",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Words(_Frozen):
    """Words, and where they lead."""

    text: str
    href: str | None = None
    title: str = ""


class Row(_Frozen):
    """One value of a field, with what it rests on."""

    words: tuple[Words, ...]
    references: tuple[Words, ...] = ()
    id: str = ""
    how: str = ""


class Field(_Frozen):
    """A field with its values."""

    title: str
    rows: tuple[Row, ...]


class EntryPage(_Frozen):
    """One entry."""

    id: str
    iri: str
    name: str
    description: str
    fields: tuple[Field, ...]


def entry_page(base: KnowledgeBase, entry: DatasetEntry) -> EntryPage:
    """Everything an entry says, in the order of its fields."""
    writer = _Writer(base)
    return EntryPage(
        id=entry.id,
        iri=f"{BASE}dataset/{entry.id}",
        name=entry.name,
        description=base.describe(entry),
        fields=tuple(writer.fields(entry)),
    )


def reference_words(ref: str) -> Words:
    """A reference and its address: a row of ours, or a page elsewhere."""
    iri = str(reference_iri(ref))
    shown = ref.removeprefix("url:").removeprefix("https://").removeprefix("http://").rstrip("/")
    if iri.startswith(BASE):
        return Words(text=shown, href="/" + iri.removeprefix(BASE))
    return Words(text=shown, href=iri if iri.startswith(("https://", "http://")) else None)


class _Writer:
    """Puts values into words; knows how the special parts are said."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        self._reference: Reference = read_terms(base)
        self._special: dict[type[Part], Callable[[Any], list[Words]]] = {
            Link: lambda one: [Words(text=one.url, href=_address(one.url)), Words(text=one.role)],
            ListRow: lambda one: [Words(text=x) for x in (one.name, one.section) if x] or [Words(text="row")],
            ConceptTag: self._concept_tag,
            Count: lambda one: _with_note(count_words(one), one.note),
            ClassInventory: self._classes,
            PopulationShare: lambda one: _with_note(population_words(one), one.note),
            Fact: lambda one: [Words(text=f"{one.attribute.replace('-', ' ')}: {one.value}")],
            Relation: self._relation,
            StatusNote: _status,
        }

    def fields(self, entry: DatasetEntry) -> Iterator[Field]:
        """Fields with a value."""
        for name, info in type(entry).model_fields.items():
            value = getattr(entry, name)
            if name in _NOT_SHOWN or value in (None, ()):
                continue
            values = value if isinstance(value, tuple) else (value,)
            rows = tuple(self._row(name, place, item) for place, item in enumerate(values, start=1))
            yield Field(title=info.title or name, rows=rows)

    def _row(self, name: str, place: int, item: object) -> Row:
        if not isinstance(item, Part):
            if name in ("papers", "identifiers"):
                return Row(words=(reference_words(str(item)),))
            return Row(words=(Words(text=str(item)),))
        special = self._special.get(type(item))
        words = special(item) if special else list(self._generic(item))
        refs = getattr(item, "refs", None) or tuple(filter(None, [getattr(item, "ref", None)]))
        extraction, checked = getattr(item, "extraction", None), getattr(item, "checked", None)
        how = ", ".join(filter(None, [extraction, f"checked {checked}" if checked else None]))
        return Row(
            words=tuple(words),
            references=tuple(map(reference_words, refs)),
            id=f"{name.replace('_', '-')}-{place}",
            how=how.replace("-", " ") if not checked else how,
        )

    def _generic(self, part: Part) -> Iterator[Words]:
        """`Title: value` of each field but the references; the value alone where there is but one."""
        said = [
            (info.title or name, info, getattr(part, name))
            for name, info in type(part).model_fields.items()
            if name not in ("refs", "checked", "extraction") and getattr(part, name) not in (None, ())
        ]
        for title, info, value in said:
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            href = _address(text)
            if href is None and text in self._base.names and _is_slug(info):
                href, text = f"/dataset/{text}", self._base.names[text]
            yield Words(text=text if len(said) == 1 else f"{title}: {text}", href=href)

    def _concept(self, concept: str) -> Words:
        found = link(self._reference, str(WH[concept]))
        return Words(text=found.text, href=None if found.external else found.href, title=found.title)

    def _concept_tag(self, tag: ConceptTag) -> list[Words]:
        stated = [Words(text=f"“{words}”") for words in tag.stated]
        return [self._concept(tag.concept), *stated]

    def _classes(self, inventory: ClassInventory) -> list[Words]:
        words = [] if inventory.n is None else [Words(text=f"{inventory.n} classes")]
        for label in inventory.names:
            text = label.name + ("" if label.n is None else f" ({label.n:,})")
            concept = self._concept(label.concept) if label.concept else None
            words.append(
                Words(text=text)
                if concept is None
                else Words(text=text, href=concept.href, title=concept.title)
            )
        return words or [Words(text="names not stated")]

    def _relation(self, relation: Relation) -> list[Words]:
        target = relation.target
        name = relation.target_name or self._base.names.get(target or "", target or "")
        grade = [] if relation.grade == "stated" else [Words(text=relation.grade)]
        href = f"/dataset/{quote(target)}" if target in self._base.entries else None
        note = [Words(text=relation.note)] if relation.note else []
        return [Words(text=RELATION_WORDS[relation.kind]), Words(text=name, href=href), *grade, *note]


def _status(note: StatusNote) -> list[Words]:
    return [Words(text=f"{_STATUS_WORDS[note.status]}: {', '.join(note.fields)}")]


def _with_note(text: str, note: str | None) -> list[Words]:
    return [Words(text=text), *([Words(text=note)] if note else [])]


def _address(text: str) -> str | None:
    return text if text.startswith(("https://", "http://")) and " " not in text else None


def _is_slug(info: FieldInfo) -> bool:
    """Whether a field holds the id of an entry."""
    return any(getattr(item, "kind", "") == "entry" for item in info.metadata)
