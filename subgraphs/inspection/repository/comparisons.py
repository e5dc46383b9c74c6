"""Comparisons of scans: asked for, then answered or refused once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from db.lookup import Lookup
from db.outbox import JobId
from db.tables.inspection import ScanComparisonRow
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    ChangePlace,
    Changes,
    ComparisonId,
    Fault,
    ScanComparison,
    ScanId,
    UploadState,
)

_COMPARISONS = Lookup(ScanComparisonRow)
_FIGURES = (
    "core_points",
    "compared_points",
    "significant_points",
    "mean_mm",
    "sigma_mm",
    "median_mm",
    "p025_mm",
    "p975_mm",
    "detectable_mm",
    "scene_key",
    "changes_key",
)


async def insert_comparison(work: UnitOfWork, asked: ScanComparison, idempotency_key: str) -> bool:
    """Whether it was written; False when the key has asked for one already."""
    written = await work.session.scalar(
        insert(ScanComparisonRow)
        .values(
            tenant_id=work.caller.tenant,
            id=asked.id,
            first_scan_id=asked.first_scan_id,
            second_scan_id=asked.second_scan_id,
            radius_mm=asked.radius_mm,
            depth_mm=asked.depth_mm,
            registration_error_mm=asked.registration_error_mm,
            idempotency_key=idempotency_key,
            created_at=asked.created_at,
            state=asked.state,
        )
        .on_conflict_do_nothing(constraint="uq_scan_comparison_idempotency_key")
        .returning(ScanComparisonRow.id)
    )
    return written is not None


async def set_job(work: UnitOfWork, id: ComparisonId, job: JobId) -> None:
    await work.session.execute(update(ScanComparisonRow).where(ScanComparisonRow.id == id).values(job_id=job))


async def comparison_by_idempotency_key(work: UnitOfWork, key: str) -> ScanComparison | None:
    row = await work.session.scalar(select(ScanComparisonRow).where(ScanComparisonRow.idempotency_key == key))
    return None if row is None else comparison_of(row)


async def comparisons_by_id(work: UnitOfWork, ids: Sequence[ComparisonId]) -> dict[ComparisonId, ScanComparison]:
    rows = await _COMPARISONS.rows(work.session, ids)
    return {ComparisonId(row.id): comparison_of(row) for row in rows}


async def answer(work: UnitOfWork, id: ComparisonId, found: Changes) -> bool:
    """Whether the comparison was still open."""
    values = {name: getattr(found, name) for name in _FIGURES} | {
        "applied_registration_error_mm": found.registration_error_mm,
        "place_positions_mm": [number for place in found.places for number in place.position_mm],
        "place_distances_mm": [place.distance_mm for place in found.places],
        "place_detectables_mm": [place.detectable_mm for place in found.places],
        "state": UploadState.PROCESSED,
    }
    return await _close(work, id, values)


async def refuse(work: UnitOfWork, id: ComparisonId, fault: Fault) -> bool:
    values = {"fault_code": fault.code, "fault_message": fault.message, "fault_remedy": fault.remedy}
    return await _close(work, id, {**values, "state": UploadState.QUARANTINED})


async def _close(work: UnitOfWork, id: ComparisonId, values: dict[str, object]) -> bool:
    is_open = (ScanComparisonRow.id == id) & (ScanComparisonRow.state == UploadState.PROCESSING)
    changed = update(ScanComparisonRow).where(is_open).values(**values).returning(ScanComparisonRow.id)
    return await work.session.scalar(changed) is not None


def comparison_of(row: ScanComparisonRow) -> ScanComparison:
    return ScanComparison(
        id=ComparisonId(row.id),
        first_scan_id=ScanId(row.first_scan_id),
        second_scan_id=ScanId(row.second_scan_id),
        radius_mm=row.radius_mm,
        depth_mm=row.depth_mm,
        registration_error_mm=row.registration_error_mm,
        state=UploadState(row.state),
        fault=Fault(row.fault_code, row.fault_message or "", row.fault_remedy or "") if row.fault_code else None,
        changes=_changes_of(row) if row.changes_key else None,
        job_id=row.job_id,
        created_at=row.created_at,
    )


def _changes_of(row: ScanComparisonRow) -> Changes:
    positions = row.place_positions_mm or []
    places = zip(row.place_distances_mm or [], row.place_detectables_mm or [], strict=True)
    return Changes(
        registration_error_mm=row.applied_registration_error_mm or 0.0,
        places=tuple(
            ChangePlace((positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]), distance, detectable)
            for i, (distance, detectable) in enumerate(places)
        ),
        **{name: getattr(row, name) for name in _FIGURES},
    )
