"""Follow a topic: every event after a cursor, in order, once.

In: Valkey, the database, a verified caller, a topic, the last cursor seen. Out: events, without end. Cursors have no
gaps, so the follower knows what it misses: whatever the stream does not hand over next (it was capped, Valkey
restarted, the relay died between ordering and publishing) is read from Postgres, which is looked at every `every_s` in
any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from db.caller import Caller
from db.engine import Database
from db.streams import Event, read_entry, stream_name
from db.tables.outbox import OutboxRow

_PAGE = 500
# Below the socket timeout that clients have by default (5 s): a wait ends as "nothing came", not as a lost connection.
_LONGEST_WAIT_S = 3.0
_CANCEL_AGAIN_S = 0.05


async def follow(
    redis: Redis,
    database: Database,
    caller: Caller,
    topic: str,
    after: int | None,
    key: UUID | None = None,
    every_s: float = 5.0,
) -> AsyncIterator[Event]:
    """Events of `topic` after the cursor `after`, or from now on when it is None; only those about `key`, if given."""
    cursor = await newest_cursor(database, caller, topic) if after is None else after
    while True:
        while page := await replay(database, caller, topic, cursor, _PAGE):
            for event in page:
                cursor = event.cursor
                if key is None or event.key == key:
                    yield event
        async for event in _live(redis, stream_name(caller.tenant, topic), cursor, every_s):
            cursor = event.cursor
            if key is None or event.key == key:
                yield event


async def newest_cursor(database: Database, caller: Caller, topic: str) -> int:
    """The last cursor that was given in `topic`; 0 when there was no event yet."""
    async with database.begin(caller) as work:
        newest = await work.session.scalar(select(func.max(OutboxRow.cursor)).where(OutboxRow.topic == topic))
    return newest or 0


async def replay(database: Database, caller: Caller, topic: str, after: int, most: int = _PAGE) -> list[Event]:
    """Up to `most` events of `topic` after the cursor `after`, from Postgres."""
    async with database.begin(caller) as work:
        rows = await work.session.scalars(
            select(OutboxRow)
            .where(OutboxRow.topic == topic, OutboxRow.cursor > after)
            .order_by(OutboxRow.cursor)
            .limit(most)
        )
        return [Event(row.cursor or 0, row.created_at, row.type, row.key, row.payload) for row in rows]


async def _live(redis: Redis, stream: str, cursor: int, every_s: float) -> AsyncIterator[Event]:
    """Events of the stream that continue at `cursor`, until it pauses, breaks off or has a gap."""
    while True:
        try:
            answer = await _read(redis, stream, cursor, min(every_s, _LONGEST_WAIT_S))
        except (RedisError, OSError):
            await asyncio.sleep(min(every_s, 0.25))
            return
        entries = _entries(answer)
        if not entries:
            return
        for fields in entries:
            event = read_entry(fields)
            if event.cursor != cursor + 1:
                return
            cursor = event.cursor
            yield event


async def _read(redis: Redis, stream: str, cursor: int, wait_s: float) -> object:
    """What stands after the cursor, or comes within the time.

    A task of its own, cancelled until it is over: a client that has a socket timeout sends under `asyncio.wait_for`,
    which in Python 3.11 loses a cancellation that comes when it is done. The follower would read on for good.
    """
    reading = asyncio.ensure_future(redis.xread({stream: f"{cursor}-0"}, count=_PAGE, block=int(wait_s * 1000)))
    try:
        await asyncio.wait({reading})
        return reading.result()
    finally:
        while not reading.done():
            reading.cancel()
            await asyncio.wait({reading}, timeout=_CANCEL_AGAIN_S)


def _entries(answer: object) -> list[dict[bytes, bytes]]:
    """The entries of the one stream in an XREAD answer, in the form of either protocol version."""
    if not answer:
        return []
    if isinstance(answer, dict):
        pages = next(iter(answer.values()))
        return [fields for page in pages for _, fields in (page if isinstance(page, list) else [page])]
    assert isinstance(answer, list)
    return [fields for _, fields in answer[0][1]]
