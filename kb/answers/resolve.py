"""What a phrase of likeness may mean: the resolver's answer with definitions, for a text, a file of texts, or a reason."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidFile, InvalidInput, NotFound
from kb.knowledge.names import WH
from kb.knowledge.resolver import Expression, Reading, Resolver

LONGEST = 20_000


class ReadingAnswer(BaseModel):
    """One sense that an expression may have."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Class of the ontology.")
    iri: str
    label: str
    confidence: float = Field(ge=0, le=1, description="Calibrated probability of this reading.")
    kind: str = Field(
        description="sense of similarity, or neighbour notion: no similarity, though called so."
    )
    definition: str
    compared: str | None = Field(description="What is compared; null for neighbour notions.")
    bases: tuple[str, ...] = Field(description="On what an assessment in this sense may rest.")
    methods: tuple[str, ...] = Field(description="How it could be assessed.")
    because: tuple[str, ...] = Field(description="Words that speak for this reading.")
    wording: str = Field(description="A wording that leaves no doubt.")


class ExpressionAnswer(BaseModel):
    """One expression of likeness; places in Unicode code points."""

    model_config = ConfigDict(frozen=True)

    text: str
    start: int
    end: int
    negated: bool
    settled: bool
    senses: tuple[ReadingAnswer, ...] = Field(description="Likeliest first.")
    question: str | None = Field(description="The one question that would settle it; null when settled.")


class ResolveAnswer(BaseModel):
    """All expressions of a text."""

    model_config = ConfigDict(frozen=True)

    text: str
    context: str | None
    expressions: tuple[ExpressionAnswer, ...]
    data_version: str


class BatchText(BaseModel):
    """One line of a batch."""

    model_config = ConfigDict(extra="forbid")

    id: str
    phrase: str
    context: str | None = None


def checked(text: str, *, field: str) -> str:
    """The text, if it is one that can be resolved.

    Raises `InvalidInput` for an empty text or one of more than 20,000 characters.
    """
    if not text.strip():
        raise InvalidInput("the text is empty", field=field, hint='give a phrase such as "visually similar"')
    if len(text) > LONGEST:
        raise InvalidInput(
            f"{len(text):,} characters are more than {LONGEST:,}", field=field, hint="resolve it in parts"
        )
    return text


def resolve(base: KnowledgeBase, text: str, context: str | None = None) -> ResolveAnswer:
    """Expressions of likeness in a text, each with the senses it may have and the question that settles it.

    Raises `InvalidInput` for an empty or overlong text or context.
    """
    resolver = base.resolver
    around = checked(context, field="context") if context and context.strip() else None
    return ResolveAnswer(
        text=text,
        context=around,
        expressions=tuple(
            expression_answer(resolver, one)
            for one in resolver.resolve(checked(text, field="phrase"), around)
        ),
        data_version=base.manifest.data_version,
    )


def expression_answer(resolver: Resolver, expression: Expression) -> ExpressionAnswer:
    """An expression with what the ontology says of its readings."""
    return ExpressionAnswer(
        text=expression.text,
        start=expression.start,
        end=expression.end,
        negated=expression.negated,
        settled=expression.question is None,
        senses=tuple(_reading(resolver, one) for one in expression.senses),
        question=expression.question,
    )


def open_wordings(base: KnowledgeBase, reason: str) -> tuple[ExpressionAnswer, ...]:
    """Expressions of a reason whose sense is open, each with its question; for wherever a person types why."""
    return tuple(
        expression_answer(base.resolver, one)
        for one in base.resolver.resolve(reason[:LONGEST])
        if one.question is not None
    )


def _reading(resolver: Resolver, reading: Reading) -> ReadingAnswer:
    note = resolver.senses[reading.name]
    return ReadingAnswer(
        name=note.name,
        iri=str(WH[note.name]),
        label=note.label,
        confidence=reading.confidence,
        kind="neighbour notion" if note.neighbour else "sense of similarity",
        definition=note.definition,
        compared=note.compared or None,
        bases=note.bases,
        methods=note.methods,
        because=reading.because,
        wording=note.wording,
    )


def resolve_batch(base: KnowledgeBase, source: Path, target: Path) -> int:
    """Resolve each line `{id, phrase, context}` of `source`; write `{id, expressions}` to `target`.

    Returns the number of lines. Raises `InvalidFile` naming the line, and then writes nothing.
    """
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"can't read {source}: {error}") from error
    written = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            item = BatchText.model_validate_json(line)
            found = base.resolver.resolve(checked(item.phrase, field="phrase"), item.context)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "line"
            raise InvalidFile(f"{source}:{number}: {place}: {first['msg']}") from error
        except InvalidInput as error:
            raise InvalidFile(f"{source}:{number}: {error}") from error
        written.append(
            {
                "id": item.id,
                "expressions": [
                    {
                        "text": one.text,
                        "start": one.start,
                        "end": one.end,
                        "negated": one.negated,
                        "senses": [
                            {"name": reading.name, "confidence": reading.confidence} for reading in one.senses
                        ],
                        "question": one.question,
                    }
                    for one in found
                ],
            }
        )
    try:
        target.write_text(
            "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in written), encoding="utf-8"
        )
    except OSError as error:
        raise InvalidInput(f"can't write {target}: {error}", field="--out") from error
    return len(written)
