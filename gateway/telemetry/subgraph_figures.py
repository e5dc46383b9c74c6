"""What requests to subgraphs came to, in numbers. In: each try's end. Out: counts by outcome, and durations.

Subgraphs are those of the supergraph: no client can name another.
"""

from __future__ import annotations

from typing import Literal

from gateway.telemetry.histogram import Histogram

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
    __slots__ = ("durations", "outcomes")

    def __init__(self) -> None:
        self.outcomes: dict[Outcome, int] = {}
        self.durations = Histogram()

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """One try."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.durations.observe(seconds)

    def refused(self, outcome: Outcome) -> None:
        """One that was not sent."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


class FetchFigures:
    """By subgraph."""

    def __init__(self) -> None:
        self.by_subgraph: dict[str, SubgraphFigures] = {}

    def of(self, subgraph: str) -> SubgraphFigures:
        return self.by_subgraph.setdefault(subgraph, SubgraphFigures())
