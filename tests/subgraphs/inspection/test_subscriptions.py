"""Jobs and scans, watched: events come live, the final state is the last and comes once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from db import jobs
from db.engine import Database, open_engine
from db.outbox import JobId
from db.relaying import relay_once
from db.streams import publish
from subgraphs.serving.global_ids import key_of
from tests.subgraphs.inspection.conftest import Floor
from tests.subgraphs.inspection.measured import accept_cad, judge, worker

JOB_PROGRESS = """subscription($id: ID!, $after: String) {
  jobProgress(jobId: $id, after: $after) { cursor occurredAt job { status progress { stage done total } } } }"""
SCAN_PROCESSED = """subscription($id: ID!) {
  scanProcessed(assetId: $id) { cursor scan { id status } inspection { verdict } } }"""


@pytest.fixture
async def database(floor: Floor) -> AsyncIterator[Database]:
    async with Database(floor.house.settings.database_settings()) as database:
        yield database


async def relay(floor: Floor) -> None:
    """What the relay does in one round, without the broker."""
    settings = floor.house.settings
    engine, redis = open_engine(settings.database_url("d2r_relay")), Redis.from_url(settings.redis_url)
    try:
        await relay_once(engine, lambda delivery: publish(redis, delivery.events))
    finally:
        await redis.aclose()
        await engine.dispose()


def watch(floor: Floor, document: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
    asker = floor.asker("inspection")
    token = asker.gateway.caller_token(asker.user_token or "")
    return asker.subgraph.subscribe(document, variables, None, token)


async def data_of(stream: AsyncIterator[dict[str, Any]]) -> Any:
    response = await asyncio.wait_for(anext(stream), 10)
    assert "errors" not in response, response
    (data,) = response["data"].values()
    return data


async def test_a_job_is_watched_from_its_present_state_to_its_end(floor: Floor, database: Database) -> None:
    done = await floor.cad(b"watched", "cad-watched")
    job, tenant = done["job"]["id"], floor.house.acme.id
    stream = watch(floor, JOB_PROGRESS, id=job)
    assert (await data_of(stream))["job"]["status"] == "QUEUED"
    waiting = asyncio.ensure_future(data_of(stream))
    async with database.begin(worker(tenant)) as work:
        lease = await jobs.lease(work, JobId(key_of(job, "Job")))
        assert lease is not None
        await jobs.report(work, lease, jobs.Progress(1, 4, "bytes", "download"))
    await relay(floor)
    assert (await waiting)["job"]["progress"] == {"stage": "download", "done": "1", "total": "4"}
    waiting = asyncio.ensure_future(data_of(stream))
    async with database.begin(worker(tenant)) as work:
        await jobs.finish(work, lease, {})
    await relay(floor)
    assert (await waiting)["job"]["status"] == "SUCCEEDED"
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(stream), 10)
    late = watch(floor, JOB_PROGRESS, id=job)
    assert (await data_of(late))["job"]["status"] == "SUCCEEDED"
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(late), 10)


async def test_a_job_of_another_workspace_cannot_be_watched(floor: Floor) -> None:
    job = (await floor.cad(b"secret", "cad-secret"))["job"]["id"]
    rival = floor.asker("inspection", "rival")
    token = rival.gateway.caller_token(rival.user_token or "")
    first = await anext(rival.subgraph.subscribe(JOB_PROGRESS, {"id": job}, None, token))
    assert first["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_processed_scan_is_told_to_who_watches_its_asset(floor: Floor, database: Database) -> None:
    asset, tenant = await floor.asset("W-1"), floor.house.acme.id
    cad = (await floor.cad(b"for watching", "cad-w"))["cadRevision"]["id"]
    await accept_cad(database, tenant, cad)
    await relay(floor)
    stream = watch(floor, SCAN_PROCESSED, id=asset)
    waiting = asyncio.ensure_future(data_of(stream))
    await asyncio.sleep(0.3)
    scan = (await floor.scan(asset, cad, b"watched scan", "scan-w"))["scan"]["id"]
    await judge(database, tenant, scan, "FAIL")
    await relay(floor)
    event = await waiting
    assert (event["scan"], event["inspection"]) == ({"id": scan, "status": "PROCESSED"}, {"verdict": "FAIL"})
    await stream.aclose()  # type: ignore[attr-defined]
