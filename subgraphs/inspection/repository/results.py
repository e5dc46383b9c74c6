"""Alignments, deviation maps, inspections and decisions: written once, read in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from db.lookup import Lookup, among, table_of
from db.tables.inspection import (
    AlignmentRow,
    AssetRow,
    DeviationBandRow,
    DeviationMapRow,
    InspectionRow,
    MeasurementRow,
    QcDecisionRow,
    WorstPointRow,
)
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    Alignment,
    AlignmentId,
    AssetId,
    Band,
    Box,
    Decision,
    DecisionId,
    DeviationMap,
    DeviationMapId,
    Inspection,
    InspectionFilter,
    InspectionId,
    Measurement,
    NewestFirst,
    ScanId,
    Verdict,
    WorstPoint,
)
from subgraphs.inspection.repository.result_rows import (
    alignment_of,
    decision_of,
    deviation_map_columns,
    deviation_map_of,
    inspection_of,
    point_text,
)
from subgraphs.inspection.repository.rows import older_than, pages_by_owner

_ALIGNMENTS = Lookup(AlignmentRow)
_MAPS = Lookup(DeviationMapRow)
_BANDS = Lookup(DeviationBandRow, "deviation_map_id", order=("deviation_map_id", "position"))
_INSPECTIONS = Lookup(InspectionRow)
_INSPECTIONS_OF_SCANS = Lookup(InspectionRow, "scan_id")
_INSPECTION = table_of(InspectionRow).c
_INSPECTIONS_LISTED = select(*_INSPECTION)
_DECISIONS = Lookup(QcDecisionRow)
_DECISIONS_OF_INSPECTIONS = Lookup(QcDecisionRow, "inspection_id", order=("-decided_at", "-id"))
_POINTS = table_of(WorstPointRow).c
_PLACE = cast(_POINTS.location, Geometry("POINTZ", 0, dimension=3))
_WORST_POINTS = (
    select(
        _POINTS.deviation_map_id,
        _POINTS.rank,
        _POINTS.deviation_mm,
        func.ST_X(_PLACE),
        func.ST_Y(_PLACE),
        func.ST_Z(_PLACE),
    )
    .where(among(_POINTS.deviation_map_id))
    .order_by(_POINTS.rank)
)


async def insert_alignment(work: UnitOfWork, alignment: Alignment) -> None:
    await work.session.execute(
        insert(AlignmentRow).values(
            tenant_id=work.caller.tenant,
            id=alignment.id,
            scan_id=alignment.scan_id,
            cad_revision_id=alignment.cad_revision_id,
            transform=list(alignment.transform),
            fitness=alignment.fitness,
            rms_mm=alignment.rms_mm,
            ambiguous=alignment.ambiguous,
            unconstrained=list(alignment.unconstrained),
            method=alignment.method,
            report=alignment.report,
            created_at=alignment.created_at,
        )
    )


async def insert_deviation_map(
    work: UnitOfWork, measured: DeviationMap, bands: Sequence[Band], worst: Sequence[WorstPoint]
) -> None:
    tenant = work.caller.tenant
    await work.session.execute(insert(DeviationMapRow).values(tenant_id=tenant, **deviation_map_columns(measured)))
    of_map: dict[str, Any] = {"tenant_id": tenant, "deviation_map_id": measured.id}
    if bands:
        rows = [
            {**of_map, "position": i, "lower_mm": b.lower_mm, "upper_mm": b.upper_mm, "points": b.points}
            for i, b in enumerate(bands)
        ]
        await work.session.execute(insert(DeviationBandRow).values(rows))
    if worst:
        rows = [
            {**of_map, "rank": p.rank, "location": point_text(p.position_mm), "deviation_mm": p.deviation_mm}
            for p in worst
        ]
        await work.session.execute(insert(WorstPointRow).values(rows))


async def insert_inspection(work: UnitOfWork, inspection: Inspection) -> None:
    await work.session.execute(
        insert(InspectionRow).values(
            tenant_id=work.caller.tenant,
            id=inspection.id,
            asset_id=inspection.asset_id,
            scan_id=inspection.scan_id,
            cad_revision_id=inspection.cad_revision_id,
            alignment_id=inspection.alignment_id,
            deviation_map_id=inspection.deviation_map_id,
            lower_mm=inspection.rule.lower_mm,
            upper_mm=inspection.rule.upper_mm,
            uncertainty_mm=inspection.rule.uncertainty_mm,
            verdict=inspection.verdict,
            created_at=inspection.created_at,
        )
    )


async def insert_decision(work: UnitOfWork, decision: Decision) -> bool:
    """Whether it was written; False when the decision that it supersedes has been superseded already."""
    written = await work.session.scalar(
        insert_or_skip(QcDecisionRow)
        .values(
            tenant_id=work.caller.tenant,
            id=decision.id,
            inspection_id=decision.inspection_id,
            scan_id=decision.scan_id,
            alignment_id=decision.alignment_id,
            operator_id=decision.operator_id,
            verdict=decision.verdict,
            decided_by=decision.decided_by,
            reason=decision.reason,
            record=decision.record,
            record_hash=decision.record_hash,
            supersedes_id=decision.supersedes_id,
            decided_at=decision.decided_at,
        )
        .on_conflict_do_nothing(constraint="uq_qc_decision_line")
        .returning(QcDecisionRow.id)
    )
    return written is not None


async def set_verdict(work: UnitOfWork, id: InspectionId, verdict: Verdict) -> None:
    await work.session.execute(update(InspectionRow).where(InspectionRow.id == id).values(verdict=verdict))


async def insert_measurements(work: UnitOfWork, measurements: Sequence[Measurement]) -> None:
    rows = [
        {
            "tenant_id": work.caller.tenant,
            "inspection_id": each.inspection_id,
            "characteristic": each.characteristic,
            "asset_id": each.asset_id,
            "value": each.value,
            "unit": each.unit,
            "lower_limit": each.lower_limit,
            "upper_limit": each.upper_limit,
            "verdict": each.verdict,
            "measured_at": each.measured_at,
        }
        for each in measurements
    ]
    await work.session.execute(insert(MeasurementRow).values(rows))


async def alignments_by_id(work: UnitOfWork, ids: Sequence[AlignmentId]) -> dict[AlignmentId, Alignment]:
    rows = await _ALIGNMENTS.rows(work.session, ids)
    return {AlignmentId(row.id): alignment_of(row) for row in rows}


async def deviation_maps_by_id(work: UnitOfWork, ids: Sequence[DeviationMapId]) -> dict[DeviationMapId, DeviationMap]:
    rows = await _MAPS.rows(work.session, ids)
    return {DeviationMapId(row.id): deviation_map_of(row) for row in rows}


async def bands_of_maps(work: UnitOfWork, ids: Sequence[DeviationMapId]) -> dict[DeviationMapId, list[Band]]:
    rows = await _BANDS.rows(work.session, ids)
    bands: dict[DeviationMapId, list[Band]] = defaultdict(list)
    for row in rows:
        bands[DeviationMapId(row.deviation_map_id)].append(Band(row.lower_mm, row.upper_mm, row.points))
    return bands


async def worst_points_of_maps(
    work: UnitOfWork, ids: Sequence[DeviationMapId], box: Box | None, most: int
) -> dict[DeviationMapId, list[WorstPoint]]:
    """The worst places of each map, worst first, of those within the box if there is one.

    A map holds a few hundred at the most, so its key is the index that counts; the box is checked on those.
    """
    query = _WORST_POINTS
    if box is not None:
        corners = func.ST_3DMakeBox(func.ST_MakePoint(*box.minimum_mm), func.ST_MakePoint(*box.maximum_mm))
        query = query.where(_POINTS.location.op("&&&")(corners))
    found: dict[DeviationMapId, list[WorstPoint]] = defaultdict(list)
    for of_map, rank, deviation_mm, x, y, z in await work.session.execute(query, {"keys": ids}):
        points = found[DeviationMapId(of_map)]
        if len(points) < most:
            points.append(WorstPoint(rank, (x, y, z), deviation_mm))
    return found


async def inspections_by_id(work: UnitOfWork, ids: Sequence[InspectionId]) -> dict[InspectionId, Inspection]:
    rows = await _INSPECTIONS.rows(work.session, ids)
    return {InspectionId(row.id): inspection_of(row) for row in rows}


async def inspections_by_scan(work: UnitOfWork, scans: Sequence[ScanId]) -> dict[ScanId, Inspection]:
    rows = await _INSPECTIONS_OF_SCANS.rows(work.session, scans)
    return {ScanId(row.scan_id): inspection_of(row) for row in rows}


async def inspections_of_assets(
    work: UnitOfWork, assets: Sequence[AssetId], page: NewestFirst
) -> dict[AssetId, list[Inspection]]:
    pages = await pages_by_owner(work, InspectionRow, "asset_id", assets, page)
    return {asset: [inspection_of(row) for row in rows] for asset, rows in pages.items()}


async def inspections_page(work: UnitOfWork, wanted: InspectionFilter, page: NewestFirst) -> list[Inspection]:
    query, columns = _INSPECTIONS_LISTED, _INSPECTION
    if wanted.verdicts:
        query = query.where(columns.verdict.in_([verdict.value for verdict in wanted.verdicts]))
    if wanted.since is not None:
        query = query.where(columns.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(columns.created_at < wanted.until)
    if wanted.serial_numbers:
        named = select(AssetRow.id).where(AssetRow.serial_number.in_(wanted.serial_numbers))
        query = query.where(columns.asset_id.in_(named))
    rows = await work.session.execute(older_than(query, page, columns.created_at, columns.id))
    return [inspection_of(row) for row in rows]


async def decisions_of_inspections(work: UnitOfWork, ids: Sequence[InspectionId]) -> dict[InspectionId, list[Decision]]:
    """Every decision of each inspection, newest first; a line of a few, so it is read whole."""
    rows = await _DECISIONS_OF_INSPECTIONS.rows(work.session, ids)
    decisions: dict[InspectionId, list[Decision]] = defaultdict(list)
    for row in rows:
        decisions[InspectionId(row.inspection_id)].append(decision_of(row))
    return decisions


async def decisions_by_id(work: UnitOfWork, ids: Sequence[DecisionId]) -> dict[DecisionId, Decision]:
    rows = await _DECISIONS.rows(work.session, ids)
    return {DecisionId(row.id): decision_of(row) for row in rows}
