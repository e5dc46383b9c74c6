"""One request's trace, as long as it runs: spans that are kept for export, or only the ids that go on to subgraphs.

In: what an entry is told. Out: spans to an exporter, each when it ends. Holds no token, no variable, no document and no
words of an error: those may quote any of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from msgspec import Struct

from gateway.telemetry.phases import Phase
from gateway.telemetry.trace_context import NAMES, Headers, told

Attribute = str | bool | int | float | tuple[str, ...]


class SpanCounts(Struct):
    """exported: taken by the collector. dropped: the buffer was full, or the collector did not take them."""

    exported: int = 0
    dropped: int = 0


Draw = Callable[[int], int]
"""So many random bits."""


class Kind(IntEnum):
    """As OTLP numbers them."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


class Span:
    """error: its type, where it failed. linked: (trace, span) of what it depends on without being its child."""

    __slots__ = (
        "attributes", "ended_ns", "error", "kind", "linked", "name", "parent_id", "span_id", "started_ns", "trace",
    )  # fmt: skip

    def __init__(self, trace: Trace, name: str, kind: Kind, parent_id: str | None) -> None:
        self.trace, self.name, self.kind, self.parent_id = trace, name, kind, parent_id
        self.span_id = f"{trace.draw(64) or 1:016x}"
        self.attributes: dict[str, Attribute] = {}
        self.error: str | None = None
        self.linked: tuple[str, str] | None = None
        self.ended_ns = 0
        self.started_ns = time.time_ns()

    @property
    def headers(self) -> Headers:
        return told(self.trace.trace_id, self.span_id, True, self.trace.state)

    def end(self) -> None:
        if not self.ended_ns:
            self.ended_ns = max(self.started_ns, time.time_ns())
            self.trace.take(self)


class Trace:
    """trace_id, span_id: of the gateway's own first span. root: that span; None: the request is not sampled.

    headers: what subgraphs are told where no span of a fetch is kept. state: the client's `tracestate`.
    """

    __slots__ = ("draw", "headers", "root", "span_id", "state", "take", "trace_id")

    def __init__(
        self,
        trace_id: str,
        parent_id: str | None,
        sampled: bool,
        state: str | None,
        take: Callable[[Span], None],
        draw: Draw,
    ) -> None:
        self.trace_id, self.state, self.take, self.draw = trace_id, state, take, draw
        self.root: Span | None = None
        if sampled:
            self.root = Span(self, "GraphQL Operation", Kind.SERVER, parent_id)
            self.span_id = self.root.span_id
        else:
            self.span_id = f"{draw(64) or 1:016x}"
        self.headers = told(trace_id, self.span_id, sampled, state)

    def fetch(self, subgraph: str, kind: str, fetch_id: int | None) -> Span | None:
        """To be ended by whoever asked for it; None where nothing is kept."""
        root = self.root
        if root is None:
            return None
        span = Span(self, f"fetch {subgraph}", Kind.CLIENT, root.span_id)
        span.attributes["gateway.subgraph.name"] = subgraph
        span.attributes["graphql.operation.type"] = kind
        if fetch_id is not None:
            span.attributes["gateway.fetch.id"] = fetch_id
        return span

    @contextmanager
    def phase(self, name: str) -> Iterator[Span | None]:
        """Around the work."""
        if self.root is None:
            yield None
            return
        span = Span(self, name, Kind.INTERNAL, self.root.span_id)
        try:
            yield span
        except Exception as failure:
            span.error = type(failure).__name__
            raise
        finally:
            span.end()

    def past(self, phase: Phase, above: Span) -> None:
        """What is over already, and was a part of `above`; of what others had begun before, what fell into it."""
        span = Span(self, phase.name, Kind.INTERNAL, above.span_id)
        span.started_ns = max(phase.started_ns, above.started_ns)
        span.ended_ns = max(phase.ended_ns, span.started_ns)
        span.error = phase.error
        self.take(span)

    def onto(self, headers: Sequence[tuple[str, str]], span: Span | None) -> Sequence[tuple[str, str]]:
        """Headers for a subgraph, with this trace in place of any other."""
        own = self.headers if span is None else span.headers
        if not headers:
            return own
        return [*(each for each in headers if each[0].lower() not in NAMES), *own]
