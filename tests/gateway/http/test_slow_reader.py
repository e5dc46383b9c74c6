"""Clients that subscribe to a fast stream and do not read it: what they cost, and what is left when they are gone."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.app import build_app
from gateway.http.socket_protocol import SocketProtocol
from gateway.settings import DeliverySettings, Settings
from gateway.streams.counters import Counters
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named

EVENT_BYTES = 100_000


class Fast:
    """A hosted subgraph with streams that never end by themselves: how much each has given, and which are open."""

    def __init__(self) -> None:
        self.given: list[int] = []
        self.open: set[int] = set()

    async def execute(self, *_: object) -> dict[str, object]:
        return {"data": {"_entities": []}}

    async def subscribe(self, *_: object) -> AsyncIterator[dict[str, object]]:
        number = len(self.given)
        self.given.append(0)
        self.open.add(number)
        review = {"__typename": "Review", "id": "r1", "text": "x" * EVENT_BYTES}
        try:
            while True:
                self.given[number] += 1
                yield {"data": {"reviewed": review}}
                await asyncio.sleep(0)
        finally:
            self.open.remove(number)


class Serving:
    """The gateway's side: its address, the stream behind it, its connections, and what it counts."""

    def __init__(self, url: str, fast: Fast, connections: list[SocketProtocol], counters: Counters) -> None:
        self.url, self.fast, self.connections, self.counters = url, fast, connections, counters

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[ClientConnection]:
        """A client with small buffers, which asks for the stream. It reads no more than its owner does."""
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        host, _, port = self.url.removeprefix("http://").partition(":")
        narrow.connect((host, int(port)))
        client = await connect(
            self.url.replace("http", "ws") + "/graphql",
            sock=narrow,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            max_queue=1,
            ping_interval=None,
            compression=None,
        )
        try:
            await client.send('{"type": "connection_init"}')
            assert json.loads(await client.recv()) == {"type": "connection_ack"}
            query = {"query": "subscription { reviewed { text } }"}
            await client.send(json.dumps({"id": "1", "type": "subscribe", "payload": query}))
            yield client
        finally:
            client.transport.abort()

    async def stalled(self) -> None:
        """Wait until the first stream gives nothing more."""

        def given() -> int:
            return self.fast.given[0] if self.fast.given else 0

        before = -1
        async with asyncio.timeout(10):
            while not given() or given() != before:
                before = given()
                await asyncio.sleep(0.2)


@asynccontextmanager
async def serving(delivery: DeliverySettings | None = None, **options: Any) -> AsyncIterator[Serving]:
    connections: list[SocketProtocol] = []

    class Seen(SocketProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connections.append(self)
            super().connection_made(transport)

    suite, fast = suite_named("shop"), Fast()
    app = build_app(
        Settings(delivery=delivery or DeliverySettings()), suite.supergraph, {**suite.subgraphs, "reviews": fast}
    )  # type: ignore[arg-type]
    async with served(app, ws=Seen, **options) as url:
        yield Serving(url, fast, connections, app.state.gateway.pipeline.streams.counters)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_reader_that_does_not_read_slows_its_own_stream_only() -> None:
    patient = DeliverySettings(shares=False, patience_s=60)
    async with serving(patient) as gateway, gateway.subscribed():
        await gateway.stalled()
        given, buffered = gateway.fast.given[0], gateway.connections[0].transport.get_write_buffer_size()
        async with gateway.subscribed() as other:
            for _ in range(300):
                assert json.loads(await other.recv())["type"] == "next"
        # What the kernel's two buffers hold, what may wait, one event in the gateway's own and one on its way.
        assert gateway.fast.given[0] == given < 200
        assert buffered < 2 * EVENT_BYTES


async def test_a_reader_that_does_not_read_is_taken_out_of_a_stream_that_others_read() -> None:
    async with serving() as gateway, gateway.subscribed():
        await gateway.stalled()
        async with gateway.subscribed() as other:
            for _ in range(300):
                assert json.loads(await other.recv())["type"] == "next"
            assert len(gateway.fast.given) == 1
            assert (gateway.counters.slow_consumers, gateway.counters.upstreams) == (1, 1)


async def test_a_slow_reader_that_is_cut_off_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as gateway:
        before = asyncio.all_tasks()
        async with gateway.subscribed():
            await gateway.stalled()
        await until(lambda: not gateway.fast.open and asyncio.all_tasks() == before)
        assert gateway.connections[0].disconnected
    assert caplog.messages == []


async def test_a_goodbye_that_never_reads_its_answer_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as gateway, gateway.subscribed() as client:
        await gateway.stalled()
        say_goodbye(client)
        await until(lambda: not gateway.fast.open)
        await until(lambda: gateway.connections[0].disconnected)
    assert caplog.messages == []


async def test_the_gateway_stops_cleanly_beside_a_goodbye_that_never_reads(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as gateway, gateway.subscribed() as client:
        await gateway.stalled()
        say_goodbye(client)
        await until(lambda: not gateway.fast.open)
        await connections_shut_down(gateway)
    assert caplog.messages == []


async def test_a_slow_reader_that_breaks_the_protocol_is_stopped() -> None:
    async with serving() as gateway, gateway.subscribed() as client:
        await gateway.stalled()
        await client.send('{"type": "what"}')
        await until(lambda: not gateway.fast.open)
        await until(lambda: gateway.connections[0].disconnected)


async def test_a_client_that_answers_no_ping_is_cut_off() -> None:
    async with serving(ws_ping_interval=0.2, ws_ping_timeout=0.2) as gateway, gateway.subscribed():
        await until(lambda: bool(gateway.fast.open))
        await until(lambda: not gateway.fast.open)
        await until(lambda: gateway.connections[0].disconnected)


async def test_pings_of_a_client_that_does_not_read_do_not_pile_up() -> None:
    async with serving() as gateway, gateway.subscribed() as client:
        await gateway.stalled()
        transport = gateway.connections[0].transport
        before = transport.get_write_buffer_size()
        for number in range(20_000):
            client.protocol.send_ping(f"{number:0100}".encode())
            client.transport.write(b"".join(client.protocol.data_to_send()))
        await until(lambda: client.transport.get_write_buffer_size() == 0)
        await asyncio.sleep(0.2)
        assert transport.get_write_buffer_size() == before


def say_goodbye(client: ClientConnection) -> None:
    client.protocol.send_close(1000)
    client.transport.write(b"".join(client.protocol.data_to_send()))


async def connections_shut_down(gateway: Serving) -> None:
    for connection in gateway.connections:
        connection.shutdown()
    await until(lambda: all(connection.disconnected for connection in gateway.connections))
