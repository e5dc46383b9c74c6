"""Which requests are traced, and what their first span says. In: entries that begin and end. Out: spans to an exporter.

A client's own decision counts where clients are followed; else so many requests in a hundred are kept, told by their
trace's id, so that all who see it decide alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from gateway.telemetry.entry import Entry
from gateway.telemetry.spans import Draw, Kind, Span, SpanCounts, Trace
from gateway.telemetry.trace_context import Parent, parent_in

_ID_BITS = 128
_DECIDING = (1 << 64) - 1
# Whose fault it is not the client's: only these make a request a failed one (OpenTelemetry says so of status 4xx).
_OURS = frozenset({"INTERNAL", "SUBGRAPH_UNAVAILABLE", "SUBGRAPH_TIMEOUT", "CIRCUIT_OPEN", "OVERLOADED"})


class Tracer:
    """`take`: gets each span that has ended. `draw`: so many random bits. `counts`: what became of spans."""

    def __init__(
        self,
        ratio: float,
        follows_clients: bool,
        take: Callable[[Span], None],
        draw: Draw = random.getrandbits,
        counts: SpanCounts | None = None,
    ) -> None:
        self.counts = counts or SpanCounts()
        self._below = round(ratio * (1 << 64))
        self._follows_clients = follows_clients
        self._take, self._draw = take, draw

    def begin(self, entry: Entry, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        parent = parent_in(headers) if self._follows_clients and headers else None
        entry.trace = self._trace(parent)

    def begin_event(self, entry: Entry, subscription: Entry | None) -> None:
        """An event of a subscription is a trace of its own: one for all of them would have no end."""
        trace = entry.trace = self._trace(None)
        above = None if subscription is None else subscription.trace
        if trace.root is not None:
            trace.root.name, trace.root.kind = "subscription event", Kind.INTERNAL
            trace.root.attributes["graphql.operation.type"] = "subscription"
            trace.root.linked = None if above is None else (above.trace_id, above.span_id)

    def end(self, entry: Entry) -> None:
        trace = entry.trace
        if trace is None or trace.root is None:
            return
        span, said = trace.root, trace.root.attributes
        if entry.kind is not None:
            said["graphql.operation.type"] = span.name = entry.kind
        for name, value in (
            ("http.request.method", entry.method),
            ("http.response.status_code", entry.status),
            ("http.response.body.size", entry.bytes),
            ("graphql.operation.name", entry.operation),
            ("gateway.operation.hash", entry.hash),
            ("gateway.operation.cost", entry.cost),
            ("gateway.executed", entry.executed),
        ):
            if value is not None:
                said[name] = value
        said["gateway.face"], said["gateway.fetches"] = entry.face, entry.fetches
        self._fail(span, entry)
        span.end()

    def end_event(self, entry: Entry) -> None:
        trace = entry.trace
        if trace is not None and trace.root is not None:
            trace.root.attributes["gateway.fetches"] = entry.fetches
            self._fail(trace.root, entry)
            trace.root.end()

    def _trace(self, parent: Parent | None) -> Trace:
        if parent is not None:
            return Trace(parent.trace_id, parent.span_id, parent.sampled, parent.state, self._take, self._draw)
        number = self._draw(_ID_BITS) or 1
        return Trace(f"{number:032x}", None, number & _DECIDING < self._below, None, self._take, self._draw)

    def _fail(self, span: Span, entry: Entry) -> None:
        if entry.errors:
            span.attributes["gateway.errors"] = entry.errors
        ours = next((code for code in entry.errors if code in _OURS), None)
        if ours is not None or (entry.status or 0) >= 500:
            span.error = ours or str(entry.status)
