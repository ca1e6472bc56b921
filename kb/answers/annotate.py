"""A text with its expressions of likeness marked, a table of their senses, and precise wordings where asked."""

from __future__ import annotations

import re

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.resolve import ExpressionAnswer, expression_answer

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def expressions_of(base: KnowledgeBase, text: str) -> list[ExpressionAnswer]:
    """Expressions of a text or Markdown file, code left out."""
    blanked = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return [expression_answer(base.resolver, one) for one in base.resolver.resolve(blanked)]


def annotated(text: str, found: list[ExpressionAnswer], *, rewrite: bool = False) -> str:
    """The text with each expression in bold and numbered, and below it a Markdown table of senses.

    With `rewrite`, a further table proposes a precise wording for each; the text itself stays as it was written.
    """
    if not found:
        return f"{text.rstrip()}\n\nNo expression of likeness was found.\n"
    pieces, last = [], 0
    for number, one in enumerate(found, start=1):
        pieces += [text[last : one.start], f"**{text[one.start : one.end]}**[{number}]"]
        last = one.end
    marked = "".join(pieces) + text[last:]
    lines = [
        marked.rstrip(),
        "",
        "| | expression | senses | because of | question |",
        "|---|---|---|---|---|",
        *(_row(number, one) for number, one in enumerate(found, start=1)),
    ]
    if rewrite:
        lines += [
            "",
            "| | written | more precise |",
            "|---|---|---|",
            *(_proposal(number, one) for number, one in enumerate(found, start=1)),
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _row(number: int, one: ExpressionAnswer) -> str:
    senses = ", ".join(f"{reading.name} {reading.confidence:.2f}" for reading in one.senses)
    because = ", ".join(dict.fromkeys(one.senses[0].because))
    denied = " (denied)" if one.negated else ""
    question = one.question or "settled"
    return f"| {number} | {_cell(one.text)}{denied} | {senses} | {_cell(because)} | {_cell(question)} |"


def _proposal(number: int, one: ExpressionAnswer) -> str:
    denied = "not " if one.negated else ""
    if one.settled:
        return f"| {number} | {_cell(one.text)} | {denied}{_cell(one.senses[0].wording)} |"
    choices = " *or* ".join(_cell(reading.wording) for reading in one.senses[:3])
    return f"| {number} | {_cell(one.text)} | open: {denied}{choices} |"
