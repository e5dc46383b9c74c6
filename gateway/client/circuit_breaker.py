"""Whether a subgraph is worth asking. In: how requests ended. Out: a ticket for one more, or none.

    closed     requests pass; failures are counted over a sliding window
    open       none pass, for a while
    half-open  a few pass to see; so many successes close it, one failure opens it

A ticket belongs to the state it was given in: what ends after the state has changed says nothing about the new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from gateway.traffic_settings import BreakerSettings

_BUCKETS = 10


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker:
    def __init__(self, settings: BreakerSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self._width_s = settings.window_s / _BUCKETS
        self.state = State.CLOSED
        self._ticket = 0
        self._opened_at = 0.0
        self._probing = 0
        self._passed = 0
        self._totals = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._newest = -_BUCKETS

    def admit(self) -> int | None:
        """A ticket, to be given back with `record`; None: do not ask."""
        if self.state is State.CLOSED:
            return self._ticket
        if self.state is State.OPEN:
            if self._now() - self._opened_at < self._settings.open_s:
                return None
            self._become(State.HALF_OPEN)
        if self._probing >= self._settings.probes:
            return None
        self._probing += 1
        return self._ticket

    @property
    def is_open(self) -> bool:
        return self.state is State.OPEN and self._now() - self._opened_at < self._settings.open_s

    def record(self, ticket: int, succeeded: bool | None, now: float | None = None) -> None:
        """None: it was given up, and says nothing. `now`: the clock's, where it has been read already."""
        if ticket != self._ticket:
            return
        if self.state is State.HALF_OPEN:
            self._record_probe(succeeded)
        elif succeeded is not None and self._settings.enabled:
            self._count(succeeded, self._now() if now is None else now)

    def _record_probe(self, succeeded: bool | None) -> None:
        self._probing -= 1
        if succeeded is False:
            self._become(State.OPEN)
        elif succeeded:
            self._passed += 1
            if self._passed >= self._settings.probes:
                self._become(State.CLOSED)

    def _count(self, succeeded: bool, now: float) -> None:
        number = int(now / self._width_s)
        if number != self._newest:
            # The buckets that have passed since the last request are empty now.
            for passed in range(max(self._newest + 1, number - _BUCKETS + 1), number + 1):
                self._totals[passed % _BUCKETS] = self._failures[passed % _BUCKETS] = 0
            self._newest = number
        slot = number % _BUCKETS
        self._totals[slot] += 1
        if not succeeded:
            self._failures[slot] += 1
            total = sum(self._totals)
            if total >= self._settings.min_requests and sum(self._failures) >= self._settings.failure_rate * total:
                self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._ticket += 1
        self._probing = self._passed = 0
        self._opened_at = self._now()
        if state is State.CLOSED:
            self._forget()

    def _forget(self) -> None:
        self._totals = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._newest = -_BUCKETS
