"""Tools for programs that reason (Model Context Protocol): search, candidates, resolve, show, compare, sparql.

Each answer names the data version; every likeness in it carries its sense and what it rests on; facts carry references. Answers are
kept short enough to be read, and say what was left out. Errors are tool errors with the hint that a person would get.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

import kb
from kb.answers.candidate_answer import Candidate, CandidatesAnswer
from kb.answers.candidates import Wanted
from kb.answers.candidates import candidates as find_candidates
from kb.answers.compare import compare as compare_entries
from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.reference_pages import read_terms
from kb.answers.resolve import resolve as resolve_text
from kb.answers.search import search as find
from kb.answers.sparql import DeclaredTerms, ask
from kb.answers.target import target_of
from kb.engines.sparql_pool import SparqlPool
from kb.errors import WhenceError
from kb.knowledge.names import DATASET, PREFIXES
from kb.knowledge.requirement import requirement

_INSTRUCTIONS = """\
Whence answers from which dataset to transfer in medical imaging. Search finds datasets; candidates ranks sources for a
target in groups (inside a group the order is not supported by evidence); resolve says what a phrase such as "visually similar"
may mean and which question to ask; show gives one entry with references; compare sets entries side by side, sense by sense; sparql
asks anything else. A likeness is never one number: always name its sense and basis. A likeness does not predict an outcome."""
_MOST_ROWS = 100
_MOST_MEASURED = 3
_ASSESSED = {"sense", "basis", "method", "direction", "minimum", "maximum", "value", "missing"}
_T = TypeVar("_T")


def mcp_server(base: KnowledgeBase, pool: SparqlPool) -> MCPServer[Any]:
    """Server with all tools over one knowledge base."""
    server: MCPServer[Any] = MCPServer(
        "whence", instructions=_INSTRUCTIONS, version=kb.__version__, log_level="WARNING"
    )
    for tool in _tools(base, pool):
        server.tool()(tool)
    return server


def _tools(base: KnowledgeBase, pool: SparqlPool) -> tuple[Callable[..., dict[str, Any]], ...]:
    version = base.manifest.data_version
    terms = DeclaredTerms(read_terms(base))

    def search(
        query: Annotated[str, Field(description="What you look for, in plain words; conditions are kept.")],
        limit: Annotated[int, Field(ge=1, le=50, description="How many entries.")] = 10,
    ) -> dict[str, Any]:
        """Find imaging datasets. Ranked by SearchRelevance, which is no similarity of datasets; conditions come with their facts."""
        answer = _kept(lambda: find(base, query, limit=limit))
        return {
            "data_version": version,
            "understood": [
                {"words": one.words, "concept": one.concept, "how": one.scope}
                for one in answer.interpretation.concepts
            ],
            "conditions": [one.said for one in answer.interpretation.constraints],
            "not_understood": answer.interpretation.not_understood,
            "matching": answer.matching,
            "may_match": answer.may_match_count,
            "note": answer.note,
            "order": "SearchRelevance (rank within this answer only)",
            "results": [_hit(one) for one in answer.results],
            "may_match_first": [_hit(one) for one in answer.may_match],
            "near_first": [_hit(one) for one in answer.near[:5]],
        }

    def candidates(
        target: Annotated[str, Field(description="Id of an entry, or a description of your own data.")],
        sources: Annotated[list[str], Field(description="Only these ids; empty: the whole catalogue.")] = [],  # noqa: B006
        must: Annotated[
            list[str], Field(description="Conditions on sources, such as licence=commercial.")
        ] = [],  # noqa: B006
        architecture: Annotated[str | None, Field(description="Such as ResNet-50.")] = None,
        limit: Annotated[int, Field(ge=1, le=30, description="How many sources.")] = 8,
    ) -> dict[str, Any]:
        """Rank source datasets for a target: evidence, each similarity sense, predictions with intervals, licence, overlap."""

        def found() -> CandidatesAnswer:
            conditions = tuple(requirement(text, base.vocabulary) for text in must)
            wanted = Wanted(sources=tuple(sources), must=conditions, architecture=architecture, limit=limit)
            return find_candidates(base, target_of(base, target, files=False), wanted)

        answer = _kept(found)
        return {
            "data_version": version,
            "target": answer.target.model_dump(mode="json", exclude_none=True),
            "metric": answer.metric,
            "considered": answer.considered,
            "order": "groups, best first; inside a group the order is not supported by evidence",
            "candidates": [_candidate(one) for one in answer.candidates],
            "notes": answer.notes,
        }

    def resolve(
        text: Annotated[str, Field(description="Phrase, sentence or paragraph.")],
        context: Annotated[str | None, Field(description="What stands around it.")] = None,
    ) -> dict[str, Any]:
        """Say which senses of similarity the phrases of a text may have, and the question that settles each."""
        answer = _kept(lambda: resolve_text(base, text, context))
        return {"data_version": version, **answer.model_dump(mode="json", exclude_none=True)}

    def show(entry_id: Annotated[str, Field(description="Id of an entry.")]) -> dict[str, Any]:
        """One entry with a reference for every value; a missing value has a status, never a guess."""
        entry = _kept(lambda: base.entry(entry_id))
        return {
            "data_version": version,
            "iri": str(DATASET[entry.id]),
            "description": base.describe(entry),
            "entry": entry.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        }

    def compare(
        ids: Annotated[
            list[str], Field(min_length=2, max_length=5, description="Ids of two to five entries.")
        ],
    ) -> dict[str, Any]:
        """Entries side by side: facts with references, and every similarity sense of every pair."""
        answer = _kept(lambda: compare_entries(base, ids))
        return {"data_version": version, **answer.model_dump(mode="json", exclude_none=True)}

    def sparql(
        query: Annotated[
            str, Field(description=f"SELECT or ASK; prefixes {', '.join(PREFIXES)} are declared.")
        ],
    ) -> dict[str, Any]:
        """Ask ontology, catalogue, evidence and provenance in SPARQL 1.1; at most 100 rows are shown."""
        answer = _kept(lambda: ask(pool, query, "application/sparql-results+json"))
        read = json.loads(answer.body)
        rows = read.get("results", {}).get("bindings", [])
        return {
            "data_version": version,
            "warnings": list(terms.unknown(query)),
            **({"truth": read["boolean"]} if "boolean" in read else {}),
            "rows_found": answer.rows,
            "rows_left_out": max(0, answer.rows - _MOST_ROWS),
            "rows": [{name: term["value"] for name, term in row.items()} for row in rows[:_MOST_ROWS]],
        }

    return search, candidates, resolve, show, compare, sparql


def _hit(hit: Any) -> dict[str, Any]:  # noqa: ANN401 - a hit of any of the three lists
    return {
        "id": hit.id,
        "name": hit.name,
        "iri": str(DATASET[hit.id]),
        "description": hit.description,
        "lacks": hit.lacks,
        "conditions": [
            {"condition": one.condition, "status": one.status, "fact": one.fact, "refs": one.refs}
            for one in hit.checked
        ],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    """A candidate in short: all statements, the first measurements, references with each."""
    return {
        "source": one.source,
        "name": one.name,
        "group": one.group,
        "baseline": one.baseline,
        "predicted": one.predicted.model_dump(mode="json", exclude={"studies"}),
        "similarities": {
            sense: assessed.model_dump(mode="json", exclude_none=True, include=_ASSESSED)
            for sense, assessed in one.similarities.items()
        },
        "measured_on_target": [
            row.model_dump(mode="json", exclude_none=True) for row in one.measured[:_MOST_MEASURED]
        ],
        "measured_on_targets_like_it": [
            row.model_dump(mode="json", exclude_none=True) for row in one.measured_elsewhere[:_MOST_MEASURED]
        ],
        "measurements_left_out": max(0, len(one.measured) - _MOST_MEASURED)
        + max(0, len(one.measured_elsewhere) - _MOST_MEASURED),
        "weights": [
            {"architecture": w.architecture, "url": w.url, "licence": w.licence} for w in one.weights
        ],
        "licence": one.licence,
        "access": one.access,
        "population": one.population,
        "overlap": one.overlap.model_dump(mode="json", exclude_none=True),
        "factors": [{"leaning": f.leaning, "statement": f.statement, "refs": f.refs} for f in one.factors],
    }


def _kept(answer: Callable[[], _T]) -> _T:
    """The answer, or a tool error that says what would do."""
    try:
        return answer()
    except WhenceError as error:
        raise ToolError(str(error)) from error
