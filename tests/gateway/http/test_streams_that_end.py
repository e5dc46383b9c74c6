"""How streams and what runs in them end: with the client, with the token, by force, and what is never cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import build_app
from gateway.errors import RequestRefused
from gateway.execution.response import Response
from gateway.http.event_stream import SharedStream, SharedStreams
from gateway.http.identity import Identity
from gateway.http.live import paced
from gateway.settings import HttpSettings, Settings, StreamSettings, TokenSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named
from tests.gateway.http.test_deferred import NEWER, QUERY, Held, next_part
from tests.gateway.http.test_identity import KEY, write_keys
from tests.gateway.http.test_socket_tokens import bearer
from tests.gateway.http.test_streams import EVENTS, read_events
from tests.gateway.http.test_websocket import ask, introduced, say

RENAME = 'mutation { rename(id: "p1", name: "x") { id } }'


@asynccontextmanager
async def with_tokens(
    folder: Path, suite_name: str, most: int = 50, **instead: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    write_keys(folder / "keys.json", KEY)
    suite = suite_named(suite_name)
    settings = Settings(
        tokens=TokenSettings(jwks=str(folder / "keys.json"), issuer="d2r", audience="api", leeway_s=0),
        http=HttpSettings(streams=StreamSettings(max_streams=most)),
    )
    app = build_app(settings, suite.supergraph, {**suite.subgraphs, **instead})
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session


def held(suite_name: str, subgraph: str) -> Held:
    own = suite_named(suite_name).subgraphs[subgraph]
    return Held(own.name, own.sdl, own.data).hold()


async def test_a_stream_whose_next_event_always_is_there_ends_with_its_token() -> None:
    """Nothing was ever waited for, and so the time was never looked at."""

    async def events() -> AsyncGenerator[Response, None]:
        while True:
            yield Response({})

    async with asyncio.timeout(2):
        last = [result async for result in paced(events(), Identity("ada", {}, time.time() + 0.1), 10)][-1]
    assert last is not None
    assert b"UNAUTHENTICATED" in last.as_bytes()


async def test_a_deferred_answer_in_parts_ends_with_its_token(tmp_path: Path) -> None:
    stock = held("defer", "stock")
    async with with_tokens(tmp_path, "defer", stock=stock) as session, asyncio.timeout(5):
        headers = {**NEWER, **bearer(0.5)}
        async with session.post("/graphql", json={"query": QUERY}, headers=headers) as response:
            assert (await next_part(response))["hasNext"]
            last = await next_part(response)
            assert (last["errors"][0]["extensions"]["code"], last["hasNext"]) == ("UNAUTHENTICATED", False)
        await stock.cancelled.wait()


async def test_a_deferred_answer_in_parts_is_one_of_its_callers_streams(tmp_path: Path) -> None:
    stock, ada = held("defer", "stock"), bearer(60)
    async with with_tokens(tmp_path, "defer", most=1, stock=stock) as session, asyncio.timeout(5):
        async with session.post("/graphql", json={"query": QUERY}, headers={**NEWER, **ada}) as first:
            assert (await next_part(first))["hasNext"]
            async with session.post("/graphql", json={"query": QUERY}, headers={**NEWER, **ada}) as second:
                assert second.status == 429
            stock.may.set()
            await first.read()
        # Given back, also by answers that came whole or not at all.
        for query in (QUERY, QUERY.replace("p1", "none"), QUERY):
            async with session.post("/graphql", json={"query": query}, headers={**NEWER, **ada}) as again:
                assert again.status == 200
                await again.read()


@pytest.mark.parametrize("says_complete", [True, False])
async def test_a_mutation_over_a_socket_is_ended_whoever_listens(says_complete: bool) -> None:
    suite = suite_named("shop")
    (name,) = (each for each, subgraph in suite.subgraphs.items() if "rename(" in subgraph.sdl)
    products = held("shop", name)
    async with served(build_app(Settings(), suite.supergraph, {**suite.subgraphs, name: products})) as url:
        async with introduced(url) as socket:
            await ask(socket, RENAME)
            await products.begun.wait()
            if says_complete:
                await say(socket, {"id": "1", "type": "complete"})
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        assert not products.cancelled.is_set()
        products.may.set()


async def test_a_mutation_is_not_run_on_a_reserved_stream_by_get() -> None:
    suite = suite_named("shop")
    app = build_app(Settings(), suite.supergraph, suite.subgraphs)
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        reserved = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql")).text()}
        asked = {"query": RENAME, "extensions": '{"operationId": "1"}'}
        async with session.get("/graphql", params=asked, headers=reserved) as response:
            assert response.status == 405
        asked["query"] = "{ me { name } }"
        async with session.get("/graphql", params=asked, headers=reserved) as response:
            assert response.status == 202
        async with session.get("/graphql", headers={**EVENTS, **reserved}) as response:
            assert [kind for kind, _ in await read_events(response, 2)] == ["next", "complete"]


async def test_a_reserved_stream_that_nobody_reads_is_forgotten_with_what_runs_on_it() -> None:
    """Each kept its place for good: a thousand of them, and nobody could reserve one."""
    now, closed = [0.0], asyncio.Event()

    async def silent() -> AsyncGenerator[Response, None]:
        try:
            await asyncio.sleep(60)
            yield Response({})
        finally:
            closed.set()

    streams = SharedStreams(1, lambda: now[0])
    streams.stream(streams.reserve(None), None).start("1", silent())
    await asyncio.sleep(0)
    with pytest.raises(RequestRefused):
        streams.reserve(None)
    now[0] = 31.0
    streams.reserve(None)
    async with asyncio.timeout(1):
        await closed.wait()


async def test_a_reader_that_is_cancelled_as_an_event_comes_ends() -> None:
    """`asyncio.wait_for` gives the event instead, and the stream of a client that had left was kept for good."""
    for steps in range(6):
        stream = SharedStream(None, time.monotonic)

        async def read(stream: SharedStream = stream) -> None:
            async for _ in stream.events(60):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        stream._events.put_nowait(b"event")
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading}, timeout=0.2)
        assert reading.cancelled(), steps


async def test_a_stopping_gateway_waits_for_a_mutation_whose_client_has_left() -> None:
    suite, ended = suite_named("shop"), asyncio.Event()

    class Ending(Held):
        async def execute(self, *arguments: Any) -> dict[str, Any]:
            answer = await super().execute(*arguments)
            ended.set()
            return answer

    own = suite.subgraphs["products"]
    products = Ending(own.name, own.sdl, own.data).hold()
    async with served(build_app(Settings(), suite.supergraph, {**suite.subgraphs, "products": products})) as url:
        async with introduced(url) as socket:
            await ask(socket, RENAME)
            await products.begun.wait()
        asyncio.get_running_loop().call_later(0.5, products.may.set)
    assert ended.is_set()
