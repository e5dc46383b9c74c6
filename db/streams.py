"""Event streams in Valkey: their names and the form of an entry.

In: events with their cursor. Out: `events:{tenant}:{topic}`, one entry an event, whose id is the cursor, so that an
event published twice is refused by the stream itself. Streams are capped: what they no longer hold is read from
Postgres.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from db.caller import TenantId

STREAM_LENGTH = 10_000


class Event(Struct, frozen=True):
    """Something that happened, as its followers see it. Cursors of one topic have no gaps."""

    cursor: int
    occurred_at: datetime
    type: str
    key: UUID
    payload: dict[str, Any]


def stream_name(tenant: TenantId | UUID, topic: str) -> str:
    """Where a topic's events go; the tenant comes from a verified caller or from the event's own row."""
    return f"events:{tenant}:{topic}"


async def publish(redis: Redis, events: Sequence[tuple[TenantId | UUID, str, Event]]) -> None:
    """Append events to their streams; one that is there already, or that a newer one has overtaken, is left out."""
    if not events:
        return
    pipeline = redis.pipeline(transaction=False)
    for tenant, topic, event in events:
        fields: dict[Any, Any] = {"event": msgspec.json.encode(event)}
        pipeline.xadd(
            stream_name(tenant, topic), fields, id=f"{event.cursor}-0", maxlen=STREAM_LENGTH, approximate=True
        )
    for outcome in await pipeline.execute(raise_on_error=False):
        if isinstance(outcome, Exception) and not _is_old(outcome):
            raise outcome


def _is_old(outcome: Exception) -> bool:
    return isinstance(outcome, ResponseError) and "equal or smaller" in str(outcome)


def read_entry(fields: dict[bytes, bytes]) -> Event:
    """The event in a stream's entry."""
    return msgspec.json.decode(fields[b"event"], type=Event)
