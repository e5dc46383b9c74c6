"""Results as server-sent events, in the two modes of the GraphQL over SSE protocol.

Distinct connections: one operation, one stream; `next` carries a result, `complete` ends it. Single connection: one
stream for all operations of a client, each result with its operation's id. Comments are the signs of life.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable

import msgspec

from gateway.errors import ErrorCode
from gateway.execution.pieces import Piece
from gateway.execution.response import Response
from gateway.http.ending import ended
from gateway.http.reading import BadRequest
from gateway.streams.errors import GatewayLeaves

MEDIA_TYPE = "text/event-stream"
TOKEN_HEADER = "x-graphql-event-stream-token"  # noqa: S105 - the header's name, no secret
COMPLETE = b"event: complete\ndata: \n\n"
BEAT = b":\n\n"
_encoder = msgspec.json.Encoder()
_UNCLAIMED_S = 30.0


def next_event(response: Response | Piece) -> bytes:
    return b"event: next\ndata: " + response.as_bytes() + b"\n\n"


async def events_of(results: AsyncGenerator[Response | Piece | None, None]) -> AsyncGenerator[bytes, None]:
    """One operation's own stream."""
    try:
        # A first sign at once: the client learns that the stream stands.
        yield BEAT
        async for result in results:
            yield BEAT if result is None else next_event(result)
        yield COMPLETE
    except GatewayLeaves:
        # Without `complete`: the client connects again, as it does when a connection breaks.
        return
    finally:
        await results.aclose()


class SharedStream:
    """One client's stream for all its operations. One event waits at most: a slow reader slows them all."""

    def __init__(self, owner: str | None, now: Callable[[], float], counted_as: str = "") -> None:
        self.owner, self.counted_as = owner, counted_as
        self.opened = False
        self.made_at = now()
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, name: str, results: AsyncGenerator[Response | Piece | None, None]) -> None:
        if name in self._running:
            raise BadRequest(f"An operation with the id {name:.60} is running.", 409, ErrorCode.CONFLICT)
        self._running[name] = asyncio.create_task(self._run(name, results))

    def stop(self, name: str) -> None:
        """End one operation; one that is unknown has ended already."""
        if running := self._running.pop(name, None):
            self._end(running)

    def stop_all(self) -> None:
        for name in list(self._running):
            self.stop(name)

    async def events(self, beat_s: float) -> AsyncGenerator[bytes, None]:
        """What the one connection reads."""
        self.opened = True
        yield BEAT
        while True:
            try:
                async with asyncio.timeout(beat_s):
                    event = await self._events.get()
            except TimeoutError:
                event = BEAT
            if event is None:
                return
            yield event

    def end(self) -> None:
        """The connection ends, and its operations with it; the client connects again."""
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def close(self) -> None:
        self.stop_all()
        await asyncio.gather(*self._ending)

    def _end(self, running: asyncio.Task[None]) -> None:
        ending = asyncio.create_task(ended(running))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _run(self, name: str, results: AsyncGenerator[Response | Piece | None, None]) -> None:
        try:
            async for result in results:
                if result is not None:
                    body = _encoder.encode({"id": name, "payload": msgspec.Raw(result.as_bytes())})
                    await self._events.put(b"event: next\ndata: " + body + b"\n\n")
            await self._events.put(b"event: complete\ndata: " + _encoder.encode({"id": name}) + b"\n\n")
        except GatewayLeaves:
            return
        finally:
            await results.aclose()
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]


class SharedStreams:
    """The reserved streams of this process, by token. A reservation that nobody claims is forgotten after a while."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._streams: dict[str, SharedStream] = {}

    def reserve(self, owner: str | None, counted_as: str = "") -> str:
        """owner: who alone may use it; None: whoever has its token."""
        self._forget_unclaimed()
        if len(self._streams) >= self._most:
            raise BadRequest("Too many streams are open; try again later.", 503, ErrorCode.RATE_LIMITED)
        token = secrets.token_urlsafe(24)
        self._streams[token] = SharedStream(owner, self._now, counted_as)
        return token

    def held_by(self, counted_as: str) -> int:
        """How many streams the caller has reserved or opened."""
        self._forget_unclaimed()
        return sum(1 for each in self._streams.values() if each.counted_as == counted_as)

    def stream(self, token: str, owner: str | None) -> SharedStream:
        """The caller's own stream; somebody else's is as unknown as one that never was."""
        self._forget_unclaimed()
        found = self._streams.get(token)
        if found is None or found.owner != owner:
            raise BadRequest("There is no such stream: reserve one with PUT.", 404, ErrorCode.NOT_FOUND)
        return found

    def ticket(self, token: str) -> SharedStream:
        """The stream that this token opens, whoever shows it."""
        return self.stream(token, self._streams[token].owner if token in self._streams else None)

    async def read(self, token: str, beat_s: float) -> AsyncGenerator[bytes, None]:
        """The reserved stream; all its operations end with it."""
        stream = self.ticket(token)
        events = stream.events(beat_s)
        try:
            async for event in events:
                yield event
        finally:
            self._drop(token)
            await events.aclose()
            await stream.close()

    def end(self) -> None:
        """All of them."""
        for stream in self._streams.values():
            stream.end()

    def _forget_unclaimed(self) -> None:
        too_old = self._now() - _UNCLAIMED_S
        for token, stream in list(self._streams.items()):
            if not stream.opened and stream.made_at < too_old:
                self._drop(token)

    def _drop(self, token: str) -> None:
        """Its place is free before its operations have ended: they may take a while."""
        if stream := self._streams.pop(token, None):
            stream.stop_all()
