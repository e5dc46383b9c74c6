"""Whether this process should get more work: it drains, it is full, or its event loop is late.

In: requests that begin and end, the clock. Out: `reasons`, empty while it is ready. `/health` says only that the
process lives; `/ready` is for who deals out requests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.settings import ReadinessSettings
from gateway.telemetry.histogram import Histogram

_BEAT_S = 0.25
_KEPT = 0.7
"""How much of the lag seen so far counts beside the newest beat: one slow moment is forgotten within two seconds."""


class Readiness:
    def __init__(self, settings: ReadinessSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self.draining = False
        self.in_flight = 0
        self.answered = 0
        self.lag_ms = 0.0
        self.lags = Histogram()
        self._at_work = _AtWork(self)

    def request(self) -> _AtWork:
        return self._at_work

    @contextmanager
    def waiting_for_client(self) -> Iterator[None]:
        """Within a request: while its body comes, it is not at work."""
        self.in_flight -= 1
        try:
            yield
        finally:
            self.in_flight += 1

    def reasons(self) -> list[str]:
        reasons = []
        if self.draining:
            reasons.append("shutting down")
        if self.in_flight >= self._settings.max_in_flight:
            reasons.append(f"{self.in_flight} requests at work")
        if self.lag_ms > self._settings.max_lag_ms:
            reasons.append(f"event loop late by {self.lag_ms:.0f} ms")
        return reasons

    async def watch(self) -> None:
        """Measure how late the event loop is, for ever."""
        while True:
            due = self._now() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            late_ms = max(0.0, self._now() - due) * 1000
            self.lags.observe(late_ms / 1000)
            self.lag_ms = max(late_ms, self.lag_ms * _KEPT)


class _AtWork:
    """Around each request; one for all of them, since it remembers nothing."""

    __slots__ = ("_readiness",)

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def __enter__(self) -> None:
        self._readiness.in_flight += 1

    def __exit__(self, *_: object) -> None:
        self._readiness.in_flight -= 1
        self._readiness.answered += 1
