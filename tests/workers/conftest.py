"""A shop floor whose jobs are done in this process, one after the other, by the real handlers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from db.blobs import Blobs
from db.engine import Database
from db.keys import JOB_SIGNING_KEY, secret_key
from db.outbox import JobId
from db.tables.jobs import JobRow
from db.wakeups import Wakeup, sign_wakeup
from kernels.warming import warm_up
from tests.subgraphs.conftest import house
from tests.subgraphs.inspection.conftest import Floor, floor
from tests.subgraphs.inspection.measured import worker
from workers.actor import Workplace, act
from workers.process import handlers

__all__ = ["floor", "house"]

SCAN = """query($id: ID!) { scan(id: $id) { status points problem { code message remedy }
  inspection { verdict alignment { fitness rmsMm transform ambiguous }
    deviationMap { percentInTolerance profileLowerMm profileUpperMm uncertaintyMm
      worstPoints(first: 1) { positionMm deviationMm } heatMapUrl histogramUrl reportUrl
      effectivePoints sampledPoints regions(first: 50) { nodes { shape coverage verdict form formMm positionMm areaMm2
        figures { profileUpperMm } } }
      products { kind mediaType sizeBytes sha256 url } }
    measurements(first: 50) { nodes { characteristic value } }
    decision { verdict reason operator { id } } }
  job { status error { code } } } }"""
CAD = """query($id: ID!) { cadRevision(id: $id) {
  status warnings problem { code } mesh { triangles watertight areaMm2 } } }"""


@dataclass(frozen=True)
class Works:
    floor: Floor
    place: Workplace

    async def wakeups(self) -> list[str]:
        """A signed wake-up for each job that waits."""
        async with self.place.database.begin(worker(self.floor.house.acme.id)) as work:
            waiting = select(JobRow).where(JobRow.state == "QUEUED").order_by(JobRow.created_at, JobRow.id)
            rows = list(await work.session.scalars(waiting))
        tenant = worker(self.floor.house.acme.id).tenant
        return [sign_wakeup(self.place.signing_key, Wakeup(tenant, JobId(row.id), row.kind)) for row in rows]

    async def work_off(self) -> None:
        """Do jobs, and the jobs that they bring, until none waits."""
        while texts := await self.wakeups():
            for text in texts:
                await act(self.place, text)

    async def scan(self, id: str) -> Any:
        return (await self.floor.asker("inspection").data_of(SCAN, {"id": id}))["scan"]

    async def cad(self, body: bytes, key: str, **more: Any) -> Any:
        """Upload and import: the CAD revision as the graph shows it, with its id."""
        done = await self.floor.cad(body, key, **more)
        await self.work_off()
        id = done["cadRevision"]["id"]
        return {"id": id, **(await self.floor.asker("inspection").data_of(CAD, {"id": id}))["cadRevision"]}


@pytest.fixture
async def works(floor: Floor) -> AsyncIterator[Works]:
    await asyncio.to_thread(warm_up)
    settings = floor.house.settings
    async with Database(settings.database_settings()) as database, Blobs(settings.blobs) as blobs:
        key = secret_key(settings.keys, JOB_SIGNING_KEY)
        yield Works(floor, Workplace(database, blobs, handlers(), key, lease_s=15.0))
