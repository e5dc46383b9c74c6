"""The HTTP client against servers that misbehave: each misdeed has its own typed failure, and none hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.client.errors import AnswerMalformed, AnswerTooLarge, RefusedByStatus, TimedOut, Unreachable
from gateway.client.http import HttpClient
from gateway.client.protocol import SubgraphRequest
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName

ASKED = SubgraphRequest("{ x }", {"a": 1}, "token")


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode() + body


@asynccontextmanager
async def client_of(answer: bytes, hangs: bool = False) -> AsyncIterator[tuple[HttpClient, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65536))
        writer.write(answer)
        await writer.drain()
        if hangs:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        yield HttpClient(SubgraphName("s"), f"http://127.0.0.1:{port}/", session, 0.2, 1000), heard
    server.close()


@pytest.mark.parametrize(
    ("answer", "hangs", "failure"),
    [
        (b"", False, Unreachable),
        (b"", True, TimedOut),
        (b"not HTTP at all\r\n\r\n", False, Unreachable),
        (http(b'{"data": {', length=5000), False, AnswerTooLarge),
        (http(b'{"data": {"x"', length=500), False, Unreachable),
        (http(b'{"data": {"x"', length=500), True, TimedOut),
        (http(b'{"data": {"x"'), False, AnswerMalformed),
        (http(b"\xff\xfe"), False, AnswerMalformed),
        (http(b"[" * 900), False, AnswerMalformed),
        (http(b"[1]"), False, AnswerMalformed),
        (http(b"{}"), False, AnswerMalformed),
        (http(b'{"data": []}'), False, AnswerMalformed),
        (http(b"<html>", "502 Bad Gateway"), False, RefusedByStatus),
        (http(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"), False, RefusedByStatus),
    ],
)
async def test_a_misdeed_is_a_typed_failure(answer: bytes, hangs: bool, failure: type[SubgraphFailed]) -> None:
    async with client_of(answer, hangs) as (client, _):
        with pytest.raises(failure):
            await client.request(ASKED)


async def test_a_graphql_answer_under_an_error_status_is_an_answer() -> None:
    async with client_of(http(b'{"errors": [{"message": "no"}]}', "500 Oops")) as (client, heard):
        answer = await client.request(ASKED)
        assert [error.message for error in answer.errors or ()] == ["no"]
        assert b"Caller-Token: token\r\n" in heard[0]
        assert heard[0].endswith(b'{"query":"{ x }","variables":{"a":1}}')


async def test_nobody_listening_is_unreachable() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unreachable):
            await HttpClient(SubgraphName("s"), "http://127.0.0.1:1/", session, 1.0, 1000).request(ASKED)
