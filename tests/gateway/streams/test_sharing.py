"""Identical subscriptions are one stream upstream, over real sockets: who shares, who does not, who comes and goes."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.execution.response import SubscriptionFailed
from gateway.pipeline import OperationRequest
from gateway.settings import HeaderSettings, RequestRule
from tests.federation.harness.suite import Nobody
from tests.gateway.http.test_streams import read_events
from tests.gateway.streams.factory import SUPERGRAPH, Factory, Socket, factory, settled

NOTES = "subscription { notes { text } }"
POSES = "subscription { poses { machine { id } x } }"
MOVES = "subscription ($after: String) { moves(after: $after) { to } }"
TWO = "subscription A { notes { text } } subscription B { notes { text } }"
BOARD = "subscription { board { to } }"
NAMED_BOARD = "subscription { board { to machine { name } } }"


async def joined(stack: AsyncExitStack, floor: Factory, query: str, subject: str | None = None, **given: Any) -> Socket:
    socket = await stack.enter_async_context(floor.socket(subject, **given))
    await socket.ask(query)
    return socket


async def test_identical_subscriptions_of_one_caller_open_one_stream_and_all_hear_it() -> None:
    async with factory() as floor, AsyncExitStack() as stack:
        sockets = [await joined(stack, floor, NOTES) for _ in range(10)]
        await floor.has(subscriptions=10, upstreams=1)
        floor.machines.publish({"text": "a"})
        assert [await socket.next() for socket in sockets] == [{"text": "a"}] * 10
        assert (floor.machines.opened, floor.counters.events, floor.counters.delivered) == (1, 1, 10)


async def test_the_last_one_to_leave_closes_the_stream_and_the_next_one_opens_it_anew() -> None:
    async with factory() as floor, floor.socket() as socket:
        for name in "ab":
            await socket.ask(NOTES, name)
        await floor.has(subscriptions=2, upstreams=1)
        await socket.complete("a")
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.publish({"text": "b"})
        assert await socket.next() == {"text": "b"}
        await socket.complete("b")
        await floor.has(subscriptions=0, upstreams=0)
        await socket.ask(NOTES)
        await floor.has(subscriptions=1, upstreams=1)
        assert floor.machines.opened == 2


async def test_all_faces_share_one_stream() -> None:
    asked = {"json": {"query": NOTES}}
    events, parts = {"Accept": "text/event-stream"}, {"Accept": "multipart/mixed;subscriptionSpec=1.0"}
    async with (
        factory() as floor,
        floor.socket() as socket,
        aiohttp.ClientSession(floor.url) as session,
        session.post("/graphql", headers=events, **asked) as sse,
        session.post("/graphql", headers=parts, **asked) as multipart,
    ):
        await socket.ask(NOTES)
        await floor.has(subscriptions=3, upstreams=1)
        floor.machines.publish({"text": "a"})
        wanted = {"data": {"notes": {"text": "a"}}}
        assert await socket.next() == {"text": "a"}
        assert await read_events(sse, 1) == [("next", wanted)]
        part = await multipart.content.readuntil(b"}}}}")
        assert json.loads(part.rpartition(b"\r\n")[2]) == {"payload": wanted}


async def test_an_event_is_encoded_once_for_all() -> None:
    async with factory() as floor:
        pipeline = floor.gateway.pipeline
        ready = await pipeline.ready(OperationRequest(NOTES))
        async with aclosing(pipeline.events(ready, Nobody())) as one, aclosing(pipeline.events(ready, Nobody())) as two:
            reading = asyncio.gather(anext(one), anext(two))
            await floor.has(subscriptions=2, upstreams=1)
            floor.machines.publish({"text": "a"})
            first, second = await reading
        assert first.as_bytes() is second.as_bytes()


async def test_a_late_joiner_hears_what_comes_from_then_on() -> None:
    async with factory() as floor, floor.socket() as first, floor.socket() as late:
        await first.ask(NOTES)
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.publish({"text": "before"})
        assert await first.next() == {"text": "before"}
        await late.ask(NOTES)
        await floor.has(subscriptions=2, upstreams=1)
        floor.machines.publish({"text": "after"})
        assert await late.next() == await first.next() == {"text": "after"}


async def test_a_late_joiner_of_states_gets_the_newest_of_each_first() -> None:
    async with factory() as floor, floor.socket() as first, floor.socket() as late:
        await first.ask(POSES)
        await floor.has(subscriptions=1, upstreams=1)
        for machine, x in (("m1", 1.0), ("m2", 2.0), ("m1", 3.0)):
            floor.machines.pose(machine, x)
            assert (await first.next())["x"] == x
        await late.ask(POSES)
        assert sorted([(await late.next())["x"] for _ in range(2)]) == [2.0, 3.0]


async def test_no_more_states_are_kept_for_late_joiners_than_may_wait_for_one() -> None:
    async with factory(max_waiting=3) as floor, floor.socket() as first, floor.socket() as late:
        await first.ask(POSES)
        await floor.has(subscriptions=1, upstreams=1)
        for number in range(6):
            floor.machines.pose(f"m{number}", float(number))
            await first.next()
        await late.ask(POSES)
        assert [(await late.next())["x"] for _ in range(3)] == [3.0, 4.0, 5.0]


async def test_nobody_joins_a_stream_that_a_new_supergraph_is_about_to_end() -> None:
    async with factory() as floor:
        pipeline = floor.gateway.pipeline
        asked = OperationRequest(NAMED_BOARD)
        async with aclosing(pipeline.events(await pipeline.ready(asked), Nobody())) as old:
            ending = asyncio.create_task(anext(old))
            await floor.has(subscriptions=1, upstreams=1)
            name = "name: String! @join__field(graph: NAMES)"
            await floor.gateway.reload(SUPERGRAPH.replace(name, name.replace("NAMES", "MACHINES")))
            async with aclosing(pipeline.events(await pipeline.ready(asked), Nobody())) as new:
                waiting = asyncio.create_task(anext(new))
                with pytest.raises(SubscriptionFailed):
                    await ending
                await settled()
                assert not waiting.done()
                waiting.cancel()
                await asyncio.wait({waiting})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"query": NOTES}, {"query": NOTES.replace("text", "t: text")}),
        ({"query": MOVES}, {"query": MOVES, "variables": {"after": "1"}}),
        ({"query": TWO, "operationName": "A"}, {"query": TWO, "operationName": "B"}),
    ],
    ids=["documents", "variables", "operation names"],
)
async def test_subscriptions_that_differ_are_streams_of_their_own(one: dict[str, str], other: dict[str, str]) -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask(name="one", **one)
        await socket.ask(name="other", **other)
        await floor.has(subscriptions=2, upstreams=2)


async def test_variables_are_compared_as_they_are_coerced() -> None:
    async with factory() as floor, floor.socket() as socket:
        await socket.ask("subscription ($site: ID) { poses(site: $site) { x } }", "one", variables={"site": 7})
        await socket.ask("subscription ($site: ID) { poses(site: $site) { x } }", "two", variables={"site": "7"})
        await floor.has(subscriptions=2, upstreams=1)


@pytest.mark.parametrize(
    "other",
    [{"subject": "eve"}, {"subject": "ada", "tenant": "other"}, {"subject": "ada", "scope": "more"}, {}],
    ids=["another caller", "another tenant", "other rights", "nobody"],
)
async def test_callers_do_not_share_unless_the_field_says_so(tmp_path: Path, other: dict[str, str]) -> None:
    async with factory(tmp_path) as floor, AsyncExitStack() as stack:
        await joined(stack, floor, NOTES, "ada")
        await joined(stack, floor, NOTES, "ada")
        await floor.has(subscriptions=2, upstreams=1)
        await joined(stack, floor, NOTES, **other)
        await floor.has(subscriptions=3, upstreams=2)


async def test_callers_of_one_tenant_share_a_field_that_says_so(tmp_path: Path) -> None:
    async with factory(tmp_path) as floor, AsyncExitStack() as stack:
        ada = await joined(stack, floor, BOARD, "ada")
        bob = await joined(stack, floor, BOARD, "bob")
        await floor.has(subscriptions=2, upstreams=1)
        await joined(stack, floor, BOARD, "ada", tenant="other")
        await joined(stack, floor, BOARD)
        await floor.has(subscriptions=4, upstreams=3)
        floor.machines.move(1, "gate")
        assert await ada.next() == await bob.next() == {"to": "gate"}


async def test_callers_without_a_tenant_are_no_tenant(tmp_path: Path) -> None:
    async with factory(tmp_path) as floor, AsyncExitStack() as stack:
        for subject in ("ada", "bob"):
            await joined(stack, floor, BOARD, subject, tenant=None)
        await floor.has(subscriptions=2, upstreams=2)


async def test_fields_of_other_subgraphs_keep_callers_apart(tmp_path: Path) -> None:
    async with factory(tmp_path) as floor, AsyncExitStack() as stack:
        await joined(stack, floor, NAMED_BOARD, "ada")
        await joined(stack, floor, NAMED_BOARD, "bob")
        await floor.has(subscriptions=2, upstreams=2)


async def test_a_token_that_runs_out_ends_one_caller_and_no_other(tmp_path: Path) -> None:
    async with factory(tmp_path) as floor, floor.socket("bob") as bob:
        async with floor.socket("ada", lasts_s=0.5) as ada:
            await ada.ask(BOARD)
            await floor.has(subscriptions=1, upstreams=1)
            await bob.ask(BOARD)
            await floor.has(subscriptions=2, upstreams=1)
            await floor.has(subscriptions=1, upstreams=1)
        floor.machines.move(1, "gate")
        assert await bob.next() == {"to": "gate"}
        assert floor.machines.opened == 1


async def test_headers_that_pass_on_are_part_of_what_is_asked() -> None:
    rules = HeaderSettings(requests=(RequestRule(named="X-Feature"),))
    async with factory(headers=rules) as floor, AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(floor.url))
        for number, feature in enumerate(("new", "new", "old")):
            headers = {"Accept": "text/event-stream", "X-Feature": feature, "traceparent": f"00-{number:032x}-1-01"}
            await stack.enter_async_context(session.post("/graphql", json={"query": NOTES}, headers=headers))
        await floor.has(subscriptions=3, upstreams=2)


async def test_sharing_can_be_switched_off() -> None:
    async with factory(shares=False) as floor, floor.socket() as socket:
        for name in "ab":
            await socket.ask(NOTES, name)
        await floor.has(subscriptions=2, upstreams=2)


async def test_who_resumes_joins_only_a_stream_that_has_given_nothing_yet() -> None:
    resumed = {"variables": {"after": "3"}}
    async with factory() as floor, floor.socket() as first, floor.socket() as second:
        await first.ask(MOVES, "a", **resumed)
        await first.ask(MOVES, "b", **resumed)
        await floor.has(subscriptions=2, upstreams=1)
        floor.machines.move(4)
        assert [await first.next() for _ in "ab"] == [{"to": "hall"}] * 2
        await second.ask(MOVES, **resumed)
        await floor.has(subscriptions=3, upstreams=2)


async def test_a_stream_that_ends_ends_for_all_and_is_opened_anew() -> None:
    async with factory() as floor, floor.socket() as one, floor.socket() as other:
        for socket in (one, other):
            await socket.ask(NOTES)
        await floor.has(subscriptions=2, upstreams=1)
        floor.machines.publish({"text": "last"})
        floor.machines.finish()
        for socket in (one, other):
            assert await socket.next() == {"text": "last"}
            assert await socket.end() is None
        await one.ask(NOTES)
        await floor.has(subscriptions=1, upstreams=1)


async def test_a_stream_that_breaks_is_told_to_all() -> None:
    async with factory() as floor, floor.socket() as one, floor.socket() as other:
        for socket in (one, other):
            await socket.ask(NOTES)
        await floor.has(subscriptions=2, upstreams=1)
        floor.machines.publish(RuntimeError("the line is down"))
        for socket in (one, other):
            assert (await socket.end())["code"] == "SUBGRAPH_UNAVAILABLE"
        await floor.has(subscriptions=0, upstreams=0)


async def test_nothing_is_left_when_all_are_gone() -> None:
    async with factory() as floor:
        await settled()
        before = asyncio.all_tasks()
        async with AsyncExitStack() as stack:
            for query in (NOTES, POSES, NAMED_BOARD, NOTES, POSES):
                await joined(stack, floor, query)
            await floor.has(subscriptions=5, upstreams=3)
        await floor.has(subscriptions=0, upstreams=0)
        async with asyncio.timeout(3):
            while asyncio.all_tasks() != before:
                await asyncio.sleep(0.01)


async def test_a_stream_goes_on_when_who_opened_it_is_gone(tmp_path: Path) -> None:
    async with factory(tmp_path) as floor, floor.socket("ada") as stays:
        async with floor.socket("ada") as leaves:
            await leaves.ask(NAMED_BOARD)
            await floor.has(subscriptions=1, upstreams=1)
            await stays.ask(NAMED_BOARD)
            await floor.has(subscriptions=2, upstreams=1)
        await floor.has(subscriptions=1, upstreams=1)
        floor.machines.move(1, "gate")
        assert await stays.next() == {"to": "gate", "machine": {"name": "Mill 1"}}
