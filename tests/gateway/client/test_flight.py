"""Identical fetches that are in flight at once: who shares one request, who never does, and who ends it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from gateway.client.errors import TimedOut
from gateway.client.protocol import SubgraphRequest
from gateway.traffic_settings import GuardSettings
from tests.gateway.client.upstream import GOOD, Headers, Upstream, asked, good, guarded, inside, until


async def sent(first: dict[str, Any], second: dict[str, Any], owners: tuple[object, object] = (None, None)) -> int:
    """How many requests two fetches at once are upstream."""
    upstream = Upstream()
    async with guarded(upstream) as client:
        waiting = []
        for owner, each in zip(owners, (first, second), strict=True):
            with inside(client, owner):
                waiting.append(client.send(asked(**each)))
        await upstream.has_heard(1)
        upstream.let.set()
        assert [answer.body for answer in await asyncio.gather(*waiting)] == [GOOD, GOOD]
    return len(upstream.heard)


async def test_identical_fetches_of_one_caller_are_one_request() -> None:
    assert await sent({"caller_token": "ada"}, {"caller_token": "ada"}, ("ada", "ada")) == 1
    assert await sent({}, {}) == 1
    trace = {"headers": Headers([("traceparent", "00-1")])}, {"headers": Headers([("traceparent", "00-2")])}
    assert await sent(*trace) == 1


@pytest.mark.parametrize(
    ("first", "second", "owners"),
    [
        ({"caller_token": "ada"}, {"caller_token": "bob"}, ("ada", "bob")),
        # One caller with other rights than a moment ago.
        ({"caller_token": "ada"}, {"caller_token": "ada, engineer"}, ("ada", "ada")),
        ({"caller_token": "ada"}, {}, ("ada", None)),
        # Without a signer there are no tokens, and callers are still not one another.
        ({}, {}, (("ada", "tenant-1"), ("ada", "tenant-2"))),
        ({}, {}, ("ada", None)),
        ({"headers": Headers([("Cookie", "a")])}, {"headers": Headers([("Cookie", "b")])}, (None, None)),
        ({"headers": Headers([("X-Tenant", "a")])}, {}, (None, None)),
        ({"body": b'{"query":"{a}"}'}, {"body": b'{"query":"{b}"}'}, (None, None)),
        ({"kind": "mutation"}, {"kind": "mutation"}, (None, None)),
        ({"kind": "subscription"}, {"kind": "subscription"}, (None, None)),
    ],
)
async def test_whatever_could_make_answers_differ_keeps_fetches_apart(first: Any, second: Any, owners: Any) -> None:
    assert await sent(first, second, owners) == 2


async def test_an_operation_that_does_not_say_whose_it_is_shares_nothing() -> None:
    upstream = Upstream()
    upstream.let.set()
    async with guarded(upstream) as client:
        await asyncio.gather(client.send(asked()), client.send(asked()))
    assert len(upstream.heard) == 2


async def test_sharing_can_be_switched_off() -> None:
    upstream = Upstream()
    upstream.let.set()
    async with guarded(upstream, GuardSettings(shares=False)) as client:
        with inside(client):
            await asyncio.gather(client.send(asked()), client.send(asked()))
    assert len(upstream.heard) == 2


async def test_what_was_asked_before_a_mutation_is_no_answer_to_what_is_asked_after_it() -> None:
    async def hold_the_first(number: int, request: web.Request) -> web.Response:
        if number == 1:
            await upstream.let.wait()
        return good()

    upstream = Upstream(hold_the_first)
    async with guarded(upstream) as client:
        with inside(client):
            before = client.send(asked())
        await upstream.has_heard(1)
        with inside(client, kind="mutation"):
            await client.send(asked(b'{"query":"mutation {z}"}', kind="mutation"))
        with inside(client):
            await client.send(asked())
        assert (len(upstream.heard), before.done()) == (3, False)
        upstream.let.set()
        await before


async def test_each_gets_a_copy_of_its_own_and_the_headers() -> None:
    async def with_cookie(number: int, request: web.Request) -> web.Response:
        await upstream.let.wait()
        return good({"X-Version": "7"})

    upstream = Upstream(with_cookie)
    headers = Headers(), Headers()
    async with guarded(upstream) as client:
        with inside(client):
            both = [
                asyncio.ensure_future(client.request(SubgraphRequest("{x{y}}", {}, headers=each))) for each in headers
            ]
            await upstream.has_heard(1)
        await asyncio.sleep(0.05)
        upstream.let.set()
        one, other = await asyncio.gather(*both)
    assert len(upstream.heard) == 1
    assert one.data is not None
    one.data["x"]["y"] = 2  # type: ignore[index]
    assert other.data == {"x": {"y": 1}}
    assert [("x-version", "7") in each.got for each in headers] == [True, True]


async def test_a_cookie_for_nobody_in_particular_is_never_given_to_two() -> None:
    async def with_cookie(number: int, request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return good({"Set-Cookie": f"session={number}"})

    upstream, headers = Upstream(with_cookie), [Headers(), Headers(), Headers()]
    async with guarded(upstream) as client:
        with inside(client):
            await asyncio.gather(*(client.send(asked(headers=each)) for each in headers))
    assert len({value for each in headers for name, value in each.got if name == "set-cookie"}) == 3


async def test_who_gives_up_leaves_alone_and_the_last_one_ends_the_request() -> None:
    upstream = Upstream()
    async with guarded(upstream) as client:
        with inside(client):
            first, second, third = (client.send(asked()) for _ in range(3))
        await upstream.has_heard(1)
        first.cancel()
        second.cancel()
        await asyncio.sleep(0.05)
        assert (upstream.ended, third.done()) == (0, False)
        third.cancel()
        await upstream.has_ended(1)
        with inside(client):
            again = client.send(asked())
        await upstream.has_heard(2)
        upstream.let.set()
        assert (await again).body == GOOD
        assert (client.guard.places.taken, client.guard.flights) == (0, {})


async def test_a_cancelled_task_ends_its_request_upstream() -> None:
    upstream = Upstream()
    async with guarded(upstream) as client:
        with inside(client):
            task = asyncio.ensure_future(client.request(SubgraphRequest("{x{y}}", {})))
            await upstream.has_heard(1)
        task.cancel()
        await upstream.has_ended(1)


async def test_who_has_less_time_is_told_first_and_the_others_go_on() -> None:
    upstream = Upstream()
    async with guarded(upstream) as client:
        operations, now = client.guard.operations, time.monotonic()
        with operations.running(until(now + 50)):
            patient = client.send(asked())
        with operations.running(until(now + 0.1)):
            hurried = client.send(asked())
        with pytest.raises(TimedOut):
            await hurried
        upstream.let.set()
        assert (await patient).body == GOOD
    assert len(upstream.heard) == 1


async def test_nobody_joins_a_request_that_will_be_cut_before_their_time() -> None:
    upstream = Upstream()
    async with guarded(upstream) as client:
        operations, now = client.guard.operations, time.monotonic()
        with operations.running(until(now + 0.2)):
            hurried = client.send(asked())
        with operations.running(until(now + 50)):
            patient = client.send(asked())
        await upstream.has_heard(2)
        with pytest.raises(TimedOut):
            await hurried
        await upstream.has_ended(1)
        upstream.let.set()
        assert (await patient).body == GOOD


async def test_the_subgraph_is_told_what_is_left_of_the_time() -> None:
    upstream = Upstream()
    upstream.let.set()
    async with guarded(upstream) as client:
        await client.send(asked())
        with client.guard.operations.running(until(time.monotonic() + 0.5)):
            await client.send(asked())
    whole, cut = (int(each["X-Request-Timeout-Ms"]) for each in upstream.heard)
    assert (4900 < whole <= 5000, 300 < cut <= 500) == (True, True)


async def test_an_operation_whose_time_is_over_asks_nobody() -> None:
    upstream = Upstream()
    async with guarded(upstream) as client:
        with client.guard.operations.running(until(time.monotonic() - 1)), pytest.raises(TimedOut):
            await client.send(asked())
    assert upstream.heard == []
