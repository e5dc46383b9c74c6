"""Work that outlives a request, as the graph shows it."""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

import strawberry

from db import jobs
from db.outbox import JobId
from subgraphs.inspection.loaders import JobByIdLoader
from subgraphs.inspection.types.values import Fault
from subgraphs.serving.context import Info
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.scalars import BigInt


@strawberry.enum(description="Where a job stands; the last two are final.")
class JobStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@strawberry.type(description="How far the job's present stage is.")
class Progress:
    stage: str
    done: BigInt
    total: BigInt
    unit: str


@strawberry.federation.type(keys=["id"], description="Work that outlives the request that asked for it.")
class Job:
    row: strawberry.Private[jobs.Job]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        found = await info.context.loader(JobByIdLoader).load(JobId(key_of(id, "Job")))
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Job", self.row.id)

    @strawberry.field(description="What is done, for example inspection.process_scan.")
    def kind(self) -> str:
        return self.row.kind

    @strawberry.field
    def status(self) -> JobStatus:
        return JobStatus(self.row.state)

    @strawberry.field
    def progress(self) -> Progress:
        progress = self.row.progress
        return Progress(
            stage=progress.stage, done=BigInt(progress.done), total=BigInt(progress.total), unit=progress.unit
        )

    @strawberry.field(description="How often a worker took it.")
    def attempts(self) -> int:
        return self.row.attempts

    @strawberry.field(description="Why the job failed; null while it has not.")
    def error(self) -> Fault | None:
        if self.row.state != "FAILED" or self.row.problem is None:
            return None
        told = self.row.problem
        return Fault(
            code=str(told.get("code", "INTERNAL")),
            message=str(told.get("message", "")),
            remedy=str(told.get("remedy", "")),
        )

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at

    @strawberry.field
    def finished_at(self) -> datetime.datetime | None:
        return self.row.finished_at


async def job_by_id(info: Info, id: UUID | None) -> Job | None:
    """The job, or null when there is none yet."""
    found = None if id is None else await info.context.loader(JobByIdLoader).load(JobId(id))
    return None if found is None else Job(row=found)
