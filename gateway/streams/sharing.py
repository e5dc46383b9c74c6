"""Every live subscription of a gateway: finds or opens its upstream, and counts.

In: a request that may run, who asks, and how a stream of it is opened. Out: its events. Refuses (`rate_asked`) a rate
that cannot be kept.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from gateway.execution.caller import Caller
from gateway.execution.response import Response
from gateway.pipeline import Ready
from gateway.settings import DeliverySettings
from gateway.streams.clock import Clock
from gateway.streams.counters import Counters
from gateway.streams.errors import GatewayLeaves, RateRefused
from gateway.streams.identity import StreamKey, stream_key
from gateway.streams.outbox import Room
from gateway.streams.selection import Delivered
from gateway.streams.source import Source
from gateway.streams.upstream import Upstream
from gateway.supergraph.model import Mode

Open = Callable[[Ready, Caller], Source]
# Once an hour: an alarm that is set for longer may not be what an event loop can count.
_SLOWEST = 1 / 3600


class Streams:
    def __init__(self, settings: DeliverySettings, clock: Clock | None = None) -> None:
        """`clock`: the event loop's where none is given."""
        self.counters = Counters()
        self._settings = settings
        self._clock = clock
        self._shared: dict[StreamKey, Upstream] = {}
        self._open: set[Upstream] = set()
        self._ending = False
        self._closing: set[asyncio.Task[None]] = set()

    async def events(self, ready: Ready, caller: Caller, open_source: Open) -> AsyncGenerator[Response, None]:
        """Raises `SubscriptionFailed` with what the stream ended with, `GatewayLeaves` after `end`."""
        if self._ending:
            raise GatewayLeaves
        rate = rate_asked(ready)
        upstream = self._upstream(ready, caller, open_source)
        member = upstream.join(caller, rate)
        self.counters.subscriptions += 1
        try:
            async with aclosing(member.events()) as events:
                async for event in events:
                    yield event.response
        finally:
            self.counters.subscriptions -= 1
            upstream.leave(member)

    def end(self) -> None:
        """Every stream ends, and none begins any more."""
        self._ending = True
        for upstream in list(self._open):
            upstream.dismiss(GatewayLeaves())

    async def close(self) -> None:
        """End every upstream."""
        self.end()
        for upstream in list(self._open):
            self._ended(upstream)
        while self._closing:
            await asyncio.wait(self._closing)

    def _upstream(self, ready: Ready, caller: Caller, open_source: Open) -> Upstream:
        key = stream_key(ready, caller) if self._settings.shares else None
        found = None if key is None else self._shared.get(key)
        if found is not None and found.takes(ready):
            return found
        room = Room(self._settings.max_waiting, self._settings.max_waiting_bytes)
        clock = self._clock or asyncio.get_running_loop()
        source = open_source(ready, caller)
        upstream = Upstream(source, room, self._settings.patience_s, clock, self.counters, self._ended)
        self._open.add(upstream)
        self.counters.upstreams += 1
        if key is not None:
            self._shared[key] = upstream
        return upstream

    def _ended(self, upstream: Upstream) -> None:
        if upstream not in self._open:
            return
        self._open.remove(upstream)
        self.counters.upstreams -= 1
        for key in [key for key, each in self._shared.items() if each is upstream]:
            del self._shared[key]
        closing = asyncio.create_task(upstream.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def rate_asked(ready: Ready) -> float | None:
    """How many events a second of one key this reader gets at most: the field's rate, or a lower one of its own."""
    rule = ready.delivered.rule
    wish = _wish(ready.request.extensions, ready.delivered)
    given = [rate for rate in (rule.max_rate, wish) if rate is not None]
    return min(given) if given else None


def _wish(extensions: Mapping[str, object] | None, delivered: Delivered) -> float | None:
    asked = (extensions or {}).get("delivery")
    rate = asked.get("maxRate") if isinstance(asked, dict) else None
    if rate is None:
        return None
    if delivered.rule.mode is not Mode.LATEST:
        raise RateRefused("`extensions.delivery.maxRate` is for fields that deliver the LATEST event.")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not (math.isfinite(rate) and rate > 0):
        raise RateRefused("`extensions.delivery.maxRate` is a positive number of events a second.")
    return max(float(rate), _SLOWEST)
