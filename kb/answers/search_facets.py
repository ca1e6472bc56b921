"""Counts of the matching entries by what one may filter by next, hierarchy included."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np

from kb.answers.search_answer import FacetCount, FacetName
from kb.answers.search_tables import FACETS, Booleans, SearchTables
from kb.knowledge.facet_values import PlainFacet

_MOST_VALUES = 60
FACET_NAMES: tuple[FacetName, ...] = (*FACETS, *get_args(PlainFacet))


def facet_counts(tables: SearchTables, chosen: Booleans) -> dict[FacetName, tuple[FacetCount, ...]]:
    """For each facet its values among the chosen entries, commonest first; a concept counts for what is below it."""
    counted: dict[FacetName, tuple[FacetCount, ...]] = {
        **dict.fromkeys(FACET_NAMES, ()),
        **_concepts(tables, chosen),
    }
    plain: dict[PlainFacet, Counter[str]] = {facet: Counter() for facet in get_args(PlainFacet)}
    for row in np.flatnonzero(chosen):
        for plain_facet, value in tables.facet_values[row]:
            plain[plain_facet][value] += 1
    for name, counts in plain.items():
        if counts:
            counted[name] = tuple(
                FacetCount(value=value, label=value, count=count)
                for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[
                    :_MOST_VALUES
                ]
            )
    return counted


def _concepts(tables: SearchTables, chosen: Booleans) -> dict[FacetName, tuple[FacetCount, ...]]:
    sums = tables.entailed[chosen].sum(axis=0)
    found: dict[FacetName, list[FacetCount]] = {facet: [] for facet in FACETS}
    for column in np.argsort(-sums, kind="stable"):
        if sums[column] == 0:
            break
        concept = tables.vocabulary[tables.concepts[column]]
        if concept.broader or concept.part_of:  # what stands at the top says nothing
            values = found[concept.facet]
            if len(values) < _MOST_VALUES:
                values.append(
                    FacetCount(
                        value=concept.id,
                        label=concept.label,
                        count=int(sums[column]),
                        broader=(*concept.broader, *concept.part_of),
                    )
                )
    return {facet: tuple(values) for facet, values in found.items()}
