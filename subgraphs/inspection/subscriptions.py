"""What can be watched: a job until it is over, and the scans of an asset as they are judged."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from uuid import UUID

import strawberry
from redis.asyncio import Redis

from db.caller import Caller
from db.follow import follow, newest_cursor
from db.jobs import Job as JobValue
from db.jobs import read_job
from db.outbox import JOB_TOPIC, JobId
from subgraphs.inspection import model
from subgraphs.inspection.events import SCAN_TOPIC
from subgraphs.inspection.types.entities import Asset, Scan
from subgraphs.inspection.types.jobs import Job
from subgraphs.inspection.types.results import Inspection
from subgraphs.serving.context import Info
from subgraphs.serving.delivery import Delivery, Mode
from subgraphs.serving.errors import BadInput, NotFound
from subgraphs.serving.global_ids import key_of
from subgraphs.serving.roles import Scope

OVER = ("SUCCEEDED", "FAILED")


@strawberry.type(description="A job as it stands after an event.")
class JobProgress:
    cursor: str
    occurred_at: datetime.datetime
    job: Job


@strawberry.type(description="A scan was processed or quarantined: its status tells which.")
class ScanEvent:
    cursor: str
    occurred_at: datetime.datetime
    scan: Scan | None
    inspection: Inspection | None


def read_event_cursor(text: str | None) -> int | None:
    """The cursor of an event, as a number."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadInput("This cursor is not one of ours.", ("after",))
    return int(text)


async def _job_now(info: Info, caller: Caller, id: JobId) -> JobValue:
    async with info.context.resources.database.begin(caller) as work:
        found = await read_job(work, id)
    if found is None:
        raise NotFound("job")
    return found


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="A job's progress. The first event is its present state; the one with its final state is the last.",
        directives=[Delivery(mode=Mode.LATEST, key="job { id }", cursor="cursor", after="after", max_rate=20)],
    )
    async def job_progress(
        self, info: Info, job_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[JobProgress]:
        caller = info.context.known_caller()
        id, resources = JobId(key_of(job_id, "Job")), info.context.resources
        # The cursor is read before the job, so that an end between the two is seen at least once, in the events.
        cursor = await newest_cursor(resources.database, caller, JOB_TOPIC)
        asked = read_event_cursor(after)
        job = await _job_now(info, caller, id)
        yield JobProgress(cursor=str(cursor), occurred_at=job.finished_at or resources.now(), job=Job(row=job))
        if job.state in OVER:
            return
        since = cursor if asked is None else min(asked, cursor)
        async for event in follow(resources.get(Redis), resources.database, caller, JOB_TOPIC, since, key=id):
            # The job is read anew: what the client gets is the row, and a late event cannot turn it back.
            job = await _job_now(info, caller, id)
            yield JobProgress(cursor=str(event.cursor), occurred_at=event.occurred_at, job=Job(row=job))
            if job.state in OVER:
                return

    @strawberry.subscription(
        description="Scans of an asset as they are processed or quarantined.",
        directives=[Delivery(mode=Mode.ORDERED, cursor="cursor", after="after")],
    )
    async def scan_processed(
        self, info: Info, asset_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[ScanEvent]:
        caller = info.context.require(Scope.ASSETS_READ)
        asset = key_of(asset_id, "Asset")
        if await Asset.resolve_reference(info, asset_id) is None:
            raise NotFound("asset")
        await info.context.renew()
        resources, cursor = info.context.resources, read_event_cursor(after)
        async for event in follow(resources.get(Redis), resources.database, caller, SCAN_TOPIC, cursor, key=asset):
            inspection_id = event.payload["inspection_id"]
            yield ScanEvent(
                cursor=str(event.cursor),
                occurred_at=event.occurred_at,
                scan=await Scan.load(info, model.ScanId(_uuid(event.payload["scan_id"]))),
                inspection=await Inspection.load(info, model.InspectionId(_uuid(inspection_id)))
                if inspection_id
                else None,
            )


def _uuid(text: object) -> UUID:
    return UUID(str(text))
