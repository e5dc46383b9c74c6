"""The same subgraph on a real socket: plain requests, and the websocket protocol with its closing codes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn

from subgraphs.serving.app import subgraph_app
from subgraphs.serving.in_process import InProcessSubgraph
from tests.subgraphs.serving.example import Clock, caller_token, example_subgraph

PROTOCOL = "graphql-transport-ws"
CLOCK = Clock(ticks=3)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the example subgraph, served by uvicorn on a loopback port of its own."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[InProcessSubgraph]:
        yield example_subgraph(CLOCK)

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(subgraph_app("example", opened), log_level="warning", ws="websockets-sansio")
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{listening.getsockname()[1]}") as session:
        yield session
    server.should_exit = True
    await serving


async def test_health_names_the_subgraph(client: aiohttp.ClientSession) -> None:
    async with client.get("/health") as answer:
        assert await answer.json() == {"subgraph": "example", "status": "up"}


async def test_a_post_is_answered_as_the_token_says(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", json={"query": "{ who }"}, headers={"Caller-Token": caller_token()}) as answer:
        assert await answer.json() == {"data": {"who": "Ada"}}


async def test_a_forged_token_is_refused_before_anything_runs(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", json={"query": "{ corner }"}, headers={"Caller-Token": "a.b.c"}) as answer:
        body = await answer.json()
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"query": 1}', 400),
        (b'{"query": "{ who }", "variables": []}', 400),
        (b'{"query": "{ who }", "operationName": 1}', 400),
        (b" " * (4 * 1024 * 1024 + 1), 413),
    ],
    ids=["half", "list", "number", "variables", "name", "huge"],
)
async def test_a_body_that_is_no_request_is_refused(client: aiohttp.ClientSession, body: bytes, status: int) -> None:
    async with client.post("/graphql", data=body) as answer:
        assert answer.status == status


async def late(client: aiohttp.ClientSession, query: str, told: str) -> tuple[object, float]:
    """The answer, or the code of its error, and how long it took."""
    CLOCK.begun = CLOCK.ended = 0
    begun = time.monotonic()
    async with client.post("/graphql", json={"query": query}, headers={"X-Request-Timeout-Ms": told}) as answer:
        assert answer.status == 200
        body = await answer.json()
    took_s = time.monotonic() - begun
    return body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"], took_s


async def test_work_whose_time_is_over_is_ended(client: aiohttp.ClientSession) -> None:
    """Whoever asked had long given up, and the subgraph worked on."""
    answer, took_s = await late(client, "{ a: slow(tookS: 10) b: slow(tookS: 10) }", "200")
    assert answer == "SUBGRAPH_TIMEOUT"
    assert 0.15 < took_s < 2
    await asyncio.sleep(1.5)
    assert (CLOCK.begun, CLOCK.ended) == (2, 0)


async def test_a_change_that_has_begun_is_ended_whatever_the_time(client: aiohttp.ClientSession) -> None:
    assert (await late(client, "mutation { changeSlowly(tookS: 0.5) }", "100"))[0] == {"changeSlowly": "done"}
    assert (await late(client, "mutation { changeSlowly(tookS: 0.5) }", "0"))[0] == "SUBGRAPH_TIMEOUT"
    assert CLOCK.begun == 0


@pytest.mark.parametrize("told", ["", "soon", "-1", "1e3", "5000", "9" * 5000, "\u0661", "1.5"])
async def test_a_header_that_says_no_time_bounds_nothing(client: aiohttp.ClientSession, told: str) -> None:
    assert (await late(client, "{ slow(tookS: 0.1) }", told))[0] == {"slow": "done"}


@pytest.mark.parametrize("where", ["payload", "header"])
async def test_a_socket_streams_with_the_caller_token_from_either_place(
    client: aiohttp.ClientSession, where: str
) -> None:
    headers = {"Caller-Token": caller_token()} if where == "header" else {}
    payload = {"Caller-Token": caller_token()} if where == "payload" else {}
    async with client.ws_connect("/graphql", protocols=[PROTOCOL], headers=headers) as wire:
        await initialise(wire, payload)
        await wire.send_json({"type": "subscribe", "id": "1", "payload": {"query": "{ who }"}})
        assert await wire.receive_json() == {"id": "1", "type": "next", "payload": {"data": {"who": "Ada"}}}
        assert await wire.receive_json() == {"id": "1", "type": "complete"}
        await wire.send_json({"type": "subscribe", "id": "1", "payload": {"query": "subscription { ticks }"}})
        ticks = [await wire.receive_json() for _ in range(4)]
    assert [tick.get("payload", tick["type"]) for tick in ticks] == [
        {"data": {"ticks": 0}},
        {"data": {"ticks": 1}},
        {"data": {"ticks": 2}},
        "complete",
    ]


async def test_a_document_that_does_not_hold_answers_an_error_message(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as wire:
        await initialise(wire, {})
        await wire.send_json({"type": "subscribe", "id": "1", "payload": {"query": "subscription { nothing }"}})
        answer = await wire.receive_json()
        assert (answer["id"], answer["type"]) == ("1", "error")
        assert answer["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        await wire.send_json({"type": "ping"})
        assert await wire.receive_json() == {"type": "pong"}


@pytest.mark.parametrize("leaving", ["complete", "close"])
async def test_leaving_stops_the_source(client: aiohttp.ClientSession, leaving: str) -> None:
    CLOCK.closed = False
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as wire:
        await initialise(wire, {})
        await wire.send_json(
            {"type": "subscribe", "id": "1", "payload": {"query": "subscription { ticks(waitAt: 1) }"}}
        )
        assert (await wire.receive_json())["payload"] == {"data": {"ticks": 0}}
        assert not CLOCK.closed
        if leaving == "complete":
            await wire.send_json({"type": "complete", "id": "1"})
            await until_closed()
    await until_closed()


async def until_closed() -> None:
    async with asyncio.timeout(5):
        while not CLOCK.closed:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ who }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "nonsense"}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": {}}], 4400),
        ([{"type": "connection_init", "payload": 7}], 4400),
        ([["no", "object"]], 4400),
    ],
    ids=["early", "twice", "nonsense", "no-query", "payload", "list"],
)
async def test_a_broken_protocol_closes_with_its_code(
    client: aiohttp.ClientSession, messages: list[object], code: int
) -> None:
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as wire:
        for message in messages:
            await wire.send_json(message)
        async with asyncio.timeout(5):
            while (await wire.receive()).type is not aiohttp.WSMsgType.CLOSE:
                pass
        assert wire.close_code == code


async def test_an_id_in_use_cannot_be_taken_again(client: aiohttp.ClientSession) -> None:
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { ticks(waitAt: 0) }"}}
    async with client.ws_connect("/graphql", protocols=[PROTOCOL]) as wire:
        await initialise(wire, {})
        await wire.send_json(subscribe)
        await wire.send_json(subscribe)
        await wire.receive()
        assert wire.close_code == 4409


async def test_another_subprotocol_is_not_spoken(client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.ws_connect("/graphql", protocols=["graphql-ws"])


async def initialise(wire: aiohttp.ClientWebSocketResponse, payload: dict[str, str]) -> None:
    await wire.send_json({"type": "connection_init", "payload": payload})
    assert await wire.receive_json() == {"type": "connection_ack"}
