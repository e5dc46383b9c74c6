"""Turns requests away before they are read, when there are more than can be answered in time.

In: how late the event loop is, how many requests are at work. Out: whether one more is taken. While the loop is late,
fewer are taken at a time than were at work just then; while it is not, more from beat to beat. Refusing must stay much
cheaper than answering: an ASGI layer of its own, with the answer written already.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import ErrorCode
from gateway.execution.response import Response, ResponseError
from gateway.http.rate_limits import TurnedAway
from gateway.traffic_settings import SheddingSettings

_BEAT_S = 0.05
_LESS, _MORE = 0.7, 1.1
# So many are always taken: something must be answered to see how it goes.
_FEWEST = 20
_SENTENCE = "The gateway has more to do than it can; try again in a moment."
_BODY = Response(errors=(ResponseError(_SENTENCE, ErrorCode.OVERLOADED),), executed=False).as_bytes()


class LoadShedding:
    def __init__(self, settings: SheddingSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self._most = float(settings.max_in_flight)
        self._busiest = 0
        self._due: float | None = None
        self.refused = 0

    def admits(self, in_flight: int) -> bool:
        """Whether one more may come where so many are at work."""
        if in_flight >= self._busiest:
            self._busiest = in_flight + 1
        # A loop that is very late is late with the beat as well: a burst must not be let in until then.
        if self._due is not None and (late_ms := (self._now() - self._due) * 1000) > self._settings.target_lag_ms:
            self.beat(late_ms)
        if in_flight < self._most or not self._settings.enabled:
            return True
        self.refused += 1
        return False

    def refuse(self, in_flight: int) -> None:
        """For what comes by another way than a request of its own."""
        if not self.admits(in_flight):
            raise TurnedAway(_SENTENCE, 503, ErrorCode.OVERLOADED, self.retry_after_s(), [])

    def retry_after_s(self) -> int:
        """Not the same for all: they would all come back at once."""
        return max(1, math.ceil(self._settings.retry_after_s * random.uniform(1.0, 2.0)))  # noqa: S311 - no secret

    def beat(self, late_ms: float) -> None:
        """The loop was so late just now."""
        if late_ms > self._settings.target_lag_ms:
            self._most = max(_FEWEST, min(self._most, self._busiest) * _LESS)
        else:
            self._most = min(self._settings.max_in_flight, self._most * _MORE)
        self._busiest = 0
        self._due = self._now() + _BEAT_S

    async def watch(self) -> None:
        """Measure how late the event loop is, for ever."""
        self._due = self._now() + _BEAT_S
        while True:
            await asyncio.sleep(_BEAT_S)
            self.beat((self._now() - self._due) * 1000)


class SheddingLayer:
    """In front of one path. `in_flight`: how many requests are at work in the application that the scope names."""

    def __init__(self, app: ASGIApp, shedding: LoadShedding, path: str, in_flight: Callable[[Scope], int]) -> None:
        self._app, self._shedding, self._path, self._in_flight = app, shedding, path, in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_bounded = scope["type"] != "lifespan" and scope["path"] == self._path and scope.get("method") != "OPTIONS"
        if is_bounded and not self._shedding.admits(self._in_flight(scope)):
            await self._refuse(scope, send)
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            kind = "websocket.http.response"
            if kind not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1013, "reason": "Try again later"})
                return
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(_BODY)).encode()),
            (b"retry-after", str(self._shedding.retry_after_s()).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": f"{kind}.start", "status": 503, "headers": headers})
        await send({"type": f"{kind}.body", "body": _BODY})
