"""A worker process: opens what its duties need, does them until it is told to stop.

In: the environment's settings and the names of its duties (jobs, relay, sweeper, sequencer). Jobs run in Dramatiq's
threads but on this process's one event loop, whose connections they share; arrays are worked on in threads.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from db.blobs import Blobs
from db.engine import Database, open_engine
from db.keys import JOB_SIGNING_KEY, checkpoint_key, secret_key
from subgraphs.serving.process import ProcessSettings
from workers.actor import Handler, Workplace, act
from workers.broker import listen, open_broker
from workers.relay import relay_forever
from workers.rounds import sequence_forever, sweep_forever

DUTIES: Final = ("jobs", "relay", "sweeper", "sequencer")
# Imported only where jobs are done, since they bring kernels.
_HANDLER_MODULES: Final = ("workers.inspection", "workers.comparing", "workers.twin")
_THREADS: Final = 2
_logger = logging.getLogger(__name__)


async def run(settings: ProcessSettings, duties: Collection[str], ready_file: Path | None) -> None:
    """Do the duties until cancelled or until one fails. `ready_file` is touched once all of them have begun."""
    tasks: list[asyncio.Task[None]] = []
    if "jobs" in duties:
        tasks.append(asyncio.create_task(_jobs(settings)))
    if "relay" in duties:
        tasks.append(asyncio.create_task(_relay(settings)))
    if "sweeper" in duties:
        tasks.append(asyncio.create_task(_sweep(settings)))
    if "sequencer" in duties:
        tasks.append(asyncio.create_task(_sequence(settings)))
    if ready_file is not None:
        await asyncio.to_thread(ready_file.touch)
    _logger.info("at work: %s", ", ".join(duties))
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def handlers() -> Mapping[str, Handler]:
    """All kinds of jobs and who does them."""
    found: dict[str, Handler] = {}
    for name in _HANDLER_MODULES:
        found.update(importlib.import_module(name).HANDLERS)
    return found


async def _jobs(settings: ProcessSettings) -> None:
    """Compile (or load) the kernels, then take jobs. Until then they wait in the queue, not in a half-ready worker."""
    from kernels.warming import warm_up

    await asyncio.to_thread(warm_up)
    _logger.info("the kernels are ready")
    loop = asyncio.get_running_loop()
    async with Database(settings.database_settings()) as database, Blobs(settings.blobs) as blobs:
        place = Workplace(database, blobs, handlers(), secret_key(settings.keys, JOB_SIGNING_KEY))

        def act_in_loop(text: str) -> None:
            asyncio.run_coroutine_threadsafe(act(place, text), loop).result()

        worker = listen(open_broker(settings.redis_url), act_in_loop, _THREADS)
        worker.start()
        try:
            await asyncio.Event().wait()
        finally:
            # What is cut off here is no harm: its lease runs out and it is done again, so nobody waits for it.
            await asyncio.to_thread(worker.stop, 1000)


async def _relay(settings: ProcessSettings) -> None:
    url = settings.database_url("d2r_relay")
    engine = open_engine(url, pool_size=2)
    redis = Redis.from_url(settings.redis_url)
    try:
        broker, key = open_broker(settings.redis_url), secret_key(settings.keys, JOB_SIGNING_KEY)
        await relay_forever(engine, url, redis, broker, key)
    finally:
        await redis.aclose()
        await engine.dispose()


async def _sweep(settings: ProcessSettings) -> None:
    engine = open_engine(settings.database_url("d2r_sweeper"), pool_size=1)
    try:
        await sweep_forever(engine, open_broker(settings.redis_url), secret_key(settings.keys, JOB_SIGNING_KEY))
    finally:
        await engine.dispose()


async def _sequence(settings: ProcessSettings) -> None:
    engine = open_engine(settings.database_url("d2r_sequencer"), pool_size=1)
    try:
        await sequence_forever(engine, checkpoint_key(settings.keys))
    finally:
        await engine.dispose()
