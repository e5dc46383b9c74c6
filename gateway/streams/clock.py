"""Time as streams need it: an event loop is one; a test's own moves when the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Seconds from any beginning, never backwards."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Alarm: ...


class Bell:
    """Wakes the one who waits: when it is rung, or when it is time. Rung while nobody waits, it is not heard."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, until: float | None = None) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        alarm = None if until is None else self._clock.call_at(until, self.ring)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if alarm is not None:
                alarm.cancel()
