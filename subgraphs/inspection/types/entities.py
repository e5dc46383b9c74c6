"""Assets, CAD revisions and scans, with what hangs on them."""

from __future__ import annotations

import datetime
from typing import Self

import strawberry

from subgraphs.inspection import loaders, model
from subgraphs.inspection.types import values
from subgraphs.inspection.types.jobs import Job, job_by_id
from subgraphs.inspection.types.pages import newest_connection, newest_first
from subgraphs.inspection.types.references import Device, User
from subgraphs.inspection.types.results import Inspection
from subgraphs.serving.connections import Connection, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.roles import Scope
from subgraphs.serving.scalars import BigInt


@strawberry.federation.interface(keys=["id"], description="A thing that is scanned and judged.")
class Asset:
    row: strawberry.Private[model.Asset]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Asset | None:
        info.context.require(Scope.ASSETS_READ)
        found = await info.context.loader(loaders.AssetByIdLoader).load(model.AssetId(key_of(id, "Asset")))
        return None if found is None else asset_type(found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Asset", self.row.id)

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def serial_number(self) -> str:
        return self.row.serial_number

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at

    @strawberry.field
    def place(self) -> values.Place | None:
        place = self.row.place
        return None if place is None else values.Place(longitude=place.longitude, latitude=place.latitude)

    @strawberry.field(description="Scans of this asset, newest first.", directives=sized_list())
    async def scans(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Scan]:
        request, page = newest_first(first, after)
        rows = await info.context.loader(loaders.ScansByAssetIdLoader).load((self.row.id, page))
        return newest_connection(rows or [], request, Scan.of, lambda scan: (scan.created_at, scan.id))

    @strawberry.field(description="Inspections of this asset, newest first.", directives=sized_list())
    async def inspections(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Inspection]:
        request, page = newest_first(first, after)
        rows = await info.context.loader(loaders.InspectionsByAssetIdLoader).load((self.row.id, page))
        return newest_connection(rows or [], request, Inspection.of, lambda each: (each.created_at, each.id))

    @strawberry.field
    async def latest_inspection(self, info: Info) -> Inspection | None:
        key = (self.row.id, model.NewestFirst(1))
        rows = await info.context.loader(loaders.InspectionsByAssetIdLoader).load(key)
        return Inspection.of(rows[0]) if rows else None

    @strawberry.field(
        description="One characteristic over time, newest first: profile.lower, profile.upper, deviation.mean, "
        "deviation.sigma, deviation.rms, deviation.p95, points.in_tolerance, profile.minimum_zone.",
        directives=sized_list(),
    )
    async def measurements(
        self, info: Info, characteristic: str, first: int | None = None, after: str | None = None
    ) -> Connection[values.Measurement]:
        request, page = newest_first(first, after)
        key = (self.row.id, (characteristic, page))
        rows = await info.context.loader(loaders.MeasurementsByAssetIdLoader).load(key)
        return newest_connection(
            rows or [], request, values.Measurement.of, lambda each: (each.measured_at, each.inspection_id)
        )


@strawberry.federation.type(keys=["id"], description="A manufactured part.")
class Part(Asset): ...


@strawberry.federation.type(keys=["id"], description="A machine.")
class Machine(Asset): ...


@strawberry.federation.type(keys=["id"], description="A building, bridge or vessel.")
class Structure(Asset): ...


_TYPES: dict[model.AssetKind, type[Asset]] = {
    model.AssetKind.PART: Part,
    model.AssetKind.MACHINE: Machine,
    model.AssetKind.STRUCTURE: Structure,
}


def asset_type(asset: model.Asset) -> Asset:
    """The asset as the concrete type of its kind."""
    return _TYPES[asset.kind](row=asset)


async def asset_by_id(info: Info, id: model.AssetId) -> Asset | None:
    found = await info.context.loader(loaders.AssetByIdLoader).load(id)
    return None if found is None else asset_type(found)


@strawberry.type(description="An asset and how far it is from the place that was asked.")
class AssetNear:
    asset: Asset
    distance_m: float


@strawberry.federation.type(keys=["id"], description="The nominal shape that scans are measured against.")
class CadRevision:
    row: strawberry.Private[model.CadRevision]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.ASSETS_READ)
        return await cls.load(info, model.CadRevisionId(key_of(id, "CadRevision")))

    @classmethod
    async def load(cls, info: Info, id: model.CadRevisionId) -> Self | None:
        found = await info.context.loader(loaders.CadRevisionByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @classmethod
    def of(cls, row: model.CadRevision) -> Self:
        return cls(row=row)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("CadRevision", self.row.id)

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def format(self) -> model.CadFormat:
        return self.row.format

    @strawberry.field(description="As the uploader said; null: read from the file.")
    def unit(self) -> model.LengthUnit | None:
        return self.row.unit

    @strawberry.field
    def status(self) -> model.UploadState:
        return self.row.state

    @strawberry.field(description="Why it is quarantined.")
    def problem(self) -> values.Fault | None:
        return values.Fault.of(self.row.fault) if self.row.fault else None

    @strawberry.field(description="What is doubtful about the shape but was accepted.")
    def warnings(self) -> list[str]:
        return list(self.row.warnings)

    @strawberry.field
    def file(self) -> values.SourceFile:
        return values.SourceFile.of(self.row.file)

    @strawberry.field(description="Null until it is processed.")
    def mesh(self) -> values.MeshFacts | None:
        return values.MeshFacts.of(self.row.facts) if self.row.facts else None

    @strawberry.field
    async def job(self, info: Info) -> Job | None:
        return await job_by_id(info, self.row.job_id)

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at


@strawberry.federation.type(keys=["id"], description="One scan of one asset, measured against one CAD revision.")
class Scan:
    row: strawberry.Private[model.Scan]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.ASSETS_READ)
        return await cls.load(info, model.ScanId(key_of(id, "Scan")))

    @classmethod
    async def load(cls, info: Info, id: model.ScanId) -> Self | None:
        found = await info.context.loader(loaders.ScanByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @classmethod
    def of(cls, row: model.Scan) -> Self:
        return cls(row=row)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Scan", self.row.id)

    @strawberry.field
    async def asset(self, info: Info) -> Asset | None:
        return await asset_by_id(info, self.row.asset_id)

    @strawberry.field
    async def cad_revision(self, info: Info) -> CadRevision | None:
        return await CadRevision.load(info, self.row.cad_revision_id)

    @strawberry.field
    def format(self) -> model.ScanFormat:
        return self.row.format

    @strawberry.field(description="As the uploader said; null: read from the file.")
    def unit(self) -> model.LengthUnit | None:
        return self.row.unit

    @strawberry.field
    def status(self) -> model.UploadState:
        return self.row.state

    @strawberry.field(description="Why it is quarantined.")
    def problem(self) -> values.Fault | None:
        return values.Fault.of(self.row.fault) if self.row.fault else None

    @strawberry.field
    def file(self) -> values.SourceFile:
        return values.SourceFile.of(self.row.file)

    @strawberry.field
    def tolerance(self) -> values.ToleranceRule:
        return values.ToleranceRule.of(self.row.rule)

    @strawberry.field(description="How many points were measured; null until it is processed.")
    def points(self) -> BigInt | None:
        return None if self.row.points is None else BigInt(self.row.points)

    @strawberry.field
    def device(self) -> Device | None:
        return Device(id=global_id("Device", self.row.device_id)) if self.row.device_id else None

    @strawberry.field(description="Who completed the upload and answers for it.")
    def operator(self) -> User | None:
        return User(id=global_id("User", self.row.operator_id)) if self.row.operator_id else None

    @strawberry.field
    async def job(self, info: Info) -> Job | None:
        return await job_by_id(info, self.row.job_id)

    @strawberry.field
    async def inspection(self, info: Info) -> Inspection | None:
        found = await info.context.loader(loaders.InspectionByScanIdLoader).load(self.row.id)
        return None if found is None else Inspection.of(found)

    @strawberry.field(description="When the device took it, as the device says.")
    def acquired_at(self) -> datetime.datetime | None:
        return self.row.acquired_at

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at

    @strawberry.field(description="When the upload was complete.")
    def completed_at(self) -> datetime.datetime | None:
        return self.row.completed_at
