"""An answer that is still being written: kept as fast as it comes, read as slowly as anyone likes.

What a process says is spooled, in memory first and then on disk, so that a slow client never holds a process. An answer is
*decided* once it is whole, has failed, or is longer than what is held back to give it a true status.
"""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import Future
from typing import Literal

from kb.errors import WhenceError

State = Literal["running", "whole", "failed"]


class SpooledAnswer:
    """Bytes of one answer, written by one thread and read by another."""

    def __init__(self, held_back: int) -> None:
        self._held_back = held_back
        self._file = tempfile.SpooledTemporaryFile(max_size=held_back)  # noqa: SIM115 - `close` closes it
        self._changed = threading.Condition()
        self._cancelled = threading.Event()
        self.state: State = "running"
        self.size = 0
        self.rows = 0
        self.truncated = False
        self.error: WhenceError | None = None
        self.seconds = 0.0  # that a process worked on it
        #: Done when the status is known or the answer has grown longer than what is held back.
        self.decided: Future[None] = Future()

    def write(self, piece: bytes) -> None:
        """Keep a piece."""
        with self._changed:
            self._file.seek(self.size)
            self._file.write(piece)
            self.size += len(piece)
            self._changed.notify_all()
        if self.size > self._held_back:
            self._decide()

    def end(self, rows: int, *, truncated: bool) -> None:
        """The answer is whole; one that is being read already may not be cut."""
        with self._changed:
            self.rows, self.truncated = rows, truncated
            self.state = "failed" if truncated and self.decided.done() else "whole"
            self._changed.notify_all()
        self._decide()

    def fail(self, error: WhenceError) -> None:
        """There will be no more of it."""
        with self._changed:
            self.error = error
            self.state = "failed"
            self._changed.notify_all()
        self._decide()

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it."""
        return self._cancelled.is_set()

    def body(self) -> bytes:
        """All of a whole answer."""
        with self._changed:
            self._file.seek(0)
            return self._file.read()

    def read(self, start: int, most: int, seconds: float) -> bytes | None:
        """Some bytes from a place on, waiting for them; empty at the end of a whole answer, None when it failed."""
        end = time.monotonic() + seconds
        with self._changed:
            while self.size <= start and self.state == "running":
                if not self._changed.wait(max(0.0, end - time.monotonic())):
                    return None
            if self.size > start:
                self._file.seek(start)
                return self._file.read(most)
            return b"" if self.state == "whole" else None

    def close(self) -> None:
        """Free what it holds."""
        self.cancel()
        with self._changed:
            self._file.close()

    def _decide(self) -> None:
        if not self.decided.done():
            self.decided.set_result(None)
