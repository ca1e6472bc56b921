"""User SPARQL runs here: one separate process over the published generation, killed at its deadline.

Oxigraph can neither time out nor limit its memory, so the process that evaluates a query must be one that can
be thrown away. The parent is `SparqlWorker`; the child reads the store and writes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from pyoxigraph import QueryBoolean, QuerySolutions, Store

from kb.engines.sparql_guard import check_query_text
from kb.engines.sparql_results import GRAPH_TYPES, TABLE_TYPES, boolean, graph, table
from kb.errors import InvalidInput, NotReady, TooExpensive
from kb.knowledge.names import PREFIXES

_START_SECONDS = 30
#: Queries that run or wait at one time; a further one is turned away, so that other requests keep their threads.
_MOST_WAITING = 8
_T = TypeVar("_T")


@dataclass(frozen=True)
class Limits:
    """What one query may use: seconds of wall clock, rows or triples, bytes of answer, bytes of memory."""

    seconds: float
    rows: int
    bytes: int
    memory: int


@dataclass(frozen=True)
class SparqlAnswer:
    """Serialised answer; `truncated` when there were more rows than the limit allows."""

    media_type: str
    body: bytes
    rows: int
    truncated: bool


def answer_types(form: str) -> tuple[str, ...]:
    """Media types in which a query of this form can be answered, default first."""
    return tuple(TABLE_TYPES if form in ("SELECT", "ASK") else GRAPH_TYPES)


class SparqlWorker:
    """Parent side: sends queries to the process, kills and replaces it at the deadline. Thread-safe."""

    def __init__(self, store: Path, limits: Limits) -> None:
        self._store = store
        self.limits = limits
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def query(self, text: str, media_type: str) -> SparqlAnswer:
        """Answer to a query that `check_query_text` let pass, in one of `answer_types`.

        Raises `InvalidInput` when it does not parse (with line and column), `QueryRefused` when it is not
        allowed, `TooExpensive` at the deadline or the memory limit.
        """
        check_query_text(text)
        if not self._places.acquire(blocking=False):
            raise TooExpensive(
                f"{_MOST_WAITING} queries are waiting already", hint="try again in a few seconds"
            )
        try:
            return self._query(text, media_type)
        finally:
            self._places.release()

    def _query(self, text: str, media_type: str) -> SparqlAnswer:
        if not self._lock.acquire(timeout=self.limits.seconds):
            raise TooExpensive("another query took all the time there was", hint="try again in a few seconds")
        try:
            pipe = self._ready()
            try:
                pipe.send((text, media_type))
                if not pipe.poll(self.limits.seconds):
                    self.close()
                    raise TooExpensive(
                        f"the query was stopped after {self.limits.seconds:g} s",
                        hint="make it more selective, or add LIMIT to a subquery",
                    )
                reply = pipe.recv()
            except (EOFError, ConnectionError) as error:
                self.close()
                raise TooExpensive(
                    "the query ended its process, most likely for lack of memory",
                    hint="make it more selective",
                ) from error
        finally:
            self._lock.release()
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, SparqlAnswer)  # noqa: S101 - our own protocol
        return reply

    def start(self) -> None:
        """Start the process before the first query asks for it."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """Kill the process; the next query starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _ready(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.poll() is None:
            return self._pipe
        self.close()
        ours, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), str(self._store), json.dumps(asdict(self.limits))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kb.engines.sparql_worker", *arguments], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._pipe = Connection(ours.detach())
        try:
            started = self._pipe.poll(_START_SECONDS) and self._pipe.recv() == "ready"
        except (EOFError, ConnectionError):
            started = False
        if not started:
            self.close()
            raise NotReady("the SPARQL worker did not start", hint="standard error says why")
        return self._pipe


def _serve(pipe: Connection, folder: Path, limits: Limits) -> None:
    """Child side: answer queries until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    store = Store.read_only(str(folder))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            text, media_type = pipe.recv()
            try:
                pipe.send(_evaluate(store, text, media_type, limits))
            except MemoryError:
                pipe.send(TooExpensive("the query ran out of memory", hint="make it more selective"))
            except Exception as error:  # every failure goes to the parent, which knows the caller
                pipe.send(
                    error if isinstance(error, InvalidInput | TooExpensive) else InvalidInput(str(error))
                )


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, even in the middle of a query (Oxigraph releases the GIL)."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _evaluate(store: Store, text: str, media_type: str, limits: Limits) -> SparqlAnswer:
    try:
        result = store.query(text, prefixes=PREFIXES)
    except SyntaxError as error:
        raise InvalidInput(_explain(str(error)), field="query") from error
    if isinstance(result, QueryBoolean):
        return SparqlAnswer(media_type, boolean(bool(result), TABLE_TYPES[media_type]), 1, False)
    if isinstance(result, QuerySolutions):
        variables = [variable.value for variable in result.variables]
        rows = [tuple(solution[name] for name in variables) for solution in _some(result, limits.rows + 1)]
        found = len(rows)
        body = table(variables, rows[: limits.rows], TABLE_TYPES[media_type])
    else:
        triples = list(_some(result, limits.rows + 1))
        found = len(triples)
        body = graph(triples[: limits.rows], media_type, PREFIXES)
    if len(body) > limits.bytes:
        raise TooExpensive(
            f"the answer has {len(body):,} bytes, at most {limits.bytes:,} are sent", hint="add LIMIT"
        )
    return SparqlAnswer(media_type, body, min(found, limits.rows), found > limits.rows)


def _some(result: Iterable[_T], most: int) -> Iterator[_T]:
    """Yield the first results, turning an error in the middle of evaluation into one of ours."""
    try:
        yield from islice(result, most)
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(f"the query failed: {error}", field="query") from error


def _explain(message: str) -> str:
    """Parser message with line and column in words and without its list of every possible character."""
    place = re.match(
        r"error at (\d+):(\d+): expected one of (.*)|error at (\d+):(\d+): expected (.*)", message, re.DOTALL
    )
    if place is None:
        return message.splitlines()[0]
    line, column, expected = (group for group in place.groups() if group is not None)
    if "Prefix not found" in expected:
        return f"line {line}, column {column}: a prefix is used that is not declared"
    options = [option.strip() for option in expected.split(",")]
    shown = ", ".join(option for option in options if "\\u" not in option and len(option) < 40)[:200]
    return f"line {line}, column {column}: expected {shown}"


if __name__ == "__main__":
    from kb.engines import sparql_worker  # noqa: PLW0406 - by its own name, so that answers unpickle

    sparql_worker._serve(
        Connection(int(sys.argv[1])), Path(sys.argv[2]), sparql_worker.Limits(**json.loads(sys.argv[3]))
    )
