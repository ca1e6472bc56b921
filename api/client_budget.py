"""How much SPARQL one client may ask for: queries at once, and seconds of evaluation and errors in a minute, by address.

As Wikidata's query service does (60 s of evaluation and 30 errors a minute). Windows are fixed minutes; the table forgets
addresses by itself when their minute is over.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from kb.errors import Busy


class ClientBudget:
    """Budgets of all clients: seconds of evaluation and number of errors in a minute, queries at once."""

    def __init__(self, seconds: float, errors: int, at_once: int) -> None:
        self._at_once = at_once
        self._running: Counter[str] = Counter()
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._time = RateLimitItemPerMinute(max(1, round(1000 * seconds)), namespace="time")
        self._errors = RateLimitItemPerMinute(errors, namespace="errors")

    @contextmanager
    def query(self, client: str) -> Iterator[None]:
        """Count one query as running.

        Raises `Busy` when the client has as many already as it may, or has used up its minute.
        """
        self._check(client)
        if self._running[client] >= self._at_once:
            raise Busy(
                f"this address has {self._at_once} SPARQL queries running", hint="wait for one of them to end"
            )
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]

    def _check(self, client: str) -> None:
        for item, what in ((self._time, "time"), (self._errors, "errors")):
            if not self._limiter.test(item, client):
                left = self._limiter.get_window_stats(item, client).reset_time - time.time()
                raise Busy(
                    f"this address has used up its SPARQL {what} for this minute",
                    hint=f"try again in {max(1, math.ceil(left))} s",
                )

    def spend(self, client: str, seconds: float, *, error: bool) -> None:
        """Count what a query took, and whether it was an error of the client's."""
        self._limiter.hit(self._time, client, cost=max(1, round(1000 * seconds)))
        if error:
            self._limiter.hit(self._errors, client)
