"""Requests to a subgraph that lives in this process: no socket, no JSON.

The hosted object is known by its shape only (`HostedSubgraph`); it gets the same signed caller token as a subgraph on
the wire would, and is held to the same time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

from gateway.client.answer import answer_from_value
from gateway.client.answer_headers import NO_HEADERS
from gateway.client.errors import TimedOut, Unreachable
from gateway.client.fetch_spans import during
from gateway.client.operation_context import seconds_left
from gateway.client.operation_scope import OperationScope
from gateway.client.outcomes import counted
from gateway.client.protocol import SubgraphAnswer, SubgraphRequest
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName
from gateway.telemetry.entry import count_fetch
from gateway.telemetry.subgraph_figures import SubgraphFigures


class HostedSubgraph(Protocol):
    """What an embedded subgraph must offer; answers are GraphQL responses as plain values."""

    async def execute(
        self,
        document: str,
        variables: dict[str, object],
        operation_name: str | None,
        caller_token: str | None,
        scope: OperationScope | None,
    ) -> Mapping[str, object]: ...

    def subscribe(
        self, document: str, variables: dict[str, object], operation_name: str | None, caller_token: str | None
    ) -> AsyncIterator[Mapping[str, object]]: ...


class InProcessClient:
    def __init__(
        self, name: SubgraphName, hosted: HostedSubgraph, timeout_s: float, figures: SubgraphFigures | None = None
    ) -> None:
        self.name = name
        self._hosted = hosted
        self._timeout_s = timeout_s
        self._figures = figures

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        return answer_from_value(self.name, await self.values(request))

    async def values(self, request: SubgraphRequest) -> Mapping[str, object]:
        """The answer as the subgraph gave it."""
        entry = count_fetch()
        trace = None if entry is None else entry.trace
        span = None if trace is None else trace.fetch(self.name, request.kind, request.fetch_id)
        return await during(span, counted(self._figures, self._values(request)))

    async def _values(self, request: SubgraphRequest) -> Mapping[str, object]:
        timeout_s = seconds_left(self._timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                value = await self._hosted.execute(
                    request.document, request.variables, None, request.caller_token, request.scope
                )
        except TimeoutError as error:
            raise TimedOut(self.name, timeout_s) from error
        except Exception as error:
            # A hosted subgraph's crash must cost its own fields only, as a subgraph's crash on the wire would.
            raise Unreachable(self.name, f"{type(error).__name__}: {error}") from error
        if request.headers is not None:
            # It has no headers, and so says nothing of caching either.
            request.headers.from_subgraph(self.name, NO_HEADERS)
        return value

    async def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        events = self._hosted.subscribe(request.document, request.variables, None, request.caller_token)
        try:
            async for value in events:
                yield answer_from_value(self.name, value)
        except SubgraphFailed:
            raise
        except Exception as error:
            # As above: the hosted stream's crash is this subgraph's failure, not the gateway's.
            raise Unreachable(self.name, f"{type(error).__name__}: {error}") from error
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    async def close(self) -> None:
        return None
