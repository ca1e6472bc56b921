"""Results of a query as text: SPARQL 1.1 results in JSON, XML, CSV, TSV; graphs in the usual formats."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import BinaryIO
from xml.sax.saxutils import escape as _escape
from xml.sax.saxutils import quoteattr

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

Term = NamedNode | BlankNode | Literal | Triple
Row = Sequence[Term | None]

#: Media types by answer: for SELECT and ASK, and for CONSTRUCT and DESCRIBE. The first is the default.
TABLE_TYPES: Mapping[str, str] = {
    "application/sparql-results+json": "json",
    "application/sparql-results+xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
}
GRAPH_TYPES: Mapping[str, RdfFormat] = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/ld+json": RdfFormat.JSON_LD,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/trig": RdfFormat.TRIG,
}
#: Characters that no XML 1.0 document can hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML = '<?xml version="1.0"?>\n<sparql xmlns="http://www.w3.org/2005/sparql-results#">'
_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"


def answer_types(form: str) -> tuple[str, ...]:
    """Media types in which a query of this form can be answered, default first."""
    return tuple(TABLE_TYPES if form in ("SELECT", "ASK") else GRAPH_TYPES)


def boolean(value: bool, form: str) -> bytes:
    """Answer of ASK."""
    text = "true" if value else "false"
    match form:
        case "json":
            return json.dumps({"head": {}, "boolean": value}).encode()
        case "xml":
            return (_XML + f"<head/><boolean>{text}</boolean></sparql>").encode()
    return f"{text}\n".encode()


def table(variables: Sequence[str], rows: Iterable[Row], form: str) -> Iterator[bytes]:
    """Answer of SELECT, piece by piece as rows come; variables without their question mark.

    W3C: SPARQL 1.1 Query Results JSON Format, XML Format (Second Edition), CSV and TSV Formats.
    """
    return _TABLES[form](variables, rows)


def _json_table(variables: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield b'{"head": {"vars": ' + json.dumps(list(variables)).encode() + b'}, "results": {"bindings": ['
    before, names = "", [json.dumps(name) for name in variables]
    for row in rows:
        cells = (
            f"{name}: {_json_text(term)}" for name, term in zip(names, row, strict=True) if term is not None
        )
        yield f"{before}{{{', '.join(cells)}}}".encode()
        before = ", "
    yield b"]}}"


def _xml_table(variables: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    names = "".join(f"<variable name={quoteattr(name)}/>" for name in variables)
    yield (_XML + f"<head>{names}</head><results>").encode()
    for row in rows:
        yield _xml_row(variables, row).encode()
    yield b"</results></sparql>"


def _csv_table(variables: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(variables)
    for row in rows:
        writer.writerow([_plain(term) for term in row])
        yield stream.getvalue().encode()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue().encode()


def _tsv_table(variables: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield ("\t".join(f"?{name}" for name in variables) + "\n").encode()
    for row in rows:
        cells = ("" if term is None else str(term).replace("\t", "\\t") for term in row)
        yield ("\t".join(cells) + "\n").encode()


_TABLES: Mapping[str, Callable[[Sequence[str], Iterable[Row]], Iterator[bytes]]] = {
    "json": _json_table,
    "xml": _xml_table,
    "csv": _csv_table,
    "tsv": _tsv_table,
}


def graph(triples: Iterable[Triple], media_type: str, prefixes: Mapping[str, str], output: BinaryIO) -> None:
    """Write the answer of CONSTRUCT or DESCRIBE as the triples come."""
    form = GRAPH_TYPES[media_type]
    named = dict(prefixes) if form in (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML) else None
    serialize(triples, output, format=form, prefixes=named)


def escape(text: str) -> str:
    """Text for XML; what XML can't hold becomes the replacement character."""
    return _escape(_NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})


def _plain(term: Term | None) -> str:
    if term is None:
        return ""
    return term.value if isinstance(term, NamedNode | Literal) else str(term)


@lru_cache(maxsize=10_000)
def _json_text(term: Term) -> str:
    """The term as JSON; answers repeat most of their terms."""
    return json.dumps(_json(term))


def _json(term: Term) -> dict[str, object]:
    if isinstance(term, NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, Literal):
        answer: dict[str, object] = {"type": "literal", "value": term.value}
        if term.language:
            answer["xml:lang"] = term.language
        elif term.datatype.value != _XSD_STRING:
            answer["datatype"] = term.datatype.value
        return answer
    parts = {"subject": term.subject, "predicate": term.predicate, "object": term.object}
    return {"type": "triple", "value": {name: _json(part) for name, part in parts.items()}}


def _xml_row(variables: Sequence[str], row: Row) -> str:
    cells = (
        f"<binding name={quoteattr(name)}>{_xml_term(term)}</binding>"
        for name, term in zip(variables, row, strict=True)
        if term is not None
    )
    return f"<result>{''.join(cells)}</result>"


def _xml_term(term: Term) -> str:
    if isinstance(term, NamedNode):
        return f"<uri>{escape(term.value)}</uri>"
    if isinstance(term, BlankNode):
        return f"<bnode>{escape(term.value)}</bnode>"
    if isinstance(term, Literal):
        if term.language:
            return f"<literal xml:lang={quoteattr(term.language)}>{escape(term.value)}</literal>"
        if term.datatype.value == _XSD_STRING:
            return f"<literal>{escape(term.value)}</literal>"
        return f"<literal datatype={quoteattr(term.datatype.value)}>{escape(term.value)}</literal>"
    parts = {"subject": term.subject, "predicate": term.predicate, "object": term.object}
    return f"<triple>{''.join(f'<{n}>{_xml_term(p)}</{n}>' for n, p in parts.items())}</triple>"
