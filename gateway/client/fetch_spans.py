"""What a span learns of a request to a subgraph. In: a span and what is awaited. Out: the span, ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.protocol import HeaderExchange, SubgraphRequest, WireAnswer, WireRequest
from gateway.errors import SubgraphFailed
from gateway.telemetry.spans import Span, Trace

Answer = TypeVar("Answer")


class TracedHeaders:
    """A client request's headers, on their way to a subgraph with this trace in them."""

    def __init__(self, inner: HeaderExchange | None, trace: Trace, span: Span | None) -> None:
        self._inner, self._trace, self._span = inner, trace, span

    def to_subgraph(self, subgraph: str) -> Sequence[tuple[str, str]]:
        passed = () if self._inner is None else self._inner.to_subgraph(subgraph)
        return self._trace.onto(passed, self._span)

    def from_subgraph(self, subgraph: str, headers: AnswerHeaders) -> None:
        if self._inner is not None:
            self._inner.from_subgraph(subgraph, headers)


def end_with(span: Span, future: asyncio.Future[WireAnswer]) -> None:
    # Before whoever awaits it: callbacks are called in the order in which they were added.
    future.add_done_callback(partial(_ended, span))


def joined(trace: Trace, subgraph: str, request: WireRequest, future: asyncio.Future[WireAnswer]) -> None:
    """Of a request that another has sent already: a span that is linked to the one that the subgraph was told."""
    span = trace.fetch(subgraph, request.kind, request.fetch_id)
    if span is None:
        return
    span.attributes["gateway.fetch.shared"] = True
    flight = getattr(future, "flight", None)
    for name, value in () if flight is None else flight.forwarded:
        if name == "traceparent":
            span.linked = (value[3:35], value[36:52])
    end_with(span, future)


def traced(request: SubgraphRequest, trace: Trace | None, span: Span | None) -> SubgraphRequest:
    """The request, telling the subgraph of the trace."""
    if trace is None:
        return request
    return msgspec.structs.replace(request, headers=TracedHeaders(request.headers, trace, span))


async def during(span: Span | None, work: Awaitable[Answer]) -> Answer:
    """What comes of `work`."""
    if span is None:
        return await work
    try:
        return await work
    except BaseException as failure:
        span.error = error_type(failure)
        raise
    finally:
        span.end()


def error_type(failure: BaseException) -> str:
    return failure.code.value if isinstance(failure, SubgraphFailed) else type(failure).__name__


def _ended(span: Span, future: asyncio.Future[WireAnswer]) -> None:
    flight = getattr(future, "flight", None)
    if flight is not None and flight.retries:
        span.attributes["http.request.resend_count"] = flight.retries
    if future.cancelled():
        span.error = "cancelled"
    elif (failure := future.exception()) is not None:
        span.error = error_type(failure)
    else:
        status = future.result().status
        span.attributes["http.response.status_code"] = status
        if status >= 400:
            span.error = str(status)
    span.end()
