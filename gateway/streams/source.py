"""What an upstream is made of: a subgraph's answers over time, and what each becomes for a client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from gateway.client.protocol import SubgraphAnswer
from gateway.execution.response import Response
from gateway.pipeline import Ready
from gateway.streams.callers import Callers


class Source(Protocol):
    """`ready`: the operation as it is planned now. `callers`: in whose name subgraphs are asked.

    `answers` raises `SubscriptionFailed` when the stream cannot be opened, breaks, or holds no longer.
    """

    @property
    def ready(self) -> Ready: ...

    @property
    def callers(self) -> Callers: ...

    def answers(self) -> AsyncGenerator[SubgraphAnswer, None]: ...

    async def event(self, answer: SubgraphAnswer) -> Response: ...
