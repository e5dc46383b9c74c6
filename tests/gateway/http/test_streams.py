"""Server-sent events in both modes and multipart subscriptions, over real sockets; and the field's own clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.app import build_app
from gateway.settings import HttpSettings, Settings, StreamSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import gateway_over_http, suite_named
from tests.gateway.http.test_websocket import FIRST, REVIEWED, SECOND, TICKS, Ticking
from tests.node import HERE, needs_peers

EVENTS = {"Accept": "text/event-stream"}
ME = {"data": {"me": {"name": "Ada"}}}


@asynccontextmanager
async def shop() -> AsyncIterator[aiohttp.ClientSession]:
    async with gateway_over_http(suite_named("shop")) as url, aiohttp.ClientSession(url) as session:
        yield session


@asynccontextmanager
async def ticking(subgraph: Ticking, **streams: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """The shop, whose subscription never ends by itself."""
    suite = suite_named("shop")
    settings = Settings(http=HttpSettings(streams=StreamSettings(**streams)))
    app = build_app(settings, suite.supergraph, {**suite.subgraphs, "reviews": subgraph})  # type: ignore[dict-item]
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session


async def read_events(response: aiohttp.ClientResponse, most: int | None = None) -> list[tuple[str, Any]]:
    """The events of a stream, comments left out."""
    found: list[tuple[str, Any]] = []
    kind = ""
    async for line in response.content:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            kind = text.removeprefix("event: ")
        elif text.startswith("data: "):
            data = text.removeprefix("data: ")
            found.append((kind, json.loads(data) if data else None))
            if len(found) == most:
                break
    return found


async def test_a_subscription_is_a_stream_of_events_and_then_the_end() -> None:
    async with shop() as session, session.post("/graphql", json={"query": REVIEWED}, headers=EVENTS) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert await read_events(response) == [("next", FIRST), ("next", SECOND), ("complete", None)]


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_query_may_be_asked_for_as_a_stream(method: str) -> None:
    asked = {"query": "{ me { name } }"}
    given = {"params": asked} if method == "get" else {"json": asked}
    async with shop() as session, session.request(method, "/graphql", headers=EVENTS, **given) as response:
        assert await read_events(response) == [("next", ME), ("complete", None)]


async def test_whoever_names_both_gets_json_for_a_query_and_a_stream_for_a_subscription() -> None:
    both = {"Accept": "application/json, text/event-stream"}
    async with shop() as session:
        async with session.post("/graphql", json={"query": "{ me { name } }"}, headers=both) as response:
            assert await response.json() == ME
        async with session.post("/graphql", json={"query": REVIEWED}, headers=both) as response:
            assert len(await read_events(response)) == 3
        async with session.post("/graphql", json={"query": REVIEWED}) as response:
            assert (response.status, "text/event-stream" in await response.text()) == (400, True)


async def test_what_cannot_run_is_told_in_the_stream() -> None:
    async with shop() as session, session.post("/graphql", json={"query": "{ nobody }"}, headers=EVENTS) as response:
        (kind, told), end = await read_events(response)
        assert (response.status, kind, end) == (200, "next", ("complete", None))
        assert told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "data" not in told


async def test_a_mutation_by_get_is_not_run_in_a_stream_either() -> None:
    asked = {"query": 'mutation { rename(id: "p1", name: "x") { id } }'}
    async with shop() as session, session.get("/graphql", params=asked, headers=EVENTS) as response:
        (_, told), _ = await read_events(response)
        assert "POST" in told["errors"][0]["message"]


async def test_a_client_that_leaves_ends_the_stream_upstream() -> None:
    subgraph = Ticking()
    async with ticking(subgraph) as session:
        async with session.post("/graphql", json={"query": TICKS}, headers=EVENTS) as response:
            await read_events(response, 3)
            response.close()
        async with asyncio.timeout(2):
            await subgraph.closed.wait()


async def test_a_quiet_stream_shows_that_it_lives() -> None:
    class Quiet(Ticking):
        async def subscribe(self, *_: object) -> AsyncIterator[dict[str, object]]:
            await asyncio.sleep(30)
            yield {}

    async with ticking(Quiet(), beat_s=0.05) as session:
        async with session.post("/graphql", json={"query": TICKS}, headers=EVENTS) as response:
            lines = [await response.content.readline() for _ in range(6)]
            assert lines == [b":\n", b"\n"] * 3
        parts = {"Accept": "multipart/mixed;subscriptionSpec=1.0"}
        async with session.post("/graphql", json={"query": TICKS}, headers=parts) as response:
            got = b"".join([await response.content.readuntil(b"{}") for _ in range(3)])
            assert got.count(b"--graphql\r\nContent-Type: application/json\r\n\r\n{}") == 3


async def test_a_slow_reader_slows_upstream() -> None:
    class Wide(Ticking):
        async def subscribe(self, *_: object) -> AsyncIterator[dict[str, object]]:
            while True:
                self.given += 1
                yield {"data": {"reviewed": {"__typename": "Review", "id": "x" * 100_000, "stars": 1}}}

    subgraph = Wide()
    async with ticking(subgraph) as session:
        wide = {"query": "subscription { reviewed { id } }"}
        async with session.post("/graphql", json=wide, headers=EVENTS):
            await asyncio.sleep(1)
            given = subgraph.given
            await asyncio.sleep(0.5)
            # What the two sockets' buffers and aiohttp's own hold, and not one more.
            assert subgraph.given == given < 200


async def test_many_operations_share_one_stream() -> None:
    async with shop() as session:
        async with session.put("/graphql") as reserved:
            assert reserved.status == 201
            token = {"X-GraphQL-Event-Stream-Token": await reserved.text()}
        async with session.get("/graphql", headers={**EVENTS, **token}) as stream:
            for name, query in (("a", "{ me { name } }"), ("b", REVIEWED)):
                asked = {"query": query, "extensions": {"operationId": name}}
                async with session.post("/graphql", json=asked, headers=token) as accepted:
                    assert accepted.status == 202
            told = await read_events(stream, 5)
            mine = [(kind, data.get("payload")) for kind, data in told if data["id"] == "b"]
            assert mine == [("next", FIRST), ("next", SECOND), ("complete", None)]
            assert ("next", {"id": "a", "payload": ME}) in told
            refused = {"query": "{ nobody }", "extensions": {"operationId": "c"}}
            async with session.post("/graphql", json=refused, headers=token) as answer:
                assert (answer.status, "errors" in await answer.json()) == (200, True)
            async with session.get("/graphql", headers={**EVENTS, **token}) as second:
                assert second.status == 409


async def test_one_operation_of_a_shared_stream_can_be_ended() -> None:
    subgraph = Ticking()
    async with ticking(subgraph) as session:
        token = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql")).text()}
        async with session.get("/graphql", headers={**EVENTS, **token}) as stream:
            asked = {"query": TICKS, "extensions": {"operationId": "t"}}
            assert (await session.post("/graphql", json=asked, headers=token)).status == 202
            assert (await session.post("/graphql", json=asked, headers=token)).status == 409
            await read_events(stream, 2)
            assert (await session.delete("/graphql?operationId=t", headers=token)).status == 200
            async with asyncio.timeout(2):
                await subgraph.closed.wait()
        unknown = {"X-GraphQL-Event-Stream-Token": "made up"}
        assert (await session.post("/graphql", json=asked, headers=unknown)).status == 404
        assert (await session.get("/graphql", headers={**EVENTS, **unknown})).status == 404


async def test_the_end_of_a_shared_stream_ends_its_operations() -> None:
    subgraph = Ticking()
    async with ticking(subgraph, max_shared=1) as session:
        token = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql")).text()}
        assert (await session.put("/graphql")).status == 503
        async with session.get("/graphql", headers={**EVENTS, **token}) as stream:
            asked = {"query": TICKS, "extensions": {"operationId": "t"}}
            await session.post("/graphql", json=asked, headers=token)
            await read_events(stream, 2)
            stream.close()
        async with asyncio.timeout(2):
            await subgraph.closed.wait()
        assert (await session.put("/graphql")).status == 201


async def test_events_come_as_parts_of_one_answer() -> None:
    parts = {"Accept": "multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json"}
    async with shop() as session, session.post("/graphql", json={"query": REVIEWED}, headers=parts) as response:
        assert response.headers["Content-Type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
        reader = aiohttp.MultipartReader.from_response(response)
        bodies = []
        while (part := await reader.next()) is not None:
            assert isinstance(part, aiohttp.BodyPartReader)
            bodies.append(await part.json())
        assert bodies == [{}, {"payload": FIRST}, {"payload": SECOND}]


QUESTIONS = [
    ["{ me { name } }", None],
    ['mutation { rename(id: "p2", name: "y") { name } }', None],
    [REVIEWED, None],
    ["{ nobody }", None],
]


async def node(script: str, *arguments: str) -> list[Any]:
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / script), *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]


@needs_peers
@pytest.mark.parametrize("mode", ["distinct", "single"])
async def test_the_graphql_sse_client_is_served(mode: str) -> None:
    async with gateway_over_http(suite_named("shop")) as url:
        me, renamed, reviewed, wrong = await node("sse_client.mjs", f"{url}/graphql", mode, json.dumps(QUESTIONS))
    assert me == {"results": [ME], "end": "complete"}
    assert renamed == {"results": [{"data": {"rename": {"name": "Pump"}}}], "end": "complete"}
    assert reviewed == {"results": [FIRST, SECOND], "end": "complete"}
    assert wrong["end"] in ("complete", "error")
    assert not any("data" in result for result in wrong["results"])


@needs_peers
async def test_the_graphql_sse_client_can_stop() -> None:
    subgraph = Ticking()
    async with ticking(subgraph) as session:
        (ticks,) = await node("sse_client.mjs", f"{session._base_url}/graphql", "distinct", json.dumps([[TICKS, 3]]))
        assert (len(ticks["results"]), ticks["end"]) == (3, "stopped")
        async with asyncio.timeout(2):
            await subgraph.closed.wait()


@needs_peers
async def test_the_graphql_ws_client_is_served() -> None:
    async with gateway_over_http(suite_named("shop")) as url:
        address = url.replace("http", "ws") + "/graphql"
        me, renamed, reviewed, wrong = await node("ws_client.mjs", address, json.dumps(QUESTIONS))
    assert me == {"results": [ME], "end": "complete"}
    assert renamed["end"] == "complete"
    assert reviewed == {"results": [FIRST, SECOND], "end": "complete"}
    assert (wrong["results"], wrong["end"], wrong["count"]) == ([], "error", 1)


@needs_peers
async def test_the_graphql_ws_client_can_stop() -> None:
    subgraph = Ticking()
    async with ticking(subgraph) as session:
        address = str(session._base_url).replace("http", "ws") + "/graphql"
        (ticks,) = await node("ws_client.mjs", address, json.dumps([[TICKS, 3]]))
        assert (len(ticks["results"]) >= 3, ticks["end"]) == (True, "complete")
        async with asyncio.timeout(2):
            await subgraph.closed.wait()
