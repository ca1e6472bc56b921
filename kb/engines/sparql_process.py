"""One process that evaluates SPARQL over a published generation, walled in; killed when it takes too long.

Oxigraph can neither time out nor limit its memory nor be kept from the network, so the process that evaluates a query must be one
that can be thrown away. `SparqlProcess` is the parent's side. A fork server that has only imported this module starts children, in a
sixth of the time of a new interpreter; it never holds a store, a thread or anything of the service's.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from pyoxigraph import NamedNode, QueryBoolean, QuerySolutions, Store

from kb.engines.sandbox import confine
from kb.engines.sparql_results import TABLE_TYPES, boolean, graph, table
from kb.errors import InvalidInput, NotReady, TooExpensive
from kb.knowledge.names import PREFIXES

_START_SECONDS = 30
_PIECE = 64 * 1024
_NICE, _LONG_NICE = 5, 19
_T = TypeVar("_T")
_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload(["__main__", "kb.engines.sparql_process"])


@dataclass(frozen=True)
class Limits:
    """What one query may use: seconds of wall clock, rows or triples, bytes of answer, bytes of memory."""

    seconds: float
    rows: int
    bytes: int
    memory: int


@dataclass(frozen=True)
class Query:
    """A query that the guard let pass, the media type of its answer, and the dataset where the request chose one."""

    text: str
    media_type: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """The answer is whole: how many rows or triples, and whether there were more than the limit."""

    rows: int
    truncated: bool


#: What the child says: a piece of the answer, its end, or why there is none.
Message = bytes | End | Exception


class SparqlProcess:
    """Parent's side of one process. Not thread-safe."""

    def __init__(self, store: Path, limits: Limits) -> None:
        self._pipe, theirs = _SERVER.Pipe()
        self._process = _SERVER.Process(target=_serve, args=(theirs, store, limits), daemon=True)
        self._process.start()
        theirs.close()

    def wait_ready(self) -> None:
        """Wait until it takes queries.

        Raises `NotReady` when it did not start.
        """
        try:
            started = self._pipe.poll(_START_SECONDS) and self._pipe.recv() == "ready"
        except (EOFError, OSError):
            started = False
        if not started:
            self.kill()
            raise NotReady("the SPARQL process did not start", hint="standard error says why")

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    def send(self, query: Query) -> None:
        """Begin a query."""
        self._pipe.send(query)

    def receive(self, seconds: float) -> Message | None:
        """Its next message; None when none comes in time.

        Raises `EOFError` or `OSError` when the process ended.
        """
        return cast("Message", self._pipe.recv()) if self._pipe.poll(seconds) else None

    def be_nice(self) -> None:
        """Let other processes go first."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _LONG_NICE)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, folder: Path, limits: Limits) -> None:
    """Child's side: answer queries until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(pipe.fileno(),), daemon=True).start()
    os.nice(_NICE)  # the service comes first: it has the answers to give
    store = Store.read_only(str(folder))
    store.query("ASK {}")
    confine(limits.memory)
    pipe.send("ready")
    with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            query = pipe.recv()
            try:
                pipe.send(_answer(store, query, limits, _Pieces(pipe, limits.bytes)))
            except MemoryError:
                pipe.send(TooExpensive("the query ran out of memory", hint="make it more selective"))
            except (InvalidInput, TooExpensive) as error:
                pipe.send(error)
            except (BrokenPipeError, EOFError):
                raise
            except Exception as error:  # every failure goes to the parent, which knows the caller
                pipe.send(InvalidInput(str(error), field="query"))


def _end_with(pipe: int) -> None:
    """End this process when the other end of its pipe is gone, even in the middle of a query (Oxigraph releases the GIL).

    Its parent is the fork server, which lives as long as any child does.
    """
    hung_up = select.poll()
    hung_up.register(pipe, 0)
    while not hung_up.poll(1000):
        pass
    os._exit(1)


class _Pieces(io.RawIOBase):
    """Sends what is written in pieces; more than the limit of bytes ends the query."""

    def __init__(self, pipe: Connection, most: int) -> None:
        self._pipe = pipe
        self._most = most
        self._kept = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever has the buffer protocol
        self._kept += data
        self._written += len(data)
        if self._written > self._most:
            raise TooExpensive(f"the answer has more than {self._most:,} bytes", hint="add LIMIT")
        if len(self._kept) >= _PIECE:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._kept:
            self._pipe.send(bytes(self._kept))
            self._kept.clear()


class _Counted(Iterable[_T]):
    """The first results, how many there were, and whether there were more."""

    def __init__(self, results: Iterable[_T], most: int) -> None:
        self._results = iter(results)
        self._most = most
        self.count = 0
        self.truncated = False

    def __iter__(self) -> Iterator[_T]:
        try:
            for result in islice(self._results, self._most):
                self.count += 1
                yield result
            self.truncated = next(self._results, None) is not None
        except (RuntimeError, ValueError, OSError) as error:
            raise InvalidInput(f"the query failed: {error}", field="query") from error


def _answer(store: Store, query: Query, limits: Limits, output: _Pieces) -> End:
    chosen: dict[str, Any] = {}
    if query.default_graphs or query.named_graphs:
        chosen["default_graph"] = [NamedNode(name) for name in query.default_graphs]
        chosen["named_graphs"] = [NamedNode(name) for name in query.named_graphs]
    try:
        result = store.query(query.text, prefixes=PREFIXES, **chosen)
    except SyntaxError as error:
        raise InvalidInput(_explain(str(error)), field="query") from error
    if isinstance(result, QueryBoolean):
        output.write(boolean(bool(result), TABLE_TYPES[query.media_type]))
        output.flush()
        return End(1, False)
    if isinstance(result, QuerySolutions):
        names = [variable.value for variable in result.variables]
        rows = _Counted((tuple(solution[name] for name in names) for solution in result), limits.rows)
        for piece in table(names, rows, TABLE_TYPES[query.media_type]):
            output.write(piece)
        output.flush()
        return End(rows.count, rows.truncated)
    triples = _Counted(result, limits.rows)
    graph(triples, query.media_type, PREFIXES, cast("BinaryIO", output))
    output.flush()
    return End(triples.count, triples.truncated)


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
