"""Write what must leave: jobs and events, as rows of the transaction that they tell of.

In: the session and caller of a unit of work. Out: rows. Nothing is sent from here: the relay (`db/relaying.py`) reads
the rows after commit, wakes the workers and gives events their cursor.
"""

from __future__ import annotations

from typing import NewType
from uuid import UUID

import msgspec
import uuid_utils
from msgspec import Struct
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.caller import Caller
from db.tables.jobs import JobRow
from db.tables.outbox import OutboxRow

JobId = NewType("JobId", UUID)

JOB_TOPIC = "job"


def new_id() -> UUID:
    """A time-ordered id (UUID version 7)."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


class Outbox:
    """The outbox of one unit of work."""

    def __init__(self, session: AsyncSession, caller: Caller) -> None:
        self._session, self._caller = session, caller

    async def job(self, kind: str, subject_id: UUID, payload: Struct | dict[str, object]) -> JobId:
        """Queue a job: its row, which is the truth, and the row that wakes a worker."""
        job_id = JobId(new_id())
        await self._session.execute(
            insert(JobRow).values(
                tenant_id=self._caller.tenant,
                id=job_id,
                kind=kind,
                subject_id=subject_id,
                payload=msgspec.to_builtins(payload),
                requested_by=self._caller.user,
            )
        )
        await self._write("job", JOB_TOPIC, job_id, kind, {})
        return job_id

    async def event(self, topic: str, key: UUID, type: str, payload: Struct | dict[str, object]) -> None:
        """Tell of something that this transaction does. `topic` is the stream, `key` the thing that it is about."""
        await self._write("event", topic, key, type, msgspec.to_builtins(payload))

    async def _write(self, kind: str, topic: str, key: UUID, type_name: str, payload: object) -> None:
        await self._session.execute(
            insert(OutboxRow).values(
                tenant_id=self._caller.tenant,
                id=new_id(),
                kind=kind,
                topic=topic,
                key=key,
                type=type_name,
                payload=payload,
            )
        )
