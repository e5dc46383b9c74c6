"""A new supergraph takes over while clients are there: requests, and subscriptions that live across it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette

from gateway.app import Gateway, build_app
from gateway.settings import Settings
from gateway.supergraph.errors import SupergraphInvalid
from tests.federation.harness.serving import served
from tests.federation.harness.suite import Suite, suite_named
from tests.gateway.http.test_websocket import ask, heard, introduced

LIVE = "subscription { reviewed { stars author { name } } }"
WITH_TEXT = "subscription { reviewed { text } }"
SOCKETS = 100


class Publisher:
    """The reviews subgraph, whose events come when the test says so; every stream gets every event."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self.opened = 0
        self._waiting: list[asyncio.Queue[dict[str, Any]]] = []

    async def execute(self, *arguments: Any) -> dict[str, Any]:
        return await self._suite.subgraphs["reviews"].execute(*arguments)

    async def subscribe(self, *_: object) -> AsyncIterator[dict[str, Any]]:
        self.opened += 1
        mine: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._waiting.append(mine)
        while True:
            yield await mine.get()

    def publish(self, stars: int) -> None:
        for each in self._waiting:
            review = {"stars": stars, "text": "t", "author": {"__typename": "User", "id": "u1"}}
            each.put_nowait({"data": {"reviewed": review}})

    async def until_opened(self, streams: int) -> None:
        async with asyncio.timeout(10):
            while self.opened < streams:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def shop(watched: Path | None = None) -> AsyncIterator[tuple[Starlette, Publisher, str, Suite]]:
    suite = suite_named("shop")
    publisher = Publisher(suite)
    hosted: Any = {**suite.subgraphs, "reviews": publisher}
    app = build_app(Settings(development=True), suite.supergraph, hosted, watched)
    async with served(app) as url:
        yield app, publisher, url, suite


def gateway_of(app: Starlette) -> Gateway:
    found: Gateway = app.state.gateway
    return found


def names_from(supergraph: str, graph: str) -> str:
    """The same API, but another subgraph gives users' names."""
    changed = supergraph.replace(
        'type User @join__type(graph: REVIEWS, key: "id") @join__type(graph: USERS, key: "id") {\n  id: ID!\n'
        "  name: String! @join__field(graph: USERS)",
        'type User @join__type(graph: REVIEWS, key: "id") @join__type(graph: USERS, key: "id") '
        f'@join__type(graph: PRODUCTS, key: "id") {{\n  id: ID!\n  name: String! @join__field(graph: {graph})',
    )
    assert changed != supergraph
    return changed


def without(supergraph: str, line: str) -> str:
    changed = supergraph.replace(line, "", 1)
    assert changed != supergraph
    return changed


def without_text(supergraph: str) -> str:
    return without(supergraph, "  text: String\n")


async def test_a_hundred_live_subscriptions_outlive_a_new_supergraph() -> None:
    async with shop() as (app, publisher, url, suite), AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(introduced(url)) for _ in range(SOCKETS)]
        for number, socket in enumerate(sockets):
            await ask(socket, f"subscription Own{number} {LIVE.removeprefix('subscription')}")
        await publisher.until_opened(SOCKETS)
        publisher.publish(1)
        for socket in sockets:
            assert (await heard(socket))["payload"] == {"data": {"reviewed": {"stars": 1, "author": {"name": "Ada"}}}}
        await gateway_of(app).reload(suite.supergraph + "\n# the same, newly published\n")
        publisher.publish(2)
        for socket in sockets:
            assert (await heard(socket))["payload"]["data"]["reviewed"]["stars"] == 2
        assert publisher.opened == SOCKETS


async def test_the_next_event_takes_the_new_plan() -> None:
    async with shop() as (app, publisher, url, suite), introduced(url) as socket:
        await ask(socket, LIVE)
        await publisher.until_opened(1)
        publisher.publish(1)
        assert (await heard(socket))["payload"]["data"]["reviewed"]["author"] == {"name": "Ada"}
        products = suite.subgraphs["products"].asked
        assert not any("User" in each.document for each in products)
        await gateway_of(app).reload(names_from(suite.supergraph, "PRODUCTS"))
        publisher.publish(2)
        assert (await heard(socket))["type"] == "next"
        assert "... on User" in products[-1].document
        assert publisher.opened == 1


async def test_a_stream_that_would_be_another_one_ends() -> None:
    async with shop() as (app, publisher, url, suite), introduced(url) as socket:
        await ask(socket, LIVE)
        await publisher.until_opened(1)
        await gateway_of(app).reload(names_from(suite.supergraph, "REVIEWS"))
        message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "SCHEMA_CHANGED")


async def test_a_subscription_to_what_is_gone_ends_at_once_and_says_why() -> None:
    async with shop() as (app, publisher, url, suite), introduced(url) as socket:
        await ask(socket, WITH_TEXT, "gone")
        await ask(socket, LIVE, "stays")
        await publisher.until_opened(2)
        await gateway_of(app).reload(without_text(suite.supergraph))
        message = await heard(socket)
        assert (message["id"], message["type"]) == ("gone", "error")
        assert message["payload"][0]["extensions"]["code"] == "SCHEMA_CHANGED"
        publisher.publish(3)
        assert (await heard(socket))["id"] == "stays"


async def test_requests_are_planned_by_the_newest() -> None:
    asked = {"query": '{ review(id: "r1") { text } }'}
    async with shop() as (app, _, url, suite), aiohttp.ClientSession(url) as session:
        async with session.post("/graphql", json=asked) as response:
            assert "data" in await response.json()
        await gateway_of(app).reload(without_text(suite.supergraph))
        async with session.post("/graphql", json=asked) as response:
            assert "Cannot query field 'text'" in json.dumps(await response.json())


async def test_a_supergraph_that_cannot_be_served_changes_nothing() -> None:
    async with shop() as (app, _, url, _suite), aiohttp.ClientSession(url) as session:
        for broken in ("type Query { a: Int }", "type Query {"):
            with pytest.raises(SupergraphInvalid):
                await gateway_of(app).reload(broken)
        async with session.post("/graphql", json={"query": "{ me { name } }"}) as response:
            assert await response.json() == {"data": {"me": {"name": "Ada"}}}


async def test_the_file_is_watched_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "supergraph.graphql"
    file.write_text(suite_named("shop").supergraph)
    asked = {"query": '{ __type(name: "Review") { fields { name } } }'}
    async with shop(file) as (_, _, url, suite), aiohttp.ClientSession(url) as session:

        async def fields() -> set[str]:
            async with session.post("/graphql", json=asked) as response:
                return {each["name"] for each in (await response.json())["data"]["__type"]["fields"]}

        assert "text" in await fields()
        file.write_text("type Query {")
        await asyncio.sleep(1.5)
        assert "text" in await fields()
        file.write_text(without_text(suite.supergraph))
        async with asyncio.timeout(5):
            while "text" in await fields():
                await asyncio.sleep(0.1)
