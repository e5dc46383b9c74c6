"""Jobs: one worker at a time, one end, whatever dies in between."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db import jobs
from db.caller import Caller
from db.engine import Database
from db.errors import LeaseLost, WakeupForged
from db.jobs import Lease, Progress
from db.outbox import JobId
from db.sweeping import overdue_jobs
from db.tables.jobs import JobRow
from db.tables.outbox import OutboxRow
from db.wakeups import Wakeup, read_wakeup, sign_wakeup

KEY = b"k" * 32


async def a_job(database: Database, caller: Caller) -> JobId:
    async with database.begin(caller) as work:
        return await work.outbox.job("measure", uuid4(), {"scan": "a"})


async def taken(database: Database, caller: Caller, job: JobId, lease_s: float = 30) -> Lease:
    async with database.begin(caller) as work:
        held = await jobs.lease(work, job, lease_s)
    assert held is not None
    return held


async def events_of(database: Database, caller: Caller) -> list[str]:
    async with database.begin(caller) as work:
        kept = select(OutboxRow.type).where(OutboxRow.kind == "event").order_by(OutboxRow.id)
        return list(await work.session.scalars(kept))


async def test_a_job_runs_reports_and_ends(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    held = await taken(database, caller, job)
    assert (held.kind, held.payload, held.attempt) == ("measure", {"scan": "a"}, 1)
    async with database.begin(caller) as work:
        await jobs.report(work, held, Progress(1, 4, "parts", "reading"))
    async with database.begin(caller) as work:
        await jobs.finish(work, held, {"points": 5})
    async with database.begin(caller) as work:
        told = await jobs.read_job(work, job)
    assert told is not None
    assert (told.state, told.result, told.progress) == ("SUCCEEDED", {"points": 5}, Progress(1, 4, "parts", "reading"))
    assert await events_of(database, caller) == ["JobProgressed", "JobSucceeded"]


async def test_a_held_job_is_given_to_nobody_else(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    await taken(database, caller, job)
    async with database.begin(caller) as work:
        assert await jobs.lease(work, job) is None


async def test_of_many_workers_that_are_woken_one_takes_the_job(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)

    async def try_to_take() -> Lease | None:
        async with database.begin(caller) as work:
            return await jobs.lease(work, job)

    held = await asyncio.gather(*(try_to_take() for _ in range(12)))
    assert sum(lease is not None for lease in held) == 1


async def test_a_worker_that_was_thought_dead_cannot_commit_its_outcome(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    first = await taken(database, caller, job, lease_s=0)
    second = await taken(database, caller, job)
    for deed in (jobs.heartbeat, jobs.finish, jobs.fail, jobs.report, jobs.release):
        rest = {
            jobs.heartbeat: (),
            jobs.report: (Progress(0, 1, "", ""),),
        }.get(deed, ({},))
        async with database.begin(caller) as work:
            with pytest.raises(LeaseLost):
                await deed(work, first, *rest)  # type: ignore[operator]
    async with database.begin(caller) as work:
        await jobs.finish(work, second, {})
    assert await events_of(database, caller) == ["JobSucceeded"]


async def test_of_many_finishers_one_commits_its_outcome(database: Database, caller: Caller) -> None:
    """Every attempt believes that it holds the job; the outcome of one of them, and its event, is what is left."""
    job = await a_job(database, caller)
    leases = [await taken(database, caller, job, lease_s=0) for _ in range(4)]

    async def finish(held: Lease) -> bool:
        try:
            async with database.begin(caller) as work:
                await work.outbox.event("scan", uuid4(), "Outcome", {"by": held.token})
                await jobs.finish(work, held, {"by": held.token})
        except LeaseLost:
            return False
        return True

    # Twice each: a worker that retries its own finish must not write twice either.
    assert sorted(await asyncio.gather(*map(finish, leases * 2))) == [False] * 7 + [True]
    assert sorted(await events_of(database, caller)) == ["JobSucceeded", "Outcome"]


async def test_a_worker_that_died_is_found_and_the_job_goes_on(
    database: Database, sweeper: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    dead, alive, lost, other = [await a_job(database, who) for who in (caller, caller, caller, stranger)]
    await taken(database, caller, dead, lease_s=0)
    await taken(database, caller, alive)
    await taken(database, stranger, other, lease_s=0)
    for who in (caller, stranger):
        async with database.begin(who) as work:
            await work.session.execute(update(JobRow).values(woken_at=func.now() - text("interval '1 minute'")))
    woken = {(wakeup.tenant, wakeup.job) for wakeup in await overdue_jobs(sweeper)}
    assert woken == {(caller.tenant, dead), (caller.tenant, lost), (stranger.tenant, other)}
    assert await overdue_jobs(sweeper) == []
    assert (await taken(database, caller, dead)).attempt == 2


async def test_a_heartbeat_keeps_the_job(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    held = await taken(database, caller, job, lease_s=0)
    async with database.begin(caller) as work:
        await jobs.heartbeat(work, held)
    async with database.begin(caller) as work:
        assert await jobs.lease(work, job) is None


async def test_a_job_whose_workers_all_died_fails_for_everybody_to_see(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    for _ in range(5):
        await taken(database, caller, job, lease_s=0)
    async with database.begin(caller) as work:
        assert await jobs.lease(work, job) is None
    async with database.begin(caller) as work:
        told = await jobs.read_job(work, job)
    assert told is not None
    assert told.state == "FAILED"
    assert told.problem is not None
    assert told.problem["code"] == "ATTEMPTS_EXHAUSTED"
    assert await events_of(database, caller) == ["JobFailed"]


async def test_a_released_job_can_be_taken_again_and_a_failed_one_cannot(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    held = await taken(database, caller, job)
    async with database.begin(caller) as work:
        await jobs.release(work, held, {"code": "STORE_AWAY"})
    held = await taken(database, caller, job)
    async with database.begin(caller) as work:
        await jobs.fail(work, held, {"code": "UNREADABLE"})
    async with database.begin(caller) as work:
        assert await jobs.lease(work, job) is None


async def test_one_tenant_cannot_take_anothers_job(database: Database, caller: Caller, stranger: Caller) -> None:
    job = await a_job(database, caller)
    async with database.begin(stranger) as work:
        assert await jobs.lease(work, job) is None
        assert await jobs.read_job(work, job) is None


def test_a_wake_up_comes_back_as_the_caller_it_was_signed_for(caller: Caller) -> None:
    wakeup = Wakeup(caller.tenant, JobId(uuid4()), "measure")
    told = read_wakeup(KEY, sign_wakeup(KEY, wakeup))
    assert told == wakeup
    assert (told.caller.tenant, told.caller.user, told.caller.roles) == (caller.tenant, None, {"worker"})


def test_a_forged_wake_up_is_refused(caller: Caller, stranger: Caller) -> None:
    good = sign_wakeup(KEY, Wakeup(caller.tenant, JobId(uuid4()), "measure"))
    other_tenant = good.replace(str(caller.tenant), str(stranger.tenant))
    other_key = sign_wakeup(b"x" * 32, Wakeup(stranger.tenant, JobId(uuid4()), "measure"))
    for forged in (other_tenant, other_key, good[:-1] + ("0" if good[-1] != "0" else "1"), "", "|||", "é|é|é|é"):
        with pytest.raises(WakeupForged):
            read_wakeup(KEY, forged)
