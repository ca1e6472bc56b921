"""Where a sentence may call data alike: stretches with a word of likeness and what is compared, or a wording by itself.

Rules only propose; whether a stretch is meant of data, and in which sense, is weighed in `kb.knowledge.readings`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kb.knowledge.cues import Cues, Hit, Word, stem, words_of
from kb.knowledge.phrases import Phrase

_BREAK = re.compile(r"[.;:?!()\n\[\]–—]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, text.split()))


_CLAUSE = _words("""
    but while whereas although though because since yet so that which who when if unless than
""")
#: Words that may stand between a word of likeness and what is compared.
_LINK = _words("""
    in of the a an to as by for their its our your my his her terms with respect regard regarding both two all these
    those at on from across between concerning type kind kinds sort types number is are was were be been being look
    looks seem seems lie lies very quite rather fairly nearly almost exactly most more much less somewhat highly
    strongly roughly about largely too also only not and or own each other one another have has had use uses used
    using up set sets space spaces
""")
_ATTRIBUTE = _stems("""
    similar same comparable identical common shared equal equivalent related different dissimilar analogous relevant
    matching closest nearest closer homogeneous heterogeneous compatible consistent unrelated close distant mismatched
    like differing
""")
_AFTER_COMMA = _words("""
    they it we i this hence thus nonetheless therefore however only he she you then
""")
_FORWARD = _words("""
    in of as to by between with across on regarding concerning
""")
#: Words of likeness that mean something else as often as not.
_WEAK = _stems("""
    like fit fits relevant align consistent parallel compatible near far close common gap apart equal agree correspond
    related share
""")
_UNLIKE = _stems("""
    dissimilar dissimilarity differ different difference diverge divergence discrepancy unlike unrelated distant far
    apart mismatch unequal uneven disjoint deviate incompatible separable opposite world worlds poles
""")
_NOT = re.compile(
    r"\b(?:not|no(?!,)|never|n['’]t|nor|neither|hardly|nothing|isn['’]?t|aren['’]?t|wasn['’]?t|weren['’]?t|don['’]?t|doesn['’]?t|cannot|can['’]?t|without|far from|rather than|instead of|barely|scarcely|none|never)\b",
    re.IGNORECASE,
)
_REACH = 4.0
_BELIEF_REACH = 5
_BELIEF = _stems("""
    expect expects expected expecting believe believes hope hopes hoped bet guess assume suspect predict anticipate will would should might may could ought
""")
_ADJACENT = 0.25
_AND = re.compile(r"\b(?:and|or|nor|as well as)\b|&")
_JOIN = re.compile(
    r"\s*,?\s*(?:(?:and|or|nor|as well as|&)\s+)?(?:(?:in|the|of|their|by|a|same|similar|its|also)\s+)*"
)


class Candidate(NamedTuple):
    """A stretch of a sentence that may be an expression of likeness."""

    first: int
    last: int
    likeness: Hit | None
    attached: tuple[Hit, ...]
    phrase: Phrase | None
    expression: Hit | None
    clause: tuple[int, int]
    bare_noun: bool  # the word of likeness belongs to a noun that no cue knows
    negated: bool

    @property
    def weak(self) -> bool:
        """Whether its word of likeness often means something else."""
        return self.likeness is not None and stem(self.likeness.cue.words) in _WEAK

    @property
    def measure(self) -> bool:
        """Whether it is but the name of a measure."""
        return self.expression is not None and self.expression.cue.role == "measure" and not self.likeness

    def place(self, sentence: Sentence) -> tuple[int, int]:
        """Where it stands, in code points."""
        return sentence.words[self.first].start, sentence.words[self.last - 1].end

    def clause_text(self, sentence: Sentence) -> str:
        """Its clause."""
        return sentence.text[sentence.words[self.clause[0]].start : sentence.words[self.clause[1] - 1].end]

    def sentence_text(self, sentence: Sentence) -> str:
        """Its sentence, of a text that may have several."""
        period = sentence.periods[self.first]
        members = [place for place, number in enumerate(sentence.periods) if number == period]
        return sentence.text[sentence.words[members[0]].start : sentence.words[members[-1]].end]


class Sentence(NamedTuple):
    """A text taken apart."""

    text: str
    words: list[Word]
    hits: list[Hit]
    clauses: list[int]  # number of the clause of each word
    periods: list[int]  # number of the sentence of each word

    @classmethod
    def of(cls, text: str, cues: Cues) -> Sentence:
        """Words, cues and clauses of a text."""
        words = words_of(text)
        clauses, periods, clause, period = [], [], 0, 0
        for place, word in enumerate(words):
            between = text[words[place - 1].end : word.start] if place else ""
            if _BREAK.search(between) and not (between == "." and words[place - 1].text.isdigit()):
                clause += 1
                period += bool(re.search(r"[.?!\n]", between))
            elif word.text in _CLAUSE or ("," in between and word.text in _AFTER_COMMA):
                clause += 1
            clauses.append(clause)
            periods.append(period)
        return cls(text, words, cues.find(words), clauses, periods)

    def role(self, *roles: str) -> list[Hit]:
        """Cues of these roles."""
        return [hit for hit in self.hits if hit.cue.role in roles]

    def within(self, clause: int, *roles: str) -> list[Hit]:
        """Cues of these roles that lie in one clause."""
        return [
            hit
            for hit in self.role(*roles)
            if self.clauses[hit.first] == clause and self.clauses[hit.last - 1] == clause
        ]


def candidates(sentence: Sentence, phrases: dict[tuple[str, ...], Phrase]) -> list[Candidate]:
    """Stretches that may be expressions, in order, without overlaps."""
    found: list[Candidate] = []
    alone = sentence.role("expression", "perhaps", "measure")
    for hit in sentence.role("likeness"):
        found.extend(_around(sentence, hit))
    found.extend(_contrasted(sentence))
    found += [_made(sentence, _believed(sentence, hit), hit.last)._replace(expression=hit) for hit in alone]
    found += [
        _made(sentence, first, last)._replace(phrase=phrase)
        for first, last, phrase in _listed(sentence.words, phrases)
    ]
    return _once(sorted(_apart(found), key=lambda one: one.first))


def _once(found: list[Candidate]) -> list[Candidate]:
    """Without the name of a measure beside the expression that it explains."""
    return [
        one
        for one in found
        if not one.measure or not any(other.clause == one.clause and not other.measure for other in found)
    ]


def _contrasted(sentence: Sentence) -> Iterator[Candidate]:
    """The first half of "not visually but semantically close": an aspect whose word of likeness follows the "but"."""
    words = sentence.words
    for hit in sentence.role("aspect"):
        before = words[hit.first - 1].text if hit.first else ""
        after = words[hit.last].text if hit.last < len(words) else ""
        if before == "not" and after == "but":
            following = sentence.within(sentence.clauses[hit.last], "likeness")
            if following:
                yield _made(sentence, hit.first, hit.last, following[0])._replace(attached=(hit,))


def _believed(sentence: Sentence, hit: Hit) -> int:
    """First word of an expression of how a transfer goes, with the modal or the verb of believing before it."""
    if not {"ExpectedPerformance", "MeasuredOutcome"} & set(hit.cue.senses[:1]):
        return hit.first
    places = range(max(0, hit.first - _BELIEF_REACH), hit.first)
    said = [place for place in places if sentence.words[place].stem in _BELIEF]
    same = [place for place in said if sentence.clauses[place] == sentence.clauses[hit.first]]
    return min(same, default=hit.first)


def _listed(
    words: Sequence[Word], phrases: dict[tuple[str, ...], Phrase]
) -> Iterator[tuple[int, int, Phrase]]:
    spelt = tuple(word.stem for word in words)
    lengths = sorted({len(key) for key in phrases}, reverse=True)
    for first in range(len(spelt)):
        for length in lengths:
            phrase = phrases.get(spelt[first : first + length])
            if phrase and first + length <= len(spelt):
                yield first, first + length, phrase
                break


def _apart(found: list[Candidate]) -> list[Candidate]:
    """The longest of those that overlap, with what the shorter ones knew of it."""
    kept: list[Candidate] = []
    order = sorted(found, key=lambda one: (one.first - one.last, one.likeness is None, one.first))
    for one in order:
        for place, other in enumerate(kept):
            if one.first < other.last and other.first < one.last:
                kept[place] = other._replace(
                    phrase=other.phrase or one.phrase, expression=other.expression or one.expression
                )
                break
        else:
            kept.append(one)
    return kept


def _around(sentence: Sentence, likeness: Hit) -> Iterator[Candidate]:
    """The stretch about one word of likeness, and further aspects joined to it by "and"."""
    clause = sentence.clauses[likeness.first]
    near = sorted(
        (cost, place, hit)
        for place, hit in enumerate(sentence.within(clause, "aspect", "other", "method"))
        if (cost := _cost_of(sentence, likeness, hit)) <= _REACH
    )
    attached = [
        hit
        for rank, (cost, _, hit) in enumerate(near)
        if rank == 0 or (cost <= _ADJACENT and hit.cue.role != "other")
    ]
    meant = [likeness, *(hit for hit in attached if hit.cue.role != "other")]
    first, last = min(hit.first for hit in meant), max(hit.last for hit in meant)
    after = [hit for hit in sentence.within(clause, "data") if hit.first == last == likeness.last]
    if after and _attribute(likeness):  # "the closest dataset"
        last = max(hit.last for hit in after)
    yield _made(sentence, first, last, likeness)._replace(
        attached=tuple(attached), bare_noun=_bare(sentence, likeness)
    )
    own = {hit.cue.senses[:1] for hit in attached}
    for extra in _joined(sentence, attached, first, last):
        if extra.cue.senses[:1] not in own:
            yield _made(sentence, extra.first, extra.last, likeness)._replace(attached=(extra,))


def _attribute(likeness: Hit) -> bool:
    return stem(likeness.cue.words) in _ATTRIBUTE


def _bare(sentence: Sentence, likeness: Hit) -> bool:
    """Whether it stands before a noun that no cue knows: "the same installer"."""
    place = likeness.last
    if not _attribute(likeness) or place == len(sentence.words):
        return False
    clause = sentence.clauses[likeness.first]
    return (
        sentence.clauses[place] == clause
        and sentence.words[place].text not in _LINK
        and not any(
            hit.first <= place < hit.last for hit in sentence.within(clause, "aspect", "data", "likeness")
        )
    )


def _cost_of(sentence: Sentence, likeness: Hit, hit: Hit) -> float:
    """How far what a cue names is from a word of likeness; infinite for one that can't belong to it."""
    beside = hit.last == likeness.first or hit.first == likeness.last
    if (hit.cue.role == "other" and hit.last - hit.first > 1) or (hit.cue.role == "method" and not beside):
        return math.inf
    after = sentence.words[likeness.last].text if likeness.last < len(sentence.words) else ""
    if hit.last <= likeness.first:
        first, last = hit.last, likeness.first
        turned = 0.6 if _attribute(likeness) and after and after not in _LINK and first != last else 0.0
    elif hit.first >= likeness.last:
        first, last = likeness.last, hit.first
        turned = 0.0 if _attribute(likeness) or after in _FORWARD else 0.7
    else:
        return math.inf
    clause = sentence.clauses[likeness.first]
    crossed = any(
        first <= head.first < last for head in sentence.within(clause, "likeness") if head != likeness
    )
    return _gap(sentence, first, last) + turned + 2 * crossed + 0.2 * (hit.cue.role == "other")


def _gap(sentence: Sentence, first: int, last: int) -> float:
    """Words between two places: linking ones count a quarter, a comma half, a comma before "and" more."""
    words = sentence.words
    total = sum(0.25 if word.text in _LINK else 1.0 for word in words[first:last])
    between = sentence.text[words[first - 1].end if first else 0 : words[last].start]
    return total + 0.5 * between.count(",") + 1.5 * bool(re.search(r",\s+(?:and|or|nor)\b", between))


def _joined(sentence: Sentence, attached: list[Hit], first: int, last: int) -> Iterator[Hit]:
    """Aspects beside the stretch, joined to it by "and", "or", or by commas before that."""
    if not attached or attached[0].cue.role != "aspect":
        return
    words, text = sentence.words, sentence.text
    aspects = sorted(set(sentence.role("aspect")), key=lambda hit: hit.first)
    after: list[Hit] = []
    joins = ""
    for hit in aspects:
        if hit.first >= last and sentence.clauses[hit.first] == sentence.clauses[last - 1]:
            between = text[words[last - 1].end : words[hit.first].start]
            if not _JOIN.fullmatch(between) or not between.strip():
                break
            joins, last = joins + between, hit.last
            after.append(hit)
    if _AND.search(joins):
        yield from after
    before: list[Hit] = []
    joins = ""
    for hit in reversed(aspects):
        if hit.last <= first and sentence.clauses[hit.first] == sentence.clauses[first]:
            between = text[words[hit.last - 1].end : words[first].start]
            if not _JOIN.fullmatch(between) or not between.strip():
                break
            joins, first = joins + between, hit.first
            before.append(hit)
    if _AND.search(joins):
        yield from before


def _made(sentence: Sentence, first: int, last: int, likeness: Hit | None = None) -> Candidate:
    clause = sentence.clauses[first]
    members = [place for place, number in enumerate(sentence.clauses) if number == clause]
    return Candidate(
        first,
        last,
        likeness,
        attached=(),
        phrase=None,
        expression=None,
        clause=(members[0], max(last, members[-1] + 1)),
        bare_noun=False,
        negated=_negated(sentence, first, last, likeness),
    )


def _negated(sentence: Sentence, first: int, last: int, likeness: Hit | None) -> bool:
    """Whether the stretch, or the words up to four before it in its clause, deny likeness; twice denied is claimed."""
    start = first
    while start > 0 and first - start < 4 and sentence.clauses[start - 1] == sentence.clauses[first]:
        start -= 1
    text = sentence.text[sentence.words[start].start : sentence.words[last - 1].end]
    denied = bool(_NOT.search(text))
    unlike = likeness is not None and stem(likeness.cue.words.split()[0]) in _UNLIKE
    return denied != unlike
