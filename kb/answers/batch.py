"""Answer many queries from a file, so that retrieval can be measured by a script."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ValidationError

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.search import search
from kb.errors import InvalidFile, InvalidInput, NotFound, WhenceError


class BatchQuery(BaseModel):
    """One line of the input: `{"id": …, "query": …}`."""

    id: str
    query: str


def search_batch(base: KnowledgeBase, source: Path, target: Path, *, limit: int) -> int:
    """Answer each line of `source`; write `id rank dataset_id name url score` to `target`, tab-separated.

    Those that match come first, then those that may; the score is the search relevance. Returns the number of queries. Raises `InvalidFile` naming the line, and
    then writes nothing.
    """
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"can't read {source}: {error}") from error
    lines = []
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = BatchQuery.model_validate(json.loads(line))
            answer = search(base, item.query, limit=limit)
        except (json.JSONDecodeError, ValidationError) as error:
            raise InvalidFile(
                f'{source}:{number}: not a line of the form {{"id": ..., "query": ...}}: {str(error).splitlines()[0]}'
            ) from error
        except WhenceError as error:
            raise InvalidFile(f"{source}:{number}: {error}") from error
        count += 1
        for hit in (*answer.results, *answer.may_match):
            cells = (item.id, str(hit.rank), hit.id, hit.name, hit.url or "", f"{hit.relevance.value:.6f}")
            lines.append("\t".join(" ".join(cell.split()) for cell in cells))
    try:
        target.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"can't write {target}: {error}", field="--out") from error
    return count
