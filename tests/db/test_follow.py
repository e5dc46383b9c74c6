"""Followers: every event once and in order, whatever breaks on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import Caller
from db.engine import Database
from db.follow import _live, follow
from db.relaying import Delivery, notifications, order_events, relay_once
from db.streams import Event, publish, stream_name
from tests.db.conftest import Installation


async def tell(database: Database, caller: Caller, *numbers: int, key: UUID | None = None) -> None:
    for number in numbers:
        async with database.begin(caller) as work:
            await work.outbox.event("scan", key or uuid4(), "Happened", {"number": number})


@asynccontextmanager
async def relaying(installation: Installation, relay: AsyncEngine, redis: Redis) -> AsyncIterator[None]:
    """The relay as a worker process runs it."""

    async def send(delivery: Delivery) -> None:
        await publish(redis, delivery.events)

    async def run() -> None:
        async for _ in notifications(installation.url("d2r_relay")):
            while await relay_once(relay, send):
                pass

    running = asyncio.create_task(run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def first(events: AsyncIterator[Event], count: int) -> list[object]:
    """The numbers in the next `count` events."""

    async def collect() -> list[object]:
        return [(await anext(events)).payload["number"] for _ in range(count)]

    return await asyncio.wait_for(collect(), 10)


async def test_what_was_missed_is_replayed_and_what_follows_is_live(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    async with relaying(installation, relay, redis):
        await tell(database, caller, 0, 1, 2)
        events = follow(redis, database, caller, "scan", after=0, every_s=30)
        assert await first(events, 3) == [0, 1, 2]
        await tell(database, caller, 3, 4)
        assert await first(events, 2) == [3, 4]
        resumed = follow(redis, database, caller, "scan", after=3, every_s=30)
        assert await first(resumed, 2) == [3, 4]


async def test_a_follower_that_names_no_cursor_sees_what_comes(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    async with relaying(installation, relay, redis):
        await tell(database, caller, 0)
        await first(follow(redis, database, caller, "scan", after=0), 1)
        coming = asyncio.ensure_future(first(follow(redis, database, caller, "scan", after=None), 1))
        await asyncio.sleep(0.2)
        await tell(database, caller, 1)
        assert await coming == [1]


async def test_only_events_about_one_thing_are_handed_on_when_asked(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    key = uuid4()
    async with relaying(installation, relay, redis):
        events = follow(redis, database, caller, "scan", after=0, key=key)
        await tell(database, caller, 0)
        await tell(database, caller, 1, key=key)
        await tell(database, caller, 2)
        await tell(database, caller, 3, key=key)
        assert await first(events, 2) == [1, 3]


async def test_nothing_is_missed_or_doubled_while_many_write_and_followers_join(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    async with relaying(installation, relay, redis):
        writing = asyncio.gather(*(tell(database, caller, *range(n * 10, n * 10 + 10)) for n in range(6)))
        followers = []
        for _ in range(5):
            followers.append(asyncio.ensure_future(cursors(follow(redis, database, caller, "scan", after=0), 60)))
            await asyncio.sleep(0.02)
        await writing
        for seen in await asyncio.gather(*followers):
            assert seen == list(range(1, 61))


async def cursors(events: AsyncIterator[Event], count: int) -> list[int]:
    return [(await asyncio.wait_for(anext(events), 10)).cursor for _ in range(count)]


async def test_a_stream_that_was_emptied_or_capped_leaves_no_gap(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    async with relaying(installation, relay, redis):
        events = follow(redis, database, caller, "scan", after=0, every_s=30)
        await tell(database, caller, 0, 1)
        assert await first(events, 2) == [0, 1]
        # As after a restart without a disk: what was not yet read is gone from the stream.
        waiting = asyncio.ensure_future(first(events, 3))
        await asyncio.sleep(0.1)
        await order_events(relay)
        await redis.delete(stream_name(caller.tenant, "scan"))
        await tell(database, caller, 2)
        await redis.delete(stream_name(caller.tenant, "scan"))
        await tell(database, caller, 3, 4)
        assert await waiting == [2, 3, 4]


async def test_an_event_that_never_reached_the_stream_is_read_from_the_database(
    database: Database, relay: AsyncEngine, redis: Redis, caller: Caller
) -> None:
    """The relay died between giving the cursor and publishing."""
    events = follow(redis, database, caller, "scan", after=0, every_s=0.2)
    await tell(database, caller, 0)
    await order_events(relay)
    assert await first(events, 1) == [0]
    await tell(database, caller, 1)
    await order_events(relay)
    assert await first(events, 1) == [1]


async def test_followers_live_through_valkey_being_away(
    database: Database, relay: AsyncEngine, caller: Caller, tmp_path: object
) -> None:
    nowhere = Redis.from_url(f"unix://{tmp_path}/nobody-listens.sock")
    events = follow(nowhere, database, caller, "scan", after=0, every_s=0.2)
    await tell(database, caller, 0)
    await order_events(relay)
    assert await first(events, 1) == [0]
    await tell(database, caller, 1)
    await order_events(relay)
    assert await first(events, 1) == [1]


async def test_an_event_published_twice_is_seen_once(database: Database, redis: Redis, caller: Caller) -> None:
    from datetime import UTC, datetime

    event = Event(1, datetime.now(UTC), "Happened", uuid4(), {"number": 0})
    for _ in range(2):
        await publish(redis, [(caller.tenant, "scan", event)])
    assert await redis.xlen(stream_name(caller.tenant, "scan")) == 1


async def test_one_tenant_sees_nothing_of_anothers_topic(
    installation: Installation, database: Database, relay: AsyncEngine, redis: Redis, caller: Caller, stranger: Caller
) -> None:
    async with relaying(installation, relay, redis):
        await tell(database, caller, 0)
        await first(follow(redis, database, caller, "scan", after=0), 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(follow(redis, database, stranger, "scan", after=0, every_s=0.1)), 0.5)


async def test_a_follower_that_is_cancelled_at_any_step_ends(database: Database, redis: Redis, caller: Caller) -> None:
    """Sending under a socket timeout lost the cancellation at some of them, and the follower went on."""

    async def reading() -> None:
        async for _ in _live(redis, stream_name(caller.tenant, "scan"), 0, 60):
            pass

    await redis.ping()
    for steps in range(12):
        follower = asyncio.create_task(reading())
        for _ in range(steps):
            await asyncio.sleep(0)
        follower.cancel()
        await asyncio.wait({follower}, timeout=1)
        assert follower.cancelled(), steps
