"""Rows to values, and pages over lists that are kept newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Uuid, cast, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from db.tables.inspection import CadRevisionRow, ScanRow, UploadColumns
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.alignment import AlignmentRequest
from subgraphs.inspection.model import (
    Asset,
    AssetId,
    AssetKind,
    CadFormat,
    CadRevision,
    CadRevisionId,
    Fault,
    LengthUnit,
    MeshFacts,
    NewestFirst,
    Place,
    Scan,
    ScanFormat,
    ScanId,
    Sha256Hex,
    StoredFile,
    ToleranceRule,
    UploadState,
)

Entity = TypeVar("Entity")
Key = TypeVar("Key", bound=UUID)


def older_than(query: Select[Any], page: NewestFirst, time: Any, key: Any) -> Select[Any]:
    """The page of `query`, one row longer than asked: the extra row tells whether there are more."""
    if page.before is not None:
        query = query.where(tuple_(time, key) < tuple_(*page.before))
    return query.order_by(time.desc(), key.desc()).limit(page.limit + 1)


async def pages_by_owner(
    work: UnitOfWork,
    row_type: type[Entity],
    owner: str,
    owners: Sequence[Key],
    page: NewestFirst,
    time: str = "created_at",
    key: str = "id",
    where: Callable[[Any], list[ColumnElement[bool]]] = lambda row: [],
) -> dict[Key, list[Entity]]:
    """For each owner its own page, in one statement: an index range an owner, however many rows it has."""
    wanted = func.unnest(_uuids(owners)).table_valued("owner").render_derived()
    row: Any = aliased(row_type)
    one = select(row).where(getattr(row, owner) == wanted.c.owner, *where(row))
    lateral = older_than(one, page, getattr(row, time), getattr(row, key)).lateral("one")
    entity: Any = aliased(row_type, lateral)
    found = (await work.session.scalars(select(entity).select_from(wanted.join(lateral, true())))).all()
    pages: dict[Key, list[Entity]] = defaultdict(list)
    for each in sorted(found, key=lambda r: (getattr(r, time), getattr(r, key)), reverse=True):
        pages[getattr(each, owner)].append(each)
    return pages


def _uuids(values: Sequence[UUID]) -> Any:
    return cast(literal(list(values), ARRAY(Uuid)), ARRAY(Uuid))


def asset_of(row: Row[Any]) -> Asset:
    """`row`: an asset's columns, and its place as `longitude` and `latitude`."""
    place = None if row.longitude is None else Place(row.longitude, row.latitude)
    return Asset(AssetId(row.id), AssetKind(row.kind), row.name, row.serial_number, place, row.created_at)


def file_of(row: UploadColumns) -> StoredFile:
    return StoredFile(
        name=row.file_name,
        size_bytes=row.size_bytes,
        sha256=Sha256Hex(row.sha256),
        object_key=row.object_key,
        upload_id=row.upload_id,
        part_size_bytes=row.part_size_bytes,
        part_sha256s=tuple(map(Sha256Hex, row.part_sha256s)),
    )


def fault_of(row: UploadColumns) -> Fault | None:
    if row.fault_code is None:
        return None
    return Fault(row.fault_code, row.fault_message or "", row.fault_remedy or "")


def cad_revision_of(row: CadRevisionRow) -> CadRevision:
    return CadRevision(
        id=CadRevisionId(row.id),
        name=row.name,
        format=CadFormat(row.format),
        unit=LengthUnit(row.unit) if row.unit else None,
        accept_flaws=row.accept_flaws,
        file=file_of(row),
        state=UploadState(row.state),
        fault=fault_of(row),
        mesh_key=row.mesh_key,
        facts=_mesh_facts_of(row),
        warnings=tuple(row.warnings),
        job_id=row.job_id,
        created_at=row.created_at,
    )


def _mesh_facts_of(row: CadRevisionRow) -> MeshFacts | None:
    if row.mesh_key is None:
        return None
    assert row.minimum_mm is not None
    assert row.maximum_mm is not None
    return MeshFacts(
        triangles=row.triangles or 0,
        vertices=row.vertices or 0,
        watertight=bool(row.watertight),
        area_mm2=row.area_mm2 or 0.0,
        minimum_mm=point_of(row.minimum_mm),
        maximum_mm=point_of(row.maximum_mm),
    )


def scan_of(row: ScanRow) -> Scan:
    return Scan(
        id=ScanId(row.id),
        asset_id=AssetId(row.asset_id),
        cad_revision_id=CadRevisionId(row.cad_revision_id),
        format=ScanFormat(row.format),
        unit=LengthUnit(row.unit) if row.unit else None,
        file=file_of(row),
        rule=ToleranceRule(row.lower_mm, row.upper_mm, row.uncertainty_mm),
        pose_hint=tuple(row.pose_hint) if row.pose_hint is not None else None,
        alignment=None if row.alignment is None else msgspec.convert(row.alignment, AlignmentRequest),
        device_id=row.device_id,
        operator_id=row.operator_id,
        state=UploadState(row.state),
        fault=fault_of(row),
        points=row.points,
        job_id=row.job_id,
        acquired_at=row.acquired_at,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )


def point_of(numbers: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = numbers
    return x, y, z


def file_columns(file: StoredFile) -> dict[str, object]:
    """The columns of `UploadColumns` that hold the file."""
    return {
        "file_name": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "object_key": file.object_key,
        "upload_id": file.upload_id,
        "part_size_bytes": file.part_size_bytes,
        "part_sha256s": list(file.part_sha256s),
    }
