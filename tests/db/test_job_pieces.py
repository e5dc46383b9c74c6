"""Pieces of a job: kept once each, by whoever holds the lease, for whoever takes it over."""

from __future__ import annotations

import pytest
from msgspec import Struct
from sqlalchemy import update

from db import job_pieces, jobs
from db.caller import Caller
from db.engine import Database
from db.errors import LeaseLost
from db.tables.jobs import JobRow
from tests.db.test_jobs import a_job, taken


class Facts(Struct, frozen=True):
    points: int
    mean: float


async def keep(database: Database, caller: Caller, held: jobs.Lease, number: int, facts: Facts) -> None:
    async with database.begin(caller) as work:
        await job_pieces.keep(work, held, "tile", number, facts)


async def kept(database: Database, caller: Caller, held: jobs.Lease, stage: str = "tile") -> dict[int, object]:
    async with database.begin(caller) as work:
        return dict(await job_pieces.kept(work, held, stage))


async def test_a_piece_that_is_kept_again_counts_once(database: Database, caller: Caller) -> None:
    held = await taken(database, caller, await a_job(database, caller))
    for number, points in ((7, 1), (3, 2), (7, 5)):
        await keep(database, caller, held, number, Facts(points, 0.1))
    assert await kept(database, caller, held) == {3: {"points": 2, "mean": 0.1}, 7: {"points": 5, "mean": 0.1}}
    assert await kept(database, caller, held, "run") == {}


async def test_a_worker_that_was_taken_over_keeps_nothing(database: Database, caller: Caller) -> None:
    job = await a_job(database, caller)
    late = await taken(database, caller, job)
    await keep(database, caller, late, 0, Facts(1, 0.0))
    async with database.begin(caller) as work:
        await work.session.execute(update(JobRow).where(JobRow.id == job).values(state="QUEUED"))
    newer = await taken(database, caller, job)
    with pytest.raises(LeaseLost):
        await keep(database, caller, late, 1, Facts(2, 0.0))
    assert list(await kept(database, caller, newer)) == [0]


async def test_forgotten_pieces_are_gone_and_only_those(database: Database, caller: Caller) -> None:
    one, other = [await taken(database, caller, await a_job(database, caller)) for _ in range(2)]
    for held in (one, other):
        await keep(database, caller, held, 0, Facts(1, 0.0))
    async with database.begin(caller) as work:
        await job_pieces.forget(work, one)
    assert [list(await kept(database, caller, held)) for held in (one, other)] == [[], [0]]


async def test_another_tenant_sees_no_piece(database: Database, caller: Caller, stranger: Caller) -> None:
    held = await taken(database, caller, await a_job(database, caller))
    await keep(database, caller, held, 0, Facts(1, 0.0))
    assert await kept(database, stranger, held) == {}
