"""What is known of one operation while it runs, for whoever tells of it afterwards.

Set by a face around an operation; what runs within writes into it what it learns. Nobody has set one: nothing is kept.
Holds no token and no variable.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from msgspec import Struct

from gateway.telemetry.phases import Phase
from gateway.telemetry.spans import Span, Trace

Face = Literal["http", "websocket", "sse"]
Executed = Literal["program", "surprised", "generic"]
_LONGEST_NAME = 100
_MOST_CODES = 10


class Entry(Struct, omit_defaults=True, rename="camel"):
    """One operation. `time` is Unix; a request that was refused before it was read has no operation.

    hash: the first 16 hexadecimal digits of the text's SHA-256. cost: as estimated.
    fetches: requests to subgraphs that it waited for. trace: while it runs, where it is traced; never in a log.
    preparing: the span of its preparation, while that lasts; never in a log.
    batch: of a request with so many operations, which have entries of their own.
    """

    time: float
    face: Face
    method: str | None = None
    status: int | None = None
    duration_ms: float = 0.0
    operation: str | None = None
    kind: str | None = None
    hash: str | None = None
    tenant: str | None = None
    subject: str | None = None
    trace_id: str | None = None
    errors: tuple[str, ...] = ()
    cost: float | None = None
    actual_cost: float | None = None
    fetches: int = 0
    executed: Executed | None = None
    bytes: int | None = None
    batch: int | None = None
    trace: Trace | None = None
    preparing: Span | None = None

    def asked(self, name: str | None) -> None:
        self.operation = name[:_LONGEST_NAME] if name else None

    def asked_by(self, subject: str, tenant: object) -> None:
        self.subject = subject
        self.tenant = tenant if isinstance(tenant, str) else None

    def failed_with(self, codes: Iterable[str]) -> None:
        self.errors = tuple(sorted({*self.errors, *codes})[:_MOST_CODES])


_current: ContextVar[Entry | None] = ContextVar("entry", default=None)
current_entry = _current.get
"""The entry of the operation that is running here, if anybody wants to know."""


class writing:  # noqa: N801 - read as a verb, as `suppress` is
    """Not around a `yield` of a generator: it runs in the context of whoever asks it for more."""

    # A class, since `contextmanager` would cost each request a microsecond more.
    __slots__ = ("_entry", "_token")

    def __init__(self, entry: Entry | None) -> None:
        self._entry = entry

    def __enter__(self) -> None:
        self._token = _current.set(self._entry)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def new_entry(face: Face, method: str | None = None) -> Entry:
    return Entry(time.time(), face, method)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def count_fetch() -> Entry | None:
    """The entry of whoever fetches."""
    entry = _current.get()
    if entry is not None:
        entry.fetches += 1
    return entry


def current_trace() -> Trace | None:
    entry = _current.get()
    return None if entry is None else entry.trace


@contextmanager
def preparing(entry: Entry, trace: Trace) -> Iterator[Span | None]:
    """Around what is done before the operation runs: a span, where they are kept."""
    with trace.phase("prepare") as span:
        entry.preparing = span
        try:
            yield span
        finally:
            entry.preparing = None


def tell_phases(phases: Iterable[Phase]) -> None:
    """What was done to prepare the running operation, where it is traced."""
    entry = _current.get()
    if entry is None or entry.trace is None or entry.preparing is None:
        return
    for phase in phases:
        entry.trace.past(phase, entry.preparing)
