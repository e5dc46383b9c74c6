"""Who wants to know of operations, behind one door: the access log, the figures and the tracer.

In: operations that begin and end. Out: entries to write into, or None where nobody wants to know.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.entry import Entry, Face, new_entry
from gateway.telemetry.request_figures import RequestFigures
from gateway.telemetry.tracer import Tracer


class Observers:
    def __init__(
        self, log: AccessLog | None = None, figures: RequestFigures | None = None, tracer: Tracer | None = None
    ) -> None:
        self.log = log if log is not None and log.enabled else None
        self.figures, self.tracer = figures, tracer
        self._none = self.log is None and figures is None and tracer is None

    def begin(self, face: Face, method: str | None = None, headers: Sequence[tuple[bytes, bytes]] = ()) -> Entry | None:
        """`headers`: the request's, as ASGI has them."""
        if self._none:
            return None
        entry = new_entry(face, method)
        if self.tracer is not None:
            self.tracer.begin(entry, headers)
        return entry

    def end(self, entry: Entry) -> None:
        entry.duration_ms = round(max(0.0, time.time() - entry.time) * 1000, 3)
        if self.figures is not None:
            self.figures.add(entry)
        if self.tracer is not None:
            self.tracer.end(entry)
            # Entries wait to be counted and written; what they were traced by shall not.
            entry.trace = None
        if self.log is not None:
            self.log.add(entry)

    def begin_part(self, request: Entry | None) -> Entry | None:
        """Of a batch: an operation with an entry of its own, in the trace of the request that brought it."""
        if request is None:
            return None
        entry = new_entry(request.face, request.method)
        entry.trace = request.trace
        return entry

    def end_part(self, entry: Entry) -> None:
        entry.duration_ms = round(max(0.0, time.time() - entry.time) * 1000, 3)
        entry.trace = None
        if self.figures is not None:
            self.figures.add(entry)
        if self.log is not None:
            self.log.add(entry)

    def begin_event(self, subscription: Entry | None) -> Entry | None:
        """Of a live subscription. None where only subscriptions as a whole are told of."""
        if self.tracer is None:
            return None
        entry = new_entry("sse" if subscription is None else subscription.face)
        self.tracer.begin_event(entry, subscription)
        return entry

    def end_event(self, entry: Entry, subscription: Entry | None) -> None:
        if self.tracer is not None:
            self.tracer.end_event(entry)
        if subscription is not None:
            subscription.fetches += entry.fetches
