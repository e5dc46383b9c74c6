"""CAD revisions and scans: insert, read, list, and move from state to state.

A move names the state that it starts from, so that two movers cannot both succeed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects.postgresql import insert

from db.lookup import Lookup
from db.tables.inspection import CadRevisionRow, ScanRow
from db.tables.tenancy import DeviceRow
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    AssetId,
    CadRevision,
    CadRevisionId,
    Fault,
    MeshFacts,
    NewestFirst,
    Scan,
    ScanId,
    UploadState,
)
from subgraphs.inspection.repository.rows import cad_revision_of, file_columns, older_than, pages_by_owner, scan_of

_CAD_REVISIONS = Lookup(CadRevisionRow)
_SCANS = Lookup(ScanRow)


async def insert_cad_revision(work: UnitOfWork, revision: CadRevision, idempotency_key: str) -> bool:
    """Whether it was inserted; False when the idempotency key is taken."""
    inserted = await work.session.scalar(
        insert(CadRevisionRow)
        .values(
            tenant_id=work.caller.tenant,
            id=revision.id,
            name=revision.name,
            format=revision.format,
            unit=revision.unit,
            accept_flaws=revision.accept_flaws,
            state=revision.state,
            warnings=[],
            idempotency_key=idempotency_key,
            created_at=revision.created_at,
            **file_columns(revision.file),
        )
        .on_conflict_do_nothing()
        .returning(CadRevisionRow.id)
    )
    return inserted is not None


async def is_device(work: UnitOfWork, id: UUID) -> bool:
    """Whether the workspace has this device: its row belongs to tenancy, our foreign key to it is why we look."""
    return await work.session.scalar(select(DeviceRow.id).where(DeviceRow.id == id)) is not None


async def insert_scan(work: UnitOfWork, scan: Scan, idempotency_key: str) -> bool:
    """Whether it was inserted; False when the idempotency key is taken."""
    inserted = await work.session.scalar(
        insert(ScanRow)
        .values(
            tenant_id=work.caller.tenant,
            id=scan.id,
            asset_id=scan.asset_id,
            cad_revision_id=scan.cad_revision_id,
            format=scan.format,
            unit=scan.unit,
            lower_mm=scan.rule.lower_mm,
            upper_mm=scan.rule.upper_mm,
            uncertainty_mm=scan.rule.uncertainty_mm,
            pose_hint=list(scan.pose_hint) if scan.pose_hint else None,
            alignment=scan.alignment,
            device_id=scan.device_id,
            state=scan.state,
            idempotency_key=idempotency_key,
            acquired_at=scan.acquired_at,
            created_at=scan.created_at,
            **file_columns(scan.file),
        )
        .on_conflict_do_nothing()
        .returning(ScanRow.id)
    )
    return inserted is not None


async def cad_revisions_by_id(work: UnitOfWork, ids: Sequence[CadRevisionId]) -> dict[CadRevisionId, CadRevision]:
    rows = await _CAD_REVISIONS.rows(work.session, ids)
    return {CadRevisionId(row.id): cad_revision_of(row) for row in rows}


async def cad_revision_by_idempotency_key(work: UnitOfWork, key: str) -> CadRevision | None:
    row = await work.session.scalar(select(CadRevisionRow).where(CadRevisionRow.idempotency_key == key))
    return None if row is None else cad_revision_of(row)


async def cad_revisions_page(work: UnitOfWork, page: NewestFirst) -> list[CadRevision]:
    query = older_than(select(CadRevisionRow), page, CadRevisionRow.created_at, CadRevisionRow.id)
    return [cad_revision_of(row) for row in await work.session.scalars(query)]


async def scans_by_id(work: UnitOfWork, ids: Sequence[ScanId]) -> dict[ScanId, Scan]:
    rows = await _SCANS.rows(work.session, ids)
    return {ScanId(row.id): scan_of(row) for row in rows}


async def scan_by_idempotency_key(work: UnitOfWork, key: str) -> Scan | None:
    row = await work.session.scalar(select(ScanRow).where(ScanRow.idempotency_key == key))
    return None if row is None else scan_of(row)


async def scans_of_assets(work: UnitOfWork, assets: Sequence[AssetId], page: NewestFirst) -> dict[AssetId, list[Scan]]:
    pages = await pages_by_owner(work, ScanRow, "asset_id", assets, page)
    return {asset: [scan_of(row) for row in rows] for asset, rows in pages.items()}


async def start_scan(work: UnitOfWork, id: ScanId, job_id: UUID, operator_id: UUID, completed_at: datetime) -> bool:
    """AWAITING_PARTS to PROCESSING; whether this caller was the one who did it."""
    return await _move(
        work,
        ScanRow,
        id,
        UploadState.AWAITING_PARTS,
        state=UploadState.PROCESSING,
        job_id=job_id,
        operator_id=operator_id,
        completed_at=completed_at,
    )


async def start_cad(work: UnitOfWork, id: CadRevisionId, job_id: UUID) -> bool:
    """AWAITING_PARTS to PROCESSING; whether this caller was the one who did it."""
    return await _move(
        work, CadRevisionRow, id, UploadState.AWAITING_PARTS, state=UploadState.PROCESSING, job_id=job_id
    )


async def accept_cad(
    work: UnitOfWork, id: CadRevisionId, mesh_key: str, facts: MeshFacts, warnings: Sequence[str]
) -> bool:
    """PROCESSING to PROCESSED."""
    return await _move(
        work,
        CadRevisionRow,
        id,
        UploadState.PROCESSING,
        state=UploadState.PROCESSED,
        mesh_key=mesh_key,
        triangles=facts.triangles,
        vertices=facts.vertices,
        watertight=facts.watertight,
        area_mm2=facts.area_mm2,
        minimum_mm=list(facts.minimum_mm),
        maximum_mm=list(facts.maximum_mm),
        warnings=list(warnings),
    )


async def accept_scan(work: UnitOfWork, id: ScanId, points: int) -> bool:
    """PROCESSING to PROCESSED."""
    return await _move(work, ScanRow, id, UploadState.PROCESSING, state=UploadState.PROCESSED, points=points)


async def quarantine_scan(work: UnitOfWork, id: ScanId, fault: Fault) -> bool:
    return await _quarantine(work, ScanRow, id, fault)


async def quarantine_cad(work: UnitOfWork, id: CadRevisionId, fault: Fault) -> bool:
    return await _quarantine(work, CadRevisionRow, id, fault)


async def _quarantine(work: UnitOfWork, table: type[CadRevisionRow] | type[ScanRow], id: UUID, fault: Fault) -> bool:
    return await _move(
        work,
        table,
        id,
        UploadState.PROCESSING,
        state=UploadState.QUARANTINED,
        fault_code=fault.code,
        fault_message=fault.message,
        fault_remedy=fault.remedy,
    )


async def _move(
    work: UnitOfWork, table: type[CadRevisionRow] | type[ScanRow], id: UUID, start: UploadState, **values: Any
) -> bool:
    moved = await work.session.execute(update(table).where(table.id == id, table.state == start.value).values(**values))
    return cast("CursorResult[Any]", moved).rowcount == 1
