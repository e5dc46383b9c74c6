"""One request to a subgraph under way, with everybody who waits for it.

    start -> (wait for a place) -> send -> answer -> settle
                     ^---- (wait a little) ----|  a query that may be sent again

Each who waits has a future of their own, and may give up alone; when the last one does, the request is ended upstream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable

from msgspec import Struct, field

from gateway.client.answer_headers import NO_HEADERS, AnswerHeaders
from gateway.client.carrying import Carried, Carrier
from gateway.client.circuit_breaker import CircuitBreaker, State
from gateway.client.errors import CircuitOpen, QueueFull, TimedOut, Unreachable
from gateway.client.operation_context import Operations
from gateway.client.outcomes import outcome_of
from gateway.client.places import Places
from gateway.client.protocol import HeaderExchange, WireAnswer, WireRequest
from gateway.client.request_headers import Pairs
from gateway.client.retrying import RETRIED_STATUSES, Retrying
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName
from gateway.telemetry.subgraph_figures import SubgraphFigures
from gateway.traffic_settings import GuardSettings

FlightKey = tuple[int, bytes, str | None, Hashable | None, tuple[tuple[str, str], ...]]
"""Mutations that had ended, body, caller's token, the operation's owner, headers that go on."""


class Counts(Struct):
    """sent: tries; shared: requests that joined another; retried, refused: by an open circuit or a full queue."""

    sent: int = 0
    shared: int = 0
    retried: int = 0
    refused: int = 0


class Guard(Struct):
    """What is known of one subgraph."""

    name: SubgraphName
    settings: GuardSettings
    timeout_s: float
    operations: Operations
    breaker: CircuitBreaker
    retrying: Retrying
    places: Places
    figures: SubgraphFigures | None = None
    now: Callable[[], float] = time.monotonic
    slow_s: float = 0.0
    flights: dict[FlightKey, Flight] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.slow_s = min(self.timeout_s, self.operations.timeout_s) / 2


class Consumer(asyncio.Future[WireAnswer]):
    """One who waits. Its cancellation reaches the flight at once, without a callback for each answer."""

    __slots__ = ("flight", "headers", "timer")

    flight: Flight
    headers: HeaderExchange | None
    timer: asyncio.TimerHandle | None

    def cancel(self, msg: object | None = None) -> bool:
        if not super().cancel(msg):
            return False
        self.flight.leave(self)
        return True


class Flight:
    """`until`: when it has failed for good. `is_cut`: its first consumer has less time than the subgraph would have."""

    __slots__ = (
        "_carried", "_carrier", "_consumers", "_forwarded", "_guard", "_heard", "_is_cut", "_key", "_loop", "_ran_out",
        "_request", "_retries", "_sent_at", "_ticket", "_timer", "_until",
    )  # fmt: skip

    def __init__(
        self,
        guard: Guard,
        carrier: Carrier,
        request: WireRequest,
        forwarded: Pairs,
        key: FlightKey | None,
        until: float,
        is_cut: bool,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._guard, self._carrier, self._request = guard, carrier, request
        self._forwarded, self._loop = forwarded, loop
        self._key, self._until, self._is_cut = key, until, is_cut
        self._consumers: list[Consumer] = []
        self._heard = NO_HEADERS
        self._carried: Carried | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticket = self._retries = 0
        self._sent_at = 0.0
        self._ran_out = False
        if key is not None:
            guard.flights[key] = self

    @property
    def retries(self) -> int:
        return self._retries

    @property
    def forwarded(self) -> Pairs:
        return self._forwarded

    def takes(self, deadline: float) -> bool:
        """Whether one more may join, who has until `deadline`: not where it would fail before they have to give up."""
        return not self._is_cut or deadline <= self._until

    def join(self, headers: HeaderExchange | None, deadline: float) -> Consumer:
        consumer = Consumer(loop=self._loop)
        consumer.flight, consumer.headers, consumer.timer = self, headers, None
        if self._is_cut or deadline < self._until:
            left = max(0.0, deadline - self._guard.now())
            consumer.timer = self._loop.call_later(left, self._run_out, consumer, left)
        self._consumers.append(consumer)
        return consumer

    def leave(self, consumer: Consumer) -> None:
        """They wait no longer; the last one to go ends it."""
        if consumer.timer is not None:
            consumer.timer.cancel()
        if consumer not in self._consumers:
            return
        self._consumers.remove(consumer)
        if not self._consumers:
            self._forget()
            self._guard.places.withdraw(self)
            if self._carried is not None:
                self._carried.give_up()
                self._given_up()
            elif self._ran_out and self._guard.figures is not None:
                self._guard.figures.refused("timeout")

    def start(self, now: float) -> None:
        guard = self._guard
        if guard.breaker.state is State.OPEN and guard.breaker.is_open:
            self._refuse(CircuitOpen(guard.name))
        elif guard.places.take():
            self._launch(now)
        elif guard.places.wait(self, self._launch_in_turn):
            self._bound()
        else:
            self._refuse(QueueFull(guard.name, guard.places.waiting))

    def _launch_in_turn(self) -> None:
        self._launch(self._guard.now())

    def _launch(self, now: float) -> None:
        """With a place taken."""
        guard = self._guard
        ticket = guard.breaker.admit()
        if ticket is None:
            guard.places.free()
            self._refuse(CircuitOpen(guard.name))
            return
        self._ticket, self._sent_at = ticket, now
        if not self._retries:
            guard.retrying.first_try()
        guard.counts.sent += 1
        passed = self._forwarded
        if (name := guard.settings.deadline_header) is not None:
            # Of this try: what is left of the time.
            passed = (*passed, (name, str(max(1, int((self._until - now) * 1000)))))
        try:
            self._carried = self._carrier.carry(self._request, passed, self)
        except SubgraphFailed as failure:
            # Not at once: who is starting this has not got its future yet.
            self._loop.call_soon(self.failed, failure)

    # What became of one try; said by whoever carried it.

    def answered(self, answer: WireAnswer, headers: AnswerHeaders) -> None:
        guard, status = self._guard, answer.status
        now = guard.now()
        self._carried, self._heard = None, headers
        if guard.figures is not None:
            if status < 500:
                guard.figures.answered(now - self._sent_at)
            else:
                guard.figures.ended("http_error", now - self._sent_at)
        guard.breaker.record(self._ticket, status < 500, now)
        guard.places.free()
        if self._consumers and not (status in RETRIED_STATUSES and self._sends_again()):
            self._settle(answer, None)

    def failed(self, failure: BaseException) -> None:
        guard, now = self._guard, self._guard.now()
        self._carried, self._heard = None, NO_HEADERS
        if guard.figures is not None:
            guard.figures.ended(outcome_of(None, failure), now - self._sent_at)
        guard.breaker.record(self._ticket, not isinstance(failure, TimedOut | Unreachable), now)
        guard.places.free()
        if self._consumers and not (isinstance(failure, Unreachable) and self._sends_again()):
            self._settle(None, failure)

    def _given_up(self) -> None:
        """Nobody waits any more, and the request has been ended upstream."""
        guard, now = self._guard, self._guard.now()
        self._carried = None
        if guard.figures is not None:
            guard.figures.ended("timeout" if self._ran_out else "cancelled", now - self._sent_at)
        # Given up for want of time, though the subgraph had half of what it may ever take.
        was_slow = self._ran_out and now - self._sent_at >= guard.slow_s
        guard.breaker.record(self._ticket, False if was_slow else None, now)
        guard.places.free()
        if self._request.kind == "mutation":
            guard.operations.writes += 1

    def _sends_again(self) -> bool:
        guard = self._guard
        if self._request.kind != "query" or guard.breaker.is_open:
            return False
        wait_s = guard.retrying.wait_before(self._retries + 1, self._heard)
        if wait_s is None or guard.now() + wait_s >= self._until:
            return False
        self._retries += 1
        guard.counts.retried += 1
        self._bound()
        self._loop.call_later(wait_s, self._try_again)
        return True

    def _try_again(self) -> None:
        if self._consumers:
            self.start(self._guard.now())

    def _bound(self) -> None:
        """The client's own time limit is for one try; waiting counts as well."""
        if self._timer is None:
            self._timer = self._loop.call_later(max(0.0, self._until - self._guard.now()), self._all_run_out)

    def _all_run_out(self) -> None:
        for consumer in tuple(self._consumers):
            self._run_out(consumer, self._guard.timeout_s)

    def _run_out(self, consumer: Consumer, given_s: float) -> None:
        if not consumer.done():
            self._ran_out = True
            consumer.set_exception(TimedOut(self._guard.name, given_s))
            self.leave(consumer)

    def _refuse(self, failure: SubgraphFailed) -> None:
        self._guard.counts.refused += 1
        if self._guard.figures is not None:
            self._guard.figures.refused(outcome_of(None, failure))
        self._settle(None, failure)

    def _settle(self, answer: WireAnswer | None, failure: BaseException | None) -> None:
        if self._key is not None or self._timer is not None:
            self._forget()
        consumers, self._consumers = self._consumers, []
        if self._request.kind == "mutation":
            self._guard.operations.writes += 1
        if len(consumers) > 1 and self._is_personal():
            for consumer in consumers[1:]:
                self._send_apart(consumer)
            consumers = consumers[:1]
        for consumer in consumers:
            if consumer.timer is not None:
                consumer.timer.cancel()
            if consumer.done():
                continue
            if consumer.headers is not None and answer is not None:
                consumer.headers.from_subgraph(self._guard.name, self._heard)
            if answer is not None:
                consumer.set_result(answer)
            elif failure is not None:
                consumer.set_exception(failure)

    def _is_personal(self) -> bool:
        """A cookie set for nobody in particular makes somebody of them: no two may get the same."""
        known = self._request.caller_token is not None or (self._key is not None and self._key[3] is not None)
        return not known and any(name.lower() == "set-cookie" for name, _ in self._heard)

    def _send_apart(self, consumer: Consumer) -> None:
        """Their own request after all, in the time that is left."""
        request, until = self._request, self._guard.now() + self._guard.timeout_s
        flight = Flight(self._guard, self._carrier, request, self._forwarded, None, until, False, self._loop)
        consumer.flight = flight
        flight._consumers.append(consumer)
        if consumer.timer is not None:
            left = consumer.timer.when() - self._loop.time()
            consumer.timer.cancel()
            consumer.timer = self._loop.call_later(max(0.0, left), flight._run_out, consumer, left)
        flight.start(self._guard.now())

    def _forget(self) -> None:
        if self._key is not None and self._guard.flights.get(self._key) is self:
            del self._guard.flights[self._key]
        if self._timer is not None:
            self._timer.cancel()


def expired(name: SubgraphName, loop: asyncio.AbstractEventLoop) -> asyncio.Future[WireAnswer]:
    """For an operation whose time is over."""
    future: asyncio.Future[WireAnswer] = loop.create_future()
    future.set_exception(TimedOut(name, 0.0))
    return future
