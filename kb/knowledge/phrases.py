"""Wordings by which people call datasets similar: what each may mean, ranked, and the question that settles it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rdflib import RDF, XSD, Graph, Literal, URIRef

from kb.errors import InvalidFile
from kb.knowledge.entry_base import Text
from kb.knowledge.names import BASE, WH
from kb.knowledge.tables import read_table

_COLUMNS = ["phrase", "senses", "question", "note"]


class Phrase(BaseModel):
    """One wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phrase: Text = Field(title="Wording")
    senses: tuple[Text, ...] = Field(min_length=1, title="Classes it may mean, likeliest first")
    question: Text = Field(title="Question that would settle it")
    note: str = Field(default="", title="Note")

    @property
    def iri(self) -> URIRef:
        """`phrase/{slug}`."""
        return URIRef(f"{BASE}phrase/{re.sub(r'[^a-z0-9]+', '-', self.phrase.lower()).strip('-')}")


def read_phrases(path: Path) -> list[Phrase]:
    """All phrases of the table, in its order.

    Raises `InvalidFile` naming line and field.
    """
    found: dict[URIRef, Phrase] = {}
    for line, row in read_table(path, _COLUMNS):
        text, senses, question, note = row
        try:
            phrase = Phrase(phrase=text, senses=tuple(senses.split("|")), question=question, note=note)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise InvalidFile(f"{path}:{line}: {first['loc'][0]}: {first['msg']}") from error
        if phrase.iri in found:
            raise InvalidFile(f"{path}:{line}: phrase: {text!r} stands there already")
        found[phrase.iri] = phrase
    return list(found.values())


def phrase_triples(phrases: Iterable[Phrase], ontology: Graph) -> Graph:
    """Phrases and their readings; a reading that is a sense points to the concept that mirrors its class.

    Raises `InvalidFile` for a name that is no class of the ontology.
    """
    mirrors = {
        str(cls).removeprefix(str(WH)): sense for sense, cls in ontology.subject_objects(WH.mirrorsClass)
    }
    graph = Graph()
    for phrase in phrases:
        graph.add((phrase.iri, RDF.type, WH.Phrase))
        graph.add((phrase.iri, WH.phraseText, Literal(phrase.phrase, datatype=XSD.string)))
        graph.add((phrase.iri, WH.settlingQuestion, Literal(phrase.question, datatype=XSD.string)))
        if phrase.note:
            graph.add((phrase.iri, WH.note, Literal(phrase.note, datatype=XSD.string)))
        for rank, name in enumerate(phrase.senses, start=1):
            if (WH[name], None, None) not in ontology:
                raise InvalidFile(f"phrase {phrase.phrase!r}: senses: no class {name!r} in the ontology")
            reading = URIRef(f"{phrase.iri}#{rank}")
            graph.add((phrase.iri, WH.hasReading, reading))
            graph.add((reading, RDF.type, WH.PhraseReading))
            graph.add((reading, WH.readingRank, Literal(rank)))
            graph.add((reading, WH.readingName, Literal(name, datatype=XSD.string)))
            if name in mirrors:
                graph.add((reading, WH.readingOf, mirrors[name]))
    return graph
