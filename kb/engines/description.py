"""What a published store says of one IRI: its triples with those of its parts, and nothing further away.

Only fixed patterns are read here, never the text of a user, so this may run in the process that answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, RdfFormat, Store, Triple, serialize

from kb.knowledge.names import BASE, INFERRED_GRAPH, PREFIXES

_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_INFERRED = NamedNode(str(INFERRED_GRAPH))
_Subject = NamedNode | BlankNode


class Descriptions:
    """One published store, opened for reading only."""

    def __init__(self, folder: Path) -> None:
        self._store = Store.read_only(str(folder))

    @cached_property
    def subjects(self) -> dict[str, tuple[str, ...]]:
        """IRIs of ours with triples of their own, without parts, sorted, by the first step of their path."""
        found: dict[str, set[str]] = {}
        for quad in self._store.quads_for_pattern(None, _TYPE, None, DefaultGraph()):
            iri = quad.subject.value if isinstance(quad.subject, NamedNode) else ""
            if iri.startswith(BASE) and "#" not in iri:
                found.setdefault(iri.removeprefix(BASE).partition("/")[0], set()).add(iri)
        return {kind: tuple(sorted(iris)) for kind, iris in found.items()}

    def asserted(self, iri: str) -> set[Triple]:
        """Triples asserted of the IRI and its parts (`iri#…`, blank nodes), from whichever graphs they stand in."""
        return self._described(iri, inferred=False)

    def everything(self, iri: str) -> set[Triple]:
        """The same with what follows."""
        return self._described(iri, inferred=True)

    def parts_in(self, graph: str, iri: str) -> Iterator[str]:
        """Parts of the IRI that stand in a graph whether or not the IRI leads to them."""
        for quad in self._store.quads_for_pattern(None, _TYPE, None, NamedNode(graph)):
            if isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(f"{iri}#"):
                yield quad.subject.value

    def pointing(self, predicate: str, iri: str) -> set[Triple]:
        """Asserted triples that lead to the IRI by one predicate."""
        return {
            quad.triple
            for quad in self._store.quads_for_pattern(None, NamedNode(predicate), NamedNode(iri), None)
            if quad.graph_name not in (_INFERRED, DefaultGraph())
        }

    def _described(self, iri: str, *, inferred: bool) -> set[Triple]:
        found: set[Triple] = set()
        waiting: list[_Subject] = [NamedNode(iri)]
        seen: set[_Subject] = set(waiting)
        while waiting:
            subject = waiting.pop()
            graph = DefaultGraph() if inferred else None
            for quad in self._store.quads_for_pattern(subject, None, None, graph):
                if not inferred and quad.graph_name in (_INFERRED, DefaultGraph()):
                    continue
                found.add(quad.triple)
                value = quad.object
                part = isinstance(value, BlankNode) or (
                    isinstance(value, NamedNode) and value.value.startswith(f"{iri}#")
                )
                if part and value not in seen:
                    seen.add(value)  # type: ignore[arg-type]
                    waiting.append(value)  # type: ignore[arg-type]
        return found


def to_text(triples: Iterable[Triple], media_type: str, extra: dict[str, str] | None = None) -> bytes:
    """Triples as text in one fixed order, with the prefixes that every query may use."""
    kind = RdfFormat.from_media_type(media_type)
    if kind is None:
        raise ValueError(f"no RDF format {media_type}")
    return serialize(sorted(triples, key=str), format=kind, prefixes=PREFIXES | (extra or {})) or b""
