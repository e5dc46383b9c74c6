"""The load generator finds out a gateway that lies: everything the bench says of "right" rests on this."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.gateway.load import CHECKED, Generator, Heard, Load

RIGHT = b'{"data":{"part":{"title":"flange"}}}'


@asynccontextmanager
async def answering(*responses: bytes) -> AsyncIterator[int]:
    """A server that gives these responses in turn, whatever it is asked."""
    given = iter(range(10**9))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"?"):
            writer.write(responses[next(given) % len(responses)])

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def with_length(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def heard(*responses: bytes, per_s: float | None = None, seconds: float = 0.3) -> Heard:
    async with answering(*responses) as port:
        request, answer = (base64.b64encode(each).decode() for each in (b"one?", RIGHT))
        load = Load(port, [request], [answer], [[0], [0]], seconds, per_s=per_s)
        return await asyncio.to_thread(Generator(load).run)


async def test_right_answers_are_counted_and_timed() -> None:
    found = await heard(with_length(RIGHT))
    assert found.wrong_answers == 0
    assert found.answered > 10
    assert 0 < found.p50_ms <= found.p99_ms <= found.max_ms


async def test_answers_in_chunks_are_read() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    found = await heard(head + b"a\r\n" + RIGHT[:10] + b"\r\n%x\r\n" % len(RIGHT[10:]) + RIGHT[10:] + b"\r\n0\r\n\r\n")
    assert (found.wrong_answers, found.answered > 10) == (0, True)


async def test_another_status_and_another_length_are_wrong_each_time() -> None:
    for response in (with_length(RIGHT, "500 Oh"), with_length(RIGHT + b" ")):
        found = await heard(response)
        assert found.wrong_answers > 10
        assert found.answered == 0


async def test_other_bytes_of_the_same_length_are_found_out() -> None:
    found = await heard(with_length(RIGHT.replace(b"flange", b"flinge")))
    assert found.wrong_answers == (found.answered + found.wrong_answers) // CHECKED > 0
    assert b"flinge".decode() in found.wrong[0]


async def test_a_paced_load_keeps_its_rate() -> None:
    found = await heard(with_length(RIGHT), per_s=100.0, seconds=0.5)
    assert 45 <= found.answered <= 51
