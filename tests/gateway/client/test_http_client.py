"""The HTTP client against servers that misbehave: each misdeed has its own typed failure, and none hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.client.errors import AnswerMalformed, AnswerTooLarge, RefusedByStatus, TimedOut, Unreachable
from gateway.client.http import HttpClient
from gateway.client.protocol import SubgraphRequest
from gateway.errors import SubgraphFailed
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, Kind, answer, client_at, serving

ASKED = SubgraphRequest("{ x }", {"a": 1}, "token")


@asynccontextmanager
async def client_of(kind: Kind, said: bytes, hangs: bool = False) -> AsyncIterator[tuple[HttpClient, list[bytes]]]:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65536))
        writer.write(said)
        await writer.drain()
        if hangs:
            await reader.read()

    async with (
        serving(talk) as url,
        client_at(url, SubgraphSettings(client=kind, timeout_s=0.2 if hangs else 10, max_answer_bytes=1000)) as client,
    ):
        yield client, heard


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("said", "hangs", "failure"),
    [
        (b"", False, Unreachable),
        (b"", True, TimedOut),
        (b"not HTTP at all\r\n\r\n", False, Unreachable),
        (answer(b'{"data": {', length=5000), False, AnswerTooLarge),
        (answer(b'{"data": {"x"', length=500), False, Unreachable),
        (answer(b'{"data": {"x"', length=500), True, TimedOut),
        (answer(b'{"data": {"x"'), False, AnswerMalformed),
        (answer(b"\xff\xfe"), False, AnswerMalformed),
        (answer(b"[" * 900), False, AnswerMalformed),
        (answer(b"[1]"), False, AnswerMalformed),
        (answer(b"{}"), False, AnswerMalformed),
        (answer(b'{"data": []}'), False, AnswerMalformed),
        (answer(b"<html>", "502 Bad Gateway"), False, RefusedByStatus),
        (answer(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"), False, RefusedByStatus),
    ],
)
async def test_a_misdeed_is_a_typed_failure(
    kind: Kind, said: bytes, hangs: bool, failure: type[SubgraphFailed]
) -> None:
    async with client_of(kind, said, hangs) as (client, _):
        with pytest.raises(failure):
            await client.request(ASKED)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_graphql_answer_under_an_error_status_is_an_answer(kind: Kind) -> None:
    async with client_of(kind, answer(b'{"errors": [{"message": "no"}]}', "500 Oops")) as (client, heard):
        answered = await client.request(ASKED)
        assert [error.message for error in answered.errors or ()] == ["no"]
        assert b"Caller-Token: token\r\n" in heard[0]
        assert heard[0].endswith(b'{"query":"{ x }","variables":{"a":1}}')


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listening_is_unreachable(kind: Kind) -> None:
    async with client_at("http://127.0.0.1:1/", SubgraphSettings(client=kind)) as client:
        with pytest.raises(Unreachable):
            await client.request(ASKED)
