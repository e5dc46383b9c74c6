"""`./dev bench api`: the graph's data queries and aggregates at 50 requests/s over a million measurements.

The load is an open loop, so a stall is charged for everybody who waited. SQL time is PostgreSQL's own log of durations
while the same document is asked one at a time; what is left of the latency is the gateway, Python and the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import sign_in
from infra.demo.operations import BAD_BATCH
from infra.demo.people import quality_engineer
from infra.local.platform import Platform, Running, any_free_port
from tests.bench.figures import Bar, show
from tests.bench.million import seed
from tests.bench.open_loop import Load, open_loop

RATE_PER_S = 50.0
GRAPHS = 2
"""Processes that answer: one core is not enough for 50 federated queries a second."""
ALONE = 40
_DURATION = re.compile(r"duration: ([0-9.]+) ms +(parse|bind|execute|statement)")

DATA = {
    "bad batch (4 subgraphs)": BAD_BATCH,
    "assets, newest inspection": """{ assets(first: 10) { nodes { id serialNumber latestInspection {
        verdict createdAt deviationMap { rmsMm percentInTolerance } } } } }""",
    "worst points in a box": """{ inspections(first: 10) { nodes { asset { serialNumber } deviationMap {
        worstPoints(box: {minimumMm: [0, 0, 0], maximumMm: [60, 40, 60]}, first: 5) { rank positionMm } } } } }""",
    "trend of an asset": """{ assets(first: 1) { nodes { measurements(characteristic: "profile.upper", first: 50) {
        nodes { measuredAt value verdict } } } } }""",
    "assets near a place": """{ assetsNear(longitude: 13.4, latitude: 52.5, radiusM: 5000, first: 20) {
        distanceM asset { serialNumber } } }""",
}
AGGREGATES = {
    "quality summary": "{ workspace { qualitySummary { inspections passed failed failingSerialNumbers } } }",
    "characteristic summary": """{ workspace { characteristicSummary(characteristic: "profile.upper") {
        count mean sigma minimum maximum failed } } }""",
}


@dataclass(frozen=True)
class Alone:
    """One document asked one at a time: milliseconds and counts for each request."""

    latency_ms: float
    sql_ms: float
    statements: float
    fetches: int


def main(seconds: float) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(
            Path(folder) / "data", say=print, port=any_free_port(), workers=False, careless=True, graphs=GRAPHS
        ) as running,
    ):
        asyncio.run(measure(running, seconds))


async def measure(running: Running, seconds: float) -> None:
    """Seed, ask alone, ask at the rate, print."""
    account = await quality_engineer(running)
    admin = await asyncpg.connect(running.endpoints.database_url)
    tenant = await admin.fetchval("select tenant_id from workspace where slug = $1", account.workspace)
    operator = await admin.fetchval("select id from member where tenant_id = $1", tenant)
    await seed(admin, str(tenant), str(operator), print)
    rows, worst = [], {"data": 0.0, "aggregates": 0.0}
    failures = 0
    async with GraphClient(running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        for group, documents in (("data", DATA), ("aggregates", AGGREGATES)):
            for name, document in documents.items():
                alone = await ask_alone(client, admin, running, document)
                load = await ask_at_rate(client, document, seconds)
                worst[group] = max(worst[group], load.percentile_ms(0.95))
                failures += load.failures
                rows.append(row(name, alone, load))
    await admin.close()
    columns = ["document", "p50", "p95", "p99", "failed", "alone", "SQL", "rest", "statements", "fetches"]
    title = (
        f"{RATE_PER_S:.0f} requests/s, {seconds:.0f} s each, 1 M measurements, {GRAPHS} graph processes; times in ms"
    )
    bars = [
        Bar("api.data.p95_ms", worst["data"], 200.0),
        Bar("api.aggregates.p95_ms", worst["aggregates"], 2000.0),
        Bar("api.failures", failures, 0),
    ]
    show(title, columns, rows, bars)


async def ask_alone(client: GraphClient, admin: asyncpg.Connection, running: Running, document: str) -> Alone:
    """Latency and SQL time of one request after the other, with PostgreSQL logging every duration."""
    log = running.endpoints.data / "logs" / "postgres.log"
    answer = await client.answer(document, headers={"x-query-plan": "1"})
    assert "errors" not in answer, answer["errors"]
    await admin.execute("alter system set log_min_duration_statement = 0")
    await admin.execute("select pg_reload_conf()")
    await asyncio.sleep(0.5)
    size, started = log.stat().st_size, time.perf_counter()
    for _ in range(ALONE):
        await client.ask(document)
    took = time.perf_counter() - started
    await asyncio.sleep(0.2)
    text = log.read_bytes()[size:].decode(errors="replace")
    await admin.execute("alter system reset log_min_duration_statement")
    await admin.execute("select pg_reload_conf()")
    found = _DURATION.findall(text)
    executed = sum(kind in ("execute", "statement") for _, kind in found)
    plan = str(answer["extensions"]["queryPlan"])
    sql_ms = sum(float(ms) for ms, _ in found) / ALONE
    return Alone(took * 1000 / ALONE, sql_ms, executed / ALONE, len(re.findall(r"Fetch \d+ \(", plan)))


async def ask_at_rate(client: GraphClient, document: str, seconds: float) -> Load:
    """The open loop."""

    async def ask(_: int) -> None:
        await client.ask(document)

    return await open_loop(ask, RATE_PER_S, seconds)


def row(name: str, alone: Alone, load: Load) -> list[str]:
    """One line of the table."""
    figures: list[Any] = [f"{load.percentile_ms(share):.1f}" for share in (0.5, 0.95, 0.99)]
    rest = alone.latency_ms - alone.sql_ms
    return [
        name, *figures, str(load.failures), f"{alone.latency_ms:.1f}", f"{alone.sql_ms:.1f}", f"{rest:.1f}",
        f"{alone.statements:.1f}", str(alone.fetches),
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench api")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load for each document")
    main(parser.parse_args().seconds)
