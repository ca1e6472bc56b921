"""Client of a running Whence service; needs the base install only."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from kb.errors import InvalidInput, NotFound, NotReady, QueryRefused, TooExpensive, WhenceError
from kb.knowledge.entries import DatasetEntry

_ERRORS: dict[int, type[WhenceError]] = {
    400: InvalidInput,
    403: QueryRefused,
    404: NotFound,
    422: InvalidInput,
}


class WhenceClient:
    """Search, entries and SPARQL over HTTP.

    with WhenceClient("http://127.0.0.1:8000") as whence:
        whence.search("chest X-ray pneumonia")["results"][0]["id"]
    """

    def __init__(self, address: str, *, seconds: float = 30.0) -> None:
        self._http = httpx.Client(base_url=address, timeout=seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def search(self, query: str, *, limit: int = 10) -> dict[str, Any]:
        """Answer of `/api/search` for a query in plain words."""
        answer: dict[str, Any] = self._get("/api/search", q=query, limit=limit).json()
        return answer

    def dataset(self, entry_id: str) -> DatasetEntry:
        """One entry.

        Raises `NotFound` with near ids.
        """
        return DatasetEntry.model_validate(self._get(f"/api/datasets/{entry_id}").json()["entry"])

    def datasets(self) -> Iterator[DatasetEntry]:
        """All entries in the order of their ids, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._get("/api/datasets", limit=200, **({"cursor": cursor} if cursor else {})).json()
            yield from (DatasetEntry.model_validate(item["entry"]) for item in page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def sparql(self, query: str) -> list[dict[str, str]]:
        """Rows of a SELECT query, each a dictionary of variable to value as text.

        Raises `InvalidInput` when the query does not parse, `TooExpensive` when it was stopped.
        """
        response = self._http.post(
            "/sparql", data={"query": query}, headers={"Accept": "application/sparql-results+json"}
        )
        bindings = self._checked(response).json()["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in bindings]

    def _get(self, path: str, **params: str | int) -> httpx.Response:
        return self._checked(self._http.get(path, params=params))

    @staticmethod
    def _checked(response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        problem = response.json() if "json" in response.headers.get("content-type", "") else {}
        detail = problem.get("detail", response.text[:200])
        if response.status_code == 503:
            kind: type[WhenceError] = TooExpensive if "quer" in detail else NotReady
        else:
            kind = _ERRORS.get(response.status_code, WhenceError)
        raise kind(detail, hint=problem.get("hint"), field=problem.get("field"))
