"""Jobs of twin: a decided inspection becomes a version of its asset's twin, once.

In: a run. Out: the version, committed with the job's end. Two decisions on one asset that commit at one moment both get
their version: the later one is done again on the new head.
"""

from __future__ import annotations

import datetime
from typing import Final
from uuid import UUID

import msgspec

from db import jobs
from db.unit_of_work import UnitOfWork
from subgraphs.twin.errors import HeadMoved
from subgraphs.twin.jobs import RECORD_INSPECTION, RecordInspection
from subgraphs.twin.service import record_inspection
from workers.actor import Handler, JobProblem, NotYet, Run

TRIES: Final = 5


async def record(run: Run) -> None:
    """One version for one decision."""
    inspected = msgspec.convert(run.lease.payload, RecordInspection)
    for _ in range(TRIES):
        try:
            async with run.database.begin(run.caller) as work:
                version = await record_inspection(work, inspected, datetime.datetime.now(datetime.UTC))
                await jobs.finish(work, run.lease, {"version": str(version.id) if version else None})
        except HeadMoved:
            continue
        return
    raise NotYet("The twin's head moves too often; it is tried again.")


async def give_up(work: UnitOfWork, decision_job: UUID, problem: JobProblem) -> None:
    """Nothing: without the version the twin shows its last state, and the failed job says why."""


HANDLERS = {RECORD_INSPECTION: Handler(record, give_up)}
