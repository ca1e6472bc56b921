"""How much SPARQL one client may ask for in a minute: seconds of evaluation and errors, counted by address.

As Wikidata's query service does (60 s of evaluation and 30 errors a minute). Windows are fixed minutes; the table forgets
addresses by itself when their minute is over.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from kb.errors import Busy


class ClientBudget:
    """Budgets of all clients: seconds of evaluation and number of errors in a minute."""

    def __init__(self, seconds: float, errors: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._time = RateLimitItemPerMinute(max(1, round(1000 * seconds)), namespace="time")
        self._errors = RateLimitItemPerMinute(errors, namespace="errors")

    def check(self, client: str) -> None:
        """Raise `Busy` when the client has used up its minute."""
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
