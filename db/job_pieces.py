"""What a long job has finished: pieces that outlive the worker, each kept once.

In: a unit of work, the lease, a stage and a number. Out: the facts that were kept. A piece is kept only under a lease
that holds (else `LeaseLost`), so a worker that was taken over adds nothing. Keeping a number again replaces its facts:
a piece never counts twice.
"""

from __future__ import annotations

from typing import cast

import msgspec
from msgspec import Struct
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.errors import LeaseLost
from db.jobs import Lease
from db.tables.jobs import JobPieceRow, JobRow
from db.unit_of_work import UnitOfWork

Facts = dict[str, object]


async def keep(work: UnitOfWork, held: Lease, stage: str, number: int, facts: Struct) -> None:
    """The piece is finished once this transaction commits."""
    await _require_lease(work, held)
    told = cast(Facts, msgspec.to_builtins(facts))
    key = {"tenant_id": work.caller.tenant, "job_id": held.job, "stage": stage, "number": number}
    await work.session.execute(
        insert(JobPieceRow)
        .values(**key, facts=told)
        .on_conflict_do_update(index_elements=list(key), set_={"facts": told, "finished_at": func.now()})
    )


async def kept(work: UnitOfWork, held: Lease, stage: str) -> dict[int, Facts]:
    """The finished pieces of a stage by number, in their order."""
    rows = await work.session.execute(
        select(JobPieceRow.number, JobPieceRow.facts)
        .where(JobPieceRow.job_id == held.job, JobPieceRow.stage == stage)
        .order_by(JobPieceRow.number)
    )
    return {row.number: row.facts for row in rows}


async def forget(work: UnitOfWork, held: Lease) -> None:
    """Drop all pieces: in the transaction that ends the job."""
    await work.session.execute(delete(JobPieceRow).where(JobPieceRow.job_id == held.job))


async def _require_lease(work: UnitOfWork, held: Lease) -> None:
    """Shared with other pieces, but nobody takes the lease over while this transaction lasts."""
    holds = await work.session.scalar(
        select(JobRow.id)
        .where(JobRow.id == held.job, JobRow.state == "RUNNING", JobRow.lease_token == held.token)
        .with_for_update(read=True)
    )
    if holds is None:
        raise LeaseLost(held.job, held.token)
