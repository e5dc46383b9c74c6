"""The outbox and the relay: nothing is lost, nothing is invented, cursors follow commits."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import Caller
from db.engine import Database
from db.follow import replay
from db.relaying import Delivery, notifications, order_events, relay_once
from db.statements import counting
from tests.db.conftest import Installation, a_caller


class Receiver:
    """What was handed over; fails when told to."""

    def __init__(self) -> None:
        self.wakeups: list[UUID] = []
        self.events: dict[tuple[UUID, str], list[int]] = defaultdict(list)
        self.fails = 0

    async def __call__(self, delivery: Delivery) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the broker is away")
        self.wakeups += [wakeup.job for wakeup in delivery.wakeups]
        for tenant, topic, event in delivery.events:
            self.events[(tenant, topic)].append(event.cursor)


async def tell(database: Database, caller: Caller, number: int, topic: str = "scan") -> None:
    async with database.begin(caller) as work:
        await work.outbox.event(topic, uuid4(), "Happened", {"number": number})


async def empty(relay: AsyncEngine) -> None:
    """Other tests of this module left rows behind."""
    while await relay_once(relay, Receiver()):
        pass


async def test_what_rolls_back_never_leaves(database: Database, relay: AsyncEngine, caller: Caller) -> None:
    await empty(relay)
    async with database.begin(caller) as work:
        await work.outbox.job("measure", uuid4(), {})
        await work.outbox.event("scan", uuid4(), "Happened", {})
        await work.session.rollback()
    assert await relay_once(relay, receiver := Receiver()) == 0
    assert receiver.wakeups == []


async def test_what_commits_leaves_once(database: Database, relay: AsyncEngine, caller: Caller) -> None:
    await empty(relay)
    async with database.begin(caller) as work:
        job = await work.outbox.job("measure", uuid4(), {})
        await work.outbox.event("scan", uuid4(), "Happened", {})
    receiver = Receiver()
    assert await relay_once(relay, receiver) == 2
    assert await relay_once(relay, receiver) == 0
    assert (receiver.wakeups, dict(receiver.events)) == ([job], {(caller.tenant, "scan"): [1]})


async def test_what_could_not_be_sent_is_sent_again_under_the_same_cursor(
    database: Database, relay: AsyncEngine, caller: Caller
) -> None:
    await empty(relay)
    await tell(database, caller, 0)
    receiver = Receiver()
    receiver.fails = 2
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await relay_once(relay, receiver)
    await relay_once(relay, receiver)
    assert dict(receiver.events) == {(caller.tenant, "scan"): [1]}


async def test_cursors_have_no_gaps_and_follow_commits_under_concurrency(
    database: Database, relay: AsyncEngine
) -> None:
    """Transactions that commit in another order than they began, three relays: no follower can ever miss an event."""
    await empty(relay)
    dice = random.Random(7)
    callers = [a_caller(str(number)) for number in range(3)]
    receiver = Receiver()
    seen: dict[UUID, int] = defaultdict(int)

    async def write(caller: Caller, number: int) -> None:
        async with database.begin(caller) as work:
            await work.outbox.event("scan", uuid4(), "Happened", {"number": number})
            await asyncio.sleep(dice.random() / 50)

    writing = asyncio.gather(*(write(caller, number) for number in range(40) for caller in callers))

    async def relay_until_done() -> None:
        while not writing.done() or await relay_once(relay, receiver, most=7):
            await relay_once(relay, receiver, most=7)

    async def watch(caller: Caller) -> None:
        """A follower that believes what it read: whatever is visible after `seen` continues it without a gap."""
        while not writing.done():
            for event in await replay(database, caller, "scan", seen[caller.tenant]):
                assert event.cursor == seen[caller.tenant] + 1
                seen[caller.tenant] = event.cursor
            await asyncio.sleep(0.002)

    await asyncio.gather(writing, *(relay_until_done() for _ in range(3)), *map(watch, callers))
    for caller in callers:
        assert sorted(receiver.events[(caller.tenant, "scan")]) == list(range(1, 41))
        kept = await replay(database, caller, "scan", 0)
        assert sorted(str(event.payload["number"]) for event in kept) == sorted(map(str, range(40)))


async def test_each_topic_of_each_tenant_counts_from_one(
    database: Database, relay: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    for who, topic in ((caller, "scan"), (caller, "asset"), (stranger, "scan"), (caller, "scan")):
        await tell(database, who, 0, topic)
    await order_events(relay)
    assert [event.cursor for event in await replay(database, caller, "scan", 0)] == [1, 2]
    assert [event.cursor for event in await replay(database, caller, "asset", 0)] == [1]
    assert [event.cursor for event in await replay(database, stranger, "scan", 0)] == [1]


async def test_the_relay_is_woken_by_a_commit(installation: Installation, database: Database, caller: Caller) -> None:
    woken = notifications(installation.url("d2r_relay"), every_s=30)
    await anext(woken)
    await anext(woken)  # It listens now, and looks for what came before.
    waiting = asyncio.ensure_future(anext(woken))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await tell(database, caller, 0)
    await asyncio.wait_for(waiting, 2)
    await woken.aclose()


async def test_statements_are_counted(database: Database, caller: Caller) -> None:
    with counting() as outside:
        async with database.begin(caller) as work:
            with counting() as inside:
                await work.outbox.job("measure", uuid4(), {})
    assert (inside.count, [text.split()[0].lower() for text in inside.texts]) == (2, ["insert", "insert"])
    assert (outside.count, outside.texts) == (1, ["select app.enter($1)"])
