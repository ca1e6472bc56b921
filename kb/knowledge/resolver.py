"""From wordings of likeness to senses: which expressions stand in a text, what each may mean, what to ask.

Nothing is picked silently: an expression that context leaves open carries one question and the readings it decides between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kb.errors import InvalidFile
from kb.knowledge.cues import Cue, Cues, read_cues, stems
from kb.knowledge.expressions import Candidate, Sentence, candidates
from kb.knowledge.phrases import Phrase, read_phrases
from kb.knowledge.readings import Support, Weights, doubts, features_of, probability, ranked, supports
from kb.knowledge.terms import Reference, Term

_SHOWN = 0.02
_READINGS = 6
_ASKED = 4
_COVER = 0.9
_CERTAIN = 0.97  # share of a reading whose way of judging is named, from which on nothing is asked


class SenseNote(BaseModel):
    """What a reader is told of a sense or a neighbour notion."""

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    definition: str
    compared: str = Field(description="What is compared; empty for neighbour notions.")
    bases: tuple[str, ...] = Field(description="On what an assessment may rest.")
    methods: tuple[str, ...] = Field(description="How it could be assessed.")
    means: str = Field(description="The sense in words of a question.")
    wording: str = Field(description="A wording that names the sense.")
    neighbour: bool = Field(description="No similarity of datasets, though people call it so.")


class Lexicon(BaseModel):
    """Senses, wordings and cues."""

    model_config = ConfigDict(frozen=True)

    senses: dict[str, SenseNote]
    phrases: tuple[Phrase, ...]
    cues: tuple[Cue, ...]


class ResolverParts(BaseModel):
    """Everything that resolving needs besides an encoder, as a generation holds it."""

    model_config = ConfigDict(frozen=True)

    lexicon: Lexicon
    weights: Weights


#: Vectors of some texts, one for each.
Encode = Callable[[Sequence[str]], Sequence[Sequence[float]]]


class Reading(BaseModel):
    """One sense that an expression may have."""

    model_config = ConfigDict(frozen=True)

    name: str
    confidence: float = Field(ge=0, le=1, description="Calibrated share of such answers that are right.")
    because: tuple[str, ...] = Field(
        description="Words of the input, or of the phrase list, that speak for it."
    )


class Expression(BaseModel):
    """A stretch of the text that calls data alike, or different."""

    model_config = ConfigDict(frozen=True)

    text: str
    start: int = Field(description="First Unicode code point.")
    end: int
    negated: bool = Field(description="Whether likeness is denied.")
    senses: tuple[Reading, ...] = Field(description="Likeliest first.")
    question: str | None = Field(description="What would settle it; null when the words already do.")


class _Piece(NamedTuple):
    start: int
    text: str


class Resolver:
    """Finds expressions and ranks their senses."""

    def __init__(self, parts: ResolverParts, encode: Encode) -> None:
        lexicon = parts.lexicon
        self.senses = lexicon.senses
        self.phrases = lexicon.phrases
        self._cues = Cues(lexicon.cues)
        self._encode = encode
        self._weights = parts.weights
        self._phrases = {stems(phrase.phrase): phrase for phrase in lexicon.phrases}
        self._labels = {name: note.label for name, note in lexicon.senses.items()}

    def resolve(self, text: str, context: str | None = None) -> list[Expression]:
        """Expressions of a text, in order; `context` helps to tell senses apart and is not searched itself."""
        around = Sentence.of(context, self._cues) if context and context.strip() else None
        found = []
        for piece in _paragraphs(text):
            sentence = Sentence.of(piece.text, self._cues)
            proposed = candidates(sentence, self._phrases)
            for candidate, topics in zip(proposed, self._topics(proposed, sentence), strict=True):
                features = features_of(candidate, sentence, around) | topics
                if probability(self._weights.meant, features) >= self._weights.threshold:
                    found.append(self._expression(candidate, sentence, around, piece.start))
        return found

    def _topics(self, proposed: list[Candidate], sentence: Sentence) -> list[dict[str, float]]:
        """What the encoder says of the sentence and the clause of each stretch."""
        texts = [(one.sentence_text(sentence), one.clause_text(sentence)) for one in proposed]
        different = list(dict.fromkeys(text for pair in texts for text in pair))
        if not different:
            return []
        vectors = dict(zip(different, self._encode(different), strict=True))
        return [
            {
                "topic_sentence": self._weights.sentence.of(vectors[whole]),
                "topic_clause": self._weights.clause.of(vectors[clause]),
            }
            for whole, clause in texts
        ]

    def _expression(
        self, candidate: Candidate, sentence: Sentence, context: Sentence | None, offset: int
    ) -> Expression:
        supported = supports(candidate, sentence, context, self._labels)
        order = ranked(supported, self._weights)
        first, last = sentence.words[candidate.first], sentence.words[candidate.last - 1]
        asked = probability(self._weights.open, doubts(candidate, supported, order) | {"bias": 1.0})
        shown = [one for one in order if one[1] >= _SHOWN][:_READINGS] or order[:1]
        return Expression(
            text=sentence.text[first.start : last.end],
            start=offset + first.start,
            end=offset + last.end,
            negated=candidate.negated,
            senses=tuple(
                Reading(name=name, confidence=round(share, 3), because=supported[name].because)
                for name, share in shown
            ),
            question=self._question(candidate, order)
            if asked >= self._weights.ask and not _said_how(supported[order[0][0]], order[0][1])
            else None,
        )

    def _question(self, candidate: Candidate, order: list[tuple[str, float]]) -> str:
        """The one question: the phrase list's, where it decides between the likeliest readings; else their meanings."""
        asked: list[str] = []
        total = 0.0
        for name, share in order:
            if len(asked) >= 2 and (total >= _COVER or len(asked) == _ASKED):
                break
            asked.append(name)
            total += share
        if candidate.phrase and set(asked[:2]) <= set(candidate.phrase.senses):
            return candidate.phrase.question
        means = [self.senses[name].means for name in asked if name != "UnspecifiedSimilarity"]
        if len(means) < 2:
            return "Alike in what, and who or what judged it: people, recorded facts, the texts, the images, or a network?"
        return f"Which do you mean: {', '.join(means[:-1])}, or {means[-1]}?"


def _said_how(support: Support, share: float) -> bool:
    """Whether the text says how the likeliest reading was judged and leaves hardly any other."""
    return share >= _CERTAIN and any(name.startswith("method") for name in support.features)


def _paragraphs(text: str) -> list[_Piece]:
    """Stretches between empty lines."""
    pieces, start = [], 0
    for gap in re.finditer(r"\n[ \t]*\n\s*", text):
        pieces.append(_Piece(start, text[start : gap.start()]))
        start = gap.end()
    return [*pieces, _Piece(start, text[start:])]


def read_lexicon(folder: Path, reference: Reference) -> Lexicon:
    """Senses, wordings and cues of `data/phrases`, with the reference of the ontology's terms.

    Raises `InvalidFile`: unreadable, or a sense that is no class of the ontology.
    """
    notes = _notes(folder / "senses.tsv", reference)
    return Lexicon(
        senses=notes,
        phrases=tuple(read_phrases(folder / "phrases.tsv")),
        cues=tuple(read_cues(folder / "cues.tsv", notes)),
    )


def _notes(path: Path, reference: Reference) -> dict[str, SenseNote]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path}: can't be read: {error}") from error
    found = {}
    for number, line in enumerate(lines[1:], start=2):
        parts = line.split("\t")
        if len(parts) != 3:
            raise InvalidFile(f"{path}:{number}: found {len(parts)} columns, expected sense, means, wording")
        name, means, wording = parts
        term = reference.by_name.get(name)
        if term is None:
            raise InvalidFile(f"{path}:{number}: sense: no class {name!r} in the ontology")
        found[name] = _note(term, reference, means, wording)
    return found


def _note(term: Term, reference: Reference, means: str, wording: str) -> SenseNote:
    facts = term.sense

    def labels(iris: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(reference.by_iri[iri].label if iri in reference.by_iri else iri for iri in iris)

    return SenseNote(
        name=term.name,
        label=term.label,
        definition=term.definition,
        compared=facts.comparand if facts else "",
        bases=labels(facts.bases) if facts else (),
        methods=labels(facts.methods) if facts else (),
        means=means,
        wording=wording,
        neighbour=facts is None,
    )
