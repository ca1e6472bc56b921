"""What a query may not contain (update forms, SERVICE and LOAD) and the terms it uses, found without being misled by strings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kb.errors import InvalidInput, QueryRefused

#: Everything in which a keyword is no keyword: comments, strings, IRIs, variables, language tags, local names.
OPAQUE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""' + r"|'''(?:[^'\\]|\\.|'(?!''))*'''" + r'|"(?:[^"\\\n\r]|\\.)*"'
    r"|'(?:[^'\\\n\r]|\\.)*'" + r"|<[^<>\"{}|^`\\\s]*>|#[^\n\r]*|[?$]\w+|:[\w.:%-]*|@[A-Za-z-]+",
    re.DOTALL,
)
_FORMS = re.compile(r"\b(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE)
_UPDATES = re.compile(r"\b(INSERT|DELETE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD)\b", re.IGNORECASE)
#: The same, and whole prefixed names: what names a form or an update is a keyword of its own.
_NAMES = re.compile(OPAQUE.pattern.replace(r"|:[\w.:%-]*", r"|[\w.-]*:[\w.:%-]*"), re.DOTALL)
#: Without word boundaries: the engine's parser needs no space around a keyword (`5SERVICE<…>`).
_SERVICE = re.compile(r"SERVICE", re.IGNORECASE)


#: A prefix with its IRI, an IRI, a prefixed name; strings and comments first, so that nothing in them counts.
_TERMS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""' + r"|'''(?:[^'\\]|\\.|'(?!''))*'''" + r'|"(?:[^"\\\n\r]|\\.)*"'
    r"|'(?:[^'\\\n\r]|\\.)*'" + r"|#[^\n\r]*"
    r"|\bPREFIX\s+(?P<prefix>[\w.-]*):\s*<(?P<namespace>[^<>\s]*)>"
    r"|<(?P<iri>[^<>\"{}|^`\\\s]*)>|(?<![\w?$@])(?P<short>[\w-][\w.-]*|):(?P<local>[\w-](?:[\w.-]*[\w-])?)",
    re.DOTALL | re.IGNORECASE,
)


def terms_of(query: str, prefixes: Mapping[str, str]) -> dict[str, str]:
    """IRIs that a query names, each as it stands in the text; `prefixes` are predeclared."""
    known = dict(prefixes)
    found: dict[str, str] = {}
    for match in _TERMS.finditer(query):
        if match["namespace"] is not None:
            known[match["prefix"]] = match["namespace"]
        elif match["iri"] is not None:
            found.setdefault(match["iri"], f"<{match['iri']}>")
        elif match["local"] is not None and match["short"] in known:
            found.setdefault(known[match["short"]] + match["local"], match[0])
    return found


def check_query_text(query: str, longest: int = 100_000) -> str:
    """Form of the query: `SELECT`, `ASK`, `CONSTRUCT` or `DESCRIBE`.

    Raises `QueryRefused` for SERVICE and for any update, `InvalidInput` when there is no query.
    """
    if not query.strip():
        raise InvalidInput(
            "the query is empty", field="query", hint="send SELECT, ASK, CONSTRUCT or DESCRIBE"
        )
    if len(query) > longest:
        raise InvalidInput(
            f"the query has {len(query):,} characters, at most {longest:,} are read", field="query"
        )
    bare = _NAMES.sub(" ", query)
    form = _FORMS.search(bare)
    update = _UPDATES.search(bare)
    if update and (form is None or update.start() < form.start()):
        raise QueryRefused(
            f"{update.group().upper()} is SPARQL Update, and this endpoint only reads",
            field="query",
            hint="data changes through curation, not through SPARQL",
        )
    if _SERVICE.search(OPAQUE.sub(" ", query)):
        raise QueryRefused(
            "SERVICE is refused: no query reaches another address from here",
            field="query",
            hint="query the other endpoint yourself and join with VALUES",
        )
    if form is None:
        raise InvalidInput(
            "this is no query: none of SELECT, ASK, CONSTRUCT, DESCRIBE stands in it", field="query"
        )
    return form.group().upper()
