"""Results of the W3C suites: read from their files and from answers, and compared.

Rows are a multiset up to the names of blank nodes, numbers compare by value (in CSV, too, which keeps no types), order counts where the query says ORDER BY.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from rdflib import RDF, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic
from rdflib.query import Result
from rdflib.term import Node

RS = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/result-set#")
_ROW = Namespace("urn:row:")
_INTEGERS = {XSD.integer, XSD.int, XSD.long, XSD.short, XSD.byte, XSD.nonNegativeInteger, XSD.positiveInteger}
_NUMERAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_FLOATS = {XSD.double, XSD.float}

Row = dict[str, Node]


@dataclass
class Table:
    """Rows, or the truth of an ASK; `ordered` where the order of rows counts."""

    rows: Sequence[Row] = ()
    truth: bool | None = None
    ordered: bool = False


def expected(path: Path, base: str) -> Table | Graph:
    """What a result file says."""
    kind = path.suffix
    if kind in (".srx", ".srj", ".tsv"):
        form = {".srx": "xml", ".srj": "json", ".tsv": "tsv"}[kind]
        return _of(Result.parse(io.BytesIO(path.read_bytes()), format=form))
    if kind == ".csv":
        return csv_table(path.read_text(encoding="utf-8"))
    graph = Graph().parse(path, format="xml" if kind == ".rdf" else "turtle", publicID=base)
    (node,) = [*graph.subjects(RDF.type, RS.ResultSet)] or (None,)
    return graph if node is None else _of_graph(graph, node)


def answered(body: bytes, media_type: str) -> Table | Graph:
    """What the endpoint answered."""
    if media_type == "text/csv":
        return csv_table(body.decode("utf-8"))
    if "sparql-results" in media_type or media_type == "text/tab-separated-values":
        form = "json" if "json" in media_type else "xml" if "xml" in media_type else "tsv"
        return _of(Result.parse(io.BytesIO(body), format=form))
    return Graph().parse(data=body, format=media_type)


def csv_table(text: str) -> Table:
    """Rows of CSV: strings without types; blank nodes by their `_:`."""
    rows = csv.DictReader(io.StringIO(text))
    read: list[Row] = [
        {
            name: BNode(value[2:]) if value.startswith("_:") else Literal(_number(value))
            for name, value in row.items()
            if value
        }
        for row in rows
    ]
    return Table(read)


def has_order(table: Table) -> bool:
    """Whether SPARQL defines an order among the values of every column: all IRIs, all numbers, or all plain strings."""
    for name in {name for row in table.rows for name in row}:
        kinds = {_kind(row[name]) for row in table.rows if name in row}
        if len(kinds) > 1 or "other" in kinds:
            return False
    return True


def _kind(term: Node) -> str:
    if isinstance(term, URIRef):
        return "IRI"
    if isinstance(term, Literal) and term.language is None:
        if term.datatype in _INTEGERS | _FLOATS | {XSD.decimal}:
            return "number"
        if term.datatype in (None, XSD.string):
            return "string"
    return "other"


def _number(text: str) -> str:
    return f"{float(text):.9g}" if _NUMERAL.fullmatch(text) else text


def same(found: Table | Graph, wanted: Table | Graph) -> bool:
    """Whether an answer is the expected one."""
    if isinstance(found, Graph) or isinstance(wanted, Graph):
        return (
            isinstance(found, Graph)
            and isinstance(wanted, Graph)
            and isomorphic(_plain(found), _plain(wanted))
        )
    if wanted.truth is not None or found.truth is not None:
        return found.truth == wanted.truth
    if len(found.rows) != len(wanted.rows):
        return False
    return isomorphic(_graph(found, wanted.ordered), _graph(wanted, wanted.ordered))


def _of(result: Result) -> Table:
    if result.askAnswer is not None:
        return Table(truth=bool(result.askAnswer))
    return Table([{str(name): term for name, term in row.items()} for row in result.bindings])


def _of_graph(graph: Graph, node: Node) -> Table:
    truth = graph.value(node, RS.boolean)
    if truth is not None:
        return Table(truth=str(truth).lower() == "true")
    solutions = list(graph.objects(node, RS.solution))
    numbered = all(graph.value(one, RS["index"]) is not None for one in solutions) and bool(solutions)
    if numbered:
        solutions.sort(key=lambda one: int(str(graph.value(one, RS["index"]))))
    rows = [
        {
            str(graph.value(binding, RS.variable)): value
            for binding in graph.objects(one, RS.binding)
            if (value := graph.value(binding, RS.value)) is not None
        }
        for one in solutions
    ]
    return Table(rows, ordered=numbered)


def _graph(table: Table, ordered: bool) -> Graph:
    graph = Graph()
    for place, row in enumerate(table.rows):
        node = BNode()
        graph.add((node, RDF.type, _ROW[str(place) if ordered else "row"]))
        for name, term in row.items():
            graph.add((node, _ROW[name], _by_value(term)))
    return graph


def _plain(graph: Graph) -> Graph:
    plain = Graph()
    for s, p, o in graph:
        plain.add((s, p, _by_value(o)))
    return plain


def _by_value(term: Node) -> Node:
    if not isinstance(term, Literal) or term.datatype is None:
        return term
    try:
        if term.datatype in _INTEGERS:
            return Literal(str(int(str(term))), datatype=term.datatype, normalize=False)
        if term.datatype == XSD.decimal:
            return Literal(f"{Decimal(str(term)).normalize():f}", datatype=term.datatype, normalize=False)
        if term.datatype in _FLOATS:
            return Literal(f"{float(str(term)):.9g}", datatype=term.datatype, normalize=False)
    except (ValueError, InvalidOperation):
        return term
    return Literal(str(term)) if term.datatype == XSD.string else term


def as_iri(term: object) -> URIRef:
    """An IRI of a manifest.

    Raises `TypeError` for anything else.
    """
    if isinstance(term, URIRef):
        return term
    raise TypeError(f"not an IRI: {term!r}")
