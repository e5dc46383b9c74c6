"""Who wants to know of operations, behind one door: the access log and the figures.

In: operations that begin and end. Out: entries to write into, or None where nobody wants to know.
"""

from __future__ import annotations

import time

from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.entry import Entry, Face, new_entry
from gateway.telemetry.request_figures import RequestFigures


class Observers:
    def __init__(self, log: AccessLog | None = None, figures: RequestFigures | None = None) -> None:
        self.log = log if log is not None and log.enabled else None
        self.figures = figures
        self._none = self.log is None and figures is None

    def begin(self, face: Face, method: str | None = None) -> Entry | None:
        return None if self._none else new_entry(face, method)

    def end(self, entry: Entry) -> None:
        entry.duration_ms = round(max(0.0, time.time() - entry.time) * 1000, 3)
        if self.figures is not None:
            self.figures.add(entry)
        if self.log is not None:
            self.log.add(entry)

    def close(self) -> None:
        if self.log is not None:
            self.log.close()
