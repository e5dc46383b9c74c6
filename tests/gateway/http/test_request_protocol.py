"""Clients that send or read slowly, or too much, by real sockets: each kept its connection for as long as it liked."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.app import build_app
from gateway.http.request_protocol import request_protocol
from gateway.settings import HttpSettings, Settings
from gateway.traffic_settings import SheddingSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named
from tests.gateway.http.keys import ANSWERED, ASKED
from tests.gateway.http.test_serving import serving

BODY = json.dumps(ASKED).encode()
HEAD = b"POST /graphql HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WHOLE = HEAD % len(BODY) + BODY
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Lengthy:
    """A subgraph whose answers are larger than what fits into sockets."""

    async def execute(self, *_: Any) -> Any:
        return {"data": {"me": {"name": "x" * 8_000_000}}}


class Waiting:
    """A subgraph that never answers."""

    async def execute(self, *_: Any) -> Any:
        await asyncio.Event().wait()


@asynccontextmanager
async def gateway(below: Any = None, **settings: Any) -> AsyncIterator[str]:
    """`below`: in place of the subgraph that is asked."""
    suite, http = suite_named("shop"), HttpSettings(**{"header_timeout_s": 0.5, "reader_timeout_s": 0.5, **settings})
    hosted = suite.subgraphs if below is None else {**suite.subgraphs, "users": below}
    app = build_app(Settings(http=http), suite.supergraph, hosted)  # type: ignore[arg-type]
    async with served(app, http=request_protocol(http), timeout_keep_alive=1) as url:
        yield url


async def connected(url: str) -> Pair:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def ended(pair: Pair, within_s: float = 3.0) -> bytes:
    """What came until the gateway hung up; a TimeoutError where it does not."""
    async with asyncio.timeout(within_s):
        try:
            return await pair[0].read()
        except ConnectionResetError:
            return b""


async def takes_no_more(pair: Pair, piece: bytes, pieces: int, pause_s: float = 0.0) -> bool:
    """Whether the gateway hangs up before all these pieces are sent."""
    try:
        for _ in range(pieces):
            pair[1].write(piece)
            await pair[1].drain()
            await asyncio.sleep(pause_s)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"POST /gra", b"POST /graphql HTTP/1.1\r\nHost: g\r\n", b"\r\n"])
async def test_a_head_that_never_ends_ends_its_connection(sent: bytes) -> None:
    async with gateway() as url:
        pair = await connected(url)
        pair[1].write(sent)
        assert await ended(pair) == b""


async def test_one_byte_now_and_then_wins_no_time() -> None:
    async with gateway() as url:
        pair = await connected(url)
        begun = time.monotonic()
        # Watched beside the sending: a byte under way as the gateway hangs up makes it a reset, no end of file.
        hung_up = asyncio.ensure_future(ended(pair))
        for each in WHOLE:
            if hung_up.done():
                break
            pair[1].write(bytes([each]))
            await asyncio.sleep(0.05)
        assert await hung_up == b""
        assert time.monotonic() - begun < 2


async def test_a_second_head_on_a_kept_connection_has_its_time_and_no_more() -> None:
    async with gateway(header_timeout_s=2.0) as url:
        reader, writer = await connected(url)
        for pause_s in (0.0, 1.2, 1.2):
            writer.write(WHOLE[:20])
            await asyncio.sleep(pause_s)
            writer.write(WHOLE[20:])
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert json.loads(await reader.readexactly(len(json.dumps(ANSWERED, separators=(",", ":"))))) == ANSWERED
        writer.write(WHOLE[:20])
        assert await ended((reader, writer)) == b""


async def test_a_slow_body_has_more_time_than_a_head() -> None:
    async with gateway() as url:
        reader, writer = await connected(url)
        writer.write(WHOLE[:-5])
        await asyncio.sleep(1.2)
        writer.write(WHOLE[-5:])
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"x" * 400_000, b"431"),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 400_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 70_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 300 + b"\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: g\r\n\r\n" * 1000, b"400"),
    ],
    ids=["url", "value", "lines", "many", "pipelined"],
)
async def test_a_head_that_is_too_large_is_refused_within_bounds(head: bytes, status: bytes) -> None:
    async with gateway() as url:
        pair, begun = await connected(url), time.thread_time()
        pair[1].write(head)
        answer = await ended(pair)
        assert status in answer or answer == b""
        assert time.thread_time() - begun < 0.3


async def test_heads_without_an_end_do_not_fill_the_memory() -> None:
    async with gateway(header_timeout_s=5) as url:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pair = await connected(url)
        pair[1].write(b"GET / HTTP/1.1\r\n")
        assert await takes_no_more(pair, b"a: " + b"x" * 1_000_000 + b"\r\n", 200)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("requests", [1, 3])
async def test_a_head_without_an_end_behind_requests_that_wait_ends_its_connection(requests: int) -> None:
    """While an answer was on its way, anything was taken and kept."""
    async with gateway(Waiting()) as url:
        pair = await connected(url)
        pair[1].write(WHOLE * requests + b"GET / HTTP/1.1\r\n")
        assert await takes_no_more(pair, b"a: " + b"x" * 1_000_000 + b"\r\n", 50)


async def test_a_body_that_goes_on_after_its_refusal_ends_its_connection() -> None:
    async with gateway() as url:
        pair = await connected(url)
        pair[1].write(HEAD % 10_000_000_000)
        assert b" 413 " in await pair[0].readuntil(b"\r\n\r\n")
        assert await takes_no_more(pair, b"x" * 100, 150, pause_s=0.02)


@pytest.mark.parametrize("requests", [1, 5])
@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
async def test_an_answer_that_nobody_reads_is_not_kept(requests: int, closing: bytes) -> None:
    """8 MB for each connection, for as long as the client liked."""
    async with gateway(Lengthy(), compresses_from=None) as url:
        reader, writer = await connected(url)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(WHOLE.replace(b"Host: g\r\n", b"Host: g\r\n" + closing) * requests)
        await asyncio.sleep(3)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await ended((reader, writer))) < 8_000_000


async def test_who_reads_slowly_gets_all_of_it() -> None:
    async with gateway(Lengthy(), compresses_from=None, reader_timeout_s=2) as url:
        reader, writer = await connected(url)
        writer.write(WHOLE.replace(b"Host: g\r\n", b"Host: g\r\nConnection: close\r\n"))
        size = 0
        async with asyncio.timeout(20):
            while part := await reader.read(300_000):
                size += len(part)
                await asyncio.sleep(0.1)
        assert size > 8_000_000


async def test_slow_bodies_leave_the_gateway_to_others() -> None:
    """As many as may be at work at a time, with bodies that never end, and everybody else got 503."""
    async with gateway(shedding=SheddingSettings(max_in_flight=20), max_slow_bodies=30) as url:
        slow = [await connected(url) for _ in range(40)]
        for _, writer in slow:
            writer.write(WHOLE[:-5])
        answers = await asyncio.gather(*(pair[0].readline() for pair in slow[30:]))
        assert {answer.split()[1] for answer in answers} == {b"429"}
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/graphql", params=ASKED) as response:
                assert await response.json() == ANSWERED
            slow[0][1].write(WHOLE[-5:])
            assert b"200" in await slow[0][0].readline()
            async with session.post(f"{url}/graphql", json=ASKED) as response:
                assert await response.json() == ANSWERED
        for _, writer in slow:
            writer.close()


async def test_the_server_that_serve_starts_has_these_bounds(tmp_path: Path) -> None:
    async with serving(tmp_path, "[http]\nheader_timeout_s = 0.5\n") as (url, _):
        pair = await connected(url)
        pair[1].write(b"POST /graphql HTTP/1.1\r\n")
        assert await ended(pair) == b""


async def test_a_socket_outlives_the_time_that_a_head_may_take() -> None:
    """The timer of the HTTP connection ran on, and closed every socket after ten seconds."""
    async with (
        gateway() as url,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=2))["type"] == "connection_ack"
        await asyncio.sleep(1.2)
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json(timeout=2))["type"] == "pong"


UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@pytest.mark.parametrize("requests", [1, 3])
async def test_no_socket_begins_while_an_answer_is_awaited(requests: int) -> None:
    """The answers came out among the socket's frames; they come in order, and the handshake's as that of any GET."""
    async with gateway() as url:
        pair = await connected(url)
        pair[1].write(WHOLE * requests + UPGRADE)
        answer = await ended(pair)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200"] * requests + [b"400"]
    assert answer.count(b"connection: close") == 1


async def test_a_socket_may_begin_on_a_kept_connection() -> None:
    async with gateway() as url:
        reader, writer = await connected(url)
        writer.write(WHOLE)
        async with asyncio.timeout(5):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(json.dumps(ANSWERED, separators=(",", ":"))))
            writer.write(UPGRADE)
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
