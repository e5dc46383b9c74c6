"""Subscriptions over server-sent events, against servers that keep to the protocol and servers that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.app import UnknownSubgraph, build_app
from gateway.client.errors import (
    AnswerMalformed,
    AnswerTooLarge,
    RefusedByStatus,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from gateway.client.event_source import EventReader
from gateway.client.http import HttpClient, Streaming
from gateway.client.protocol import SubgraphRequest
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName
from gateway.settings import Settings, SubgraphSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import gateway_app, suite_named
from tests.node import HERE, needs_peers

ASKED = SubgraphRequest("subscription { n }", {"a": 1}, "token")
SSE = "text/event-stream"
MOST_BYTES = 1000
Pieces = Sequence[bytes | float]


def head(status: str = "200 OK", content_type: str = SSE) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n".encode()


def event(number: int) -> bytes:
    return b'event: next\ndata: {"data": {"n": %d}}\n\n' % number


class Server:
    """Writes what it is told to, sleeping where a number stands; knows what it heard and whether the client left."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.heard: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(65536))
        try:
            for piece in self.pieces:
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.wait_for(reader.read(), piece)
                    self.left.set()
        except (TimeoutError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def subscribed(*pieces: bytes | float) -> AsyncIterator[tuple[HttpClient, Server]]:
    told = Server(pieces)
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/"
        yield HttpClient(SubgraphName("s"), url, session, 0.3, MOST_BYTES, Streaming("sse", 0.3)), told
    server.close()


async def numbers(client: HttpClient) -> list[Any]:
    return [(answer.data or {}).get("n") async for answer in client.stream(ASKED)]


async def test_events_come_until_the_end() -> None:
    async with subscribed(head(), b":\n\n", event(1), event(2), b"event: complete\ndata:\n\n") as (client, server):
        assert await numbers(client) == [1, 2]
    asked = server.heard[0]
    assert asked.startswith(b"POST / HTTP/1.1\r\n")
    assert b"Accept: text/event-stream\r\n" in asked
    assert b"Caller-Token: token\r\n" in asked
    assert asked.endswith(b'{"query":"subscription { n }","variables":{"a":1}}')


async def test_however_the_bytes_are_cut() -> None:
    whole = b'\xef\xbb\xbfevent:next\r\ndata: {\r\ndata:"data": {"n": 1}}\r\n\r\n: hello\r\n\r\nid: 7\rretry: 5\r\r'
    whole += event(2) + b"event: complete\r\r"
    for size in (1, 2, 3, 7, len(whole)):
        reader = EventReader("s", MOST_BYTES)
        cut = [whole[start : start + size] for start in range(0, len(whole), size)]
        found = [found for piece in cut for found in reader.events(piece)]
        assert [name for name, _ in found] == ["next", "next", "complete"]
        assert [json.loads(data)["data"]["n"] for name, data in found if name == "next"] == [1, 2]


async def test_comments_keep_a_quiet_stream_alive() -> None:
    beats = [piece for _ in range(4) for piece in (b": still here\n\n", 0.15)]

    class Patient(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(65536)
            for piece in self.pieces:
                if isinstance(piece, bytes):
                    writer.write(piece)
                else:
                    await asyncio.sleep(piece)
            writer.close()

    server = await asyncio.start_server(
        Patient([head(), *beats, event(1), b"event: complete\n\n"]).serve, "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/"
        client = HttpClient(SubgraphName("s"), url, session, 0.3, MOST_BYTES, Streaming("sse", 0.3))
        assert await numbers(client) == [1]
    server.close()


async def test_a_refusal_with_a_graphql_answer_is_that_answer() -> None:
    refusal = head("400 Bad Request", "application/json") + b'{"errors": [{"message": "no such field"}]}'
    async with subscribed(refusal) as (client, _):
        answers = [answer async for answer in client.stream(ASKED)]
    assert [error.message for answer in answers for error in answer.errors or ()] == ["no such field"]


@pytest.mark.parametrize(
    ("pieces", "failure", "said"),
    [
        ([b""], Unreachable, "cannot be reached"),
        ([5.0], TimedOut, "within 0.3 s"),
        ([head("503 Gone", "text/html"), b"<html>"], RefusedByStatus, "status 503"),
        ([head("302 Found\r\nLocation: http://127.0.0.1:1/")], RefusedByStatus, "status 302"),
        ([head("204 No Content")], RefusedByStatus, "status 204"),
        ([head(content_type="text/html"), b"<html>"], StreamBroken, "no event stream but 'text/html'"),
        ([head(content_type="application/json"), b'{"data": {"n": 1}}'], StreamBroken, "'application/json'"),
        ([head(content_type="application/json"), 5.0], StreamBroken, "'application/json'"),
        ([head(), event(1)], StreamBroken, "ended without `complete`"),
        ([head(), event(1), b"event: complete\n"], StreamBroken, "ended without `complete`"),
        ([head(), event(1), 5.0], StreamBroken, "nothing came for 0.3 s"),
        ([head(), b"event: next\ndata: {\n\n"], AnswerMalformed, "did not send a GraphQL answer"),
        ([head(), b"event: next\ndata: {}\n\n"], AnswerMalformed, "neither data nor errors"),
        ([head(), b"event: next\n\n"], AnswerMalformed, "did not send a GraphQL answer"),
        ([head(), b'data: {"data": {"n": 1}}\n\n'], StreamBroken, "unknown name 'message'"),
        ([head(), b"event: surprise\ndata: 1\n\n"], StreamBroken, "unknown name 'surprise'"),
        ([head(), b"event: next\ndata: " + b"x" * MOST_BYTES], AnswerTooLarge, "more than 1000"),
        ([head(), b"event: next\n" + b"data: 1234567\n" * 200], AnswerTooLarge, "more than 1000"),
        ([head(), b":" * 5000, 5.0], AnswerTooLarge, "more than 1000"),
        (
            [head(content_type=SSE + "\r\nTransfer-Encoding: chunked"), b"5\r\n:abc\n\r\n"],
            StreamBroken,
            "broke",
        ),
    ],
)
async def test_a_misdeed_is_a_typed_failure(pieces: Pieces, failure: type[SubgraphFailed], said: str) -> None:
    async with subscribed(*pieces) as (client, _):
        async with asyncio.timeout(3):
            with pytest.raises(failure, match=said):
                await numbers(client)


async def test_what_came_before_the_break_is_given() -> None:
    async with subscribed(head(), event(1), event(2)) as (client, _):
        answers = client.stream(ASKED)
        assert [(await anext(answers)).data, (await anext(answers)).data] == [{"n": 1}, {"n": 2}]
        with pytest.raises(StreamBroken):
            await anext(answers)


async def test_nobody_asks_twice() -> None:
    async with subscribed(head(), b"retry: 1\n\n", event(1)) as (client, server):
        with pytest.raises(StreamBroken):
            await numbers(client)
        await asyncio.sleep(0.05)
        assert len(server.heard) == 1


async def test_who_leaves_hangs_up() -> None:
    async with subscribed(head(), event(1), 5.0) as (client, server):
        async with aclosing(client.stream(ASKED)) as answers:  # type: ignore[type-var]
            async for answer in answers:
                assert answer.data == {"n": 1}
                break
        await asyncio.wait_for(server.left.wait(), 1)


async def test_a_slow_reader_slows_the_subgraph() -> None:
    many = b"".join(event(1) * 1000 for _ in range(1000))
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.read(65536)
        writer.write(head())
        for start in range(0, len(many), 65536):
            writer.write(many[start : start + 65536])
            await writer.drain()
            sent = start
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/"
        client = HttpClient(SubgraphName("s"), url, session, 1, MOST_BYTES, Streaming("sse", 1))
        async with aclosing(client.stream(ASKED)) as answers:  # type: ignore[type-var]
            async for _ in answers:
                await asyncio.sleep(0.3)
                break
            assert sent < len(many) / 2
    server.close()


async def test_a_client_of_the_gateway_learns_that_the_stream_broke() -> None:
    suite = suite_named("subscriptions")
    told = Server([head(), b'event: next\ndata: {"data": {"progress": {"percent": 5}}}\n\n'])
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    name = next(name for name, each in suite.subgraphs.items() if each.schema.subscription_type)
    subgraphs = SubgraphSettings(urls={name: url}, stream_protocols={name: "sse"})
    settings = Settings(development=True, subgraphs=subgraphs)
    async with (
        served(gateway_app(suite, "http://127.0.0.1:1", settings)) as gateway,
        aiohttp.ClientSession() as session,
    ):
        query = 'subscription { progress(id: "j") { percent } }'
        seen = []
        async with session.ws_connect(f"{gateway}/graphql", protocols=["graphql-transport-ws"]) as socket:
            await socket.send_json({"type": "connection_init"})
            await socket.receive_json()
            await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
            while (message := await socket.receive_json())["type"] == "next":
                seen.append(message["payload"]["data"])
        assert seen == [{"progress": {"percent": 5}}]
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "SUBGRAPH_UNAVAILABLE"
        assert "ended without `complete`" in message["payload"][0]["message"]
    server.close()


def test_a_protocol_for_a_subgraph_that_is_not_there_is_refused() -> None:
    settings = Settings(subgraphs=SubgraphSettings(stream_protocols={"nobody": "sse"}))
    with pytest.raises(UnknownSubgraph, match="nobody"):
        build_app(settings, suite_named("subscriptions").supergraph)


@needs_peers
async def test_the_graphql_sse_server_is_understood() -> None:
    process = await asyncio.create_subprocess_exec("node", str(HERE / "sse_server.mjs"), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{int(await process.stdout.readline())}/"
            client = HttpClient(SubgraphName("s"), url, session, 5, 100_000, Streaming("sse", 5))
            query = "subscription ($to: Int!) { count(to: $to) }"
            three = [answer.data async for answer in client.stream(SubgraphRequest(query, {"to": 3}))]
            assert three == [{"count": 1}, {"count": 2}, {"count": 3}]
            refused = [answer async for answer in client.stream(SubgraphRequest("subscription { nobody }", {}))]
            assert [bool(answer.errors) for answer in refused] == [True]
            # Endless, as far as this test goes; it ends there when the iterator is closed here.
            assert await process.stdout.readline() == b"ended\n"
            answers = client.stream(SubgraphRequest(query, {"to": 100_000_000}))
            assert (await anext(answers)).data == {"count": 1}
            await answers.aclose()  # type: ignore[attr-defined]
            assert await process.stdout.readline() == b"ended\n"
    finally:
        process.kill()
        await process.wait()
