"""Say of each entry shown why it stands where it does: concepts, conditions with their facts, words, closeness."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.ranking import Ranked
from kb.answers.search_answer import ConceptMatch, Hit, HitStatus, Hold, Part, Relevance
from kb.answers.search_tables import FAILS, UNKNOWN
from kb.knowledge.interpretation import Interpretation, Mention
from kb.knowledge.verdicts import judge


class Explained:
    """Explanations for one query."""

    def __init__(self, base: KnowledgeBase, query: str, meant: Interpretation, ranked: Ranked) -> None:
        self._base = base
        self._tables = base.search_tables
        self._query = query
        self._ranked = ranked
        self._meant = meant

    @cached_property
    def interpretation(self) -> Interpretation:
        """What the query was taken to mean, with the concepts that it only describes."""
        described = tuple(
            Mention(
                concept=concept,
                label=self._base.vocabulary[concept].label,
                facet=self._base.vocabulary[concept].facet,
                words=self._query[:200],
                start=0,
                end=len(self._query),
                matched="definition",
                scope="description",
                confidence=round(max(0.0, min(1.0, cosine)), 3),
            )
            for concept, cosine in self._ranked.described
        )
        return self._meant.model_copy(update={"concepts": (*self._meant.concepts, *described)})

    def hits(self, rows: Sequence[int], status: HitStatus, first: int) -> tuple[Hit, ...]:
        """Entries of one list of the answer; `first` is the rank of the first."""
        terms = self._tables.texts.terms_of(self._query, rows)
        return tuple(
            self._hit(row, status, rank, held)
            for rank, (row, held) in enumerate(zip(rows, terms, strict=True), start=first)
        )

    def _hit(self, row: int, status: HitStatus, rank: int, terms: tuple[str, ...]) -> Hit:
        entry = self._tables.entries[row]
        return Hit(
            rank=rank,
            id=entry.id,
            name=entry.name,
            url=entry.url,
            description=self._base.describe(entry),
            status=status,
            lacks=self._lacks(row),
            concepts=tuple(self._concept(row, mention) for mention in self.interpretation.concepts),
            checked=tuple(
                judge(entry, constraint, self._tables.entailed_by(row), self._tables.facet_of)
                for constraint in self._meant.constraints
            ),
            terms=terms,
            relevance=self._relevance(row),
        )

    def _lacks(self, row: int) -> tuple[str, ...]:
        said = {FAILS: "not so", UNKNOWN: "not known"}
        return tuple(
            f"{need.said}: {said[int(need.status[row])]}"
            for need in self._ranked.requirements
            if int(need.status[row]) in said
        )

    def _concept(self, row: int, mention: Mention) -> ConceptMatch:
        column = self._tables.column_of[mention.concept]
        hold: Hold = "missing"
        if self._tables.stated[row, column]:
            hold = "stated"
        elif self._tables.entailed[row, column]:
            hold = "entailed"
        elif any(
            self._tables.stated[row, self._tables.column_of[broad]]
            for broad in self._tables.vocabulary.entailed(mention.concept) - {mention.concept}
        ):
            hold = "broader"
        return ConceptMatch(
            concept=mention.concept,
            label=mention.label,
            facet=mention.facet,
            words="" if mention.scope == "description" else mention.words,
            scope=mention.scope,
            hold=hold,
        )

    def _relevance(self, row: int) -> Relevance:
        model = self._base.manifest.model_name
        parts = tuple(
            Part.model_validate(
                {
                    "kind": kind,
                    "basis": basis,
                    "method": method.format(model=model),
                    "minimum": minimum,
                    "value": float(self._ranked.parts[name][row]),
                    "weight": self._ranked.weights[name],
                }
            )
            for name, (kind, basis, minimum, method) in _PARTS.items()
        )
        return Relevance(value=float(self._ranked.score[row]), parts=parts)


#: Part of the ranking → kind, basis, least value and method as told.
_PARTS = {
    "concepts": (
        "ConceptMatch", "MetadataComputed", 0.0,
        "weighted share of the query's concepts that hold, with less for a broader one",
    ),
    "focus": (
        "ConceptFocus", "MetadataComputed", 0.0,
        "share of what the entry states that was asked for, by the square root of its breadth",
    ),
    "text": (
        "DocumentationTextSimilarity", "TextComputed", -1.0,
        "cosine of {model} sentence embeddings of query and entry text",
    ),
    "described": (
        "DescribedConceptMatch", "TextComputed", 0.0,
        "closeness of query and definition, for the nearest concepts that hold",
    ),
    "words": ("LexicalMatch", "TextComputed", 0.0, "BM25 as a share of the best in the catalogue"),
    "name": (
        "NameMatch", "MetadataComputed", 0.0,
        "the query names the entry, an alias or its series; less where it is misspelt or only related",
    ),
    "wishes": ("PreferenceMatch", "MetadataComputed", 0.0, "share of the conditions called wishes that hold"),
    "documented": (
        "DocumentationPrior", "MetadataComputed", 0.0,
        "lists and studies that name the entry, on a logarithmic scale",
    ),
}  # fmt: skip
