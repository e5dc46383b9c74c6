"""One valid answer, sent in random pieces: both clients find the same in it, on kept connections."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.client.carrying import awaited
from gateway.client.http import HttpClient
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, client_at, request_in, serving
from tests.gateway.client.test_hostile_answers import GOOD


class Both:
    """A server that says what it is told to, and both clients at it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.connections = 0
        self._stack = AsyncExitStack()
        self._clients: list[HttpClient] = []

    async def open(self) -> None:
        url = await self._stack.enter_async_context(serving(self._talk))
        self._clients = [
            await self._stack.enter_async_context(client_at(url, SubgraphSettings(client=kind, timeout_s=5)))
            for kind in KINDS
        ]

    async def close(self) -> None:
        await self._stack.aclose()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while await request_in(reader):
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                # Long enough for the piece to be read before the next is sent.
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def ask(self, pieces: list[bytes]) -> list[WireAnswer]:
        self.pieces = pieces
        return [await awaited(client.carrier, WireRequest(b"{}", "mutation")) for client in self._clients]


@pytest.fixture
def both() -> Iterator[tuple[asyncio.Runner, Both]]:
    with asyncio.Runner() as runner:
        made = Both()
        runner.run(made.open())
        yield runner, made
        runner.run(made.close())


@given(name=st.sampled_from(sorted(GOOD)), cuts=st.lists(st.integers(1, 200), max_size=10))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_find_the_same(both: tuple[asyncio.Runner, Both], name: str, cuts: list[int]) -> None:
    runner, at = both
    said, body = GOOD[name]
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
    pieces = [said[start:end] for start, end in itertools.pairwise(places) if start < end]
    lean, other = runner.run(at.ask(pieces))
    assert lean == other
    assert lean.body == body
    # Else something was left over, or taken for it.
    assert at.connections == 2
