"""What can be asked of inspection. In: ids and filters. Out: types; a foreign, malformed or unknown id answers null."""

from __future__ import annotations

import datetime
from typing import Self

import strawberry

from subgraphs.inspection import model
from subgraphs.inspection.repository import aggregates, assets, results, uploads
from subgraphs.inspection.types import values
from subgraphs.inspection.types.comparisons import ScanComparison
from subgraphs.inspection.types.entities import Asset, AssetNear, CadRevision, Scan, asset_type
from subgraphs.inspection.types.jobs import Job
from subgraphs.inspection.types.pages import newest_connection, newest_first
from subgraphs.inspection.types.results import Inspection
from subgraphs.serving.connections import Connection, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.errors import BadInput, found
from subgraphs.serving.global_ids import key_of
from subgraphs.serving.roles import Scope

LARGEST_RADIUS_M = 1_000_000.0


@strawberry.input(description="Only assets that match all that is said.")
class AssetFilter:
    kinds: list[model.AssetKind] | None = None
    serial_numbers: list[str] | None = None

    def value(self) -> model.AssetFilter:
        return model.AssetFilter(tuple(self.kinds or ()), tuple(self.serial_numbers or ()))


@strawberry.input(description="Only inspections that match all that is said.")
class InspectionFilter:
    verdicts: list[model.Verdict] | None = None
    serial_numbers: list[str] | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    def value(self) -> model.InspectionFilter:
        return model.InspectionFilter(
            tuple(self.verdicts or ()), tuple(self.serial_numbers or ()), self.since, self.until
        )


@strawberry.federation.type(keys=["id"])
class Workspace:
    id: strawberry.ID

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        own = info.context.known_caller().tenant
        return cls(id=id) if key_of(id, "Workspace") == own else None

    @strawberry.field(description="Inspections by verdict, and which assets failed.")
    async def quality_summary(
        self,
        info: Info,
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        first: int | None = None,
    ) -> values.QualitySummary | None:
        info.context.require(Scope.INSPECTIONS_READ)
        most = page_request(first, None).limit
        async with info.context.reading() as work:
            found = await aggregates.quality_summary(work, since, until, most)
        return values.QualitySummary(
            inspections=found.inspections,
            passed=found.passed,
            failed=found.failed,
            inconclusive=found.inconclusive,
            failing_serial_numbers=list(found.failing_serial_numbers),
        )

    @strawberry.field(description="One characteristic over all inspections of a period.")
    async def characteristic_summary(
        self,
        info: Info,
        characteristic: str,
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
    ) -> values.CharacteristicSummary | None:
        info.context.require(Scope.INSPECTIONS_READ)
        async with info.context.reading() as work:
            found = await aggregates.characteristic_summary(work, characteristic, since, until)
        return values.CharacteristicSummary(
            characteristic=found.characteristic,
            count=found.count,
            mean=found.mean,
            sigma=found.sigma,
            minimum=found.minimum,
            maximum=found.maximum,
            failed=found.failed,
        )


@strawberry.type
class Query:
    @strawberry.field
    async def asset(self, info: Info, id: strawberry.ID) -> Asset | None:
        return found(await Asset.resolve_reference(info, id), "Asset")

    @strawberry.field(description="Assets, newest first.", directives=sized_list())
    async def assets(
        self, info: Info, filter: AssetFilter | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[Asset]:
        info.context.require(Scope.ASSETS_READ)
        request, page = newest_first(first, after)
        async with info.context.reading() as work:
            rows = await assets.assets_page(work, (filter or AssetFilter()).value(), page)
        return newest_connection(rows, request, asset_type, lambda asset: (asset.created_at, asset.id))

    @strawberry.field(description="Assets within a radius of a place on earth, nearest first.")
    async def assets_near(
        self, info: Info, longitude: float, latitude: float, radius_m: float, first: int | None = None
    ) -> list[AssetNear]:
        info.context.require(Scope.ASSETS_READ)
        if not 0 < radius_m <= LARGEST_RADIUS_M:
            raise BadInput(f"A radius is more than 0 and up to {LARGEST_RADIUS_M:.0f} m.", ("radiusM",))
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise BadInput("A place lies within 180 degrees of longitude and 90 of latitude.", ("longitude",))
        async with info.context.reading() as work:
            near = await assets.assets_near(work, longitude, latitude, radius_m, page_request(first, None).limit)
        return [AssetNear(asset=asset_type(asset), distance_m=distance) for asset, distance in near]

    @strawberry.field
    async def cad_revision(self, info: Info, id: strawberry.ID) -> CadRevision | None:
        return found(await CadRevision.resolve_reference(info, id), "CadRevision")

    @strawberry.field(description="CAD revisions, newest first.", directives=sized_list())
    async def cad_revisions(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[CadRevision]:
        info.context.require(Scope.ASSETS_READ)
        request, page = newest_first(first, after)
        async with info.context.reading() as work:
            rows = await uploads.cad_revisions_page(work, page)
        return newest_connection(rows, request, CadRevision.of, lambda each: (each.created_at, each.id))

    @strawberry.field
    async def scan(self, info: Info, id: strawberry.ID) -> Scan | None:
        return found(await Scan.resolve_reference(info, id), "Scan")

    @strawberry.field
    async def inspection(self, info: Info, id: strawberry.ID) -> Inspection | None:
        return found(await Inspection.resolve_reference(info, id), "Inspection")

    @strawberry.field(description="Inspections, newest first.", directives=sized_list())
    async def inspections(
        self, info: Info, filter: InspectionFilter | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[Inspection]:
        info.context.require(Scope.INSPECTIONS_READ)
        request, page = newest_first(first, after)
        async with info.context.reading() as work:
            rows = await results.inspections_page(work, (filter or InspectionFilter()).value(), page)
        return newest_connection(rows, request, Inspection.of, lambda each: (each.created_at, each.id))

    @strawberry.field
    async def scan_comparison(self, info: Info, id: strawberry.ID) -> ScanComparison | None:
        return found(await ScanComparison.resolve_reference(info, id), "ScanComparison")

    @strawberry.field
    async def job(self, info: Info, id: strawberry.ID) -> Job | None:
        return found(await Job.resolve_reference(info, id), "Job")
