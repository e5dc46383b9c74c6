"""From the outbox to the broker and the event streams, for as long as the process lives.

In: rows of committed transactions, as role d2r_relay. Out: signed wake-ups on the queue, events in Valkey. A row is
marked only after it was handed over, so a crash sends it again and loses nothing; readers know both by their ids.
"""

from __future__ import annotations

import asyncio
import logging

from dramatiq.brokers.redis import RedisBroker
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from db.relaying import Delivery, notifications, relay_once
from db.streams import publish
from workers.broker import wake

_logger = logging.getLogger(__name__)
_BATCH = 500
_PAUSE_AFTER_FAILURE_S = 0.5


async def relay_forever(engine: AsyncEngine, url: str, redis: Redis, broker: RedisBroker, signing_key: bytes) -> None:
    """Relay whatever is committed; outages of Postgres or Valkey only delay it. Ends when cancelled."""

    async def send(delivery: Delivery) -> None:
        await publish(redis, delivery.events)
        if delivery.wakeups:
            await asyncio.to_thread(wake, broker, signing_key, delivery.wakeups)

    async for _ in notifications(url):
        try:
            while await relay_once(engine, send, _BATCH) >= _BATCH:
                pass
        except Exception:  # whatever is away comes back; the rows wait
            _logger.warning("A round of the relay failed; its rows are sent again.", exc_info=True)
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
