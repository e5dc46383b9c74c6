"""Assets: insert, read, list, and find by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Select, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db.lookup import among, table_of
from db.tables.inspection import AssetRow
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import Asset, AssetFilter, AssetId, AssetKind, NewestFirst
from subgraphs.inspection.repository.rows import asset_of, older_than

_COLUMNS = table_of(AssetRow).c
_POINT = cast(_COLUMNS.location, Geometry("POINT", 4326))
_ASSETS = select(
    _COLUMNS.id,
    _COLUMNS.kind,
    _COLUMNS.name,
    _COLUMNS.serial_number,
    _COLUMNS.created_at,
    func.ST_X(_POINT).label("longitude"),
    func.ST_Y(_POINT).label("latitude"),
)
_ASSETS_BY_ID = _ASSETS.where(among(_COLUMNS.id))


async def _read(work: UnitOfWork, query: Select[Any], parameters: Mapping[str, object] | None = None) -> list[Asset]:
    return [asset_of(row) for row in await work.session.execute(query, parameters)]


async def insert_asset(work: UnitOfWork, asset: Asset, idempotency_key: str) -> bool:
    """Whether the asset was inserted; False when its serial number or the idempotency key is taken."""
    place = asset.place
    location = None if place is None else f"SRID=4326;POINT({place.longitude!r} {place.latitude!r})"
    inserted = await work.session.scalar(
        insert(AssetRow)
        .values(
            tenant_id=work.caller.tenant,
            id=asset.id,
            kind=asset.kind,
            name=asset.name,
            serial_number=asset.serial_number,
            location=location,
            idempotency_key=idempotency_key,
            created_at=asset.created_at,
        )
        .on_conflict_do_nothing()
        .returning(AssetRow.id)
    )
    return inserted is not None


async def asset_by_idempotency_key(work: UnitOfWork, key: str) -> Asset | None:
    found = await _read(work, _ASSETS.where(_COLUMNS.idempotency_key == key))
    return found[0] if found else None


async def assets_by_id(work: UnitOfWork, ids: Sequence[AssetId]) -> dict[AssetId, Asset]:
    return {asset.id: asset for asset in await _read(work, _ASSETS_BY_ID, {"keys": ids})}


async def asset_by_serial_number(work: UnitOfWork, kind: AssetKind, serial_number: str) -> Asset | None:
    query = _ASSETS.where(_COLUMNS.kind == kind.value, _COLUMNS.serial_number == serial_number)
    found = await _read(work, query)
    return found[0] if found else None


async def assets_page(work: UnitOfWork, wanted: AssetFilter, page: NewestFirst) -> list[Asset]:
    query = _ASSETS
    if wanted.kinds:
        query = query.where(_COLUMNS.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.serial_numbers:
        query = query.where(_COLUMNS.serial_number.in_(wanted.serial_numbers))
    return await _read(work, older_than(query, page, _COLUMNS.created_at, _COLUMNS.id))


async def assets_near(
    work: UnitOfWork, longitude: float, latitude: float, radius_m: float, most: int
) -> list[tuple[Asset, float]]:
    """Assets within the radius, nearest first, each with its distance in metres."""
    near = await work.session.execute(
        text("select id, distance_m from app.assets_near(:longitude, :latitude, :radius_m, :most)"),
        {"longitude": longitude, "latitude": latitude, "radius_m": radius_m, "most": most},
    )
    distances: dict[AssetId, float] = {AssetId(row.id): row.distance_m for row in near}
    assets = await assets_by_id(work, tuple(distances)) if distances else {}
    return [(assets[id], distance) for id, distance in distances.items() if id in assets]
