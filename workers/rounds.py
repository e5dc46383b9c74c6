"""What is done again and again: waking jobs that nobody works on, and sequencing the audit log.

In: engines of the crossing roles. Out: wake-ups; indexes and signed checkpoints. A round that fails is logged and the
next one tries again: the database remembers what is left to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy.ext.asyncio import AsyncEngine

from db.ledger.sequencing import sequence_once
from db.sweeping import overdue_jobs
from workers.broker import wake

_logger = logging.getLogger(__name__)
SWEEP_EVERY_S = 1.0
WAKE_AGAIN_AFTER_S = 5.0
SEQUENCE_EVERY_S = 0.25


async def sweep_forever(engine: AsyncEngine, broker: RedisBroker, signing_key: bytes) -> None:
    """Wake jobs whose worker died or whose wake-up was lost. Ends when cancelled."""

    async def sweep() -> None:
        wakeups = await overdue_jobs(engine, WAKE_AGAIN_AFTER_S)
        if wakeups:
            await asyncio.to_thread(wake, broker, signing_key, wakeups)

    await _again_and_again("sweeping", sweep, SWEEP_EVERY_S)


async def sequence_forever(engine: AsyncEngine, checkpoint_key: Ed25519PrivateKey) -> None:
    """Give waiting audit entries their places and sign the log's head. Ends when cancelled."""

    async def sequence() -> None:
        await sequence_once(engine, checkpoint_key)

    await _again_and_again("sequencing", sequence, SEQUENCE_EVERY_S)


async def _again_and_again(deed: str, do: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await do()
        except Exception:  # the database or the broker may be restarting
            _logger.warning("A round of %s failed; the next one tries again.", deed, exc_info=True)
        await asyncio.sleep(every_s)
