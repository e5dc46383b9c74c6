"""The callers of one stream, as the one caller that execution knows.

In: who joins and who leaves. Out: the token of one who is there, so that nobody's rights outlive their stay. Headers go
on to subgraphs; those of answers are dropped, because a stream's own have gone out long before.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.protocol import HeaderExchange
from gateway.execution.caller import Caller, Principal


class Callers:
    def __init__(self, first: Caller) -> None:
        self.trace_id = first.trace_id
        self.headers: HeaderExchange | None = None if first.headers is None else _Outgoing(first.headers)
        self.principal: Principal | None = first.principal
        self._last = first
        self._present: list[Caller] = []

    def add(self, caller: Caller) -> None:
        self._present.append(caller)

    def remove(self, caller: Caller) -> None:
        self._present.remove(caller)
        self._last = caller

    def token(self) -> str | None:
        """Of one whom a newer token has not given other rights than those that the stream was opened with."""
        present = self._present or [self._last]
        return next((each for each in present if each.principal == self.principal), present[0]).token()


class _Outgoing:
    def __init__(self, exchange: HeaderExchange) -> None:
        self._exchange = exchange

    def to_subgraph(self, subgraph: str) -> Sequence[tuple[str, str]]:
        return self._exchange.to_subgraph(subgraph)

    def from_subgraph(self, subgraph: str, headers: AnswerHeaders) -> None:
        """Nobody would read them, and a stream may last for days."""
