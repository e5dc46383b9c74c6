"""Daily tallies say what counting every row would say, for any period, also after an operator has decided otherwise."""

import datetime
import statistics

import pytest
from sqlalchemy import select, text

from db.engine import Database
from db.tables.inspection import InspectionRow, MeasurementRow
from subgraphs.inspection.model import InspectionId, Verdict
from subgraphs.inspection.repository import aggregates, results
from tests.subgraphs.inspection.conftest import Floor
from tests.subgraphs.inspection.measured import NOW, accept_cad, judge, worker

HOURS = [0, 5, 13, 24, 30, 36, 37, 60, 72]
PERIODS = [(None, None), (12, None), (None, 60), (1, 50), (12, 60), (13, 36), (30, 31), (100, None)]


def moment(hours: float | None) -> datetime.datetime | None:
    return None if hours is None else NOW + datetime.timedelta(hours=hours)


async def test_tallies_agree_with_the_rows_for_any_period(floor: Floor) -> None:
    tenant = floor.house.acme.id
    async with Database(floor.house.settings.database_settings()) as database:
        cad = (await floor.cad(b"tallied", "cad-tallied"))["cadRevision"]["id"]
        await accept_cad(database, tenant, cad)
        asset = await floor.asset("tallied")
        verdicts = ["PASS", "FAIL", "INCONCLUSIVE"] * 3
        for number, (hours, verdict) in enumerate(zip(HOURS, verdicts, strict=True)):
            scan = await floor.scan(asset, cad, f"tallied {number}".encode(), f"tallied-{number}")
            found = await judge(database, tenant, scan["scan"]["id"], verdict, NOW + datetime.timedelta(hours=hours))
        async with database.begin(worker(tenant)) as work:
            await results.set_verdict(work, InspectionId(found.id), Verdict.PASS)
        for since, until in PERIODS:
            await _compare(database, floor, moment(since), moment(until))


async def _compare(
    database: Database, floor: Floor, since: datetime.datetime | None, until: datetime.datetime | None
) -> None:
    name = "profile.upper"
    async with database.begin(worker(floor.house.acme.id)) as work:
        inspections = (await work.session.scalars(select(InspectionRow))).all()
        values = (await work.session.scalars(select(MeasurementRow))).all()
        quality = await aggregates.quality_summary(work, since, until, 20)
        summary = await aggregates.characteristic_summary(work, name, since, until)

    def inside(at: datetime.datetime) -> bool:
        return (since is None or since <= at) and (until is None or at < until)

    kept = [row.verdict for row in inspections if inside(row.created_at)]
    told = (quality.passed, quality.failed, quality.inconclusive)
    assert told == tuple(kept.count(verdict) for verdict in ("PASS", "FAIL", "INCONCLUSIVE"))
    numbers = [row.value for row in values if row.characteristic == name and inside(row.measured_at)]
    assert summary.count == len(numbers)
    if len(numbers) > 1:
        assert summary.mean == pytest.approx(statistics.fmean(numbers))
        assert summary.sigma == pytest.approx(statistics.stdev(numbers))
        assert (summary.minimum, summary.maximum) == (min(numbers), max(numbers))


async def test_a_tally_is_not_seen_from_another_workspace(floor: Floor) -> None:
    settings, rival = floor.house.settings.database_settings(), worker(floor.house.rival.id)
    async with Database(settings) as database, database.begin(rival) as work:
        for table in ("inspection_tally", "measurement_tally"):
            assert await work.session.scalar(text(f"select count(*) from {table}")) == 0
