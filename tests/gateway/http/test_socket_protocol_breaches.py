"""What a hostile or careless client says on a WebSocket, and how the gateway ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.app import build_app
from gateway.settings import Settings, WebSocketSettings
from tests.federation.harness.serving import served
from tests.gateway.http.test_websocket import TICKS, close_code, connected, heard, introduced, say, ticking_gateway
from tests.gateway.streams.factory import SUPERGRAPH, Machines, Names

LONG = "\U0001f600" * 60


def subscribe(name: str) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": TICKS}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [([subscribe(LONG), subscribe(LONG)], 4409), ([{"type": LONG}], 4400)],
)
async def test_a_reason_that_is_too_long_for_a_frame_is_cut(messages: list[Any], code: int) -> None:
    async with ticking_gateway() as (url, _), introduced(url) as socket:
        for message in messages:
            await say(socket, message)
        assert await close_code(socket) == code
        assert socket.close_reason


async def test_a_client_that_only_pings_is_sent_away() -> None:
    async with ticking_gateway(WebSocketSettings(init_timeout_s=0.3)) as (url, _), connected(url) as socket:
        async with asyncio.timeout(2):
            with suppress(ConnectionClosed):
                while True:
                    await say(socket, {"type": "ping"})
                    await heard(socket)
                    await asyncio.sleep(0.01)
        assert socket.close_code == 4408


async def test_a_pong_may_come_at_any_time() -> None:
    async with ticking_gateway() as (url, _), connected(url) as socket:
        await say(socket, {"type": "pong"})
        await say(socket, {"type": "connection_init"})
        assert await heard(socket) == {"type": "connection_ack"}


async def test_an_id_is_short() -> None:
    async with ticking_gateway() as (url, _), introduced(url) as socket:
        await say(socket, subscribe("i" * 256))
        assert (await heard(socket))["type"] == "next"
        await say(socket, subscribe("i" * 257))
        async with asyncio.timeout(3):
            assert await close_code(socket) == 4400


class Deep(Machines):
    """Its event has a key that nests too deeply to be written down: RecursionError, which is a RuntimeError."""

    async def subscribe(self, *_: Any) -> AsyncIterator[Any]:
        key: list[Any] = []
        for _level in range(100_000):
            key = [key]
        yield {"data": {"poses": {"machine": {"id": key}, "x": 1.0}}}


async def test_a_runtime_error_is_told_and_not_taken_for_a_socket_that_closed() -> None:
    hosted: Any = {"machines": Deep(), "names": Names()}
    async with served(build_app(Settings(), SUPERGRAPH, hosted)) as url, introduced(url) as socket:
        await say(socket, {"id": "1", "type": "subscribe", "payload": {"query": "subscription { poses { x } }"}})
        message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
