"""What is deferred, over every transport and in both spellings: parts, events, messages, or all at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.app import build_app
from gateway.settings import HttpSettings, Limits, Settings, StreamSettings
from tests.federation.harness.serving import served
from tests.federation.harness.subgraph import DataSubgraph
from tests.federation.harness.suite import suite_named
from tests.gateway.http.test_streams import read_events
from tests.gateway.http.test_websocket import heard, introduced, say
from tests.node import HERE, INSTALLED, needs_peers

QUERY = '{ product(id: "p1") { name ... @defer(label: "stock") { inStock } } }'
WHOLE = {"data": {"product": {"name": "Valve", "inStock": 5}}}
PIECES = [
    {
        "data": {"product": {"name": "Valve"}},
        "pending": [{"id": "0", "path": ["product"], "label": "stock"}],
        "hasNext": True,
    },
    {"incremental": [{"id": "0", "data": {"inStock": 5}}], "completed": [{"id": "0"}], "hasNext": False},
]
PATHS = [
    {"data": {"product": {"name": "Valve"}}, "hasNext": True},
    {"incremental": [{"data": {"inStock": 5}, "path": ["product"], "label": "stock"}], "hasNext": False},
]
NEWER = {"Accept": "multipart/mixed;incrementalSpec=v0.2, application/json"}
OLDER = {"Accept": "multipart/mixed;deferSpec=20220824, application/json"}


class Held(DataSubgraph):
    """Answers nothing until it may."""

    def hold(self) -> Held:
        self.may, self.begun, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        return self

    async def execute(self, *arguments: Any) -> dict[str, Any]:
        self.begun.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await super().execute(*arguments)


@asynccontextmanager
async def shop(settings: Settings | None = None, **instead: Any) -> AsyncIterator[aiohttp.ClientSession]:
    suite = suite_named("defer")
    app = build_app(settings or Settings(development=True), suite.supergraph, {**suite.subgraphs, **instead})
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session


@asynccontextmanager
async def with_held_stock() -> AsyncIterator[tuple[aiohttp.ClientSession, Held]]:
    stock = suite_named("defer").subgraphs["stock"]
    held = Held(stock.name, stock.sdl, stock.data).hold()
    async with shop(stock=held) as session, asyncio.timeout(10):
        yield session, held


async def parts_of(response: aiohttp.ClientResponse) -> list[Any]:
    reader = aiohttp.MultipartReader.from_response(response)
    found = []
    while (part := await reader.next()) is not None:
        assert isinstance(part, aiohttp.BodyPartReader)
        found.append(await part.json())
    return found


async def next_part(response: aiohttp.ClientResponse) -> Any:
    """With the boundary that ends it: without that no client knows that it is whole."""
    await response.content.readuntil(b"\r\n\r\n")
    return json.loads((await response.content.readuntil(b"\r\n--graphql")).removesuffix(b"\r\n--graphql"))


@pytest.mark.parametrize(
    ("accept", "content_type", "pieces"),
    [
        ("multipart/mixed;deferSpec=20220824, application/json", "deferSpec=20220824", PATHS),
        ("multipart/mixed; deferSpec=20220824", "deferSpec=20220824", PATHS),
        ('application/json, multipart/mixed;DEFERSPEC="20220824"', "deferSpec=20220824", PATHS),
        ("multipart/mixed;incrementalSpec=v0.1", "incrementalSpec=v0.1", PATHS),
        ("multipart/mixed;incrementalSpec=v0.2", "incrementalSpec=v0.2", PIECES),
        ("multipart/mixed; incrementalDeliverySpec=3283f8a", "incrementalDeliverySpec=3283f8a", PIECES),
        ("multipart/mixed", "incrementalSpec=v0.2", PIECES),
        ("application/json, multipart/mixed, */*;q=0.1", "incrementalSpec=v0.2", PIECES),
        ("multipart/mixed;deferSpec=1, multipart/mixed;incrementalSpec=v0.2;q=0.1", "incrementalSpec=v0.2", PIECES),
        (
            "multipart/mixed;deferSpec=20220824;q=0.2, multipart/mixed;incrementalSpec=v0.2",
            "incrementalSpec=v0.2",
            PIECES,
        ),
    ],
)
async def test_the_spelling_is_the_one_that_the_client_names(accept: str, content_type: str, pieces: Any) -> None:
    asked, headers = {"query": QUERY}, {"Accept": accept}
    async with shop() as session, session.post("/graphql", json=asked, headers=headers) as response:
        assert response.headers["Content-Type"] == f'multipart/mixed;boundary="graphql";{content_type}'
        assert (response.status, await parts_of(response)) == (200, pieces)


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "application/json",
        "*/*",
        "application/graphql-response+json",
        "multipart/mixed;deferSpec=20300101, application/json",
        "multipart/mixed;subscriptionSpec=1.0, application/json",
        "multipart/mixed;q=0, application/json",
    ],
)
async def test_who_takes_no_parts_gets_all_at_once(accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    async with shop() as session, session.post("/graphql", json={"query": QUERY}, headers=headers) as response:
        assert await response.json(content_type=None) == WHOLE


@pytest.mark.parametrize("headers", [NEWER, OLDER])
async def test_the_first_piece_waits_for_nothing_deferred(headers: Mapping[str, str]) -> None:
    asked = {"query": QUERY}
    async with with_held_stock() as (session, held), session.post("/graphql", json=asked, headers=headers) as response:
        assert (await next_part(response))["data"] == {"product": {"name": "Valve"}}
        await held.begun.wait()
        assert not held.asked
        held.may.set()
        assert b'"inStock":5' in await response.content.read()


async def test_nothing_deferred_is_asked_for_before_the_first_piece_is_out() -> None:
    catalog = suite_named("defer").subgraphs["catalog"]
    held = Held(catalog.name, catalog.sdl, catalog.data).hold()
    stock = suite_named("defer").subgraphs["stock"]
    async with shop(catalog=held, stock=stock) as session:
        asking = asyncio.create_task(session.post("/graphql", json={"query": QUERY}, headers=NEWER))
        await held.begun.wait()
        assert not stock.asked
        held.may.set()
        async with await asking as response:
            assert await parts_of(response) == PIECES


async def test_each_fragment_comes_as_soon_as_its_own_fetches_are_over() -> None:
    asked = {"query": '{ product(id: "p1") { id ... @defer { inStock } ... @defer { name ... @defer { weight } } } }'}
    async with with_held_stock() as (session, held), session.post("/graphql", json=asked, headers=OLDER) as response:
        parts = [await next_part(response) for _ in range(3)]
        assert [sorted(each["incremental"][0]["data"]) for each in parts[1:]] == [["name"], ["weight"]]
        held.may.set()
        last = await next_part(response)
        assert (last["incremental"][0]["data"], last["hasNext"]) == ({"inStock": 5}, False)


async def test_a_subgraph_that_is_down_costs_its_own_fragment_only() -> None:
    class Down:
        async def execute(self, *_: object) -> dict[str, object]:
            raise ConnectionError("nobody there")

    asked = {"query": '{ product(id: "p1") { id ... @defer(label: "a") { inStock shelf } ... @defer { name } } }'}
    async with shop(stock=Down()) as session, session.post("/graphql", json=asked, headers=NEWER) as response:
        first, *later = await parts_of(response)
    assert "errors" not in first
    failed = [each for piece in later for each in piece["completed"] if "errors" in each]
    assert [each["id"] for each in failed] == ["0"]
    assert {tuple(error["path"]) for error in failed[0]["errors"]} == {("product", "inStock"), ("product", "shelf")}
    assert {error["extensions"]["code"] for error in failed[0]["errors"]} == {"SUBGRAPH_UNAVAILABLE"}
    assert [each["data"] for piece in later for each in piece.get("incremental", ())] == [{"name": "Valve"}]


@pytest.mark.parametrize("headers", [NEWER, {"Accept": "text/event-stream"}])
async def test_a_client_that_leaves_ends_what_is_deferred(headers: Mapping[str, str]) -> None:
    async with with_held_stock() as (session, held):
        response = await session.post("/graphql", json={"query": QUERY}, headers=headers)
        await held.begun.wait()
        response.close()
        await held.cancelled.wait()


async def test_what_is_not_deferred_comes_as_ever() -> None:
    plain = {"query": '{ product(id: "p1") { name } }'}
    expected = {"data": {"product": {"name": "Valve"}}}
    async with shop() as session:
        async with session.post("/graphql", json=plain, headers=NEWER) as response:
            assert await response.json() == expected
        # Of an object that is not there nothing is to come either.
        absent = {"query": '{ product(id: "none") { name ... @defer { weight } } }'}
        async with session.post("/graphql", json=absent, headers=OLDER) as response:
            assert await response.json() == {"data": {"product": None}}
        only_parts = {"Accept": "multipart/mixed;incrementalSpec=v0.2"}
        for asked, answer in ((plain, expected), (absent, {"data": {"product": None}})):
            async with session.post("/graphql", json=asked, headers=only_parts) as response:
                assert await parts_of(response) == [answer]


async def test_by_get_and_below_a_mutations_root() -> None:
    async with shop() as session:
        async with session.get("/graphql", params={"query": QUERY}, headers=NEWER) as response:
            assert await parts_of(response) == PIECES
        asked = {"query": 'mutation { rename(id: "p1", name: "x") { name ... @defer { inStock } } }'}
        async with session.post("/graphql", json=asked, headers=OLDER) as response:
            first, second = await parts_of(response)
            assert (first["data"], second["incremental"][0]["path"]) == ({"rename": {"name": "Valve"}}, ["rename"])


async def test_operations_of_a_batch_come_whole() -> None:
    batch, settings = [{"query": QUERY}, {"query": QUERY}], Settings(development=True, limits=Limits(max_batch=2))
    async with shop(settings) as session, session.post("/graphql", json=batch, headers=NEWER) as response:
        assert await response.json() == [WHOLE, WHOLE]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ('{ product(id: "p1") { ... @defer(label: "x") { id } ... @defer(label: "x") { name } } }', "must be unique"),
        ('query ($l: String) { product(id: "p1") { ... @defer(label: $l) { id } } }', "must be a static string"),
        ('mutation { ... @defer { rename(id: "p1", name: "x") { id } } }', "cannot be used on root mutation"),
        ('{ product(id: "p1") @defer { id } }', "may not be used on field"),
    ],
)
async def test_what_the_specification_forbids_is_refused(query: str, reason: str) -> None:
    async with shop() as session, session.post("/graphql", json={"query": query}, headers=NEWER) as response:
        (error,) = (await response.json(content_type=None))["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert reason in error["message"]


async def test_a_subscription_defers_nothing() -> None:
    suite = suite_named("shop")
    app = build_app(Settings(development=True), suite.supergraph, suite.subgraphs)  # type: ignore[arg-type]
    ticks = "subscription ($later: Boolean!) { reviewed { stars ... @defer(if: $later) { text } } }"
    events = {"Accept": "text/event-stream"}
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        for query in (ticks, "subscription { reviewed { stars ... @defer { text } } }"):
            asked = {"query": query, "variables": {"later": True}}
            async with session.post("/graphql", json=asked, headers=events) as response:
                (_, told), _ = await read_events(response)
                assert told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        asked = {"query": ticks, "variables": {"later": False}}
        async with session.post("/graphql", json=asked, headers=events) as response:
            (_, first), *_ = await read_events(response)
            assert first == {"data": {"reviewed": {"stars": 5, "text": "Tight"}}}


async def test_there_is_a_limit_to_deferred_fragments() -> None:
    # Five in the text, 25 in the operation: each is deferred as often as it is spread.
    inner = " ".join(f'x{number}: product(id: "p1") {{ ...F }}' for number in range(5))
    fragment = " ".join(f"... @defer {{ w{number}: weight }}" for number in range(5))
    asked = {"query": f"{{ {inner} }} fragment F on Product {{ {fragment} }}"}
    async with shop(Settings(limits=Limits(max_defers=24))) as session:
        async with session.post("/graphql", json=asked, headers=NEWER) as response:
            (error,) = (await response.json(content_type=None))["errors"]
            assert error["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
            assert "more than 24 deferred fragments" in error["message"]
        async with session.post("/graphql", json=asked) as response:
            assert "errors" not in await response.json()
    settings = Settings(limits=Limits(max_defers=25))
    async with shop(settings) as session, session.post("/graphql", json=asked, headers=NEWER) as response:
        assert len((await parts_of(response))[0]["pending"]) == 25


async def test_introspection_shows_the_directive() -> None:
    asked = {"query": "{ __schema { directives { name locations args { name defaultValue } } } }"}
    async with shop() as session, session.post("/graphql", json=asked) as response:
        directives = (await response.json())["data"]["__schema"]["directives"]
    (defer,) = [each for each in directives if each["name"] == "defer"]
    assert sorted(defer["locations"]) == ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"]
    assert {each["name"]: each["defaultValue"] for each in defer["args"]} == {"if": "true", "label": None}


async def test_the_plan_tells_what_is_deferred() -> None:
    async with shop() as session:
        headers = {**NEWER, "X-Query-Plan": "1"}
        async with session.post("/graphql", json={"query": QUERY}, headers=headers) as response:
            first, second = await parts_of(response)
    plan = first["extensions"]["queryPlan"]
    assert 'Defer 1 (at: product, label: "stock") {\n    Fetch 1 (subgraph: stock) {' in plan
    assert "extensions" not in second


async def test_pieces_as_events() -> None:
    events = {"Accept": "text/event-stream"}
    older = {"Accept": "text/event-stream;deferSpec=20220824"}
    both = {"Accept": "application/json, text/event-stream"}
    async with shop() as session:
        for headers, pieces in ((events, PIECES), (older, PATHS), (both, PIECES)):
            async with session.post("/graphql", json={"query": QUERY}, headers=headers) as response:
                assert await read_events(response) == [*(("next", each) for each in pieces), ("complete", None)]


async def test_a_quiet_stream_of_pieces_shows_that_it_lives() -> None:
    stock = suite_named("defer").subgraphs["stock"]
    held = Held(stock.name, stock.sdl, stock.data).hold()
    settings = Settings(http=HttpSettings(streams=StreamSettings(beat_s=0.05)))
    async with shop(settings, stock=held) as session, asyncio.timeout(5):
        events = {"Accept": "text/event-stream"}
        async with session.post("/graphql", json={"query": QUERY}, headers=events) as response:
            await held.begun.wait()
            lines = [await response.content.readline() for _ in range(9)]
            assert lines.count(b":\n") >= 2


async def test_pieces_on_a_shared_stream() -> None:
    async with shop() as session:
        token = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql")).text()}
        async with session.get("/graphql", headers={"Accept": "text/event-stream", **token}) as stream:
            for extensions, pieces in (({}, PIECES), ({"deferSpec": "20220824"}, PATHS)):
                asked = {"query": QUERY, "extensions": {"operationId": "a", **extensions}}
                assert (await session.post("/graphql", json=asked, headers=token)).status == 202
                told = await read_events(stream, 3)
                assert [data.get("payload") for _, data in told] == [*pieces, None]


async def test_pieces_on_a_socket() -> None:
    async with shop() as session, introduced(str(session._base_url).rstrip("/")) as socket:
        for extensions, pieces in (({}, PIECES), ({"incrementalSpec": "v0.1"}, PATHS)):
            payload = {"query": QUERY, "extensions": extensions}
            await say(socket, {"id": "1", "type": "subscribe", "payload": payload})
            for each in pieces:
                assert await heard(socket) == {"id": "1", "type": "next", "payload": each}
            assert await heard(socket) == {"id": "1", "type": "complete"}


async def test_a_socket_that_completes_an_operation_ends_what_is_deferred() -> None:
    async with with_held_stock() as (session, held), introduced(str(session._base_url).rstrip("/")) as socket:
        await say(socket, {"id": "1", "type": "subscribe", "payload": {"query": QUERY}})
        assert (await heard(socket))["payload"] == PIECES[0]
        await held.begun.wait()
        await say(socket, {"id": "1", "type": "complete"})
        await held.cancelled.wait()


STREAMED = '{ products @stream(initialCount: 0, label: "all") { id inStock } }'


async def test_the_items_at_once_go_out_before_anything_is_asked_for_later_ones() -> None:
    async with (
        with_held_stock() as (session, held),
        session.post("/graphql", json={"query": STREAMED}, headers=NEWER) as response,
    ):
        first = await next_part(response)
        assert first["data"] == {"products": []}
        assert first["pending"] == [{"id": "0", "path": ["products"], "label": "all"}]
        await held.begun.wait()
        held.may.set()
        second = await next_part(response)
    assert second["incremental"][0]["items"] == [{"id": "p1", "inStock": 5}, {"id": "p2", "inStock": None}]
    assert (second["completed"], second["hasNext"]) == ([{"id": "0"}], False)


async def test_a_client_that_leaves_ends_the_fetches_for_later_items() -> None:
    async with with_held_stock() as (session, held):
        async with session.post("/graphql", json={"query": STREAMED}, headers=NEWER) as response:
            await next_part(response)
            await held.begun.wait()
        await held.cancelled.wait()


async def test_who_takes_no_pieces_gets_the_whole_list() -> None:
    async with shop() as session, session.post("/graphql", json={"query": STREAMED}) as response:
        body = await response.json()
        assert body["data"] == {"products": [{"id": "p1", "inStock": 5}, {"id": "p2", "inStock": None}]}


@pytest.mark.parametrize("variables", [{"n": -1}, {"n": -(2**31)}])
async def test_a_negative_count_is_refused(variables: dict[str, int]) -> None:
    asked = {"query": "query ($n: Int) { products @stream(initialCount: $n) { id } }", "variables": variables}
    async with shop() as session, session.post("/graphql", json=asked, headers=NEWER) as response:
        (error,) = (await response.json())["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"] == f"The initialCount of @stream must not be negative, and is {variables['n']}."


async def test_more_streamed_lists_than_allowed_are_refused() -> None:
    lists = " ".join(f"p{number}: products @stream {{ id }}" for number in range(3))
    settings = Settings(limits=Limits(max_defers=2))
    asked = {"query": f"{{ {lists} }}"}
    async with shop(settings) as session, session.post("/graphql", json=asked, headers=NEWER) as response:
        (error,) = (await response.json())["errors"]
        assert "streamed lists" in error["message"]


@needs_peers
@pytest.mark.skipif(not (INSTALLED / "@apollo").exists(), reason="needs Apollo Client: ./dev peers")
@pytest.mark.parametrize("spelling", ["older", "newer"])
async def test_apollo_client_takes_a_list_in_two_goes(spelling: str) -> None:
    asked = "{ products @stream(initialCount: 1) { id name } }"
    async with shop() as session:
        address = str(session._base_url).rstrip("/") + "/graphql"
        process = await asyncio.create_subprocess_exec(
            *("node", str(HERE / "apollo_client.mjs"), address, spelling, asked),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            printed, _ = await process.communicate()
    first, *_, last = map(json.loads, printed.splitlines())
    valve, pump = (
        {"__typename": "Product", "id": each, "name": name} for each, name in (("p1", "Valve"), ("p2", "Pump"))
    )
    assert first["data"] == {"products": [valve]}
    assert (last["data"], last["state"], last["error"]) == ({"products": [valve, pump]}, "complete", None)


@needs_peers
@pytest.mark.skipif(not (INSTALLED / "@apollo").exists(), reason="needs Apollo Client: ./dev peers")
@pytest.mark.parametrize("spelling", ["older", "newer"])
async def test_apollo_client_is_served(spelling: str) -> None:
    asked = "{ products { id ... @defer { name size { width ... @defer { height } } } } }"
    async with shop() as session:
        address = str(session._base_url).rstrip("/") + "/graphql"
        process = await asyncio.create_subprocess_exec(
            *("node", str(HERE / "apollo_client.mjs"), address, spelling, asked),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            printed, _ = await process.communicate()
    first, *_, last = map(json.loads, printed.splitlines())
    product, size = {"__typename": "Product"}, {"__typename": "Size"}
    assert first == {
        "data": {"products": [{**product, "id": "p1"}, {**product, "id": "p2"}]},
        "state": "streaming",
        "error": None,
    }
    assert last["data"] == {
        "products": [
            {**product, "id": "p1", "name": "Valve", "size": {**size, "width": 10, "height": 20}},
            {**product, "id": "p2", "name": "Pump", "size": {**size, "width": 40, "height": None}},
        ]
    }
    assert (last["state"], last["error"]) == ("complete", "not measured")
