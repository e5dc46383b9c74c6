"""Find the jobs that nobody works on, of every tenant: as role d2r_sweeper.

In: an engine of that role. Out: wake-ups to send again. A job is found when its worker's lease ran out, or when it
waits and nobody took it for a while: its wake-up was lost, or the broker was emptied. Each is found once in
`again_after_s`, so that a job which waits in a long queue is not woken in every round. What a woken worker may do, the
lease decides.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import TenantId
from db.outbox import JobId
from db.wakeups import Wakeup

_OVERDUE = text(
    "update job set woken_at = now() where (tenant_id, id) in ("
    "  select tenant_id, id from job where woken_at < now() - make_interval(secs => :again_after_s) "
    "  and (state = 'QUEUED' or (state = 'RUNNING' and lease_until < now())) "
    "  order by woken_at limit :most for update skip locked"
    ") returning tenant_id, id, kind"
)


async def overdue_jobs(engine: AsyncEngine, again_after_s: float = 30.0, most: int = 500) -> list[Wakeup]:
    """The jobs to wake now; several sweepers may run and each job goes to one of them."""
    async with engine.begin() as connection:
        rows = await connection.execute(_OVERDUE, {"again_after_s": again_after_s, "most": most})
        return [Wakeup(TenantId(tenant), JobId(job), kind) for tenant, job, kind in rows]
