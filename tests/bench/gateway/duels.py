"""Ours beside one peer: many short rounds, each of the peer's between two of ours.

A machine's other guests change its speed by two, within seconds or for minutes, and a table's rounds of two gateways
are minutes apart. So rounds are as short as the slowest gateway allows, which needs a second for fifty answers.
In: two gateways that run and were checked. Out: for each round how many times as much ours did, by requests per second
and by CPU time. The median of them is what bars are held against; how far they lie apart is told beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, median, quantiles

from tests.bench.gateway.measuring import Contest, Upstream, Workload, measure


@dataclass
class Duel:
    """per_s, by_cpu: ours over the peer's, round by round."""

    per_s: list[float]
    by_cpu: list[float]


async def duel(
    ours: Contest, peer: Contest, key: str, workload: Workload, upstream: Upstream, rounds: int, seconds: float
) -> Duel:
    found = Duel([], [])
    before = await measure(ours, key, workload, upstream, seconds)
    for _ in range(rounds):
        theirs = await measure(peer, key, workload, upstream, seconds)
        after = await measure(ours, key, workload, upstream, seconds)
        beside = (before, after)
        found.per_s.append(mean(each.per_s for each in beside) / theirs.per_s)
        found.by_cpu.append(theirs.cpu_us / mean(each.cpu_us for each in beside))
        before = after
    return found


def spread(ratios: list[float]) -> str:
    """The median, between which two values half of the rounds lie, and the extremes."""
    low, high = (quantiles(ratios)[0], quantiles(ratios)[2]) if len(ratios) > 1 else (ratios[0], ratios[0])
    return f"{median(ratios):.1f}x (half {low:.1f} to {high:.1f}, all {min(ratios):.1f} to {max(ratios):.1f})"
