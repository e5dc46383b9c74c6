"""Subscribers over graphql-transport-ws: those who read as fast as they can, and one who does not read at all.

In: an address and a query whose events carry `at`. Out: how many events came, and how old each was.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol


class _Pose(msgspec.Struct):
    at: float


class _Payload(msgspec.Struct):
    data: dict[str, _Pose] | None = None
    errors: list[dict[str, Any]] | None = None


class _Message(msgspec.Struct):
    type: str
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Message)


class Heard(NamedTuple):
    """What the readers of one run heard in so many seconds; ages in seconds, sorted."""

    ages_s: tuple[float, ...]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.ages_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        if not self.ages_s:
            return float("inf")
        return self.ages_s[min(len(self.ages_s) - 1, int(share * len(self.ages_s)))] * 1000


class Readers:
    """Sockets that were opened and subscribed; everything they hear while `measured` runs is counted."""

    def __init__(self, sockets: list[aiohttp.ClientWebSocketResponse]) -> None:
        self._ages: list[float] = []
        self._reading = [asyncio.create_task(self._read(each)) for each in sockets]

    async def measured(self, seconds: float) -> Heard:
        self._ages = []
        began = time.monotonic()
        await asyncio.sleep(seconds)
        ages, took = self._ages, time.monotonic() - began
        for reading in self._reading:
            if reading.done():
                reading.result()
        return Heard(tuple(sorted(ages)), took)

    async def close(self) -> None:
        for reading in self._reading:
            reading.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _read(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        async for received in opened:
            message = _decoder.decode(received.data)
            if message.type == "ping":
                await opened.send_str('{"type":"pong"}')
                continue
            if message.type != "next" or message.payload is None or message.payload.data is None:
                raise RuntimeError(f"a stream ended early: {received.data:.300}")
            (pose,) = message.payload.data.values()
            self._ages.append(time.monotonic() - pose.at)
        raise RuntimeError(f"a socket was closed with {opened.close_code}")


@asynccontextmanager
async def reading(url: str, query: str, readers: int) -> AsyncIterator[Readers]:
    """So many subscribers, each on a socket of its own."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sockets = []
        for _ in range(readers):
            opening = session.ws_connect(url, protocols=["graphql-transport-ws"], max_msg_size=0, compress=0)
            opened = await stack.enter_async_context(opening)
            await opened.send_str('{"type":"connection_init"}')
            assert (await opened.receive_json())["type"] == "connection_ack"
            await opened.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
            sockets.append(opened)
        found = Readers(sockets)
        try:
            yield found
        finally:
            await found.close()


@asynccontextmanager
async def not_reading(url: str, query: str) -> AsyncIterator[None]:
    """A subscriber with small buffers that subscribes and then does not read."""
    narrow, where = socket.socket(), urlsplit(url)
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    narrow.connect((where.hostname, where.port))
    protocols = [Subprotocol("graphql-transport-ws")]
    client = await connect(
        url, sock=narrow, subprotocols=protocols, max_queue=1, max_size=None, ping_interval=None, compression=None
    )
    try:
        await client.send('{"type":"connection_init"}')
        await client.recv()
        await client.send(msgspec.json.encode({"id": "1", "type": "subscribe", "payload": {"query": query}}).decode())
        yield
    finally:
        client.transport.abort()
