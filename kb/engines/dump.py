"""A published store read out in one fixed order, so that equal stores give equal bytes.

Blank nodes carry labels of their build; they are renamed by RDFC-1.0, the W3C's canonical labelling, over all quads
that hold one (the others have no influence on it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    NamedNode,
    Quad,
    RdfFormat,
    Store,
    Triple,
    serialize,
)
from rdflib.term import Node

from kb.engines.store import to_triple

_FORMATS = {"text/turtle": RdfFormat.TURTLE, "application/ld+json": RdfFormat.JSON_LD}


class StoreDump:
    """One published store, opened for reading only."""

    def __init__(self, folder: Path) -> None:
        self._store = Store.read_only(str(folder))
        named = (
            graph for graph in self._store.named_graphs() if isinstance(graph, NamedNode)
        )  # ours are IRIs
        self.graphs: tuple[str, ...] = tuple(sorted(graph.value for graph in named))

    @cached_property
    def _canonical(self) -> dict[str, list[Quad]]:
        """Quads with blank nodes by graph, renamed."""
        found = Dataset(
            quad
            for name in self.graphs
            for quad in self._store.quads_for_pattern(None, None, None, NamedNode(name))
            if _has_blank(quad)
        )
        found.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        by_graph: dict[str, list[Quad]] = {}
        for quad in found:
            by_graph.setdefault(quad.graph_name.value, []).append(quad)
        return by_graph

    def quads(self, graph: str) -> list[Quad]:
        """Quads of one graph, in the order of their N-Quads."""
        name = NamedNode(graph)
        quads = list(self._store.quads_for_pattern(None, None, None, name))
        plain = [quad for quad in quads if not _has_blank(quad)]
        renamed = self._canonical[graph] if len(plain) < len(quads) else ()
        return sorted((*plain, *renamed), key=str)

    def write_nquads(self, target: IO[bytes], heading: Iterable[str]) -> int:
        """Write all named graphs after comment lines; returns the number of quads. One graph is held at a time."""
        for line in heading:
            target.write(f"# {line}\n".encode())
        written = 0
        for graph in self.graphs:
            quads = self.quads(graph)
            target.writelines(f"{quad} .\n".encode() for quad in quads)
            written += len(quads)
        return written

    def write_merged(
        self,
        target: IO[bytes],
        media_type: str,
        prefixes: dict[str, str],
        chosen: Callable[[str], bool],
        extra: Iterable[tuple[Node, Node, Node]] = (),
    ) -> None:
        """Write the chosen graphs as one graph, `extra` first; one graph is held at a time."""
        serialize(self._merged(chosen, extra), target, format=_FORMATS[media_type], prefixes=prefixes)

    def _merged(
        self, chosen: Callable[[str], bool], extra: Iterable[tuple[Node, Node, Node]]
    ) -> Iterator[Triple]:
        yield from map(to_triple, extra)
        for graph in self.graphs:
            if chosen(graph):
                for quad in self.quads(graph):
                    yield quad.triple


def _has_blank(quad: Quad) -> bool:
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)
