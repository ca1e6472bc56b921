"""Say when nothing matches, and why: what each condition keeps out, and needs that the catalogue has nothing of."""

from __future__ import annotations

import numpy as np

from kb.answers.ranking import Ranked, broader_of, grouped, held_by, kinds_of
from kb.answers.search_answer import Excluded
from kb.answers.search_tables import FAILS, HOLDS, UNKNOWN, SearchTables
from kb.knowledge.folding import FoldedText, fold
from kb.knowledge.interpretation import Interpretation
from kb.knowledge.stopwords import languages_of

#: Trust above which a query is about what it names.
_TRUSTED = 0.7
#: What is asked for is not here where query, entries and concepts are this far apart (sum of the two best cosines) ...
_FAR_BELOW = 0.78
#: ... or a word that no entry has is this far from every concept, in a query of few words.
_FOREIGN_BELOW = 0.33
_FEW_WORDS, _DESCRIBED_FROM = 4, 0.42


def excluded(ranked: Ranked) -> tuple[Excluded, ...]:
    """For each requirement how many entries meet all others and fail it, or are silent about it."""
    held = np.array([need.status == HOLDS for need in ranked.requirements])
    missing = (~held).sum(axis=0)
    return tuple(
        Excluded(
            condition=need.said,
            words=need.words,
            fails=int(((need.status == FAILS) & (missing == 1)).sum()),
            unknown=int(((need.status == UNKNOWN) & (missing == 1)).sum()),
        )
        for need in ranked.requirements
        if need.said
    )


def why_nothing(tables: SearchTables, query: str, ranked: Ranked, meant: Interpretation) -> str | None:
    """Why nothing matches; None where something does or may."""
    if not (meant.concepts or meant.constraints or meant.known_items or meant.not_understood):
        return "Nothing to look for: the query has only small words, or words that fit every dataset."
    if strangers := out_of_catalogue(tables, query, ranked, meant):
        return (
            f"Nothing matches: no entry speaks of {', '.join(strangers)}, and none is close to the rest of the query. "
            "Near misses follow."
        )
    if ranked.matches.any() or ranked.may_match.any():
        return None
    alone = [
        f"{one.condition} keeps out {one.fails:,} that meet all else" for one in excluded(ranked) if one.fails
    ]
    return f"Nothing matches: {'; '.join(alone) or 'no entry meets all conditions but one'}."


def out_of_catalogue(
    tables: SearchTables, query: str, ranked: Ranked, meant: Interpretation
) -> tuple[str, ...]:
    """Words that show that what is asked for is not here; none where it may be."""
    if meant.known_items or meant.constraints:
        return ()
    if len(meant.not_understood) <= _FEW_WORDS and (apart := _never_together(tables, ranked, meant)):
        return apart
    if ranked.trust > _TRUSTED or not meant.not_understood:
        return ()
    described = float(tables.concept_cosines(query).max())
    if ranked.parts["text"].max() + described < _FAR_BELOW and not meant.concepts:
        return meant.not_understood
    foreign = languages_of(FoldedText.of(query)) - {"zh", "ja"}  # whose words no entry has
    if foreign or len(meant.not_understood) > _FEW_WORDS or described > _DESCRIBED_FROM:
        return ()
    return tuple(
        word
        for word in meant.not_understood
        if not word.isupper()
        and not tables.texts.holds(fold(word))
        and tables.concept_cosines(word).max() < _FOREIGN_BELOW
    )


def _never_together(tables: SearchTables, ranked: Ranked, meant: Interpretation) -> tuple[str, ...]:
    """Words for a modality and an anatomy that no entry has, one with the other."""
    together, one = np.ones(len(tables.ids), dtype=np.bool_), np.zeros(len(tables.ids), dtype=np.bool_)
    facets = []
    for facet in ("modality", "anatomy"):
        members = [group for group in grouped(meant.concepts) if group[0].facet == facet]
        if not members:
            return ()
        holds = np.any([held_by(tables, group) for group in members], axis=0)
        near = [broader_of(tables, group) if holds.any() else kinds_of(tables, group) for group in members]
        together &= holds | np.any(near, axis=0)
        one |= holds
        facets.append(", ".join(dict.fromkeys(group[0].words for group in members)))
    return () if (together & one).any() or ranked.trust < _TRUSTED else (f"{facets[0]} with {facets[1]}",)
