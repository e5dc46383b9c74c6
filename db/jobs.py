"""Jobs: leases with fencing, progress, and exactly one end.

In: a unit of work, and a job's id or the lease on it. Out: frozen values. The row is the truth; a broker's message only
wakes a worker. `finish` and `fail` belong in the transaction that writes the job's outcome: if another worker has taken
the job meanwhile they raise `LeaseLost` and that transaction rolls back, so an outcome commits once and only once.
Every change that a client may wait for is also an event on the topic `job`, under the job's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import CursorResult, func, or_, select, update

from db.errors import LeaseLost
from db.lookup import Lookup
from db.outbox import JOB_TOPIC, JobId
from db.tables.jobs import JobRow
from db.unit_of_work import UnitOfWork

JobState = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED"]
LEASE_S = 30.0
_JOBS = Lookup(JobRow)


@dataclass(frozen=True)
class Lease:
    """The right to work on a job until it expires; `token` tells it from earlier leases."""

    job: JobId
    token: int
    kind: str
    subject_id: UUID
    payload: dict[str, object]
    attempt: int


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` `unit`s of its present `stage`."""

    done: int
    total: int
    unit: str
    stage: str


@dataclass(frozen=True)
class Job:
    """A job as its row says."""

    id: JobId
    kind: str
    subject_id: UUID
    state: JobState
    attempts: int
    progress: Progress
    result: dict[str, object] | None
    problem: dict[str, object] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


async def read_job(work: UnitOfWork, job: JobId) -> Job | None:
    """The job, or None when this tenant has none by that id."""
    row = await work.session.scalar(select(JobRow).where(JobRow.id == job))
    return None if row is None else _job(row)


async def jobs_by_id(work: UnitOfWork, jobs: Sequence[JobId]) -> dict[JobId, Job]:
    """Those of the jobs that this tenant has, in one statement."""
    rows = await _JOBS.rows(work.session, jobs)
    return {JobId(row.id): _job(row) for row in rows}


async def jobs_of(work: UnitOfWork, subject_id: UUID) -> list[Job]:
    """The jobs about one thing, oldest first."""
    rows = await work.session.scalars(
        select(JobRow).where(JobRow.subject_id == subject_id).order_by(JobRow.created_at, JobRow.id)
    )
    return [_job(row) for row in rows]


async def lease(work: UnitOfWork, job: JobId, lease_s: float = LEASE_S) -> Lease | None:
    """Take the job; None when it is done, held by a living worker, or out of attempts (which fails it)."""
    free = or_(JobRow.state == "QUEUED", (JobRow.state == "RUNNING") & (JobRow.lease_until < func.now()))
    taken = (
        await work.session.execute(
            update(JobRow)
            .where(JobRow.id == job, free, JobRow.attempts < JobRow.max_attempts)
            .values(
                state="RUNNING",
                attempts=JobRow.attempts + 1,
                lease_token=JobRow.lease_token + 1,
                lease_until=func.now() + timedelta(seconds=lease_s),
                started_at=func.coalesce(JobRow.started_at, func.now()),
            )
            .returning(JobRow.lease_token, JobRow.kind, JobRow.subject_id, JobRow.payload, JobRow.attempts)
        )
    ).one_or_none()
    if taken is not None:
        return Lease(job, *taken)
    await _fail_exhausted(work, job)
    return None


async def heartbeat(work: UnitOfWork, held: Lease, lease_s: float = LEASE_S) -> None:
    """Keep the lease for another `lease_s`."""
    await _write(work, held, lease_until=func.now() + timedelta(seconds=lease_s))


async def report(work: UnitOfWork, held: Lease, progress: Progress, lease_s: float = LEASE_S) -> None:
    """Say how far the job is, to whoever waits, and keep the lease."""
    await _write(
        work,
        held,
        lease_until=func.now() + timedelta(seconds=lease_s),
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        stage=progress.stage,
    )
    await work.outbox.event(
        JOB_TOPIC, held.job, "JobProgressed", cast(dict[str, object], msgspec.to_builtins(progress))
    )


async def finish(work: UnitOfWork, held: Lease, result: Struct | dict[str, object]) -> None:
    """End the job well, in the transaction that writes its outcome."""
    outcome = msgspec.to_builtins(result)
    await _write(work, held, state="SUCCEEDED", lease_until=None, finished_at=func.now(), result=outcome, problem=None)
    await work.outbox.event(JOB_TOPIC, held.job, "JobSucceeded", {"result": outcome})


async def fail(work: UnitOfWork, held: Lease, problem: Struct | dict[str, object]) -> None:
    """End the job badly: `problem` tells why, in the words of the graph (code, message, retryable)."""
    told = msgspec.to_builtins(problem)
    await _write(work, held, state="FAILED", lease_until=None, finished_at=func.now(), problem=told)
    await work.outbox.event(JOB_TOPIC, held.job, "JobFailed", {"problem": told})


async def release(work: UnitOfWork, held: Lease, problem: Struct | dict[str, object]) -> None:
    """Give the job back to be tried again: the sweeper wakes it. `problem` says what went wrong this time."""
    await _write(work, held, state="QUEUED", lease_until=None, problem=msgspec.to_builtins(problem))


async def _write(work: UnitOfWork, held: Lease, **values: Any) -> None:
    """Change the row if the lease still holds."""
    changed = await work.session.execute(
        update(JobRow)
        .where(JobRow.id == held.job, JobRow.state == "RUNNING", JobRow.lease_token == held.token)
        .values(**values)
    )
    if cast(CursorResult[Any], changed).rowcount != 1:
        raise LeaseLost(held.job, held.token)


async def _fail_exhausted(work: UnitOfWork, job: JobId) -> None:
    """Fail a job whose workers died too often: nobody else would ever end it."""
    problem = {
        "code": "ATTEMPTS_EXHAUSTED",
        "message": "Every worker that took this job stopped before it was done.",
        "retryable": True,
    }
    free = or_(JobRow.state == "QUEUED", (JobRow.state == "RUNNING") & (JobRow.lease_until < func.now()))
    failed = await work.session.scalar(
        update(JobRow)
        .where(JobRow.id == job, free, JobRow.attempts >= JobRow.max_attempts)
        .values(state="FAILED", lease_until=None, finished_at=func.now(), problem=problem)
        .returning(JobRow.id)
    )
    if failed is not None:
        await work.outbox.event(JOB_TOPIC, job, "JobFailed", {"problem": problem})


def _job(row: JobRow) -> Job:
    return Job(
        id=JobId(row.id),
        kind=row.kind,
        subject_id=row.subject_id,
        state=cast(JobState, row.state),
        attempts=row.attempts,
        progress=Progress(row.done, row.total, row.unit, row.stage),
        result=row.result,
        problem=row.problem,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
