"""Batched reads of inspection, each named by its key: what many fields of a response ask becomes one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from db.jobs import Job, jobs_by_id
from db.outbox import JobId
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    Alignment,
    AlignmentId,
    Asset,
    AssetId,
    Band,
    Box,
    CadRevision,
    CadRevisionId,
    ComparisonId,
    Decision,
    DecisionId,
    DeviationMap,
    DeviationMapId,
    Inspection,
    InspectionId,
    Measurement,
    NewestFirst,
    Product,
    RegionResult,
    Scan,
    ScanComparison,
    ScanId,
    WorstPoint,
)
from subgraphs.inspection.repository import aggregates, assets, comparisons, products, results, uploads
from subgraphs.serving.loading import Loader

Owner = TypeVar("Owner", bound=UUID)
Found = TypeVar("Found")
Shape = TypeVar("Shape")


class AssetByIdLoader(Loader[AssetId, Asset]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[AssetId]) -> Mapping[AssetId, Asset]:
        return await assets.assets_by_id(work, keys)


class CadRevisionByIdLoader(Loader[CadRevisionId, CadRevision]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[CadRevisionId]) -> Mapping[CadRevisionId, CadRevision]:
        return await uploads.cad_revisions_by_id(work, keys)


class ScanByIdLoader(Loader[ScanId, Scan]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ScanId]) -> Mapping[ScanId, Scan]:
        return await uploads.scans_by_id(work, keys)


class AlignmentByIdLoader(Loader[AlignmentId, Alignment]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[AlignmentId]) -> Mapping[AlignmentId, Alignment]:
        return await results.alignments_by_id(work, keys)


class DeviationMapByIdLoader(Loader[DeviationMapId, DeviationMap]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[DeviationMapId]) -> Mapping[DeviationMapId, DeviationMap]:
        return await results.deviation_maps_by_id(work, keys)


class BandsByMapIdLoader(Loader[DeviationMapId, list[Band]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[DeviationMapId]) -> Mapping[DeviationMapId, list[Band]]:
        return await results.bands_of_maps(work, keys)


class ProductsByMapIdLoader(Loader[DeviationMapId, list[Product]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[DeviationMapId]) -> Mapping[DeviationMapId, list[Product]]:
        return await products.products_of_maps(work, keys)


class InspectionByIdLoader(Loader[InspectionId, Inspection]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[InspectionId]) -> Mapping[InspectionId, Inspection]:
        return await results.inspections_by_id(work, keys)


class InspectionByScanIdLoader(Loader[ScanId, Inspection]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ScanId]) -> Mapping[ScanId, Inspection]:
        return await results.inspections_by_scan(work, keys)


class DecisionsByInspectionIdLoader(Loader[InspectionId, list[Decision]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[InspectionId]) -> Mapping[InspectionId, list[Decision]]:
        return await results.decisions_of_inspections(work, keys)


class DecisionByIdLoader(Loader[DecisionId, Decision]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[DecisionId]) -> Mapping[DecisionId, Decision]:
        return await results.decisions_by_id(work, keys)


class ComparisonByIdLoader(Loader[ComparisonId, ScanComparison]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ComparisonId]) -> Mapping[ComparisonId, ScanComparison]:
        return await comparisons.comparisons_by_id(work, keys)


class JobByIdLoader(Loader[JobId, Job]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[JobId]) -> Mapping[JobId, Job]:
        return await jobs_by_id(work, keys)


# Lists have arguments, so their keys are pairs of an owner and what was asked of it. One statement answers all owners
# of which the same was asked, which is every owner of one field.


async def _in_groups(
    keys: Sequence[tuple[Owner, Shape]], fetch: Callable[[list[Owner], Shape], Awaitable[dict[Owner, Found]]]
) -> dict[tuple[Owner, Shape], Found]:
    groups: dict[Shape, list[Owner]] = defaultdict(list)
    for owner, shape in keys:
        groups[shape].append(owner)
    found: dict[tuple[Owner, Shape], Found] = {}
    for shape, owners in groups.items():
        found |= {(owner, shape): value for owner, value in (await fetch(owners, shape)).items()}
    return found


ScansKey = tuple[AssetId, NewestFirst]
MeasurementsKey = tuple[AssetId, tuple[str, NewestFirst]]
RegionsKey = tuple[DeviationMapId, tuple[int, int]]
InspectionMeasurementsKey = tuple[InspectionId, tuple[str, int]]
WorstPointsKey = tuple[DeviationMapId, tuple[Box | None, int]]


class ScansByAssetIdLoader(Loader[ScansKey, list[Scan]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ScansKey]) -> Mapping[ScansKey, list[Scan]]:
        return await _in_groups(keys, lambda owners, page: uploads.scans_of_assets(work, owners, page))


class InspectionsByAssetIdLoader(Loader[ScansKey, list[Inspection]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ScansKey]) -> Mapping[ScansKey, list[Inspection]]:
        return await _in_groups(keys, lambda owners, page: results.inspections_of_assets(work, owners, page))


class MeasurementsByAssetIdLoader(Loader[MeasurementsKey, list[Measurement]]):
    async def fetch(
        self, work: UnitOfWork, keys: Sequence[MeasurementsKey]
    ) -> Mapping[MeasurementsKey, list[Measurement]]:
        return await _in_groups(
            keys, lambda owners, asked: aggregates.measurements_of_assets(work, owners, asked[0], asked[1])
        )


class WorstPointsByMapIdLoader(Loader[WorstPointsKey, list[WorstPoint]]):
    async def fetch(
        self, work: UnitOfWork, keys: Sequence[WorstPointsKey]
    ) -> Mapping[WorstPointsKey, list[WorstPoint]]:
        return await _in_groups(
            keys, lambda owners, asked: results.worst_points_of_maps(work, owners, asked[0], asked[1])
        )


class RegionsByMapIdLoader(Loader[RegionsKey, list[RegionResult]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[RegionsKey]) -> Mapping[RegionsKey, list[RegionResult]]:
        return await _in_groups(keys, lambda owners, asked: products.regions_of_maps(work, owners, asked[0], asked[1]))


class MeasurementsByInspectionIdLoader(Loader[InspectionMeasurementsKey, list[Measurement]]):
    async def fetch(
        self, work: UnitOfWork, keys: Sequence[InspectionMeasurementsKey]
    ) -> Mapping[InspectionMeasurementsKey, list[Measurement]]:
        return await _in_groups(
            keys, lambda owners, asked: aggregates.measurements_of_inspections(work, owners, asked[0], asked[1])
        )
