"""Faces of deviation maps, and the objects that were made of these: written once, read in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Integer, Row, bindparam, cast, func, insert, select

from db.lookup import Lookup, among, table_of
from db.tables.inspection import DeviationProductRow, DeviationRegionRow
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    DeviationMapId,
    FaceShape,
    Product,
    ProductKind,
    RegionFigures,
    RegionResult,
    Sha256Hex,
    Verdict,
)
from subgraphs.inspection.repository.result_rows import point_text

_PRODUCTS = Lookup(DeviationProductRow, "deviation_map_id", order=("deviation_map_id", "kind"))
_REGION = table_of(DeviationRegionRow).c
_MIDDLE = cast(_REGION.middle, Geometry("POINTZ", 0, dimension=3))
_FIGURES = tuple(RegionFigures.__dataclass_fields__)
_NUMBERED = (
    select(
        *(column for column in _REGION if column.name != "middle"),
        func.ST_X(_MIDDLE).label("x"),
        func.ST_Y(_MIDDLE).label("y"),
        func.ST_Z(_MIDDLE).label("z"),
        func.row_number().over(partition_by=_REGION.deviation_map_id, order_by=_REGION.face).label("place"),
    )
    .where(among(_REGION.deviation_map_id), _REGION.face > bindparam("after", type_=Integer))
    .subquery()
)
_PAGES = select(_NUMBERED).where(_NUMBERED.c.place <= bindparam("most", type_=Integer)).order_by(_NUMBERED.c.face)


async def insert_regions(work: UnitOfWork, id: DeviationMapId, regions: Sequence[RegionResult]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": work.caller.tenant,
            "deviation_map_id": id,
            "face": region.face,
            "shape": region.shape,
            "area_mm2": region.area_mm2,
            "coverage": region.coverage,
            "points": region.points,
            "middle": point_text(region.middle_mm),
            **{name: getattr(region.figures, name, None) for name in _FIGURES},
            "verdict": region.verdict,
            "form_mm": region.form_mm,
            "position_mm": region.position_mm,
            "form_uncertainty_mm": region.form_uncertainty_mm,
        }
        for region in regions
    ]
    if rows:
        await work.session.execute(insert(DeviationRegionRow).values(rows))


async def insert_products(work: UnitOfWork, id: DeviationMapId, products: Sequence[Product]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": work.caller.tenant,
            "deviation_map_id": id,
            "kind": product.kind,
            "object_key": product.object_key,
            "media_type": product.media_type,
            "size_bytes": product.size_bytes,
            "sha256": product.sha256,
        }
        for product in products
    ]
    if rows:
        await work.session.execute(insert(DeviationProductRow).values(rows))


async def regions_of_maps(
    work: UnitOfWork, ids: Sequence[DeviationMapId], after: int, most: int
) -> dict[DeviationMapId, list[RegionResult]]:
    """Up to `most` faces of each map with numbers above `after`, in order."""
    found: dict[DeviationMapId, list[RegionResult]] = defaultdict(list)
    for row in await work.session.execute(_PAGES, {"keys": list(ids), "after": after, "most": most}):
        found[DeviationMapId(row.deviation_map_id)].append(_region_of(row))
    return found


async def products_of_maps(work: UnitOfWork, ids: Sequence[DeviationMapId]) -> dict[DeviationMapId, list[Product]]:
    found: dict[DeviationMapId, list[Product]] = defaultdict(list)
    for row in await _PRODUCTS.rows(work.session, ids):
        product = Product(ProductKind(row.kind), row.object_key, row.media_type, row.size_bytes, Sha256Hex(row.sha256))
        found[DeviationMapId(row.deviation_map_id)].append(product)
    return found


def _region_of(row: Row[Any]) -> RegionResult:
    has_data = row.mean_mm is not None
    return RegionResult(
        face=row.face,
        shape=FaceShape(row.shape),
        area_mm2=row.area_mm2,
        coverage=row.coverage,
        points=row.points,
        middle_mm=(row.x, row.y, row.z),
        figures=RegionFigures(**{name: getattr(row, name) for name in _FIGURES}) if has_data else None,
        verdict=Verdict(row.verdict) if row.verdict else None,
        form_mm=row.form_mm,
        position_mm=row.position_mm,
        form_uncertainty_mm=row.form_uncertainty_mm,
    )
