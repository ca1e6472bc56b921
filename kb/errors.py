"""Every error that Whence raises on purpose, as one tree.

    WhenceError
    ├── InvalidInput      the caller sent something that can't be used       (HTTP 400/422, CLI exit 2)
    │   ├── InvalidFile   a file of ours is broken: file, field, found, fix
    │   └── QueryRefused  a query that is not allowed here                   (HTTP 403)
    ├── NotFound          no such entry, concept, file                       (HTTP 404)
    ├── TooExpensive      a query ran into its deadline or memory limit      (HTTP 503)
    ├── Busy          too much is asked at once, or by one client            (HTTP 429)
    └── NotReady          nothing built yet, or an engine is missing         (HTTP 503)

A message says what is wrong; `hint` says what would do.
"""

from __future__ import annotations


class WhenceError(Exception):
    """Base of all expected errors; `str(error)` is one line fit for a user."""

    def __init__(self, message: str, *, hint: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field

    def __str__(self) -> str:
        text = self.message if self.field is None else f"{self.field}: {self.message}"
        return text if self.hint is None else f"{text} ({self.hint})"


class InvalidInput(WhenceError):
    """The caller sent something that can't be used as it is."""


class InvalidFile(InvalidInput):
    """A file of ontology or data is broken; the message starts with the file's path."""


class QueryRefused(InvalidInput):
    """A query that is understood but not allowed, such as SPARQL Update or SERVICE."""


class NotFound(WhenceError):
    """Nothing goes by this identifier."""


class TooExpensive(WhenceError):
    """A query was stopped at its deadline or memory limit."""


class Busy(WhenceError):
    """More is asked at once, or by one client, than is answered; later it will be."""


class NotReady(WhenceError):
    """Nothing has been built yet, or an engine that this call needs is not installed."""
