"""Client of a running Whence service; needs the base install only (pandas and tqdm where they are asked for).

    with WhenceClient("http://127.0.0.1:8000") as whence:
        whence.search("chest X-ray pneumonia")["results"][0]["id"]
        whence.candidates("chexpert", architecture="ResNet-50")["groups"][0]
        whence.sparql_frame("SELECT ?d ?n { ?d wh:hasAnatomy wh:lung ; dcterms:title ?n }")

Answers are the API's JSON as dictionaries; entries are `DatasetEntry`. A request that met a busy service (429, with its Retry-After),
a gateway's error or a broken connection is sent again: everything here only reads. A query that was stopped at its deadline
is not, since it would be stopped again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx
from httpx_retries import Retry, RetryTransport
from rdflib import Graph

from kb.errors import Busy, InvalidInput, NotFound, NotReady, QueryRefused, TooExpensive, WhenceError
from kb.knowledge.entries import DatasetEntry

if TYPE_CHECKING:
    import pandas as pd

Json = dict[str, Any]
_ERRORS: dict[int, type[WhenceError]] = {
    400: InvalidInput,
    403: QueryRefused,
    404: NotFound,
    422: InvalidInput,
    429: Busy,
}
_AGAIN = (429, 502, 504)
_XSD = "http://www.w3.org/2001/XMLSchema#"
#: Types of pandas columns by the last part of the XSD type.
_COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger"), "Int64"),
    **dict.fromkeys(("decimal", "double", "float"), "Float64"),
    "boolean": "boolean",
    "dateTime": "datetime64[ns, UTC]",
}


class WhenceClient:
    """Search, candidates, wordings, evidence, entries and SPARQL over HTTP."""

    def __init__(
        self,
        address: str,
        *,
        seconds: float = 30.0,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`seconds` that one request may take; `retries` after the first try."""
        retry = Retry(
            total=retries,
            backoff_factor=0.3,
            status_forcelist=_AGAIN,
            allowed_methods=("GET", "HEAD", "POST"),
        )
        self._http = httpx.Client(
            base_url=address, timeout=seconds, transport=RetryTransport(transport=transport, retry=retry)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def search(
        self, query: str, *, limit: int = 10, cursor: str | None = None, interpretation: Json | None = None
    ) -> Json:
        """Entries for a query in plain words: `results`, `may_match`, `near`; `interpretation` says or corrects the reading."""
        body = {"q": query, "limit": limit, "cursor": cursor, "interpretation": interpretation}
        return self._post("/api/search", body)

    def candidates(
        self,
        target: str | None = None,
        *,
        entry: Json | None = None,
        sources: Sequence[str] = (),
        must: Sequence[str] = (),
        leave_out: Sequence[str] = (),
        architecture: str | None = None,
        metric: str = "auroc",
        limit: int = 12,
    ) -> Json:
        """Source candidates for a target, in groups; `target` is an id or a description, `entry` any part of an entry."""
        body = {
            "target": target, "entry": entry, "sources": list(sources), "must": list(must), "leave_out": list(leave_out),
            "architecture": architecture, "metric": metric, "limit": limit,
        }  # fmt: skip
        return self._post("/api/candidates", body)

    def resolve(self, phrase: str, context: str | None = None) -> Json:
        """Which senses the phrases of likeness in a text may have, and the question that would settle each."""
        return self._post("/api/resolve", {"phrase": phrase, "context": context})

    def similarity(self, source: str, target: str) -> Json:
        """Every sense of similarity of two entries: computed, stored, or why not computable."""
        return self._json("/api/similarity", a=source, b=target)

    def compare(self, *ids: str) -> Json:
        """Two to five entries side by side."""
        return self._json("/api/compare", id=list(ids))

    def outcomes(
        self, *, target: str | None = None, source: str | None = None, study: str | None = None
    ) -> Json:
        """Measured transfers in their comparison groups."""
        asked = {"target": target, "source": source, "study": study}
        return self._json("/api/outcomes", **{name: value for name, value in asked.items() if value})

    def alignment(self, sense: str) -> Json:
        """Whether more similar is better, for one sense."""
        return self._json("/api/alignment", sense=sense)

    def fairness(self, target: str) -> Json:
        """Outcomes by group of people and gaps between them, by source."""
        return self._json("/api/fairness", target=target)

    def dataset(self, entry_id: str) -> DatasetEntry:
        """One entry.

        Raises `NotFound` with near ids.
        """
        return DatasetEntry.model_validate(self._json(f"/api/datasets/{entry_id}")["entry"])

    def datasets(self, *, progress: bool = False) -> Iterator[DatasetEntry]:
        """All entries in the order of their ids, fetched a page at a time; `progress` shows a bar (needs tqdm)."""
        first = self._json("/api/datasets", limit=200)
        items = self._items(first)
        if progress:
            items = _bar(items, first["total"])
        for item in items:
            yield DatasetEntry.model_validate(item["entry"])

    def sparql(self, query: str) -> list[dict[str, str]]:
        """Rows of a SELECT query, each a dictionary of variable to value as text.

        Raises `InvalidInput` when the query does not parse, `TooExpensive` when it was stopped.
        """
        return [{name: term["value"] for name, term in row.items()} for row in self._bindings(query)[1]]

    def sparql_frame(self, query: str) -> pd.DataFrame:
        """Rows of a SELECT query with columns of fitting types; needs pandas.

        A column whose values all have one numeric, boolean or dateTime type gets it; any other is text; unbound is NA.
        """
        pandas = _library("pandas", "whence[client]")
        names, rows = self._bindings(query)
        frame = {
            name: pandas.array(
                [row[name]["value"] if name in row else None for row in rows], dtype=pandas.StringDtype()
            )
            for name in names
        }
        table: pd.DataFrame = pandas.DataFrame(frame, columns=names)
        for name in names:
            kinds = {_COLUMNS.get(_kind(row[name])) for row in rows if name in row}
            if len(kinds) == 1 and (kind := kinds.pop()):
                table[name] = _typed(pandas, table[name], kind)
        return table

    def sparql_graph(self, query: str) -> Graph:
        """Triples of a CONSTRUCT or DESCRIBE query."""
        response = self._asked(query, "application/n-triples")
        return Graph().parse(data=response.text, format="nt")

    def _bindings(self, query: str) -> tuple[list[str], list[dict[str, dict[str, str]]]]:
        answer = self._asked(query, "application/sparql-results+json").json()
        if "results" not in answer:
            raise InvalidInput("not a SELECT query: it has no rows", field="query", hint="use SELECT")
        return answer["head"]["vars"], answer["results"]["bindings"]

    def _asked(self, query: str, accept: str) -> httpx.Response:
        response = self._sent("POST", "/sparql", data={"query": query}, headers={"Accept": accept})
        if "whence-truncated" in response.headers:
            raise TooExpensive(
                f"the answer was cut: {response.headers['whence-truncated']}", hint="page by LIMIT and OFFSET"
            )
        return response

    def _items(self, page: Json) -> Iterator[Json]:
        while True:
            yield from page["items"]
            if page["next"] is None:
                return
            page = self._json("/api/datasets", limit=200, cursor=page["next"])

    def _json(self, path: str, **params: str | int | list[str]) -> Json:
        answer: Json = self._sent("GET", path, params=params).json()
        return answer

    def _post(self, path: str, body: Json) -> Json:
        sent = {name: value for name, value in body.items() if value is not None}
        answer: Json = self._sent("POST", path, json=sent).json()
        return answer

    def _sent(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        try:
            response = self._http.request(method, path, **more)
        except httpx.RemoteProtocolError as error:
            raise TooExpensive(
                "the answer broke off: a limit or the deadline was reached", hint="page by LIMIT and OFFSET"
            ) from error
        except httpx.TransportError as error:
            raise NotReady(f"no answer from {self._http.base_url}: {error}") from error
        if response.is_success:
            return response
        problem = response.json() if "json" in response.headers.get("content-type", "") else {}
        detail = problem.get("detail", response.text[:200])
        if response.status_code == 503:
            kind: type[WhenceError] = TooExpensive if "quer" in detail else NotReady
        else:
            kind = _ERRORS.get(response.status_code, WhenceError)
        raise kind(detail, hint=problem.get("hint"), field=problem.get("field"))


def _kind(term: Mapping[str, str]) -> str:
    datatype = term.get("datatype", "")
    return datatype.removeprefix(_XSD) if datatype.startswith(_XSD) else ""


def _typed(pandas: Any, column: Any, kind: str) -> Any:  # noqa: ANN401 - pandas is optional
    if kind == "boolean":
        return column.map({"true": True, "1": True, "false": False, "0": False}).astype("boolean")
    if kind.startswith("datetime"):
        return pandas.to_datetime(column, utc=True, format="ISO8601")
    return pandas.to_numeric(column).astype(kind)


def _bar(items: Iterable[Json], total: int) -> Iterator[Json]:
    yield from _library("tqdm", "whence[client]").tqdm(items, total=total, unit="entry")


def _library(name: str, install: str) -> Any:  # noqa: ANN401 - a module
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise NotReady(f"{name} is not installed", hint=f"pip install '{install}'") from error
