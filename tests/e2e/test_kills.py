"""Kill -9 any process in the middle of a job: on restart the job finishes, once and only once."""

from __future__ import annotations

import asyncio
import os
import signal

import asyncpg
import pytest

from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import Inspector, ScanOrder, sign_in
from infra.demo.people import quality_engineer
from infra.local.platform import is_healthy
from tests.e2e.conftest import Batch, Whole

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.xdist_group("platform")]


@pytest.mark.parametrize("victim", ["jobs", "relay", "rounds", "valkey", "postgres", "graph"])
async def test_a_killed_process_costs_time_and_nothing_else(whole: Whole, batch: Batch, victim: str) -> None:
    killed: list[int] = []

    def kill_in_the_middle(name: str, done: float, total: float, stage: str) -> None:
        if name.startswith("KILL") and stage not in ("uploading", "", "waiting", "connecting again") and not killed:
            killed.append(whole.pid_of(victim))
            os.kill(killed[0], signal.SIGKILL)

    account = await quality_engineer(whole.running)
    async with GraphClient(whole.running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        inspector = Inspector(client, kill_in_the_middle)
        cad, _ = await inspector.cad(batch.cad, "MILLIMETRE", accept_flaws=False)
        serial = f"KILL-{victim}"
        asset = await inspector.asset(serial, "Bracket")
        _, scan = await inspector.scan(ScanOrder(serial, batch.scan, 0.2), asset, cad)

    assert killed, "the job was over before anything could be killed"
    assert scan["status"] == "PROCESSED"
    assert scan["inspection"]["verdict"] == "FAIL"
    await _settled(whole)
    assert await _traces(whole, serial) == {"inspections": 1, "decisions": 1, "twin versions": 1, "ledger": 1}


async def _settled(whole: Whole) -> None:
    """The killed process is back and the twin's job, which follows the scan's, is over."""
    connection = await asyncpg.connect(whole.running.endpoints.database_url)
    try:
        while await connection.fetchval("select count(*) from job where state in ('QUEUED', 'RUNNING')"):
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    while not is_healthy(int(whole.running.url.rpartition(":")[2])):
        await asyncio.sleep(0.2)


async def _traces(whole: Whole, serial: str) -> dict[str, int]:
    """What one scan left behind, counted where it lies, past row security."""
    scan = "(select s.id from scan s join asset a on a.id = s.asset_id where a.serial_number = $1)"
    counts = {
        "inspections": f"select count(*) from inspection where scan_id = {scan}",
        "decisions": f"select count(*) from qc_decision where scan_id = {scan}",
        "twin versions": f"select count(*) from twin_version where scan_id = {scan}",
        "ledger": "select count(*) from audit_entry where type = 'InspectionDecided' "
        f"and object_id = (select id from inspection where scan_id = {scan})",
    }
    connection = await asyncpg.connect(whole.running.endpoints.database_url)
    try:
        return {name: await connection.fetchval(query, serial) for name, query in counts.items()}
    finally:
        await connection.close()
