"""Work on one job: from a signed wake-up to exactly one committed end.

In: the text of a wake-up. Out: the job's row is finished, failed, or given back. The lease is taken first and kept by
heartbeats; the handler commits its result and the job's end in one transaction, so a worker that lost its lease
commits nothing. A refusal (`JobRefused`) ends the job at once; anything unexpected gives it back until its attempts
are used up, and then the handler's `give_up` tells the domain, so that nothing waits for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from msgspec import Struct

from db import jobs
from db.blobs import Blobs
from db.caller import Caller
from db.engine import Database
from db.errors import LeaseLost, WakeupForged
from db.unit_of_work import UnitOfWork
from db.wakeups import Wakeup, read_wakeup

_logger = logging.getLogger(__name__)
_REPORT_EVERY_S = 0.2


class JobProblem(Struct, frozen=True):
    """Why a job failed, in the words of the graph: a stable code, what happened, what to do."""

    code: str
    message: str
    remedy: str
    retryable: bool = False


class JobRefused(Exception):
    """The input cannot be worked on; trying again would not help."""

    def __init__(self, problem: JobProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class NotYet(Exception):
    """Something that the job needs is not there yet; it is given back and woken again."""


@dataclass
class Run:
    """One attempt at one job, as its handler sees it."""

    lease: jobs.Lease
    caller: Caller
    database: Database
    blobs: Blobs
    lease_s: float
    now_s: Callable[[], float] = time.monotonic
    _stage: str = field(default="", init=False)
    _reported_s: float = field(default=float("-inf"), init=False)

    async def report(self, done: int, total: int, unit: str, stage: str) -> None:
        """Tell how far it is. A new stage is told at once; within one, a few times a second."""
        now_s = self.now_s()
        if stage == self._stage and done < total and now_s - self._reported_s < _REPORT_EVERY_S:
            return
        self._stage, self._reported_s = stage, now_s
        async with self.database.begin(self.caller) as work:
            await jobs.report(work, self.lease, jobs.Progress(done, total, unit, stage), self.lease_s)


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done.

    run: does it and calls `jobs.finish` in the transaction that writes the result.
    give_up: writes into the domain that the job ended badly; called in the transaction that fails the job, and again
    at most if that transaction is repeated, so it must not mind a second call.
    again: what a person does to have it tried anew.
    """

    run: Callable[[Run], Awaitable[None]]
    give_up: Callable[[UnitOfWork, UUID, JobProblem], Awaitable[None]]
    again: str = "Upload it again"


@dataclass(frozen=True)
class Workplace:
    """What a worker process lends to every job."""

    database: Database
    blobs: Blobs
    handlers: Mapping[str, Handler]
    signing_key: bytes
    lease_s: float = 10.0
    attempts: int = 3


async def act(place: Workplace, text: str) -> None:
    """Work on the job that `text` names, if it is free. A forged wake-up is dropped and logged."""
    try:
        wakeup = read_wakeup(place.signing_key, text)
    except WakeupForged as forged:
        _logger.warning("A wake-up was dropped: %s", forged)
        return
    lease = await _take(place, wakeup)
    if lease is not None:
        await _work(place, wakeup.caller, lease)


async def _take(place: Workplace, wakeup: Wakeup) -> jobs.Lease | None:
    async with place.database.begin(wakeup.caller) as work:
        lease = await jobs.lease(work, wakeup.job, place.lease_s)
        if lease is None:
            await _tell_of_exhausted(place, work, wakeup)
        return lease


async def _tell_of_exhausted(place: Workplace, work: UnitOfWork, wakeup: Wakeup) -> None:
    """A job whose workers all died was failed by the lease: the domain learns it in the same transaction."""
    job = await jobs.read_job(work, wakeup.job)
    handler = place.handlers.get(wakeup.kind)
    if job is None or handler is None or job.state != "FAILED" or not job.problem:
        return
    if job.problem.get("code") == "ATTEMPTS_EXHAUSTED":
        problem = JobProblem(
            "ATTEMPTS_EXHAUSTED",
            "Every worker that took this job stopped before it was done.",
            f"{handler.again}; if that does not help, send the file to support: it may be what stops the workers.",
            retryable=True,
        )
        await handler.give_up(work, job.subject_id, problem)


async def _work(place: Workplace, caller: Caller, lease: jobs.Lease) -> None:
    handler = place.handlers.get(lease.kind)
    if handler is None:
        _logger.error("No handler for jobs of kind %s.", lease.kind)
        await _give_back(place, caller, lease, "This worker is older than the job; a newer one will take it.")
        return
    run = Run(lease, caller, place.database, place.blobs, place.lease_s)
    try:
        await _with_heartbeat(place, run, handler)
    except JobRefused as refused:
        await _end_badly(place, caller, lease, handler, refused.problem)
    except NotYet as reason:
        await _give_back(place, caller, lease, str(reason))
    except LeaseLost:
        _logger.warning("Job %s was taken over by another worker.", lease.job)
    except Exception as error:  # a worker must outlive every job
        _logger.exception("Job %s (%s), attempt %d, failed.", lease.job, lease.kind, lease.attempt)
        if lease.attempt < place.attempts:
            await _give_back(place, caller, lease, f"{type(error).__name__} in attempt {lease.attempt}")
        else:
            await _end_badly(place, caller, lease, handler, _unexpected(lease, handler))


async def _with_heartbeat(place: Workplace, run: Run, handler: Handler) -> None:
    """Run the handler while the lease is kept; when the lease is lost the handler is stopped."""
    working = asyncio.ensure_future(handler.run(run))
    beating = asyncio.ensure_future(_beat(place, run))
    try:
        await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            beating.result()  # raises what ended it
        await working
    finally:
        for task in (working, beating):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _beat(place: Workplace, run: Run) -> None:
    while True:
        await asyncio.sleep(place.lease_s / 3)
        try:
            async with place.database.begin(run.caller) as work:
                await jobs.heartbeat(work, run.lease, place.lease_s)
        except LeaseLost:
            raise
        except Exception:  # the database may be restarting; the next beat may still be in time
            _logger.warning("A heartbeat of job %s was missed.", run.lease.job, exc_info=True)


async def _end_badly(
    place: Workplace, caller: Caller, lease: jobs.Lease, handler: Handler, problem: JobProblem
) -> None:
    with suppress(LeaseLost):
        async with place.database.begin(caller) as work:
            await handler.give_up(work, lease.subject_id, problem)
            await jobs.fail(work, lease, problem)


async def _give_back(place: Workplace, caller: Caller, lease: jobs.Lease, reason: str) -> None:
    problem = JobProblem("TRYING_AGAIN", reason, "Nothing has to be done: it is tried again.", retryable=True)
    with suppress(LeaseLost):
        async with place.database.begin(caller) as work:
            await jobs.release(work, lease, problem)


def _unexpected(lease: jobs.Lease, handler: Handler) -> JobProblem:
    return JobProblem(
        "INTERNAL",
        f"Processing failed unexpectedly {lease.attempt} times (job {lease.job}).",
        f"{handler.again} later; if it fails again, give this job's id to support.",
        retryable=True,
    )
