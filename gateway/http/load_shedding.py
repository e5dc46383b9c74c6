"""Turns requests away before they are read, when there are more than can be answered in time.

In: how late the event loop is, how many requests are at work. Out: whether one more is taken. A loop that was late for
a moment turns nobody away: only one that has been late all the while for an interval, which is a queue that does not
drain. Then so many are taken at a time that the loop would be as late as it may be; while it is not late, more at each
beat. Refusing must stay much cheaper than answering: it is the first that is done, with the answer written already.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable

from starlette.websockets import WebSocket

from gateway.errors import ErrorCode
from gateway.execution.response import Response, ResponseError
from gateway.http.rate_limits import TurnedAway
from gateway.http.readiness import Readiness
from gateway.http.whole_response import WholeResponse
from gateway.traffic_settings import SheddingSettings

_BEAT_S = 0.05
# So long the loop must have been late at every beat: a collection, a large plan or a busy neighbour is no overload.
_INTERVAL_S = 1.0
_MORE = 1.1
# So many are always taken: something must be answered to see how it goes, and so few never make a queue that grows.
_FEWEST = 64
_SENTENCE = "The gateway has more to do than it can; try again in a moment."
_BODY = Response(errors=(ResponseError(_SENTENCE, ErrorCode.OVERLOADED),), executed=False).as_bytes()


class LoadShedding:
    def __init__(self, settings: SheddingSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self._most = float(settings.max_in_flight)
        self._fewest = min(_FEWEST, settings.max_in_flight)
        self._busiest = self._taken = 0
        self._due: float | None = None
        self._late_since: float | None = None
        self._answered_before = 0
        self.refused = 0

    def admits(self, in_flight: int) -> bool:
        """Whether one more may come where so many are at work."""
        if in_flight >= self._busiest:
            self._busiest = in_flight + 1
        if not self._settings.enabled or (in_flight < self._most and not self._has_waited_too_long()):
            self._taken += 1
            return True
        self.refused += 1
        return False

    def _has_waited_too_long(self) -> bool:
        """Whether a request that comes now has waited behind others since the last beat, while the loop is overloaded.

        What is answered without ever waiting is not seen at work: its queue is that of the loop alone.
        """
        if self._most >= self._settings.max_in_flight or self._taken < self._fewest or self._due is None:
            return False
        return (self._now() - self._due) * 1000 > self._settings.target_lag_ms

    def refuse(self, in_flight: int) -> None:
        """For what comes by another way than a request of its own."""
        if not self.admits(in_flight):
            raise TurnedAway(_SENTENCE, 503, ErrorCode.OVERLOADED, self.retry_after_s(), [])

    def refusal(self) -> WholeResponse:
        headers = (("Retry-After", str(self.retry_after_s())), ("Cache-Control", "no-store"))
        return WholeResponse(_BODY, 503, "application/json", headers)

    async def refuse_socket(self, socket: WebSocket) -> None:
        if "websocket.http.response" in socket.scope.get("extensions", {}):
            await socket.send_denial_response(self.refusal())
        else:
            await socket.close(1013, "Try again later")

    def retry_after_s(self) -> int:
        """Not the same for all: they would all come back at once."""
        return max(1, math.ceil(self._settings.retry_after_s * random.uniform(1.0, 2.0)))  # noqa: S311 - no secret

    def beat(self, late_ms: float, in_flight: int = 0, answered: int = 0) -> None:
        """The loop was so late just now. answered: requests since the start; in_flight: those at work now."""
        if late_ms <= self._settings.target_lag_ms:
            self._late_since = None
            self._most = min(self._settings.max_in_flight, self._most * _MORE)
        elif self._is_overloaded(late_ms / 1000, answered):
            # Lateness grows with how many are at work: so many would keep it at what it may be.
            kept = self._busiest * self._settings.target_lag_ms / late_ms
            self._most = max(self._fewest, min(self._most, kept))
        if self._late_since is None:
            self._answered_before = answered
        self._busiest, self._taken = in_flight, 0
        self._due = self._now() + _BEAT_S

    def _is_overloaded(self, late_s: float, answered: int) -> bool:
        """Whether the loop has been late for long enough, and by a queue."""
        now, is_first = self._now(), self._late_since is None
        if self._late_since is None:
            self._late_since = now - late_s
        if self._most < self._settings.max_in_flight:
            return True
        # One callback that holds the loop is late once, and nothing is answered meanwhile.
        is_queue = not is_first or answered - self._answered_before >= self._fewest
        return is_queue and now - self._late_since >= _INTERVAL_S

    async def watch(self, readiness: Readiness) -> None:
        """Measure how late the event loop is, for ever."""
        self._due = self._now() + _BEAT_S
        while True:
            await asyncio.sleep(_BEAT_S)
            self.beat((self._now() - self._due) * 1000, readiness.in_flight, readiness.answered)
