"""graphql-transport-ws, spoken by a client of the `websockets` library over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.app import build_app
from gateway.settings import Settings, WebSocketSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import gateway_over_http, suite_named

TICKS = "subscription { reviewed { stars } }"
REVIEWED = "subscription { reviewed { stars author { name } } }"
FIRST = {"data": {"reviewed": {"stars": 5, "author": {"name": "Ada"}}}}
SECOND = {"data": {"reviewed": {"stars": 2, "author": {"name": "Ben"}}}}


class Ticking:
    """A hosted subgraph whose stream never ends by itself."""

    def __init__(self) -> None:
        self.given, self.closed = 0, asyncio.Event()

    async def execute(self, *_: object) -> dict[str, object]:
        return {"data": {"_entities": []}}

    async def subscribe(self, *_: object) -> AsyncIterator[dict[str, object]]:
        try:
            while True:
                self.given += 1
                yield {"data": {"reviewed": {"__typename": "Review", "id": "r1", "stars": self.given}}}
                await asyncio.sleep(0.001)
        finally:
            self.closed.set()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[ClientConnection]:
    address = url.replace("http", "ws") + "/graphql"
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None) as socket:
        yield socket


@asynccontextmanager
async def introduced(url: str) -> AsyncIterator[ClientConnection]:
    async with connected(url) as socket:
        await say(socket, {"type": "connection_init"})
        assert await heard(socket) == {"type": "connection_ack"}
        yield socket


async def say(socket: ClientConnection, message: Any) -> None:
    await socket.send(json.dumps(message))


async def ask(socket: ClientConnection, query: str, name: str = "1") -> None:
    await say(socket, {"id": name, "type": "subscribe", "payload": {"query": query}})


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def close_code(socket: ClientConnection) -> int | None:
    try:
        while True:
            await heard(socket)
    except ConnectionClosed:
        return socket.close_code


@asynccontextmanager
async def ticking_gateway(
    settings: WebSocketSettings | None = None, ticking: Ticking | None = None
) -> AsyncIterator[tuple[str, Ticking]]:
    suite, ticking = suite_named("shop"), ticking or Ticking()
    hosted = {**suite.subgraphs, "reviews": ticking}
    app = build_app(Settings(websocket=settings or WebSocketSettings()), suite.supergraph, hosted)  # type: ignore[arg-type]
    async with served(app) as url:
        yield url, ticking


async def test_events_come_with_fields_of_other_subgraphs_and_then_the_end() -> None:
    async with gateway_over_http(suite_named("shop")) as url, introduced(url) as socket:
        await ask(socket, REVIEWED)
        assert [await heard(socket) for _ in range(3)] == [
            {"id": "1", "type": "next", "payload": FIRST},
            {"id": "1", "type": "next", "payload": SECOND},
            {"id": "1", "type": "complete"},
        ]


async def test_queries_and_mutations_are_answered_once() -> None:
    async with gateway_over_http(suite_named("shop")) as url, introduced(url) as socket:
        await ask(socket, "{ me { name } }")
        assert await heard(socket) == {"id": "1", "type": "next", "payload": {"data": {"me": {"name": "Ada"}}}}
        assert await heard(socket) == {"id": "1", "type": "complete"}
        await ask(socket, 'mutation { rename(id: "p1", name: "x") { id } }')
        assert (await heard(socket))["payload"] == {"data": {"rename": {"id": "p1"}}}


async def test_an_operation_that_cannot_run_is_an_error_and_the_socket_goes_on() -> None:
    async with gateway_over_http(suite_named("shop")) as url, introduced(url) as socket:
        await ask(socket, "{ nobody }")
        message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "GRAPHQL_VALIDATION_FAILED")
        await say(socket, {"type": "ping"})
        assert (await heard(socket))["type"] == "pong"


async def test_complete_from_the_client_ends_the_stream_upstream() -> None:
    async with ticking_gateway() as (url, ticking), introduced(url) as socket:
        await ask(socket, "subscription { reviewed { stars } }")
        await heard(socket)
        await say(socket, {"id": "1", "type": "complete"})
        async with asyncio.timeout(2):
            await ticking.closed.wait()


async def test_a_client_that_is_gone_ends_the_stream_upstream() -> None:
    async with ticking_gateway() as (url, ticking):
        async with introduced(url) as socket:
            await ask(socket, "subscription { reviewed { stars } }")
            await heard(socket)
        async with asyncio.timeout(2):
            await ticking.closed.wait()


class Deaf(Ticking):
    """Its stream loses the first cancellation, as a library under it may."""

    async def subscribe(self, *_: object) -> AsyncIterator[dict[str, object]]:
        try:
            yield {"data": {"reviewed": {"__typename": "Review", "id": "r1", "stars": 1}}}
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            await asyncio.sleep(60)
        finally:
            self.closed.set()


@pytest.mark.parametrize("says_complete", [True, False])
async def test_a_stream_that_loses_a_cancellation_ends_all_the_same(says_complete: bool) -> None:
    async with ticking_gateway(ticking=Deaf()) as (url, deaf):
        async with introduced(url) as socket:
            await ask(socket, "subscription { reviewed { stars } }")
            await heard(socket)
            if says_complete:
                await say(socket, {"id": "1", "type": "complete"})
                async with asyncio.timeout(3):
                    await deaf.closed.wait()
        async with asyncio.timeout(3):
            await deaf.closed.wait()


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"id": "1", "type": "subscribe", "payload": {"query": "{ me { id } }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "what"}], 4400),
        ([{"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": {"query": 3}}], 4400),
        (["x"], 4400),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer forged"}}], 4403),
    ],
)
async def test_a_breach_of_the_protocol_closes_with_its_code(messages: list[Any], code: int) -> None:
    async with gateway_over_http(suite_named("shop")) as url, connected(url) as socket:
        for message in messages:
            await say(socket, message)
        assert await close_code(socket) == code


async def test_an_id_in_use_closes_the_socket() -> None:
    async with ticking_gateway() as (url, _), introduced(url) as socket:
        await ask(socket, "subscription { reviewed { stars } }")
        await ask(socket, "subscription { reviewed { stars } }")
        assert await close_code(socket) == 4409


async def test_a_client_that_says_nothing_is_sent_away() -> None:
    async with ticking_gateway(WebSocketSettings(init_timeout_s=0.05)) as (url, _), connected(url) as socket:
        assert await close_code(socket) == 4408


async def test_another_subprotocol_is_sent_away() -> None:
    async with (
        gateway_over_http(suite_named("shop")) as url,
        connect(url.replace("http", "ws") + "/graphql") as socket,
    ):
        assert await close_code(socket) == 4406


async def test_too_many_operations_on_one_socket_close_it() -> None:
    async with ticking_gateway(WebSocketSettings(max_operations=2)) as (url, _), introduced(url) as socket:
        for name in "abc":
            await ask(socket, "subscription { reviewed { stars } }", name)
        assert await close_code(socket) == 4429
