"""One stream of a subgraph and the members that read it.

In: a `Source` (a subgraph's answers, and what each becomes), members. Out: each event, made and encoded once, offered
to every member. The task lives from the first member to the last, or to the stream's own end; then every member gets
what waits for it and that end.

A member for whom there is no room is taken out with SLOW_CONSUMER. Only where it is alone is there a wait first, since
then nobody waits with it: so a long catch-up goes as fast as its reader reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec
from msgspec import Struct

from gateway.client.protocol import SubgraphAnswer
from gateway.errors import ErrorCode
from gateway.execution.caller import Caller
from gateway.execution.response import Encoded, ResponseError, SubscriptionFailed
from gateway.pipeline import Ready
from gateway.plan.nodes import Subscribe
from gateway.streams.clock import Bell, Clock
from gateway.streams.counters import Counters
from gateway.streams.outbox import Latest, Ordered, Outbox, Room
from gateway.streams.source import Source
from gateway.supergraph.model import Mode


class Event(Struct, frozen=True):
    """One event as every member gets it."""

    key: bytes
    cursor: object
    response: Encoded

    @property
    def size(self) -> int:
        return len(self.response.body)


class _Answer(Struct, frozen=True):
    """An event as the subgraph gave it, on its way to the rest of the plan."""

    key: bytes
    given: SubgraphAnswer
    size: int = 0


class Member:
    """One reader. `cursor`: of the last event that went out to it, or the one that it resumed from."""

    def __init__(self, caller: Caller, outbox: Outbox[Event], cursor: object, counters: Counters) -> None:
        self.caller = caller
        self.outbox = outbox
        self._cursor = cursor
        self._counters = counters
        self._failure: Exception | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Raises what the stream ended with, with the cursor to go on from."""
        while (event := await self.outbox.take()) is not None:
            yield event
            self._counters.delivered += 1
            if event.cursor is not None:
                self._cursor = event.cursor
        if isinstance(self._failure, SubscriptionFailed):
            raise SubscriptionFailed(self._with_cursor(self._failure.error)) from self._failure
        if self._failure is not None:
            raise self._failure

    def end(self, failure: Exception | None) -> None:
        self._failure = failure
        self.outbox.end()

    def cut(self) -> None:
        """It does not keep up: what waits is let go."""
        self._counters.dropped += self.outbox.clear() + 1
        self._counters.slow_consumers += 1
        self.end(SubscriptionFailed(_too_slow(self.caller)))

    def _with_cursor(self, error: ResponseError) -> ResponseError:
        if self._cursor is None:
            return error
        return msgspec.structs.replace(error, extensions=(*error.extensions, ("cursor", self._cursor)))


class Upstream:
    """`on_end` is called once, when no more events will come from here."""

    def __init__(
        self,
        source: Source,
        room: Room,
        patience_s: float,
        clock: Clock,
        counters: Counters,
        on_end: Callable[[Upstream], None],
    ) -> None:
        self._source = source
        self._room = room
        self._patience_s = patience_s
        self._clock = clock
        self._counters = counters
        self._on_end = on_end
        self._delivered = source.ready.delivered
        self._is_latest = self._delivered.rule.mode is Mode.LATEST
        # Somebody came or went, or has taken an event.
        self._moved = Bell(clock)
        self._members: list[Member] = []
        self._newest: dict[bytes, Event] = {}
        self._newest_size = 0
        self._begun = False
        self._task: asyncio.Task[None] | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(self._members)

    def takes(self, ready: Ready) -> bool:
        """Whether one who asks the same now would miss nothing that it asks for."""
        if self._source.ready.pipeline is not ready.pipeline:
            return False
        return not self._begun or self._delivered.resumed_from(ready.variables) is None

    def join(self, caller: Caller, rate: float | None) -> Member:
        outbox: Outbox[Event]
        if self._is_latest:
            outbox = Latest(self._room, self._clock, self._counters, rate, self._moved)
        else:
            outbox = Ordered(self._room, self._clock, self._moved)
        for event in self._newest.values():
            outbox.offer(event)
        resumed_from = self._delivered.resumed_from(self._source.ready.variables)
        member = Member(caller, outbox, resumed_from, self._counters)
        self._members.append(member)
        self._source.callers.add(caller)
        self._moved.ring()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return member

    def leave(self, member: Member) -> None:
        """Take it out; with the last one the stream upstream is closed."""
        if member not in self._members:
            return
        self._members.remove(member)
        self._source.callers.remove(member.caller)
        self._moved.ring()
        if not self._members:
            self._on_end(self)

    def dismiss(self, reason: Exception) -> None:
        """Take every member out; each still gets what waits for it."""
        for member in self.members:
            self.leave(member)
            member.end(reason)

    async def close(self) -> None:
        """Cancel until it is over: a library under a stream may lose one cancellation, and it would go on for good."""
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)

    async def _run(self) -> None:
        failure: Exception | None = None
        try:
            async with aclosing(self._answers()) as answers:
                async for answer in answers:
                    self._begun = True
                    await self._give(await self._event(answer))
                    if not self._members:
                        return
        except Exception as problem:
            # Whatever it was, it is each member's own to tell: their faces know how.
            failure = problem
        finally:
            for member in self.members:
                member.end(failure)
            self._on_end(self)

    async def _event(self, answer: SubgraphAnswer) -> Event:
        # Read before it is made into a response: execution owns the answer, and changes it.
        key, cursor = self._delivered.key_in(answer.data), self._delivered.cursor_in(answer.data)
        response = await self._source.event(answer)
        event = Event(key, cursor, Encoded(body=response.as_bytes()))
        self._counters.events += 1
        if self._is_latest and all(error.code is ErrorCode.UNAUTHORIZED_FIELD_OR_TYPE for error in response.errors):
            self._keep(event)
        return event

    async def _give(self, event: Event) -> None:
        for member in self.members:
            if not await self._found_room(member, event):
                member.cut()
                self.leave(member)

    async def _found_room(self, member: Member, event: Event) -> bool:
        until = self._clock.time() + self._patience_s
        while member in self._members and not member.outbox.offer(event):
            if len(self._members) > 1 or self._clock.time() >= until:
                return False
            await self._moved.wait(until)
        return True

    def _keep(self, event: Event) -> None:
        """For who joins later: the newest of each key, as many as may wait for one reader."""
        older = self._newest.pop(event.key, None)
        self._newest_size += event.size - (0 if older is None else older.size)
        self._newest[event.key] = event
        while not self._room.holds(len(self._newest), self._newest_size):
            oldest = self._newest.pop(next(iter(self._newest)))
            self._newest_size -= oldest.size

    async def _answers(self) -> AsyncGenerator[SubgraphAnswer, None]:
        node = self._source.ready.plan.node
        has_rest = isinstance(node, Subscribe) and node.rest is not None
        answers = self._newest_answers() if self._is_latest and has_rest else self._source.answers()
        async with aclosing(answers):
            async for answer in answers:
                yield answer

    async def _newest_answers(self) -> AsyncGenerator[SubgraphAnswer, None]:
        """While one event waits for other subgraphs, newer ones take the places of those behind it."""
        inbox: Latest[_Answer] = Latest(self._room, self._clock, self._counters)
        reading = asyncio.create_task(self._read_into(inbox))
        try:
            while (answer := await inbox.take()) is not None:
                yield answer.given
            await reading
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reading

    async def _read_into(self, inbox: Latest[_Answer]) -> None:
        try:
            async with aclosing(self._source.answers()) as answers:
                async for given in answers:
                    answer = _Answer(self._delivered.key_in(given.data), given)
                    while not inbox.offer(answer):
                        await inbox.taken.wait()
        finally:
            inbox.end()


def _too_slow(caller: Caller) -> ResponseError:
    return ResponseError(
        "Events came faster than they were read; subscribe again.",
        ErrorCode.SLOW_CONSUMER,
        extensions=(("traceId", caller.trace_id),),
    )
