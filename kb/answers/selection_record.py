"""The record of a choice: what was asked, the table at this data version, what was chosen and why, with all that is cited.

Rendered for a paper's methods section: Markdown, LaTeX, JSON-LD; BibTeX of every reference beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kb.answers.candidate_answer import Candidate, CandidatesAnswer
from kb.answers.candidates import Wanted, candidates
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.resolve import ExpressionAnswer, open_wordings
from kb.answers.target import Target
from kb.errors import InvalidInput
from kb.knowledge.names import BASE
from kb.knowledge.similarity import DOCUMENTATION, SENSES, Assessed
from kb.knowledge.suggestions import did_you_mean

_LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
          "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


class SelectionRecord(BaseModel):
    """One choice, as it was made."""

    model_config = ConfigDict(frozen=True)

    on: date
    data_version: str
    answer: CandidatesAnswer
    chosen: str
    because: str
    senses: tuple[str, ...] = Field(
        description="Senses of similarity that the reason rests on; none: it rests on none."
    )
    wordings: tuple[ExpressionAnswer, ...] = Field(
        default=(), description="Wordings of the reason whose sense is open and is not said by `senses`."
    )
    refs: tuple[str, ...] = Field(description="Everything cited.")

    @property
    def choice(self) -> Candidate:
        """The chosen source."""
        return next(one for one in self.answer.candidates if one.source == self.chosen)


def selection_record(  # noqa: PLR0913 - a choice has as many parts
    base: KnowledgeBase,
    target: Target,
    chosen: str,
    because: str,
    *,
    senses: tuple[str, ...] = (),
    wanted: Wanted | None = None,
    on: date | None = None,
) -> SelectionRecord:
    """Record of choosing a source for a target, over the candidates that are shown for it.

    Raises `InvalidInput` for a choice that is not among the candidates, no reason, or an unknown sense.
    """
    if not because.strip():
        raise InvalidInput("no reason given", field="because", hint="say why, and in which sense")
    known = [sense.key for sense in (*SENSES, DOCUMENTATION)]
    for sense in senses:
        if sense not in known:
            hint = did_you_mean(sense, known) or f"one of {', '.join(known)}"
            raise InvalidInput(f"no sense {sense!r}", field="sense", hint=hint)
    answer = candidates(base, target, wanted)
    if chosen not in {one.source for one in answer.candidates}:
        asked = wanted or Wanted()
        names = tuple(dict.fromkeys((*(asked.sources or [c.source for c in answer.candidates]), chosen)))
        answer = candidates(
            base,
            target,
            Wanted(names, asked.must, asked.leave_out, asked.architecture, asked.strategy, asked.metric, 200),
        )
    return SelectionRecord(
        on=on or date.today(),
        data_version=base.manifest.data_version,
        answer=answer,
        chosen=chosen,
        because=" ".join(because.split()),
        senses=senses,
        wordings=_left_open(base, because, senses),
        refs=tuple(_cited(answer, chosen)),
    )


def _left_open(base: KnowledgeBase, because: str, senses: tuple[str, ...]) -> tuple[ExpressionAnswer, ...]:
    """Open wordings of a reason, but for those of which one reading is a sense that the reason names."""
    named = {sense.partition("/")[0] for sense in senses}
    return tuple(
        one for one in open_wordings(base, because) if not named & {reading.name for reading in one.senses}
    )


def _cited(answer: CandidatesAnswer, chosen: str) -> Iterator[str]:
    """References of measured outcomes in the table, and of what is said of the chosen source."""
    found: dict[str, None] = {}
    for one in answer.candidates:
        for row in one.measured:
            found.update(dict.fromkeys(row.refs))
        if one.source == chosen:
            found.update(dict.fromkeys(ref for factor in one.factors for ref in factor.refs))
            found.update(dict.fromkeys(ref for weights in one.weights for ref in weights.refs))
            found.update(dict.fromkeys(ref for verdict in one.checked for ref in verdict.refs))
            for assessed in one.similarities.values():
                found.update(dict.fromkeys(assessed.refs))
    yield from found


def _sense_words(record: SelectionRecord) -> Iterator[str]:
    for sense in record.senses:
        found: Assessed | None = record.choice.similarities.get(sense)
        if found is None or found.value is None:
            why = "; ".join(found.missing) if found else "not computed for a pool"
            yield f"{sense}: not computable ({why})"
        else:
            top = "unbounded" if found.maximum is None else f"{found.maximum:g}"
            yield (
                f"{sense} {found.value:.2f} ({found.basis}, {found.method}, {found.direction.replace('-', ' ')}, "
                f"range {found.minimum:g} to {top})"
            )


def _paragraph(record: SelectionRecord) -> str:
    answer, choice = record.answer, record.choice
    stated = "; ".join(f"{facet} {', '.join(values)}" for facet, values in answer.target.stated.items())
    measured = "; ".join(
        f"{row.metric} {row.value:.4f}, place {row.place} of {row.of} in {row.study}"
        for row in choice.measured
    )
    expected = choice.predicted
    parts = [
        f"The source was chosen with Whence, data version {record.data_version}, on {record.on.isoformat()}.",
        f"Target: {answer.target.name} ({stated or 'nothing further stated'}).",
        f"Of {answer.considered:,} sources considered, {choice.name} was chosen: {record.because.rstrip('.')}.",
        *(
            f'In what sense "{one.text}" was meant is not stated ({" or ".join(r.name for r in one.senses[:3])}).'
            for one in record.wordings
        ),
        *(f"Similarity: {'; '.join(_sense_words(record))}." for _ in record.senses[:1]),
        f"Measured on this target: {measured or 'nothing on file'}.",
        f"Predicted, without the outcomes on this target and on those that may share items with it: {expected.score:+.2f} "
        f"[{expected.low:+.2f}, {expected.high:+.2f}] standard units, group {choice.group} of {answer.groups} "
        f"({expected.basis}); inside a group the order is not supported.",
    ]
    if choice.overlap.warning:
        parts.append(f"Overlap: {choice.overlap.warning} ({'; '.join(choice.overlap.path) or 'itself'}).")
    return " ".join(parts)


def _rows(record: SelectionRecord) -> Iterator[tuple[str, ...]]:
    for one in record.answer.candidates:
        best = one.measured[0] if one.measured else None
        modality, anatomy = (
            f"{found.value:.2f}"
            if (found := one.similarities.get(sense)) and found.value is not None
            else "–"
            for sense in ("ModalityConceptSimilarity", "AnatomyConceptSimilarity")
        )
        yield (
            f"{one.name}{' (chosen)' if one.source == record.chosen else ''}",
            str(one.group),
            f"{one.predicted.score:+.2f} [{one.predicted.low:+.2f}, {one.predicted.high:+.2f}]",
            f"{best.metric} {best.value:.4f}" if best else "–",
            modality,
            anatomy,
            one.overlap.risk,
        )


_HEAD = (
    "source",
    "group",
    "predicted",
    "measured",
    "ModalityConceptSimilarity",
    "AnatomyConceptSimilarity",
    "overlap",
)


def markdown(record: SelectionRecord) -> str:
    """Paragraph, table and references."""
    lines = [_paragraph(record), "", f"| {' | '.join(_HEAD)} |", f"|{' --- |' * len(_HEAD)}"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in _rows(record)]
    lines += ["", "– : not known or not computable. References:", *(f"- {ref}" for ref in record.refs)]
    return "\n".join(lines) + "\n"


def latex(record: SelectionRecord) -> str:
    """Paragraph and table, with citations by the keys of `bibtex`."""
    keys = ",".join(key for _, key in _keys(record))
    head = " & ".join(map(_tex, _HEAD))
    body = " \\\\\n".join(" & ".join(map(_tex, row)) for row in _rows(record))
    cited = f" \\cite{{{keys}}}" if keys else ""
    return (
        f"{_tex(_paragraph(record))}{cited}\n\n"
        f"\\begin{{tabular}}{{lrllrrl}}\n\\hline\n{head} \\\\\n\\hline\n{body} \\\\\n\\hline\n\\end{{tabular}}\n"
    )


def _tex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text).replace("–", "--")


def bibtex(record: SelectionRecord) -> str:
    """An entry for every reference: what identifies it, and no guessed title or author."""
    return "\n".join(_bib(ref, key) for ref, key in _keys(record)) + "\n"


def _keys(record: SelectionRecord) -> list[tuple[str, str]]:
    return [(ref, f"whence{number}") for number, ref in enumerate(record.refs, start=1)]


def _bib(ref: str, key: str) -> str:
    scheme, _, place = ref.partition(":")
    fields = {
        "doi": [f"doi = {{{place}}}"],
        "arxiv": [f"eprint = {{{place}}}", "archiveprefix = {arXiv}"],
        "url": [f"url = {{{place}}}"],
    }.get(scheme, [f"note = {{{_tex(ref)}}}"])
    body = ",\n  ".join(fields)
    return f"@misc{{{key},\n  {body}\n}}"


def json_ld(record: SelectionRecord) -> str:
    """The choice in terms of the ontology: a SourceChoice with its rationale."""
    target, choice = record.answer.target, record.choice
    node: dict[str, Any] = {
        "@context": {
            "wh": f"{BASE}ontology/",
            "whd": f"{BASE}dataset/",
            "dcterms": "http://purl.org/dc/terms/",
        },
        "@type": "wh:SourceChoice",
        "dcterms:date": record.on.isoformat(),
        "wh:dataVersion": record.data_version,
        "wh:choosesFor": {"@id": f"whd:{target.id}"} if target.id else {"dcterms:title": target.name},
        "wh:choosesSource": [{"@id": f"whd:{dataset}"} for dataset in choice.datasets],
        "dcterms:description": markdown(record),
        "dcterms:references": list(record.refs),
        "@reverse": {
            "wh:justifies": {
                "@type": "wh:Rationale",
                "wh:rationaleText": record.because,
                "wh:invokes": [{"@id": f"wh:{sense.partition('/')[0]}"} for sense in record.senses],
            }
        },
    }
    return json.dumps(node, indent=2, ensure_ascii=False) + "\n"


FORMATS = {"markdown": markdown, "latex": latex, "bibtex": bibtex, "json-ld": json_ld}
