"""How many of what was measured fell into which range. In: numbers. Out: counts by upper bound, and their sum.

An observation is a search among a few bounds and two additions; adding up is left to who reads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

# OpenTelemetry's for HTTP durations, with finer ones below: answers of one process take less than 5 ms.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
COSTS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)


class Histogram:
    """`bounds`: ascending, each the largest value of its range; what is above all of them has a range of its own."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_all(self, values: Sequence[float]) -> None:
        bounds, counts = self.bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum(values)
