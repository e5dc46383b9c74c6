"""How events reach readers over real sockets: the newest of each key, or every one, or a clean end with a cursor."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from gateway.pipeline import OperationRequest
from gateway.streams.sharing import rate_asked
from tests.gateway.http.test_streams import read_events
from tests.gateway.streams.factory import SUPERGRAPH, Factory, Socket, factory, until
from tests.gateway.test_reload import without

MOVES = "subscription ($after: String) { moves(after: $after) { to } }"
WIDE = "x" * 50_000
SMALL = {"max_waiting": 5, "patience_s": 0.05}


async def test_key_and_cursor_are_not_in_the_answer() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask(MOVES, "m")
        await socket.ask("subscription { poses { x } }", "p")
        await floor.has(subscriptions=2, upstreams=2)
        sent = " ".join(each.document for each in floor.machines.asked)
        assert "cursor" in sent
        assert "machine" in sent
        floor.machines.publish({"cursor": "1", "machine": {"id": "m1"}, "to": "hall", "x": 1.0})
        assert sorted([str(await socket.next()) for _ in range(2)]) == ["{'to': 'hall'}", "{'x': 1.0}"]


async def test_a_reader_gets_the_newest_of_each_key_at_the_fields_rate() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask("subscription { calmPoses { x machine { id } } }")
        await floor.has(subscriptions=1, upstreams=1)
        began = time.monotonic()
        for x in range(100):
            for machine in ("m1", "m2"):
                floor.machines.pose(machine, float(x))
            await asyncio.sleep(0.002)
        floor.machines.finish()
        got: dict[str, list[float]] = {"m1": [], "m2": []}
        last = {"m1": 99.0, "m2": 99.0}
        while {machine: xs[-1] for machine, xs in got.items() if xs} != last:
            pose = await socket.next()
            got[pose["machine"]["id"]].append(pose["x"])
        assert await socket.end() is None
        # One at once, one each tenth of a second, one half a tenth early, and the last with the end.
        most = (time.monotonic() - began) / 0.1 + 2.5
        for xs in got.values():
            assert 3 <= len(xs) <= most
            assert xs == sorted(set(xs))
        counters = floor.counters
        assert (counters.events, counters.delivered + counters.superseded) == (200, 200)


async def test_a_client_may_ask_for_less_and_not_for_more() -> None:
    async with factory() as floor, floor.socket() as socket:
        query = "subscription { calmPoses { x } }"
        await socket.ask(query, "calm", extensions={"delivery": {"maxRate": 1e-300}})
        await socket.ask(query, "eager", extensions={"delivery": {"maxRate": 1000}})
        await floor.has(subscriptions=2, upstreams=1)
        began = time.monotonic()
        for x in range(50):
            floor.machines.pose("m1", float(x))
            await asyncio.sleep(0.01)
        heard: list[str] = []
        await socket.ask("{ __typename }", "over")
        while (message := json.loads(await socket.connection.recv()))["id"] != "over":
            heard.append(message["id"])
        assert heard.count("calm") == 1
        assert 4 <= heard.count("eager") <= (time.monotonic() - began) / 0.1 + 1.5


@pytest.mark.parametrize("rate", [0, -1, "fast", True, [1]])
async def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    given = {"extensions": {"delivery": {"maxRate": rate}}}
    async with factory() as floor, floor.socket() as socket:
        await socket.ask("subscription { poses { x } }", **given)
        assert (await socket.end())["code"] == "BAD_USER_INPUT"
        await socket.ask("subscription { poses { x } }")
        await floor.has(subscriptions=1, upstreams=1)


async def test_the_lowest_rate_is_one_an_hour() -> None:
    async with factory() as floor:
        asked = OperationRequest("subscription { poses { x } }", extensions={"delivery": {"maxRate": 1e-300}})
        assert rate_asked(await floor.gateway.pipeline.ready(asked)) == 1 / 3600


async def test_a_rate_is_refused_where_every_event_counts_and_in_each_face() -> None:
    asked = {"query": MOVES, "extensions": {"delivery": {"maxRate": 5}}}
    async with factory() as floor, floor.socket() as socket, aiohttp.ClientSession(floor.url) as session:
        await socket.ask(**asked)
        assert (await socket.end())["code"] == "BAD_USER_INPUT"
        async with session.post("/graphql", json=asked, headers={"Accept": "text/event-stream"}) as response:
            (_, told), _ = await read_events(response)
            assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def flood(floor: Factory, first: int = 1, events: int = 600) -> None:
    """Far more than sockets, and what may wait, can hold."""
    for cursor in range(first, first + events):
        floor.machines.move(cursor, f"{cursor} {WIDE}")
        if cursor % 20 == 0:
            await asyncio.sleep(0)


async def test_who_reads_too_slowly_is_told_the_cursor_to_go_on_from() -> None:
    async with factory(**SMALL) as floor, floor.socket() as slow:
        await slow.ask(MOVES)
        await floor.has(subscriptions=1, upstreams=1)
        await flood(floor)
        await until(lambda: floor.counters.slow_consumers == 1)
        got, end = await drained(slow)
        assert end["code"] == "SLOW_CONSUMER"
        assert int(end["cursor"]) == got[-1]
        assert got == list(range(1, got[-1] + 1))
        assert got[-1] < 600
        # What was not delivered is had by resuming, and the subgraph is told where.
        await slow.ask(MOVES, "again", variables={"after": end["cursor"]})
        await floor.has(subscriptions=1, upstreams=1)
        assert floor.machines.asked[-1].variables == {"after": end["cursor"]}


async def test_who_resumes_whenever_it_was_too_slow_gets_everything_once() -> None:
    async with factory(max_waiting=5, patience_s=0.01) as floor, floor.socket() as slow:
        await slow.ask(MOVES)
        await floor.has(subscriptions=1, upstreams=1)
        await flood(floor)
        got: list[int] = []
        for attempt in range(100):
            if attempt < 2:
                await until(lambda: floor.counters.slow_consumers > attempt)  # noqa: B023 - called at once
            some, end = await drained(slow, most=600 - len(got))
            got += some
            if end is None:
                break
            await slow.ask(MOVES, f"again {attempt}", variables={"after": end["cursor"]})
        assert got == list(range(1, 601))


async def test_every_face_tells_the_cursor() -> None:
    asked = {"json": {"query": MOVES}}
    async with factory() as floor, aiohttp.ClientSession(floor.url) as session:
        events, parts = {"Accept": "text/event-stream"}, {"Accept": "multipart/mixed;subscriptionSpec=1.0"}
        sse = await session.post("/graphql", headers=events, **asked)
        multipart = await session.post("/graphql", headers=parts, **asked)
        await floor.has(subscriptions=2, upstreams=1)
        floor.machines.move(7)
        await until(lambda: floor.counters.delivered == 2)
        await floor.gateway.reload(without(SUPERGRAPH, "  to: String!\n"))
        _, (_, told), _ = await read_events(sse)
        *_, part, _ = (await multipart.text()).split("\r\n--graphql")
        for errors in (told["errors"], json.loads(part.partition("\r\n\r\n")[2])["errors"]):
            assert (errors[0]["extensions"]["code"], errors[0]["extensions"]["cursor"]) == ("SCHEMA_CHANGED", "7")


async def test_who_reads_in_time_loses_nothing_beside_a_slow_one() -> None:
    async with factory(max_waiting=5, patience_s=60) as floor, floor.socket() as slow, floor.socket() as fast:
        for socket in (slow, fast):
            await socket.ask(MOVES)
        await floor.has(subscriptions=2, upstreams=1)
        for cursor in range(1, 501):
            floor.machines.move(cursor, f"{cursor} {WIDE}")
            assert number(await fast.next()) == cursor
        assert floor.counters.slow_consumers == 1
        got, end = await drained(slow)
        assert (end["code"], int(end["cursor"])) == ("SLOW_CONSUMER", got[-1])
        await floor.has(subscriptions=1, upstreams=1)


async def test_one_who_resumed_and_got_nothing_is_told_the_cursor_it_came_with() -> None:
    async with factory(max_waiting=1, max_waiting_bytes=1, patience_s=0.01) as floor, floor.socket() as socket:
        await socket.ask(MOVES.replace("to }", "to machine { name } }"), variables={"after": "41"})
        await floor.has(subscriptions=1, upstreams=1)
        floor.gateway.pipeline.swap(floor.gateway.pipeline.newest)
        await floor.gateway.reload(without(SUPERGRAPH, "  to: String!\n"))
        end = await socket.end()
        assert (end["code"], end["cursor"]) == ("SCHEMA_CHANGED", "41")


async def test_a_changed_schema_tells_each_reader_its_own_cursor() -> None:
    async with factory() as floor, floor.socket() as early, floor.socket() as late:
        await early.ask(MOVES)
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.move(7)
        await early.next()
        await late.ask(MOVES)
        await floor.has(subscriptions=2, upstreams=1)
        await floor.gateway.reload(without(SUPERGRAPH, "  to: String!\n"))
        told = await early.end()
        assert (told["code"], told["cursor"]) == ("SCHEMA_CHANGED", "7")
        told = await late.end()
        assert (told["code"], told.get("cursor")) == ("SCHEMA_CHANGED", None)


async def test_a_stream_that_breaks_tells_the_cursor() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask(MOVES)
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.move(7)
        await socket.next()
        floor.machines.publish(RuntimeError("the line is down"))
        told = await socket.end()
        assert (told["code"], told["cursor"]) == ("SUBGRAPH_UNAVAILABLE", "7")


async def test_a_changed_rule_ends_the_stream() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask("subscription { calmPoses { x } }")
        await floor.has(subscriptions=1, upstreams=1)
        await floor.gateway.reload(SUPERGRAPH + "\n# nothing new\n")
        floor.machines.pose("m1", 1.0)
        assert await socket.next() == {"x": 1.0}
        await floor.gateway.reload(SUPERGRAPH.replace("maxRate: 10", "maxRate: 11"))
        assert (await socket.end())["code"] == "SCHEMA_CHANGED"


async def test_without_a_rule_a_slow_reader_ends_without_a_cursor() -> None:
    async with factory(**SMALL) as floor, floor.socket() as slow:
        await slow.ask("subscription { notes { text } }")
        await floor.has(subscriptions=1, upstreams=1)
        for _ in range(600):
            floor.machines.publish({"text": WIDE})
        await until(lambda: floor.counters.slow_consumers == 1)
        end = await slow.end()
        assert end["code"] == "SLOW_CONSUMER"
        assert "cursor" not in end


async def test_one_who_reads_alone_slows_the_stream_and_is_not_cut() -> None:
    """A long catch-up goes as fast as its reader reads."""
    async with factory(max_waiting=5, patience_s=5) as floor, floor.socket() as socket:
        await socket.ask(MOVES, variables={"after": "0"})
        await floor.has(subscriptions=1, upstreams=1)
        await flood(floor, events=500)
        await asyncio.sleep(0.3)
        assert floor.counters.events < 500
        for cursor in range(1, 501):
            assert number(await socket.next()) == cursor
        assert floor.counters.slow_consumers == 0


async def test_states_pass_one_another_while_other_subgraphs_are_asked() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask("subscription { poses { x machine { name } } }")
        await floor.has(subscriptions=1, upstreams=1)
        floor.names.gate.clear()
        floor.machines.pose("m1", 0.0)
        await until(lambda: len(floor.names.asked) == 1)
        for x in range(1, 100):
            floor.machines.pose("m1", float(x))
            floor.machines.pose("m2", float(x))
        await until(lambda: floor.counters.superseded == 196)
        floor.names.gate.set()
        newest: dict[str, float] = {}
        while newest != {"Mill 1": 99.0, "Mill 2": 99.0}:
            pose = await socket.next()
            newest[pose["machine"]["name"]] = pose["x"]
        assert len(floor.names.asked) == 3


async def test_events_that_are_errors_are_delivered_and_not_taken_for_states() -> None:
    async with factory() as floor, floor.socket() as socket, floor.socket() as late:
        await socket.ask("subscription { poses { x } }")
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.publish({"machine": None, "x": 1.0})
        message = json.loads(await socket.connection.recv())
        assert message["payload"]["data"] is None
        assert message["payload"]["errors"][0]["path"] == ["poses"]
        floor.machines.pose("m1", 2.0)
        assert await socket.next() == {"x": 2.0}
        await late.ask("subscription { poses { x } }")
        assert await late.next() == {"x": 2.0}


async def drained(socket: Socket, most: int = 600) -> tuple[list[int], Any]:
    """The numbers of the moves that came, and what the stream ended with; nothing where so many came before."""
    got: list[int] = []
    while len(got) < most and (message := json.loads(await socket.connection.recv()))["type"] == "next":
        got.append(number(message["payload"]["data"]["moves"]))
    return got, None if len(got) == most else message["payload"][0]["extensions"]


def number(move: Any) -> int:
    return int(move["to"].partition(" ")[0])
