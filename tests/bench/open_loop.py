"""Open-loop load: requests start when the clock says, whether or not earlier ones have been answered.

In: a coroutine to call, a rate and a duration. Out: latencies in seconds, counted from the *scheduled* start, so that
a server that stalls is charged for everybody who waited (no co-ordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Load(NamedTuple):
    """What a run saw: latencies of the answered (seconds, sorted) and how many failed."""

    latencies_s: tuple[float, ...]
    failures: int
    took_s: float

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` (0 to 1) of the answered stayed within, in milliseconds."""
        place = min(len(self.latencies_s) - 1, int(share * len(self.latencies_s)))
        return self.latencies_s[place] * 1000


async def open_loop(ask: Callable[[int], Awaitable[None]], rate_per_s: float, duration_s: float) -> Load:
    """Call `ask(i)` at `rate_per_s` for `duration_s`; an exception counts as a failure."""
    latencies: list[float] = []
    failures = 0
    started = time.perf_counter()

    async def one(number: int, due: float) -> None:
        nonlocal failures
        try:
            await ask(number)
        except Exception:  # the load generator reports failures as a figure; it must not stop at one
            failures += 1
        else:
            latencies.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate_per_s * duration_s)):
            due = started + number / rate_per_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(number, due))
    return Load(tuple(sorted(latencies)), failures, time.perf_counter() - started)
