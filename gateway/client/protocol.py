"""The seam between execution and whatever carries a request to a subgraph: one request in, one answer or a stream out.

Execution owns what it is given: an answer's `data` is merged into and changed, so a client must hand over values that
nobody else holds. Every failure is a `gateway.errors.SubgraphFailed`; cancelling the awaiting task, or closing the
iterator, ends the request upstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.operation_scope import OperationScope
from gateway.plan.nodes import OperationKind, SubgraphName


class HeaderExchange(Protocol):
    """One client request's headers: what goes on to a subgraph, and what came back with its answer."""

    def to_subgraph(self, subgraph: str) -> Sequence[tuple[str, str]]: ...

    def from_subgraph(self, subgraph: str, headers: AnswerHeaders) -> None: ...


class SubgraphRequest(Struct, frozen=True):
    """One GraphQL request. `caller_token` says who asks (None: nobody known); `trace_id` ties logs together.

    `scope` is for subgraphs in this process: what the operation's fetches share. A subgraph on the wire gets none.
    `fetch_id` is the plan's number of it, for who tells of it.
    """

    document: str
    variables: dict[str, object]
    caller_token: str | None = None
    trace_id: str | None = None
    scope: OperationScope | None = None
    headers: HeaderExchange | None = None
    kind: OperationKind = "query"
    fetch_id: int | None = None


class AnswerError(Struct, frozen=True):
    """One entry of a subgraph's `errors`."""

    message: str = "Unknown error"
    path: list[str | int] | None = None
    extensions: dict[str, object] | None = None


class SubgraphAnswer(Struct):
    """A GraphQL response as a subgraph gave it."""

    data: dict[str, object] | None = None
    errors: list[AnswerError] | None = None


class WireRequest(Struct, frozen=True):
    """A GraphQL request whose JSON is written already. `kind`: only a query may ever be sent twice."""

    body: bytes
    kind: OperationKind = "query"
    caller_token: str | None = None
    trace_id: str | None = None
    headers: HeaderExchange | None = None
    fetch_id: int | None = None


class WireAnswer(Struct, frozen=True):
    """What came back, unread: whether it is a GraphQL answer its reader finds out."""

    status: int
    body: bytes


@runtime_checkable
class WireClient(Protocol):
    """Requests to a subgraph on the wire.

    `send` has put the request on its way when it returns; several can be sent before the first is awaited. The future
    fails with a `SubgraphFailed`; cancelling it ends the request upstream.
    """

    name: SubgraphName

    def send(self, request: WireRequest) -> asyncio.Future[WireAnswer]: ...


@runtime_checkable
class HostedClient(Protocol):
    """Requests to a subgraph in this process, whose answers are plain values."""

    name: SubgraphName

    async def values(self, request: SubgraphRequest) -> Mapping[str, object]: ...


class SubgraphClient(Protocol):
    """Requests to one subgraph."""

    name: SubgraphName

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer: ...

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]: ...

    async def close(self) -> None: ...
