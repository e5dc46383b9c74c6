"""What stands between execution and a subgraph on the wire: sharing, a place in the queue, the circuit, retries.

In: the same requests as any client's, decoded or on the wire. Out: the same answers, or sooner a `SubgraphFailed`.
Only queries are shared and sent again. Futures and callbacks all the way: no task stands between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

import msgspec

from gateway.client.answer import answer_from_wire
from gateway.client.carrying import Carrier
from gateway.client.circuit_breaker import CircuitBreaker
from gateway.client.errors import CircuitOpen, QueueFull, RefusedByStatus, TimedOut, Unreachable
from gateway.client.fetch_spans import during, end_with, joined, traced
from gateway.client.flight import Flight, FlightKey, Guard, expired
from gateway.client.operation_context import Operations, current, seconds_left
from gateway.client.outcomes import counted
from gateway.client.places import Places
from gateway.client.protocol import SubgraphAnswer, SubgraphClient, SubgraphRequest, WireAnswer, WireRequest
from gateway.client.request_headers import Pairs
from gateway.client.retrying import Retrying
from gateway.plan.nodes import SubgraphName
from gateway.telemetry.entry import count_fetch, current_trace
from gateway.telemetry.subgraph_figures import FetchFigures, SubgraphFigures
from gateway.traffic_settings import GuardSettings

_encoder = msgspec.json.Encoder()
# Differ from request to request and say nothing about the answer.
_TRACING = frozenset({"traceparent", "tracestate", "baggage"})


class Guarded(SubgraphClient, Protocol):
    """What is guarded. carrier: what its plain requests go by."""

    @property
    def carrier(self) -> Carrier: ...


class Guards:
    """The guards of one gateway by subgraph and address: what they know outlives a change of the supergraph."""

    def __init__(
        self,
        settings: GuardSettings,
        by_name: Mapping[str, GuardSettings],
        operations: Operations | None = None,
        figures: FetchFigures | None = None,
    ) -> None:
        self._settings = settings
        self._by_name = by_name
        self.operations = operations or Operations()
        self._figures = figures
        self.of: dict[tuple[SubgraphName, str], Guard] = {}

    def around(self, inner: Guarded, url: str, timeout_s: float) -> GuardedClient:
        settings = self._by_name.get(inner.name, self._settings)
        guard = self.of.get((inner.name, url))
        if guard is None:
            figures = None if self._figures is None else self._figures.of(inner.name)
            guard = guard_of(inner.name, settings, timeout_s, self.operations, figures)
            self.of[inner.name, url] = guard
        return GuardedClient(inner, guard)


def guard_of(
    name: SubgraphName,
    settings: GuardSettings,
    timeout_s: float,
    operations: Operations,
    figures: SubgraphFigures | None = None,
) -> Guard:
    return Guard(
        name,
        settings,
        timeout_s,
        operations,
        CircuitBreaker(settings.breaker),
        Retrying(settings.retries),
        Places(settings.max_in_flight, settings.max_waiting),
        figures,
    )


class GuardedClient:
    def __init__(self, inner: Guarded, guard: Guard) -> None:
        self.name = inner.name
        self.guard = guard
        self._inner, self._carrier = inner, inner.carrier
        self._shares = guard.settings.shares
        self._timeout_s = guard.timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, request: WireRequest) -> asyncio.Future[WireAnswer]:
        entry = count_fetch()
        loop = self._loop = self._loop or asyncio.get_running_loop()
        guard, context, headers = self.guard, current(), request.headers
        now = guard.now()
        until = now + self._timeout_s
        deadline = until if context is None else context.deadline
        if deadline <= now:
            return expired(self.name, loop)
        forwarded: Pairs = () if headers is None else headers.to_subgraph(self.name)
        key: FlightKey | None = None
        # A token is its caller; without one the operation must say whose it is, or nothing is shared.
        if self._shares and request.kind == "query" and context is not None and context.shares:
            told = tuple([each for each in forwarded if each[0].lower() not in _TRACING]) if forwarded else ()
            key = (guard.operations.writes, request.body, request.caller_token, context.owner, told)
            flight = guard.flights.get(key)
            if flight is not None and flight.takes(deadline):
                guard.counts.shared += 1
                consumer = flight.join(headers, deadline)
                if entry is not None and entry.trace is not None:
                    joined(entry.trace, self.name, request, consumer)
                return consumer
        span = None
        if entry is not None and (trace := entry.trace) is not None:
            if trace.root is not None:
                span = trace.fetch(self.name, request.kind, request.fetch_id)
            forwarded = trace.headers if span is None and not forwarded else trace.onto(forwarded, span)
        flight = Flight(guard, self._carrier, request, forwarded, key, min(until, deadline), deadline < until, loop)
        consumer = flight.join(headers, deadline)
        if span is not None:
            end_with(span, consumer)
        flight.start(now)
        return consumer

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        try:
            body = _encoder.encode({"query": request.document, "variables": request.variables})
        except TypeError:
            # What JSON cannot say are files.
            return await self._told_of_files(request)
        wire = WireRequest(
            body, request.kind, request.caller_token, request.trace_id, request.headers, request.fetch_id
        )
        return answer_from_wire(self.name, await self.send(wire))

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        if self.guard.breaker.is_open:
            return _refused(self.name)
        return self._inner.stream(traced(request, current_trace(), None))

    async def close(self) -> None:
        await self._inner.close()

    async def _told_of_files(self, request: SubgraphRequest) -> SubgraphAnswer:
        entry = count_fetch()
        trace = None if entry is None else entry.trace
        span = None if trace is None else trace.fetch(self.name, request.kind, request.fetch_id)
        return await during(span, counted(self.guard.figures, self._with_files(traced(request, trace, span))))

    async def _with_files(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Never shared and never sent again: the files have been read."""
        guard = self.guard
        timeout_s = seconds_left(self._timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._place()
                ticket = guard.breaker.admit()
                succeeded: bool | None = None
                try:
                    if ticket is None:
                        raise CircuitOpen(self.name)
                    answer = await self._inner.request(request)
                    succeeded = True
                    return answer
                except (TimedOut, Unreachable, RefusedByStatus) as failure:
                    succeeded = isinstance(failure, RefusedByStatus) and failure.status < 500
                    raise
                finally:
                    guard.places.free()
                    if ticket is not None:
                        guard.breaker.record(ticket, succeeded)
                    guard.operations.writes += request.kind == "mutation"
        except TimeoutError as error:
            raise TimedOut(self.name, timeout_s) from error

    async def _place(self) -> None:
        places = self.guard.places
        if places.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not places.wait(turn, lambda: turn.set_result(None)):
            raise QueueFull(self.name, places.waiting)
        try:
            await turn
        except asyncio.CancelledError:
            places.withdraw(turn)
            if turn.done() and not turn.cancelled():
                places.free()
            raise


async def _refused(name: SubgraphName) -> AsyncGenerator[SubgraphAnswer, None]:
    raise CircuitOpen(name)
    yield  # pragma: no cover - makes it a generator
