"""Turn a query into an `Interpretation`: names, concepts, constraints with their polarity, and what is left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from kb.answers.known_items import KnownItems
from kb.knowledge.conditions import Found, conditions
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.folding import FoldedText
from kb.knowledge.interpretation import Constraint, Interpretation, Mention
from kb.knowledge.name_index import Match, NameIndex, tokens_of, windows
from kb.knowledge.stopwords import FILLERS, STOPWORDS
from kb.knowledge.vocabulary import Vocabulary, singular

_PLATFORM_SYNONYMS = {
    ("cancer", "imaging", "archive"): "TCIA",
    ("huggingface",): "Hugging Face",
    ("isic", "archive"): "ISIC Archive",
    ("mendeley",): "Mendeley Data",
    ("decathlon",): "Medical Segmentation Decathlon",
}

_NOT = re.compile(
    r"(?<!\w)(?:no|not|non|nothing to do with|unrelated to|nothing|none|never|w/o|(?:is|are|was|were|do|does) ?n['’]?t(?: (?:want|need|have|show|contain|include|involve)\w*)?|without|excluding|exclude[sd]?|leav(?:e|ing) (?:out|aside)|(?:rul(?:e[sd]?|ing)) out|drop(?:ping)?(?= (?:the|all|any|every)\b)|discard(?:ing)?|omit(?:ting)?|reject(?:ing)?|forget(?: about)?|(?:can ?n[o'’]?t|cannot|can['’]t) use|no use for|skip(?:ping)?|ignor(?:e|ing)|anything but|everything but|all but|apart from|aside from|free of|except(?: for)?|other than|rather than|instead of|neither|nor|avoid|minus|don'?t want|"
    r"kein(?:e|en|er|es)?|ohne|nicht|ausser|sans|pas (?:de |d['’]|du )?|sauf|hors|excepte|sin|excepto|salvo|menos|senza|tranne|escluso|esclusa)(?!\w)"
    r"|不要|不含|不是|不包括|除了|没有|非(?!常)"
)
_NOT_AFTER = re.compile(
    r"\s*(?:(?:data|images?|sets?|ones?|sources?)\s+)?(?:is|are|would be) (?:(?:of )?no (?:use|good|option|help|interest|value)|not (?:useful|wanted|an option|welcome)|useless|too (?:small|few|little|old)|out\b|excluded|omitted|unwanted|(?:ruled|left) out|not (?:included|allowed))"
    r"|\s*(?:data |images? |scans? )?(?:excluded|omitted|left out|ruled out|aside\b|not (?:included|allowed|wanted))|-free\b"
    r"|\s*(?:以外|なし|でない|ではない|ではなく|を除く|を除いて|除外|除く)"
)
_NO_NEGATION = re.compile(
    r"\b(?:(?:does|do|did|is|are)?(?: not|n['’]?t| n['’]?t)|never|without) (?:forbid|prohibit|exclud|rul(?:e|ing) out|restrict|preclud|ban)\w*|\b(?:not only|with (?:and|or) without|or without|mit und ohne|(?:or|vs\.?|versus|/) ?no|whether or not)\b|(?:vs\.?|versus|or|/)\s*(?:no|not|non)\b"
)
_JOINS = re.compile(
    r"\s*(?:[a-z-]+\s+)?(?:,?\s*(?:\b(?:or|nor|and|oder|und|ou|et|ni|o|y|e)\b|[和或、])\s*(?:no |any |kein\w* )?|/|,\s*(?=no ))\s*"
)
_ONLY_AFTER_NOT = re.compile(r"\s*(?:[a-z-]+\s+){0,2}")
#: "excluding anything that includes CT": a word for any dataset, and how it has what is named.
_ANYTHING = re.compile(
    r"\s*(?:the |all |any |those |every )?(?:(?:anything|everything|something|data|sets?|data ?sets?|ones?|those|sources?|collections?|entries|images?|scans?)\b)?"
    r"(?:\s+(?:that|which|where|with|from|made|based|built|acquired|taken|cut|derived|contain(?:s|ing)?|includ(?:es?|ing)|involv(?:es?|ing)|has|have|having|uses?|using|shows?|showing|is|are|on|of|in|by|mixed|any|also|only|the|a|an))*\s*"
)
_CLAUSE = re.compile(r"[,;.!?\n()，。；、]| but | aber | mais | pero | ma ")
_PREFERRED = re.compile(
    r"\b(?:ideally|preferabl[ey]|prefer(?:red|ring)?|if (?:at all )?possible|nice to have|bonus|optional(?:ly)?|"
    r"(?:would|might) be (?:nice|great|good|a plus|welcome|helpful)|a plus|best if|lieber|am besten|am liebsten|idealerweise|wenn moglich|vorzugsweise|"
    r"gerne|idealement|de preference|si possible|idealmente|preferiblemente|preferentemente|si es posible|preferibilmente|se possibile|not (?:strictly )?(?:needed|required|necessary))\b|最好|できれば|尽量|优先"
)
_OWN = re.compile(
    r"\b(?:we|i) (?:only |just |currently |already )?(?:have|had|collected|got|own|acquired|gathered)\b|\b(?:we|i)['’]ve\b|\b(?:our|my) (?:own |target |local |hospital )?(?:data(?:set)?|images|scans|target|collection|cohort|hospital|clinic|lab)\b|"
    r"\bwir haben\b|\bnous avons\b|\btenemos\b|\babbiamo\b|我们有"
)
_WANTED = re.compile(
    r"\b(?:need|needs|want|wants|looking for|search(?:ing)? for|seeking|should|must|source[sd]?|find|pre-?train\w*|suche[n]?|brauche\w*|cherch\w+|busc\w+|cerc\w+|necesit\w+)\b"
)
#: How many there are, without a word that compares: said of what somebody has.
_COUNTED = re.compile(
    r"\b(?:of|from|n ?=) ?\d+ (?:patients?|subjects?|people|children|men|women|images|scans|studies|cases)\b"
)
_WELCOME = re.compile(
    r"\s*(?:data |images |sets? )?(?:is|are|would be|will be) (?:also |just |perfectly |totally )?(?:fine|ok|okay|alright|acceptable|no (?:problem|issue)|not a problem|good enough|allowed too)\b"
)
#: Kinds of conditions of which a value is one of several, and what joins the values.
_BY_VALUE = ("licence", "platform", "access", "dimension", "domain")
_OR = re.compile(r"\s*(?:,|/|,?\s*(?:or|oder|ou|o|或)(?: on| at| from)?)\s*")
_SENTENCE = re.compile(r"[.!?;\n。！？]")


@dataclass(frozen=True)
class Lexicon:
    """Names that a query may use: of concepts, entries and hosting platforms."""

    names: NameIndex
    items: KnownItems
    platforms: Mapping[tuple[str, ...], str]

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, entries: Mapping[str, DatasetEntry], english: Collection[str]
    ) -> Lexicon:
        """Names of a vocabulary and a catalogue; `english` are words that are no misspelling."""
        names = NameIndex(vocabulary, english)
        platforms = {tokens_of(name): name for entry in entries.values() for name in entry.platforms}
        return cls(names, KnownItems(entries, names.keys, english), platforms | _PLATFORM_SYNONYMS)


def interpret(text: str, lexicon: Lexicon) -> Interpretation:
    """What a query means, by its words alone."""
    folded = FoldedText.of(text)
    named, named_places = lexicon.items.find(folded)
    unwanted = _unwanted(folded, named_places)
    known = tuple(item for item in named if item.words not in unwanted)
    every = [*conditions(folded.text), *_platforms(folded, lexicon.platforms, named_places)]
    meant = [one for one in every if not _of_own_data(folded.text, one) and not welcome(folded.text, one.end)]
    found = _alternatives(folded.text, meant)
    matches = lexicon.names.find(folded, [*named_places, *((one.start, one.end) for one in every)])
    negations = _negations(folded.text, matches, found)
    constraints = [
        one.constraint(
            folded.words(one.start, one.end),
            negated=id(one) in negations,
            preferred=preferred(folded.text, one.start, one.end),
        )
        for one in found
        if one.kind != "permission" or one.values
    ]
    constraints += [
        Constraint(
            kind="dataset",
            words=words,
            negated=True,
            values=tuple(item.id for item in named if item.words == words),
        )
        for words in unwanted
        if any(item.words == words for item in named)
    ]
    mentions: list[Mention] = []
    for match in matches:
        ids = tuple(name.concept.id for name in match.names)
        words = folded.words(match.start, match.end)
        if id(match) in negations:
            constraints.append(Constraint(kind="concept", words=words, negated=True, values=ids))
        elif preferred(folded.text, match.start, match.end):
            constraints.append(Constraint(kind="concept", words=words, strength="preferred", values=ids))
        else:
            mentions.extend(_mentions(folded, match, mentions))
    if any(c.kind == "dimension" and not c.negated for c in constraints):
        constraints = [
            c for c in constraints if not (c.kind == "dimension" and c.negated)
        ]  # video, not stills
    used = [*named_places, *((m.start, m.end) for m in matches), *((one.start, one.end) for one in every)]
    return Interpretation(
        concepts=tuple(mentions),
        constraints=tuple(constraints),
        known_items=known,
        not_understood=_left(folded, used),
    )


def welcome(text: str, end: int) -> bool:
    """Whether what ends there is but allowed: "unlabelled is fine"."""
    return bool(_WELCOME.match(text, end))


def _alternatives(text: str, found: list[Found]) -> list[Found]:
    """Conditions of one kind that "or" joins as one, of which any value will do: CC0 or CC BY."""
    merged: list[Found] = []
    for one in sorted(found, key=lambda one: one.start):
        last = merged[-1] if merged else None
        if (
            last
            and last.kind == one.kind in _BY_VALUE
            and last.negated == one.negated
            and last.minimum is one.minimum is None
            and _OR.fullmatch(text, last.end, one.start)
        ):
            values = tuple(dict.fromkeys((*last.values, *one.values)))
            merged[-1] = replace(last, end=one.end, values=values)
        else:
            merged.append(one)
    return merged


def _unwanted(folded: FoldedText, places: list[tuple[int, int]]) -> tuple[str, ...]:
    """Names of entries that the text excludes."""
    return tuple(
        folded.words(start, end)
        for start, end in sorted(places)
        for cue in _NOT.finditer(folded.text, 0, start)
        if _ANYTHING.fullmatch(folded.text, cue.end(), start)
    )


def _platforms(
    folded: FoldedText, platforms: Mapping[tuple[str, ...], str], taken: list[tuple[int, int]]
) -> Iterator[Found]:
    """Hosting platforms that the text names outside the name of an entry."""
    for window in windows(folded.tokens(), 4):
        start, end = window[0].start, window[-1].end
        name = platforms.get(tuple(singular(token.text) for token in window))
        if name and not any(start < b and a < end for a, b in taken):
            yield Found(start, end, "platform", (name,))


def _mentions(folded: FoldedText, match: Match, before: list[Mention]) -> list[Mention]:
    start, end = folded.place(match.start, match.end)
    seen = {mention.concept for mention in before}
    return [
        Mention(
            concept=name.concept.id,
            label=name.concept.label,
            facet=name.concept.facet,
            words=folded.original[start:end],
            start=start,
            end=end,
            matched=name.text,
            scope=match.scope,
            language=name.language,
            confidence=match.confidence,
        )
        for name in match.names
        if name.concept.id not in seen
    ]


def _negations(text: str, matches: list[Match], found: list[Found]) -> set[int]:
    """Ids of the matches and conditions that the text excludes."""
    excluded: set[int] = set()
    parts: list[Match | Found] = sorted([*matches, *found], key=lambda part: part.start)
    inside = [(part.start, part.end) for part in found]
    blocked = [match.span() for match in _NO_NEGATION.finditer(text)]
    for cue in _NOT.finditer(text):
        if any(start <= cue.start() < end for start, end in [*inside, *blocked]):
            continue
        place = cue.end()
        first = True
        for part in parts:
            if part.start < cue.end():
                continue
            between = text[place : part.start]
            near = (_ONLY_AFTER_NOT, _ANYTHING) if first else (_JOINS,)
            if between.strip() and not any(pattern.fullmatch(between) for pattern in near):
                break
            excluded.add(id(part))
            place, first = part.end, False
    for part in parts:
        if _NOT_AFTER.match(text, part.end):
            excluded.add(id(part))
    return excluded


def preferred(text: str, start: int, end: int) -> bool:
    """Whether the clause around a place calls itself a wish."""
    first = max((match.end() for match in _CLAUSE.finditer(text, 0, start)), default=0)
    after = _CLAUSE.search(text, end)
    return bool(_PREFERRED.search(text, first, after.start() if after else len(text)))


def _of_own_data(text: str, one: Found) -> bool:
    """Whether a condition describes the data that the asker has."""
    if one.kind in ("permission", "access", "weights", "reports", "evidence", "licence", "platform"):
        return False
    if about_own_data(text, one.start, one.end):
        return True
    first, last = _sentence(text, one.start, one.end)
    if _OWN.search(text, first, one.start):
        return False
    counted = one.kind in ("dimension", "labels") and _COUNTED.search(text, first, last)
    return bool(counted) and not _WANTED.search(text, first, last)


def about_own_data(text: str, start: int, end: int) -> bool:
    """Whether the words before a place, in its sentence, speak of what the asker has, and not of what is wanted."""
    first, _ = _sentence(text, start, end)
    own = [match.end() for match in _OWN.finditer(text, first, start)]
    return bool(own) and not _WANTED.search(text, own[-1], start)


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    first = max((match.end() for match in _SENTENCE.finditer(text, 0, start)), default=0)
    after = _SENTENCE.search(text, end)
    return first, after.start() if after else len(text)


def _left(folded: FoldedText, used: list[tuple[int, int]]) -> tuple[str, ...]:
    """Words that led to nothing and are not of the trade."""
    cues = [match.span() for pattern in (_NOT, _PREFERRED) for match in pattern.finditer(folded.text)]
    left = [
        folded.words(token.start, token.end)
        for token in folded.tokens()
        if token.text not in STOPWORDS
        and token.text not in FILLERS
        and token.text.rstrip("s") not in FILLERS
        and not token.text.isdigit()
        and len(token.text) > 1
        and not any(start < token.end and token.start < end for start, end in [*used, *cues])
    ]
    return tuple(dict.fromkeys(left))
