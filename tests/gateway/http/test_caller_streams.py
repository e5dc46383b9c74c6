"""How many streams one caller may hold: of their own, as parts and reserved ones, counted together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.app import build_app
from gateway.http.caller_name import counted
from gateway.http.caller_places import CallerPlaces
from gateway.http.identity import Identity
from gateway.settings import HttpSettings, Settings, StreamSettings, TokenSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named
from tests.gateway.http.test_identity import KEY, write_keys
from tests.gateway.http.test_socket_tokens import bearer
from tests.gateway.http.test_streams import EVENTS
from tests.gateway.http.test_websocket import TICKS, Ticking

PARTS = {"Accept": "multipart/mixed;subscriptionSpec=1.0"}
ASKED = {"query": TICKS}


@asynccontextmanager
async def gateway(folder: Path, most: int, of_address: int = 500) -> AsyncIterator[aiohttp.ClientSession]:
    write_keys(folder / "keys.json", KEY)
    suite = suite_named("shop")
    settings = Settings(
        tokens=TokenSettings(jwks=str(folder / "keys.json"), issuer="d2r", audience="api", leeway_s=0),
        http=HttpSettings(streams=StreamSettings(max_streams=most, max_streams_of_address=of_address)),
    )
    app = build_app(settings, suite.supergraph, {**suite.subgraphs, "reviews": Ticking()})  # type: ignore[dict-item]
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session


async def refused(response: aiohttp.ClientResponse) -> bool:
    if response.status == 200:
        return False
    body = await response.json()
    return (response.status, body["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")


@pytest.mark.parametrize("kind", [EVENTS, PARTS])
async def test_one_caller_has_so_many_streams_and_another_has_their_own(tmp_path: Path, kind: dict[str, str]) -> None:
    ada, bob = {**kind, **bearer(60)}, {**kind, **bearer(60, subject="bob")}
    async with gateway(tmp_path, 2) as session, AsyncExitStack() as open_streams:
        first = await open_streams.enter_async_context(session.post("/graphql", json=ASKED, headers=ada))
        await open_streams.enter_async_context(session.post("/graphql", json=ASKED, headers=ada))
        async with session.post("/graphql", json=ASKED, headers=ada) as third:
            assert await refused(third)
        async with session.post("/graphql", json=ASKED, headers=bob) as other:
            assert other.status == 200
        first.close()
        await asyncio.sleep(0.2)
        async with session.post("/graphql", json=ASKED, headers=ada) as again:
            assert again.status == 200


async def test_streams_of_every_kind_are_counted_together(tmp_path: Path) -> None:
    ada = bearer(60)
    async with gateway(tmp_path, 3) as session, AsyncExitStack() as open_streams:
        token = await (await session.put("/graphql", headers=ada)).text()
        await open_streams.enter_async_context(session.post("/graphql", json=ASKED, headers={**EVENTS, **ada}))
        await open_streams.enter_async_context(session.post("/graphql", json=ASKED, headers={**PARTS, **ada}))
        assert await refused(await session.put("/graphql", headers=ada))
        async with session.post("/graphql", json=ASKED, headers={**EVENTS, **ada}) as another:
            assert await refused(another)
        # What was reserved may be opened, and counts until its reader leaves.
        reserved = {**EVENTS, "X-GraphQL-Event-Stream-Token": token}
        async with session.get("/graphql", headers=reserved) as shared:
            assert shared.status == 200
            shared.close()
        await asyncio.sleep(0.2)
        assert (await session.put("/graphql", headers=ada)).status == 201


async def test_a_stream_that_ended_by_itself_gives_its_place_back(tmp_path: Path) -> None:
    ada = {**EVENTS, **bearer(60)}
    async with gateway(tmp_path, 1) as session:
        for query in ("{ me { name } }", "{ nobody }", "{ me { name } }"):
            async with session.post("/graphql", json={"query": query}, headers=ada) as response:
                assert response.status == 200
                await response.read()


async def test_who_shows_no_token_is_counted_by_address(tmp_path: Path) -> None:
    """Nobody counted them: one address could reserve every stream that there is, a thousand, and open any number."""
    async with gateway(tmp_path, 2, of_address=3) as session, AsyncExitStack() as open_streams:
        assert (await session.put("/graphql")).status == 201
        for kind in (EVENTS, PARTS):
            await open_streams.enter_async_context(session.post("/graphql", json=ASKED, headers=kind))
        assert await refused(await session.put("/graphql"))
        async with session.post("/graphql", json=ASKED, headers=EVENTS) as another:
            assert await refused(another)
        # Who shows a token from the same address has places of their own, and another tenant's subject has others.
        for tenant in ("one", "two"):
            named = bearer(60, tenant=tenant)
            assert [(await session.put("/graphql", headers=named)).status for _ in range(2)] == [201, 201]
            assert await refused(await session.put("/graphql", headers=named))


async def test_a_reserved_stream_is_its_tenants(tmp_path: Path) -> None:
    """The same subject of another tenant was taken for its owner."""
    async with gateway(tmp_path, 2) as session:
        mine, others = bearer(60, tenant="one"), bearer(60, tenant="two")
        token = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql", headers=mine)).text()}
        asked = {**ASKED, "extensions": {"operationId": "1"}}
        assert (await session.post("/graphql", json=asked, headers={**others, **token})).status == 404
        assert (await session.post("/graphql", json=asked, headers={**mine, **token})).status == 202


def test_a_place_is_given_back_once() -> None:
    ada = counted(Identity("ada", {}, 0.0), "")
    places = CallerPlaces(2, 0)
    free, other = places.take(ada), places.take(ada)
    assert not places.has_room(ada)
    free()
    free()
    assert places.has_room(ada)
    assert not places.has_room(ada, besides=1)
    other()
    assert places.has_room(ada, besides=1)
    assert not places._held


def test_nobody_is_counted_as_somebody_else() -> None:
    """A subject may read like the end of another name."""
    names = {
        counted(identity, "10.0.0.1").name
        for identity in (
            None,
            Identity("a", {}, 0.0),
            Identity("a", {"tenant": "None"}, 0.0),
            Identity("a", {"tenant": "b' of 'c"}, 0.0),
            Identity("a' of 'b", {"tenant": "c"}, 0.0),
            Identity("a of b", {"tenant": "c"}, 0.0),
            Identity("a", {"tenant": "b of c"}, 0.0),
            Identity("10.0.0.1", {}, 0.0),
        )
    }
    assert len(names) == 8
