"""The relay's half of the outbox: order what was committed, then hand it over, as role d2r_relay.

In: an engine of that role. Out: wake-ups and events, each at least once. `order_events` gives each event its cursor
under the lock of its stream's row, so cursors follow commits and have no gaps; `deliver` hands rows to a sender and
marks them in the same transaction. A crash between sending and marking sends again; nothing is lost. Several relays may
run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import TenantId
from db.outbox import JobId
from db.streams import Event
from db.wakeups import Wakeup

CHANNEL = "d2r_outbox"


@dataclass(frozen=True)
class Delivery:
    """What one round hands over."""

    wakeups: Sequence[Wakeup]
    events: Sequence[tuple[TenantId, str, Event]]


Send = Callable[[Delivery], Awaitable[None]]

_CLAIM_UNORDERED = text(
    "select tenant_id, id, topic from outbox where published_at is null and kind = 'event' and cursor is null "
    "order by id limit :most for update skip locked"
)
# Sorted by stream, so that two relays take the rows' locks in the same order and never wait for each other in a ring.
_TAKE_CURSORS = text(
    "insert into outbox_cursor (tenant_id, topic, last) values (:tenant_id, :topic, :many) "
    "on conflict (tenant_id, topic) do update set last = outbox_cursor.last + :many returning last"
)
_GIVE_CURSORS = text(
    "update outbox set cursor = given.cursor "
    "from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:cursors as bigint[])) "
    "as given (tenant_id, id, cursor) where outbox.tenant_id = given.tenant_id and outbox.id = given.id"
)
_CLAIM_READY = text(
    "select tenant_id, id, kind, topic, key, type, payload, created_at, cursor from outbox "
    "where published_at is null and (kind = 'job' or cursor is not null) "
    "order by cursor nulls first, id limit :most for update skip locked"
)
_MARK = text(
    "update outbox set published_at = now() "
    "from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) as sent (tenant_id, id) "
    "where outbox.tenant_id = sent.tenant_id and outbox.id = sent.id"
)


async def relay_once(engine: AsyncEngine, send: Send, most: int = 500) -> int:
    """One round: order, deliver. How many rows left; fewer than `most` means that nothing waits."""
    await order_events(engine, most)
    return await deliver(engine, send, most)


async def order_events(engine: AsyncEngine, most: int = 500) -> int:
    """Give a cursor to events that have none."""
    async with engine.begin() as connection:
        rows = (await connection.execute(_CLAIM_UNORDERED, {"most": most})).all()
        streams: dict[tuple[UUID, str], list[UUID]] = {}
        for tenant, row_id, topic in rows:
            streams.setdefault((tenant, topic), []).append(row_id)
        tenants: list[UUID] = []
        ids: list[UUID] = []
        cursors: list[int] = []
        for (tenant, topic), members in sorted(streams.items()):
            taken = {"tenant_id": tenant, "topic": topic, "many": len(members)}
            last = (await connection.execute(_TAKE_CURSORS, taken)).scalar_one()
            tenants += [tenant] * len(members)
            ids += members
            cursors += range(last - len(members) + 1, last + 1)
        if rows:
            await connection.execute(_GIVE_CURSORS, {"tenants": tenants, "ids": ids, "cursors": cursors})
    return len(rows)


async def deliver(engine: AsyncEngine, send: Send, most: int = 500) -> int:
    """Hand over what is ready; it is marked only when `send` returned."""
    async with engine.begin() as connection:
        rows = (await connection.execute(_CLAIM_READY, {"most": most})).all()
        if rows:
            wakeups = [Wakeup(TenantId(row.tenant_id), JobId(row.key), row.type) for row in rows if row.kind == "job"]
            events = [
                (TenantId(row.tenant_id), row.topic, Event(row.cursor, row.created_at, row.type, row.key, row.payload))
                for row in rows
                if row.kind == "event"
            ]
            await send(Delivery(wakeups, events))
            await connection.execute(
                _MARK, {"tenants": [row.tenant_id for row in rows], "ids": [row.id for row in rows]}
            )
    return len(rows)


async def notifications(url: str, channel: str = CHANNEL, every_s: float = 1.0) -> AsyncIterator[None]:
    """Yield at once, then whenever a row was committed, and every `every_s` anyway: a lost notice costs time only."""
    woken = asyncio.Event()
    connection: asyncpg.Connection | None = None
    try:
        while True:
            yield
            if connection is None or connection.is_closed():
                connection = await _listen(url, channel, woken)
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), every_s)
            woken.clear()
    finally:
        if connection is not None:
            await connection.close()


async def _listen(url: str, channel: str, woken: asyncio.Event) -> asyncpg.Connection | None:
    """A connection that sets `woken`, also for what came before it listened; None while the database is away."""
    try:
        connection = await asyncpg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        await connection.add_listener(channel, lambda *_: woken.set())
    except (OSError, asyncpg.PostgresError):
        return None
    woken.set()
    return connection
