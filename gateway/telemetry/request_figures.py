"""What operations were, in numbers. In: entries that have ended. Out: counts and durations, for who reads them.

Nothing that a client chose becomes a key: faces, kinds, classes of status and error codes are closed lists.
"""

from __future__ import annotations

from gateway.telemetry.entry import Entry
from gateway.telemetry.histogram import COSTS, Histogram

_CLASSES = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
_AT_ONCE = 256
_UNREAD = "unknown"
Key = tuple[str, ...]


class RequestFigures:
    """requests: by face, kind, class of status ("2xx"; "none" where the face has no status). durations: by the first
    two, in seconds."""

    def __init__(self) -> None:
        self.requests: dict[Key, int] = {}
        self.errors: dict[str, int] = {}
        self.durations: dict[Key, Histogram] = {}
        self.estimated = Histogram(COSTS)
        self.actual = Histogram(COSTS)
        self._ended: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Counted some hundreds at a time, and when somebody reads: each alone would cost twice as much."""
        self._ended.append(entry)
        if len(self._ended) >= _AT_ONCE:
            self.count()

    def count(self) -> None:
        """What has ended; to be called before the figures are read."""
        ended, self._ended = self._ended, []
        for entry in ended:
            self._count(entry)

    def _count(self, entry: Entry) -> None:
        face, kind, status = entry.face, entry.kind or _UNREAD, entry.status
        key = (face, kind, "none" if status is None else _CLASSES[status // 100])
        self.requests[key] = self.requests.get(key, 0) + 1
        if kind != "subscription":
            # How long somebody listened says nothing of how soon they were answered.
            durations = self.durations.get(key[:2])
            if durations is None:
                durations = self.durations[key[:2]] = Histogram()
            durations.observe(entry.duration_ms / 1000)
        for code in entry.errors:
            self.errors[code] = self.errors.get(code, 0) + 1
        if entry.cost is not None:
            self.estimated.observe(entry.cost)
        if entry.actual_cost is not None:
            self.actual.observe(entry.actual_cost)
