"""Which senses an expression may have, and how sure that is: cues weighed by a small log-linear model.

For an expression c and a sense s the score is the sum of weight times feature; probabilities are the softmax of the scores
over the senses that anything speaks for. Whether c is meant of data at all is a logistic regression over features of c, two of
them from the encoder. A build fits the weights on `data/phrases/sentences` (`kb.answers.resolver_fit`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.cues import Hit
from kb.knowledge.expressions import Candidate, Sentence

UNSPECIFIED = "UnspecifiedSimilarity"
_NOUNS = frozenset(("similarity", "dissimilarity", "relatedness", "closeness", "proximity", "resemblance"))
_PRONOUNS = frozenset(("they", "them", "both", "these", "those", "two", "theirs", "ours", "which"))
_OWN = frozenset({"phrase", "own", "likeness", "expression", "perhaps", "measure", "named"})


class Topic(BaseModel):
    """Logistic regression on the encoder's vector of a text: how much it reads like talk of likeness between data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float
    weights: tuple[float, ...]

    def of(self, vector: Sequence[float]) -> float:
        """Log odds, cut to -3 to 3."""
        total = self.bias + math.fsum(a * b for a, b in zip(self.weights, vector, strict=True))
        return max(-3.0, min(3.0, total))


class Weights(BaseModel):
    """What the model learnt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentence: Topic
    clause: Topic
    meant: dict[str, float] = Field(description="Weight of each feature of an expression.")
    sense: dict[str, float] = Field(description="Weight of each feature of an expression and a sense.")
    prior: dict[str, float] = Field(
        description="Logarithm of the share of each sense among what was labelled."
    )
    threshold: float = Field(ge=0, le=1, description="Least probability of being meant of data.")
    open: dict[str, float] = Field(
        description="Weight of each feature of an answer, for whether a question has to be asked."
    )
    ask: float = Field(
        ge=0, le=1, description="Least probability of being open at which a question is asked."
    )
    temperature: float = Field(gt=0, description="Divides the scores of senses; above 1: less sure.")


class Support(NamedTuple):
    """Features of one sense of an expression, and the words they come from."""

    features: dict[str, float]
    because: tuple[str, ...]


def _words(sentence: Sentence, hit: Hit) -> str:
    return sentence.text[sentence.words[hit.first].start : sentence.words[hit.last - 1].end]


class _Noted:
    """Features of senses as they are gathered, each the largest of its kind."""

    def __init__(self) -> None:
        self.features: dict[str, dict[str, float]] = {UNSPECIFIED: {}}
        self.because: dict[str, dict[str, None]] = {UNSPECIFIED: {}}

    def note(self, sense: str, feature: str, value: float, words: str) -> None:
        """One word speaks for one sense."""
        features = self.features.setdefault(sense, {})
        features[feature] = max(features.get(feature, 0.0), value)
        self.because.setdefault(sense, {})[words] = None

    def note_all(self, hit: Hit, feature: str, words: str, share: float = 1.0) -> None:
        """One cue speaks for its senses, less for each further one."""
        for place, sense in enumerate(hit.cue.senses):
            self.note(sense, feature, share / (1 + place), words)


def supports(
    candidate: Candidate, sentence: Sentence, context: Sentence | None, labels: Mapping[str, str]
) -> dict[str, Support]:
    """For every sense that something speaks for: its features and the words that speak."""
    noted = _Noted()
    if candidate.phrase:
        for place, sense in enumerate(candidate.phrase.senses):
            noted.note(sense, "phrase", 1 / (1 + place), candidate.phrase.phrase)
    for hit in sentence.hits:
        feature, share = _feature(candidate, sentence, hit)
        if feature:
            noted.note_all(hit, feature, _words(sentence, hit), share)
    for hit in context.hits if context else ():
        if context and hit.cue.role in ("aspect", "method", "expression"):
            name = "method_context" if hit.cue.role == "method" else "around"
            noted.note_all(hit, name, _words(context, hit))
    lower = sentence.text.casefold()
    for sense, label in labels.items():
        if sense.casefold() in lower or label.casefold() in lower:
            noted.note(sense, "named", 1.0, label)
    if not any(_OWN & features.keys() for features in noted.features.values()):
        span = sentence.text[sentence.words[candidate.first].start : sentence.words[candidate.last - 1].end]
        noted.note(UNSPECIFIED, "silent", 1.0, span)
    for features in noted.features.values():
        if (_OWN | {"near"}) & features.keys() and any(name.startswith("method") for name in features):
            features["both"] = 1.0
    return {
        sense: Support(features, tuple(noted.because[sense])) for sense, features in noted.features.items()
    }


def _feature(candidate: Candidate, sentence: Sentence, hit: Hit) -> tuple[str, float]:
    """What a cue of the sentence counts as for an expression, and how much by its distance; "" for nothing."""
    inside = candidate.first <= hit.first and hit.last <= candidate.last
    same_clause = candidate.clause[0] <= hit.first < candidate.clause[1]
    same_period = sentence.periods[hit.first] == sentence.periods[candidate.first]
    distance = max(candidate.first - hit.last, hit.first - candidate.last, 0)
    role = hit.cue.role
    if role == "method":
        place = "" if same_clause or inside else "_sentence" if same_period else "_context"
        return f"method{place}", 1.0
    if inside and role in ("aspect", "likeness", "expression", "perhaps", "measure"):
        return {"aspect": "own", "measure": "expression"}.get(role, role), 1.0
    if role == "aspect" and same_clause:
        return "near", 1 / (1 + distance / 3)
    if role == "aspect" and same_period:
        return "around", 1 / (1 + distance / 6)
    return "", 0.0


def features_of(candidate: Candidate, sentence: Sentence, context: Sentence | None) -> dict[str, float]:
    """What speaks for or against an expression being meant of data."""
    inside = [hit for hit in sentence.hits if candidate.first <= hit.first and hit.last <= candidate.last]
    clause = [hit for hit in sentence.hits if candidate.clause[0] <= hit.first < candidate.clause[1]]
    period = [
        hit for hit in sentence.hits if sentence.periods[hit.first] == sentence.periods[candidate.first]
    ]
    roles = {hit.cue.role for hit in inside}
    words = sentence.words[candidate.first : candidate.last]
    around = {word.text for word in sentence.words[slice(*candidate.clause)]}
    nearest = candidate.attached[0].cue.role if candidate.attached else ""
    aspects = {(hit.first, hit.last) for hit in clause if hit.cue.role == "aspect" and hit not in inside}
    likeness = candidate.likeness is not None
    data = [hit for hit in clause if hit.cue.role == "data"]
    return {
        "bias": 1.0,
        "aspect": float("aspect" in roles),
        "phrase": float(candidate.phrase is not None),
        "expression": float("expression" in roles),
        "compound": float(any(hit.cue.role == "expression" and hit.last - hit.first > 1 for hit in inside)),
        "measure": float("measure" in roles),
        "noun": float(any(word.text in _NOUNS for word in words)),
        "pronoun": float(not roles & {"aspect", "expression", "perhaps"} and bool(around & _PRONOUNS)),
        "perhaps": float("perhaps" in roles and "expression" not in roles),
        "perhaps_data": float("perhaps" in roles and "expression" not in roles and bool(data)),
        "data_beside": float(any(hit.first == candidate.last or hit.last == candidate.first for hit in data)),
        "data_inside": float(any(hit in inside for hit in data)),
        "likeness": float(likeness),
        "weak": float(candidate.weak and "aspect" not in roles),
        "weak_aspect": float(candidate.weak and "aspect" in roles),
        "other_first": float(nearest == "other"),
        "other_inside": float("other" in roles),
        "other_clause": float(any(hit.cue.role == "other" for hit in clause)),
        "bare_noun": float(candidate.bare_noun and "aspect" not in roles),
        "bare_noun_aspect": float(candidate.bare_noun and "aspect" in roles),
        "data_clause": float(any(hit.cue.role == "data" for hit in clause)),
        "data_sentence": float(any(hit.cue.role == "data" for hit in period)),
        "method_clause": float(any(hit.cue.role == "method" and hit not in inside for hit in clause)),
        "aspects_near": min(len(aspects), 3) / 3,
        "context": float(context is not None),
        "alone": float(candidate.last - candidate.first >= len(sentence.words) - 2),
    }


def probability(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Logistic function of the weighted sum."""
    total = sum(weights.get(name, 0.0) * value for name, value in features.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def ranked(supported: Mapping[str, Support], weights: Weights) -> list[tuple[str, float]]:
    """Senses with their probabilities, likeliest first; ties in the order of names."""
    lowest = min(weights.prior.values(), default=0.0)
    scores = {
        sense: (
            sum(weights.sense.get(name, 0.0) * value for name, value in support.features.items())
            + weights.sense.get("prior", 0.0) * weights.prior.get(sense, lowest)
            + (weights.sense.get("unspecified", 0.0) if sense == UNSPECIFIED else 0.0)
        )
        / weights.temperature
        for sense, support in supported.items()
    }
    top = max(scores.values())
    raised = {sense: math.exp(score - top) for sense, score in scores.items()}
    total = sum(raised.values())
    return sorted(
        ((sense, value / total) for sense, value in raised.items()), key=lambda one: (-one[1], one[0])
    )


def doubts(
    candidate: Candidate, supported: Mapping[str, Support], order: Sequence[tuple[str, float]]
) -> dict[str, float]:
    """What speaks for or against the reading of an expression being open."""
    name, share = order[0]
    features = supported[name].features
    second = order[1][1] if len(order) > 1 else 0.0
    listed = candidate.phrase.senses if candidate.phrase else ()
    cues = [hit.cue.senses for hit in (*candidate.attached, candidate.expression) if hit and hit.cue.senses]
    narrowest = min(map(len, cues), default=0)
    return {
        "confidence": share,
        "margin": share - second,
        "unspecified": float(name == UNSPECIFIED),
        "listed": float(len(listed) > 1),
        "listed_many": float(len(listed) > 2),
        "listed_one": float(len(listed) == 1),
        "cue_one": float(narrowest == 1),
        "cue_many": float(narrowest > 2),
        "context": float("both" in features),
        "listed_context": float(len(listed) > 1 and "both" in features),
        "near": features.get("near", 0.0),
    }
