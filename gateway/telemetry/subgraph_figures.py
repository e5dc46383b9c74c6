"""What requests to subgraphs came to, in numbers. In: each try's end. Out: counts by outcome, and durations.

Subgraphs are those of the supergraph: no client can name another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gateway.telemetry.histogram import Histogram

_AT_ONCE = 256

Outcome = Literal[
    "answered",
    "http_error",
    "timeout",
    "unreachable",
    "unreadable",
    "cancelled",
    "not_sent",
    "circuit_open",
    "queue_full",
]
"""answered: with a status below 500, whatever it says. unreadable: too large, or no GraphQL answer. cancelled: nobody
waited for it any more. not_sent: a header may not be sent. circuit_open, queue_full: it was not sent either."""


class SubgraphFigures:
    """Answers are put down and counted some hundreds at a time: each alone would cost four times as much."""

    __slots__ = ("_answered", "_durations", "_outcomes")

    def __init__(self) -> None:
        self._outcomes: dict[Outcome, int] = {}
        self._durations = Histogram()
        self._answered: list[float] = []

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        self._count()
        return self._outcomes

    @property
    def durations(self) -> Histogram:
        self._count()
        return self._durations

    def answered(self, seconds: float) -> None:
        """One try that was answered."""
        self._answered.append(seconds)
        if len(self._answered) >= _AT_ONCE:
            self._count()

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """One try."""
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1
        self._durations.observe(seconds)

    def refused(self, outcome: Outcome) -> None:
        """One that was not sent."""
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1

    def _count(self) -> None:
        if self._answered:
            answered, self._answered = self._answered, []
            self._outcomes["answered"] = self._outcomes.get("answered", 0) + len(answered)
            self._durations.observe_all(answered)


class FetchFigures:
    """By subgraph."""

    def __init__(self) -> None:
        self.by_subgraph: dict[str, SubgraphFigures] = {}

    def of(self, subgraph: str) -> SubgraphFigures:
        return self.by_subgraph.setdefault(subgraph, SubgraphFigures())
