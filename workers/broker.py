"""The broker between relay and workers: one queue of signed wake-ups, and nothing else.

In: a Redis address. Out: a Dramatiq broker, and wake-ups put on it. A message holds no facts: the job's row does.
Dramatiq's own retries, age limits and results are left out on purpose; leases in Postgres do their work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Callbacks, ShutdownNotifications

from db.wakeups import Wakeup, sign_wakeup

QUEUE = "jobs"
ACTOR = "wake"
# Dramatiq takes a killed worker's messages back after this long; the sweeper is quicker, so it may be rare.
_DEAD_WORKER_MS = 60_000


def open_broker(redis_url: str) -> RedisBroker:
    """A broker on this Redis; nothing is connected yet."""
    client = redis.Redis.from_url(redis_url, health_check_interval=5)
    return RedisBroker(
        client=client, middleware=[ShutdownNotifications(), Callbacks()], heartbeat_timeout=_DEAD_WORKER_MS
    )


def listen(broker: RedisBroker, act: Callable[[str], None], threads: int) -> dramatiq.Worker:
    """A worker whose threads call `act` with the text of each wake-up. Start and stop it with its own methods."""
    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(act)
    # Milliseconds; the default of a second is what an idle worker would be late by.
    return dramatiq.Worker(broker, queues={QUEUE}, worker_timeout=20, worker_threads=threads)


def wake(broker: RedisBroker, signing_key: bytes, wakeups: Sequence[Wakeup]) -> None:
    """Put signed wake-ups on the queue. Blocks for the round trips."""
    broker.declare_queue(QUEUE)
    for wakeup in wakeups:
        text = sign_wakeup(signing_key, wakeup)
        broker.enqueue(dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(text,), kwargs={}, options={}))
