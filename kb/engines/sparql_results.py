"""Results of a query as text: SPARQL 1.1 results in JSON, XML, CSV, TSV; graphs in the usual formats."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
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
_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"


def boolean(value: bool, form: str) -> bytes:
    """Answer of ASK."""
    text = "true" if value else "false"
    match form:
        case "json":
            return json.dumps({"head": {}, "boolean": value}).encode()
        case "xml":
            return _xml("<head/>", f"<boolean>{text}</boolean>")
    return f"{text}\n".encode()


def table(variables: Sequence[str], rows: Sequence[Row], form: str) -> bytes:
    """Answer of SELECT; variables without their question mark."""
    match form:
        case "json":
            bindings = [
                {name: _json(term) for name, term in zip(variables, row, strict=True) if term is not None}
                for row in rows
            ]
            return json.dumps({"head": {"vars": list(variables)}, "results": {"bindings": bindings}}).encode()
        case "xml":
            head = "<head>" + "".join(f"<variable name={quoteattr(name)}/>" for name in variables) + "</head>"
            return _xml(head, "<results>" + "".join(_xml_row(variables, row) for row in rows) + "</results>")
        case "csv":
            stream = io.StringIO()
            writer = csv.writer(stream, lineterminator="\r\n")
            writer.writerow(variables)
            writer.writerows([_plain(term) for term in row] for row in rows)
            return stream.getvalue().encode()
    lines = ["\t".join(f"?{name}" for name in variables)]
    lines += [
        "\t".join("" if term is None else str(term).replace("\t", "\\t") for term in row) for row in rows
    ]
    return ("\n".join(lines) + "\n").encode()


def graph(triples: Sequence[Triple], media_type: str, prefixes: Mapping[str, str]) -> bytes:
    """Answer of CONSTRUCT and DESCRIBE."""
    form = GRAPH_TYPES[media_type]
    named = dict(prefixes) if form in (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML) else None
    return serialize(triples, format=form, prefixes=named) or b""


def escape(text: str) -> str:
    """Text for XML; what XML can't hold becomes the replacement character."""
    return _escape(_NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})


def _plain(term: Term | None) -> str:
    if term is None:
        return ""
    return term.value if isinstance(term, NamedNode | Literal) else str(term)


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


def _xml(head: str, body: str) -> bytes:
    return f'<?xml version="1.0"?>\n<sparql xmlns="http://www.w3.org/2005/sparql-results#">{head}{body}</sparql>'.encode()


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
