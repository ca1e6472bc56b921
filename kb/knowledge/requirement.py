"""Conditions written tersely, as options and parameters take them: `licence=commercial`, `items>=1000`, `modality!=ultrasound`."""

from __future__ import annotations

import re
from typing import get_args

from kb.errors import InvalidInput
from kb.knowledge.entry_base import AccessRoute, DimensionCode, Domain, PopulationAttribute
from kb.knowledge.interpretation import Constraint, ConstraintKind
from kb.knowledge.vocabulary import FACET_CLASSES, Vocabulary, words

_FORM = re.compile(r"\s*([a-z]+)\s*(>=|<=|!=|=)\s*(.+?)\s*")
_NUMBERS: dict[str, ConstraintKind] = {
    "items": "items", "images": "items", "patients": "patients", "year": "year", "classes": "classes",
}  # fmt: skip
_CHOICES: dict[str, tuple[ConstraintKind, tuple[str, ...]]] = {
    "licence": ("permission", ("commercial", "derivatives", "redistribution")),
    "license": ("permission", ("commercial", "derivatives", "redistribution")),
    "access": ("access", get_args(AccessRoute)),
    "dimension": ("dimension", get_args(DimensionCode)),
    "domain": ("domain", get_args(Domain)),
    "reports": ("reports", get_args(PopulationAttribute)),
}
_YES: dict[str, ConstraintKind] = {"weights": "weights", "evidence": "evidence", "labels": "labels"}


def requirement(text: str, vocabulary: Vocabulary) -> Constraint:
    """Condition from its terse form.

    Raises `InvalidInput` naming what is wrong and what would do.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise _refused(text)
    name, sign, value = match[1], match[2], match[3]
    if name in _NUMBERS and sign != "!=":
        digits = value.replace(",", "").replace("_", "")
        if not digits.isdigit():
            raise InvalidInput(f"{text!r}: expected a number, found {value!r}", field="must")
        n = int(digits)
        return Constraint(
            kind=_NUMBERS[name],
            words=text,
            minimum=n if sign in (">=", "=") else None,
            maximum=n if sign in ("<=", "=") else None,
        )
    if sign not in ("=", "!="):
        raise _refused(text)
    negated = sign == "!="
    if name in _CHOICES:
        kind, known = _CHOICES[name]
        values = tuple(part.strip() for part in value.split("|"))
        if unknown := [part for part in values if part not in known]:
            raise InvalidInput(
                f"{text!r}: unknown {unknown[0]!r}", field="must", hint=f"one of {', '.join(known)}"
            )
        return Constraint(kind=kind, words=text, values=values, negated=negated)
    if name in _YES:
        if value not in ("yes", "no"):
            raise InvalidInput(f"{text!r}: expected yes or no", field="must")
        return Constraint(kind=_YES[name], words=text, negated=negated != (value == "no"))
    if name == "platform":
        return Constraint(kind="platform", words=text, values=(value,), negated=negated)
    if name in FACET_CLASSES:
        found = tuple(_concept(part.strip(), name, vocabulary, text) for part in value.split("|"))
        return Constraint(kind="concept", words=text, values=found, negated=negated)
    raise _refused(text)


def _concept(value: str, facet: str, vocabulary: Vocabulary, text: str) -> str:
    if value in vocabulary and vocabulary[value].facet == facet:
        return value
    named = [one.id for one, _ in vocabulary.by_words.get(words(value), ()) if one.facet == facet]
    if not named:
        raise InvalidInput(
            f"{text!r}: no {facet} goes by {value!r}", field="must", hint="whence concepts WORD"
        )
    return named[0]


def _refused(text: str) -> InvalidInput:
    names = ", ".join([*_NUMBERS, *_CHOICES, *_YES, "platform", *FACET_CLASSES])
    return InvalidInput(
        f"not a condition: {text!r}",
        field="must",
        hint=f"NAME=VALUE, NAME!=VALUE, NAME>=N or NAME<=N; names: {names}",
    )
