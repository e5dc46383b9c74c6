"""Servers that misbehave in time: they drip, flood, hang up at the worst moment, speak out of turn. Both clients."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from gateway.client.carrying import awaited
from gateway.client.errors import AnswerTooLarge, HeaderRefused, TimedOut, Unreachable
from gateway.client.http import HttpClient
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.errors import SubgraphFailed
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, Kind, answer, client_at, in_a_thread, request_in, serving

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024

pytestmark = pytest.mark.parametrize("kind", KINDS)


def settings_for(
    kind: Kind, timeout_s: float = 0.4, max_answer_bytes: int = MEGABYTE, connections: int = 200
) -> SubgraphSettings:
    return SubgraphSettings(
        client=kind, timeout_s=timeout_s, max_answer_bytes=max_answer_bytes, max_connections=connections
    )


MUTATION = WireRequest(b"{}", "mutation")


async def failure_of(client: HttpClient, request: WireRequest = MUTATION) -> type[SubgraphFailed] | WireAnswer:
    try:
        return await awaited(client.carrier, request)
    except SubgraphFailed as failure:
        return type(failure)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each request's own body comes back."""
    while request := await request_in(reader):
        writer.write(answer(request.partition(b"\r\n\r\n")[2]))
        await writer.drain()


def known_of_aiohttp(kind: Kind, request: pytest.FixtureRequest, why: str) -> None:
    if kind == "aiohttp":
        request.applymarker(pytest.mark.xfail(reason=why))


@contextmanager
def memory_under(megabytes: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
    finally:
        tracemalloc.stop()


FLOODS = {
    "head": (OK, b"X-Flood: %d\r\n", Unreachable),
    "one header": (OK + b"X: ", b"%d", Unreachable),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\nX: %d\r\n\r\n", Unreachable),
    "chunks of one byte": (CHUNKED, b"1;%d\r\nx\r\n", Unreachable),
    "chunks": (CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n", AnswerTooLarge),
    "chunk extension": (CHUNKED + b"1;", b"x%d", Unreachable),
    "trailers": (CHUNKED + b"0\r\n", b"X-Flood: %d\r\n", Unreachable),
    "body without end": (OK + b"\r\n", b"x" * 1000, AnswerTooLarge),
    "no line end": (b"", b"x%d", Unreachable),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_what_never_ends_is_cut_off_in_bounded_memory(kind: Kind, flood: str) -> None:
    begin, again, failure = FLOODS[flood]
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_in(reader)
        writer.write(begin)
        for number in count():
            piece = (again.replace(b"%d", b"%d" % number)) * 200
            writer.write(piece)
            sent += len(piece)
            await writer.drain()

    settings = settings_for(kind, 20 if kind == "lean" else 0.5)
    async with serving(talk) as url, client_at(url, settings) as client:
        with memory_under(12):
            found = await failure_of(client)
    # aiohttp has no bound for some of these but its time.
    assert found is failure or (kind == "aiohttp" and found in (TimedOut, Unreachable))
    if kind == "lean":
        assert sent < 16 * MEGABYTE


async def test_a_drip_is_not_waited_for_beyond_its_time(kind: Kind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_in(reader)
        for byte in answer(b"x" * 1000):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        started = time.monotonic()
        assert await failure_of(client) is TimedOut
        assert 0.39 <= time.monotonic() - started < 0.8


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_not_unpacked(kind: Kind, coding: str) -> None:
    packed = gzip.compress(b"\0" * 256 * MEGABYTE, 6)
    if coding == "deflate":
        packed = packed[10:-8]
    said = OK + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(packed)) + packed

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_in(reader)
        writer.write(said)
        await writer.drain()

    async with serving(talk) as url, client_at(url, settings_for(kind, 5)) as client:
        with memory_under(12):
            assert await failure_of(client) is AnswerTooLarge


async def test_single_bytes_take_no_more_memory_than_their_sum(kind: Kind) -> None:
    said = CHUNKED + b"2\r\nxx\r\n" * 100_000 + b"0\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_in(reader)
        writer.write(said)
        await writer.drain()

    async with serving(talk) as url, client_at(url, settings_for(kind, 20)) as client:
        with memory_under(12):
            found = await failure_of(client)
    assert isinstance(found, WireAnswer)
    assert found.body == b"x" * 200_000


async def test_bytes_that_come_later_are_never_the_next_answer(kind: Kind, request: pytest.FixtureRequest) -> None:
    known_of_aiohttp(kind, request, "it keeps them for the next request")
    connections, said = 0, threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while asked := await request_in(reader):
            writer.write(answer(asked.partition(b"\r\n\r\n")[2]))
            await writer.drain()
            await asyncio.sleep(0.002)
            writer.write(answer(b"not yours"))
            said.set()

    with in_a_thread(talk) as url:
        async with client_at(url, settings_for(kind, 5)) as client:
            for number in range(20):
                assert await awaited(client.carrier, WireRequest(b"%d" % number)) == WireAnswer(200, b"%d" % number)
                await asyncio.to_thread(said.wait, 20)
                said.clear()
                await asyncio.sleep(0.02)
    assert connections == 20


async def test_bytes_behind_the_last_piece_of_a_body_end_the_connection(
    kind: Kind, request: pytest.FixtureRequest
) -> None:
    known_of_aiohttp(kind, request, "it gives them to the next request")
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await request_in(reader):
            said = answer(b"0123456789")
            writer.write(said[:-5])
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(said[-5:] + answer(b"not yours"))

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        for _ in range(3):
            assert await awaited(client.carrier, WireRequest(b"{}")) == WireAnswer(200, b"0123456789")
    assert connections == 3


async def test_bytes_that_wait_unread_are_never_the_next_answer(kind: Kind, request: pytest.FixtureRequest) -> None:
    """They have reached this machine and its loop has not looked at them when the next request is sent."""
    known_of_aiohttp(kind, request, "it does not look before it writes")

    said = threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await request_in(reader):
            writer.write(answer(asked.partition(b"\r\n\r\n")[2]))
            await writer.drain()
            await asyncio.sleep(0.002)
            writer.write(answer(b"not yours"))
            said.set()

    with in_a_thread(talk) as url:
        async with client_at(url, settings_for(kind, 5)) as client:
            for number in range(20):
                assert await awaited(client.carrier, WireRequest(b"%d" % number)) == WireAnswer(200, b"%d" % number)
                # Not awaited: this loop is to look at nothing meanwhile.
                said.wait(20)
                said.clear()
                time.sleep(0.002)


async def test_an_answer_before_the_request_is_none(kind: Kind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"too early"))
        await writer.drain()
        await reader.read()

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        found = await failure_of(client)
    # When it comes just after the request was written, nobody can know.
    assert found in (Unreachable, WireAnswer(200, b"too early"))


async def test_a_request_answered_before_it_was_sent_whole_ends_its_connection(kind: Kind) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"enough", "413 Too Large"))
        await writer.drain()
        await asyncio.sleep(10)

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        for _ in range(2):
            found = await failure_of(client, WireRequest(b"x" * 32 * MEGABYTE, "mutation"))
            assert found in (WireAnswer(413, b"enough"), Unreachable)
    assert connections == 2


async def test_a_large_request_arrives_whole(kind: Kind) -> None:
    async with serving(echo) as url, client_at(url, settings_for(kind, 20, 32 * MEGABYTE)) as client:
        body = bytes(range(256)) * 65536
        assert (await awaited(client.carrier, WireRequest(body))).body == body


async def test_a_request_that_nobody_reads_times_out(kind: Kind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        assert await failure_of(client, WireRequest(b"x" * 64 * MEGABYTE)) is TimedOut


@pytest.mark.parametrize("when", ["at once", "after the request", "in the head", "in the body"])
async def test_a_reset_is_unreachable(kind: Kind, when: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when != "at once":
            await request_in(reader)
        writer.write({"in the head": OK, "in the body": answer(b"x", length=10)}.get(when, b""))
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        assert await failure_of(client) is Unreachable


async def test_a_host_without_an_address_is_unreachable(kind: Kind) -> None:
    async with client_at("http://no-such-host.invalid/", settings_for(kind, 10)) as client:
        assert await failure_of(client) is Unreachable


async def test_a_connection_that_is_never_accepted_times_out(kind: Kind) -> None:
    with socket.socket() as full, ExitStack() as queue:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        async with client_at(f"http://127.0.0.1:{address[1]}/", settings_for(kind)) as client:
            started = time.monotonic()
            assert await failure_of(client) is TimedOut
            assert time.monotonic() - started < 0.8


async def test_a_connection_closed_at_the_moment_of_its_reuse_costs_a_query_nothing(kind: Kind) -> None:
    """The server hangs up right after each answer without a word of it, sooner or later than the next request."""
    asked: dict[bytes, int] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_in(reader)
        body = request.partition(b"\r\n\r\n")[2]
        asked[body] = asked.get(body, 0) + 1
        writer.write(answer(body))
        await writer.drain()
        for _ in range(len(asked) % 7):
            await asyncio.sleep(0)

    lost = 0
    async with serving(talk) as url, client_at(url, settings_for(kind, 5)) as client:
        for number in range(500):
            body = b"%d" % number
            found = await failure_of(client, WireRequest(body, "mutation" if number % 5 == 0 else "query"))
            if found is Unreachable and (kind == "aiohttp" or number % 5 == 0):
                lost += 1
            else:
                assert found == WireAnswer(200, body)
            for _ in range(number % 4):
                await asyncio.sleep(0)
    assert lost < (100 if kind == "lean" else 400)
    # What was executed was executed once: the connection died before the request reached anybody.
    assert max(asked.values()) == 1


async def test_a_mutation_is_never_sent_twice(kind: Kind) -> None:
    """Its kept connection is closed once the request was read, without an answer."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await request_in(reader)
        writer.write(answer(b"first"))
        heard.extend([first, await request_in(reader)])

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        assert (await awaited(client.carrier, WireRequest(b"query 1"))).body == b"first"
        assert await failure_of(client, WireRequest(b"mutation", "mutation")) is Unreachable
        await asyncio.sleep(0.05)
    assert sum(request.endswith(b"mutation") for request in heard) == 1


async def test_a_query_is_sent_twice_and_not_three_times(kind: Kind) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_in(reader)
        if connections == 1:
            writer.write(answer(b"first"))
            await request_in(reader)

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        assert (await awaited(client.carrier, WireRequest(b"1"))).body == b"first"
        assert await failure_of(client, WireRequest(b"2")) is Unreachable
    assert connections == (2 if kind == "lean" else 1)


async def test_a_new_connection_that_dies_is_no_reason_to_ask_again(kind: Kind) -> None:
    heard = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += bool(await request_in(reader))

    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        assert await failure_of(client, WireRequest(b"{}")) is Unreachable
    assert heard == 1


async def test_cancelling_hangs_up(kind: Kind) -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_in(reader)
        await reader.read()
        ended.set()

    async with serving(talk) as url, client_at(url, settings_for(kind, 20)) as client:
        sent = awaited(client.carrier, WireRequest(b"{}"))
        await asyncio.sleep(0.05)
        sent.cancel()
        await asyncio.wait_for(ended.wait(), 1)
        with pytest.raises(asyncio.CancelledError):
            await sent


async def test_waiting_counts_and_who_waited_first_is_first(kind: Kind) -> None:
    """One connection for four requests: the second is cancelled, the last finds its time over."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await request_in(reader):
            heard.append(request.partition(b"\r\n\r\n")[2])
            await asyncio.sleep(0.3)
            writer.write(answer(heard[-1]))

    async with serving(talk) as url, client_at(url, settings_for(kind, 0.75, connections=1)) as client:
        sent = [awaited(client.carrier, WireRequest(body)) for body in (b"1", b"2", b"3", b"4")]
        await asyncio.sleep(0.05)
        sent[1].cancel()
        found = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(each) for each in found] == [WireAnswer, asyncio.CancelledError, WireAnswer, TimedOut]
    assert heard[:2] == [b"1", b"3"]


async def test_a_header_that_would_end_its_line_is_refused(kind: Kind) -> None:
    class Given:
        def __init__(self, name: str, value: str) -> None:
            self._pair = (name, value)

        def to_subgraph(self, subgraph: str) -> list[tuple[str, str]]:
            return [self._pair]

        def from_subgraph(self, subgraph: str, headers: object) -> None:
            return None

    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await request_in(reader):
            heard.append(request)
            writer.write(answer(b"{}"))

    refused = [
        ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\0b"), ("X: y\r\nZ", "a"), ("X Y", "a"), ("", "a"),
        ("Content-Length", "0"), ("transfer-encoding", "chunked"), ("Host", "other"), ("X", "\u2028"),
    ]  # fmt: skip
    async with serving(talk) as url, client_at(url, settings_for(kind)) as client:
        for name, value in refused:
            assert await failure_of(client, WireRequest(b"{}", headers=Given(name, value))) is HeaderRefused
        for request in (WireRequest(b"{}", caller_token="a\r\nb"), WireRequest(b"{}", trace_id="a\nb")):
            assert await failure_of(client, request) is HeaderRefused
        assert heard == []
        await awaited(client.carrier, WireRequest(b"{}", headers=Given("X", "ok")))
        assert b"\r\nX: ok\r\n" in heard[0]


async def test_idle_connections_are_closed(kind: Kind) -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        ended.set()

    settings = SubgraphSettings(client=kind, keep_idle_s=0.1)
    async with serving(talk) as url, client_at(url, settings) as client:
        await awaited(client.carrier, WireRequest(b"{}"))
        await asyncio.wait_for(ended.wait(), 2)
