"""Processes that answer SPARQL, some always free for quick queries, each killed at its query's deadline.

A query begins on a free process. After a quarter of a second (an eighth of that where processes are scarce) it needs one of the few places for
long queries; without one it is stopped and may come again. So however many hostile queries there are, a quick one finds a process that is free, and
one that was killed has been replaced before it is missed.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb.engines.sparql_answer import SpooledAnswer
from kb.engines.sparql_process import End, Limits, Query, SparqlProcess
from kb.errors import Busy, NotReady, TooExpensive, WhenceError

_LOG = logging.getLogger("whence.sparql")
#: Seconds after which a query counts as long; the same for one that has the last free process, or begins while all places for
#: long ones are taken; and those between looks at whether anybody still waits.
_LONG, _CROWDED, _LOOK = 0.25, 0.03, 0.03
#: Part of its deadline that a query may wait for a process.
_PATIENCE = 0.4
#: Part of its deadline that a query has when others are turned away meanwhile.
_IN_A_CROWD = 0.5
#: Bytes of an answer that are held back to give it a true status and length.
HELD_BACK = 1 << 20


@dataclass(frozen=True)
class Places:
    """How many processes wait free, how many long queries run at once, and how many queries wait for a process."""

    free: int = 1
    long: int = 1
    waiting: int = 8


@dataclass
class Killed:
    """Processes killed since the start, by cause."""

    deadline: int = 0
    crowded: int = 0
    died: int = 0
    abandoned: int = 0


class SparqlPool:
    """All processes over one store. Thread-safe."""

    def __init__(self, store: Path, limits: Limits, places: Places | None = None) -> None:
        self._store = store
        self.limits = limits
        self.places = places or Places()
        self.killed = Killed()
        self._free: queue.Queue[SparqlProcess] = queue.Queue()
        self._long = threading.BoundedSemaphore(self.places.long)
        self._most_inside = self.places.waiting + self.places.free + self.places.long
        self._inside = 0
        self._lock = threading.Lock()
        self._all: set[SparqlProcess] = set()
        self._started = self._closed = False
        self._running_long = 0
        self._threads = ThreadPoolExecutor(self._most_inside, thread_name_prefix="sparql")

    def start(self) -> None:
        """Start the free processes before the first query asks for one."""
        with self._lock:
            if self._started:
                return
            self._started = True
        for _ in range(self.places.free):
            self._spawn()

    @property
    def full(self) -> bool:
        """Whether a further query would be turned away."""
        return self._inside >= self._most_inside

    def submit(self, query: Query) -> SpooledAnswer:
        """Begin to answer a query that the guard let pass.

        Raises `Busy` when too many wait already. What goes wrong later stands in the answer.
        """
        with self._lock:
            if self.full:
                raise Busy(
                    f"{self.places.waiting} queries are waiting already", hint="try again in a few seconds"
                )
            self._inside += 1
        answer = SpooledAnswer(HELD_BACK)
        self._threads.submit(self._work, query, answer)
        return answer

    def close(self) -> None:
        """Kill all processes."""
        with self._lock:
            self._closed = True
            processes = list(self._all)
            self._all.clear()
        for process in processes:
            process.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _work(self, query: Query, answer: SpooledAnswer) -> None:
        try:
            self._answer(query, answer)
        except WhenceError as error:
            answer.fail(error)
        except Exception:
            _LOG.exception("a SPARQL query failed on our side")
            answer.fail(NotReady("the query failed on our side", hint="the log has the details"))
        finally:
            with self._lock:
                self._inside -= 1

    def _answer(self, query: Query, answer: SpooledAnswer) -> None:
        arrived = time.monotonic()
        self.start()
        process = self._next(arrived)
        started = time.monotonic()
        run = _Run(self, process, answer, arrived + self.limits.seconds)
        try:
            process.send(query)
            run.follow()
        except (EOFError, OSError) as error:
            run.reusable = False
            if not self._closed:
                self.killed.died += 1
            raise TooExpensive(
                "the query ended its process, most likely for lack of memory", hint="make it more selective"
            ) from error
        finally:
            answer.seconds = time.monotonic() - started
            run.finish()

    def _next(self, arrived: float) -> SparqlProcess:
        while True:
            left = self.limits.seconds * _PATIENCE - (time.monotonic() - arrived)
            try:
                process = self._free.get(timeout=max(0.0, left))
            except queue.Empty:
                raise Busy(
                    "other queries took all the time there was", hint="try again in a few seconds"
                ) from None
            if process.alive:
                return process
            self.discard(process)
            self._replace()

    @property
    def none_free(self) -> bool:
        """Whether no process waits for a query."""
        return self._free.empty()

    @property
    def crowded(self) -> bool:
        """Whether all places for long queries are taken."""
        return self._running_long >= self.places.long

    def hold_long(self) -> bool:
        """Take a place for a long query, if there is one; another process is started in its stead."""
        taken = self._long.acquire(blocking=False)
        if taken:
            with self._lock:
                self._running_long += 1
            self._replace()
        return taken

    def release(self, process: SparqlProcess, *, reusable: bool, long: bool) -> None:
        """Give back a process: to those that are free, or to nobody."""
        if long:
            with self._lock:
                self._running_long -= 1
            self._long.release()
        if reusable and not long and not self._closed:
            self._free.put(process)
            return
        self.discard(process)
        if not long:
            self._replace()

    def discard(self, process: SparqlProcess) -> None:
        """Kill a process."""
        with self._lock:
            self._all.discard(process)
        process.kill()

    def _replace(self) -> None:
        threading.Thread(target=self._spawn, daemon=True).start()

    def _spawn(self) -> None:
        with self._lock:
            if self._closed:
                return
            process = SparqlProcess(self._store, self.limits)
            self._all.add(process)
        try:
            process.wait_ready()
        except NotReady:
            with self._lock:
                self._all.discard(process)
                closed = self._closed
            if not closed:
                _LOG.exception("a SPARQL process did not start")
                time.sleep(1)
                self._replace()
            return
        self._free.put(process)


class _Run:
    """One query on one process."""

    def __init__(
        self, pool: SparqlPool, process: SparqlProcess, answer: SpooledAnswer, deadline: float
    ) -> None:
        self._pool = pool
        self._process = process
        self._answer = answer
        self._deadline = deadline
        self._begun = time.monotonic()
        self._long_from = self._begun + _LONG
        self._crowded_from = self._begun + _CROWDED
        self._last = pool.none_free
        self._is_long = False
        self.reusable = True

    def follow(self) -> None:
        """Keep what the process says until the end, the deadline, or nobody waits.

        Raises `TooExpensive`, `Busy`, or what the process says went wrong.
        """
        while True:
            now = time.monotonic()
            if self._pool.full:
                self._deadline = min(self._deadline, self._begun + _IN_A_CROWD * self._pool.limits.seconds)
            if now >= self._deadline:
                self._pool.killed.deadline += 1
                self._stop(
                    TooExpensive(
                        f"the query was stopped after {self._deadline - self._begun:.2g} s",
                        hint="make it more selective, or add LIMIT to a subquery",
                    )
                )
            if self._answer.cancelled:
                self._pool.killed.abandoned += 1
                self._stop(TooExpensive("nobody waited for the answer"))
            if not self._is_long and now >= (
                self._crowded_from if self._last or self._pool.crowded else self._long_from
            ):
                self._is_long = self._pool.hold_long()
                if not self._is_long:
                    self._pool.killed.crowded += 1
                    self._stop(Busy("other long queries are running", hint="try again in a few seconds"))
                self._process.be_nice()
            message = self._process.receive(max(0.0, min(_LOOK, self._deadline - now)))
            if isinstance(message, bytes):
                self._answer.write(message)
            elif isinstance(message, End):
                self._answer.end(message.rows, truncated=message.truncated)
                return
            elif message is not None:
                raise message

    def finish(self) -> None:
        """Give the process back."""
        with suppress(OSError):
            self._pool.release(self._process, reusable=self.reusable, long=self._is_long)

    def _stop(self, error: WhenceError) -> None:
        self.reusable = False
        raise error
