"""What changed from one scan to another."""

from __future__ import annotations

import datetime
from typing import Self

import strawberry

from subgraphs.inspection import loaders, model
from subgraphs.inspection.types import values
from subgraphs.inspection.types.entities import Scan
from subgraphs.inspection.types.jobs import Job, job_by_id
from subgraphs.inspection.types.products import address_of
from subgraphs.serving.connections import page_request
from subgraphs.serving.context import Info
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.roles import Scope
from subgraphs.serving.scalars import BigInt, Vec3


@strawberry.type(description="A place where two scans differ most. Positive: the second lies farther out.")
class ChangePlace:
    position_mm: Vec3
    distance_mm: float
    detectable_mm: float = strawberry.field(description="LoD95: the least change that can be told there.")


@strawberry.type(description="What M3C2 found: distances from the first scan to the second along the CAD's normals.")
class ScanChanges:
    row: strawberry.Private[model.Changes]

    @strawberry.field(description="That was reckoned with in every level of detection.")
    def registration_error_mm(self) -> float:
        return self.row.registration_error_mm

    @strawberry.field
    def core_points(self) -> BigInt:
        return BigInt(self.row.core_points)

    @strawberry.field(description="Core points at which both scans have points enough.")
    def compared_points(self) -> BigInt:
        return BigInt(self.row.compared_points)

    @strawberry.field(description="Of these, the ones that changed by more than the level of detection.")
    def significant_points(self) -> BigInt:
        return BigInt(self.row.significant_points)

    @strawberry.field
    def mean_mm(self) -> float:
        return self.row.mean_mm

    @strawberry.field
    def sigma_mm(self) -> float:
        return self.row.sigma_mm

    @strawberry.field
    def median_mm(self) -> float:
        return self.row.median_mm

    @strawberry.field
    def p025_mm(self) -> float:
        return self.row.p025_mm

    @strawberry.field
    def p975_mm(self) -> float:
        return self.row.p975_mm

    @strawberry.field(description="The median level of detection (LoD95).")
    def detectable_mm(self) -> float:
        return self.row.detectable_mm

    @strawberry.field(description="Where they differ most beyond the level of detection, each place once; up to 20.")
    def places(self, first: int | None = None) -> list[ChangePlace]:
        return [
            ChangePlace(
                position_mm=Vec3(place.position_mm), distance_mm=place.distance_mm, detectable_mm=place.detectable_mm
            )
            for place in self.row.places[: page_request(first, None).limit]
        ]

    @strawberry.field(description="The part coloured by change (GLB), for 15 minutes; null: too many triangles.")
    async def scene_url(self, info: Info) -> str | None:
        return None if self.row.scene_key is None else await address_of(info, self.row.scene_key)

    @strawberry.field(description="All core points with distance and level of detection (NumPy .npz); for 15 minutes.")
    async def changes_url(self, info: Info) -> str:
        return await address_of(info, self.row.changes_key)


@strawberry.federation.type(keys=["id"], description="Two scans of one asset, compared.")
class ScanComparison:
    row: strawberry.Private[model.ScanComparison]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.INSPECTIONS_READ)
        key = model.ComparisonId(key_of(id, "ScanComparison"))
        found = await info.context.loader(loaders.ComparisonByIdLoader).load(key)
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ScanComparison", self.row.id)

    @strawberry.field
    async def first_scan(self, info: Info) -> Scan | None:
        return await Scan.load(info, self.row.first_scan_id)

    @strawberry.field
    async def second_scan(self, info: Info) -> Scan | None:
        return await Scan.load(info, self.row.second_scan_id)

    @strawberry.field
    def radius_mm(self) -> float:
        return self.row.radius_mm

    @strawberry.field
    def depth_mm(self) -> float:
        return self.row.depth_mm

    @strawberry.field
    def status(self) -> model.UploadState:
        return self.row.state

    @strawberry.field(description="Why there is no answer.")
    def problem(self) -> values.Fault | None:
        return values.Fault.of(self.row.fault) if self.row.fault else None

    @strawberry.field(description="Null until it is processed.")
    def changes(self) -> ScanChanges | None:
        return ScanChanges(row=self.row.changes) if self.row.changes else None

    @strawberry.field
    async def job(self, info: Info) -> Job | None:
        return await job_by_id(info, self.row.job_id)

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at
