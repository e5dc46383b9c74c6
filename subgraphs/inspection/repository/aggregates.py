"""Sums over many inspections. Each is answered from an index, never from the wide rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from db.tables.inspection import AssetRow, InspectionRow, MeasurementRow
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    AssetId,
    CharacteristicSummary,
    Measurement,
    NewestFirst,
    QualitySummary,
    Verdict,
)
from subgraphs.inspection.repository.result_rows import measurement_of
from subgraphs.inspection.repository.rows import pages_by_owner


async def quality_summary(
    work: UnitOfWork, since: datetime | None, until: datetime | None, most_serials: int
) -> QualitySummary:
    """Inspections by verdict, and the serial numbers of assets with a failed one, the most recently failed first."""
    within = [
        *([InspectionRow.created_at >= since] if since else []),
        *([InspectionRow.created_at < until] if until else []),
    ]
    by_verdict = select(InspectionRow.verdict, func.count()).where(*within).group_by(InspectionRow.verdict)
    counts: dict[str, int] = {verdict: count for verdict, count in await work.session.execute(by_verdict)}  # noqa: C416
    failed = (
        select(InspectionRow.asset_id, func.max(InspectionRow.created_at).label("last"))
        .where(InspectionRow.verdict == Verdict.FAIL.value, *within)
        .group_by(InspectionRow.asset_id)
        .order_by(func.max(InspectionRow.created_at).desc())
        .limit(most_serials)
        .subquery()
    )
    serials = await work.session.scalars(
        select(AssetRow.serial_number).join(failed, failed.c.asset_id == AssetRow.id).order_by(failed.c.last.desc())
    )
    return QualitySummary(
        inspections=sum(counts.values()),
        passed=counts.get(Verdict.PASS, 0),
        failed=counts.get(Verdict.FAIL, 0),
        inconclusive=counts.get(Verdict.INCONCLUSIVE, 0),
        failing_serial_numbers=tuple(serials),
    )


async def characteristic_summary(
    work: UnitOfWork, characteristic: str, since: datetime | None, until: datetime | None
) -> CharacteristicSummary:
    value = MeasurementRow.value
    query = select(
        func.count(),
        func.avg(value),
        func.stddev_samp(value),
        func.min(value),
        func.max(value),
        func.count().filter(MeasurementRow.verdict == Verdict.FAIL.value),
    ).where(MeasurementRow.characteristic == characteristic)
    if since is not None:
        query = query.where(MeasurementRow.measured_at >= since)
    if until is not None:
        query = query.where(MeasurementRow.measured_at < until)
    count, mean, sigma, minimum, maximum, failed = (await work.session.execute(query)).one()
    return CharacteristicSummary(characteristic, count, mean, sigma, minimum, maximum, failed)


async def measurements_of_assets(
    work: UnitOfWork, assets: Sequence[AssetId], characteristic: str, page: NewestFirst
) -> dict[AssetId, list[Measurement]]:
    pages = await pages_by_owner(
        work,
        MeasurementRow,
        "asset_id",
        assets,
        page,
        time="measured_at",
        key="inspection_id",
        where=lambda row: [row.characteristic == characteristic],
    )
    return {asset: [measurement_of(row) for row in rows] for asset, rows in pages.items()}
