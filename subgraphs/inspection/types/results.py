"""What was measured and decided: alignments, deviation maps, inspections, decisions."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from subgraphs.inspection import loaders, model, policy
from subgraphs.inspection.types import values
from subgraphs.inspection.types.alignments import AlignmentReport
from subgraphs.inspection.types.products import (
    Conformity,
    DeviationProduct,
    DeviationRegion,
    address_of,
    face_after,
    regions_connection,
)
from subgraphs.inspection.types.references import User
from subgraphs.serving.connections import Connection, connection_of, page_of, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.roles import Scope
from subgraphs.serving.scalars import BigInt, Matrix4, Sha256, Vec3

if TYPE_CHECKING:
    from subgraphs.inspection.types.entities import Asset, CadRevision, Scan

ENTITIES = "subgraphs.inspection.types.entities"


@strawberry.federation.type(keys=["id"], description="How a scan lies on its CAD.")
class Alignment:
    row: strawberry.Private[model.Alignment]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.INSPECTIONS_READ)
        return await cls.load(info, model.AlignmentId(key_of(id, "Alignment")))

    @classmethod
    async def load(cls, info: Info, id: model.AlignmentId) -> Self | None:
        found = await info.context.loader(loaders.AlignmentByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Alignment", self.row.id)

    @strawberry.field(description="Row by row, scan (mm) to CAD (mm).")
    def transform(self) -> Matrix4:
        return Matrix4(self.row.transform)

    @strawberry.field(description="The share of the scan's points that lie on the CAD, 0 to 1.")
    def fitness(self) -> float:
        return self.row.fitness

    @strawberry.field
    def rms_mm(self) -> float:
        return self.row.rms_mm

    @strawberry.field(description="The scan fits in more than one pose about equally well.")
    def ambiguous(self) -> bool:
        return self.row.ambiguous

    @strawberry.field(description="Motions that the surface does not hold, such as the turn of a shaft.")
    def unconstrained(self) -> list[str]:
        return list(self.row.unconstrained)

    @strawberry.field(description="Best fit, locked degrees, datums or reference points; and what computed it.")
    def method(self) -> str:
        return self.row.method

    @strawberry.field(description="How sure the pose is, and what holds it; null: measured before it was kept.")
    def report(self) -> AlignmentReport | None:
        return None if self.row.report is None else AlignmentReport.of(self.row.report)


@strawberry.federation.type(keys=["id"], description="Signed distances of the scan's points from the CAD surface.")
class DeviationMap:
    row: strawberry.Private[model.DeviationMap]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.INSPECTIONS_READ)
        return await cls.load(info, model.DeviationMapId(key_of(id, "DeviationMap")))

    @classmethod
    async def load(cls, info: Info, id: model.DeviationMapId) -> Self | None:
        found = await info.context.loader(loaders.DeviationMapByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("DeviationMap", self.row.id)

    @strawberry.field
    def points(self) -> BigInt:
        return BigInt(self.row.summary.points)

    @strawberry.field
    def mean_mm(self) -> float:
        return self.row.summary.mean_mm

    @strawberry.field
    def sigma_mm(self) -> float:
        return self.row.summary.sigma_mm

    @strawberry.field
    def rms_mm(self) -> float:
        return self.row.summary.rms_mm

    @strawberry.field
    def minimum_mm(self) -> float:
        return self.row.summary.minimum_mm

    @strawberry.field
    def maximum_mm(self) -> float:
        return self.row.summary.maximum_mm

    @strawberry.field(description="95 % of the points deviate by less than this, in either direction.")
    def p95_mm(self) -> float:
        return self.row.summary.p95_mm

    @strawberry.field
    def percent_in_tolerance(self) -> float:
        return self.row.summary.percent_in_tolerance

    @strawberry.field(description="The lowest local deviation: of neighbourhoods, not of single points.")
    def profile_lower_mm(self) -> float:
        return self.row.summary.profile_lower_mm

    @strawberry.field(description="The highest local deviation: of neighbourhoods, not of single points.")
    def profile_upper_mm(self) -> float:
        return self.row.summary.profile_upper_mm

    @strawberry.field(description="Expanded uncertainty (k = 2) of the profile, estimated from the scan.")
    def uncertainty_mm(self) -> float:
        return self.row.summary.uncertainty_mm

    @strawberry.field(description="Points that stand alone against their neighbours; no figure counts them.")
    def strays(self) -> BigInt | None:
        return None if self.row.summary.strays is None else BigInt(self.row.summary.strays)

    @strawberry.field(description="Sigma by the median, which the tails do not reach.")
    def robust_sigma_mm(self) -> float | None:
        return self.row.summary.robust_sigma_mm

    @strawberry.field(description="2.5 % of the points deviate by less than this, sign counted.")
    def p025_mm(self) -> float | None:
        return self.row.summary.p025_mm

    @strawberry.field(description="97.5 % of the points deviate by less than this, sign counted.")
    def p975_mm(self) -> float | None:
        return self.row.summary.p975_mm

    @strawberry.field(description="How many independent points would know the mean as well.")
    def effective_points(self) -> float | None:
        return self.row.summary.effective_points

    @strawberry.field(
        description="Of a scan that was measured by pieces: how many of its points were sampled. Alignment, form, "
        "position, profile zone, effective points, pictures and products rest on these, every other figure on all "
        "points. None: everything rests on all points."
    )
    def sampled_points(self) -> BigInt | None:
        return None if self.row.summary.sampled_points is None else BigInt(self.row.summary.sampled_points)

    @strawberry.field(
        description="Results of the CAD's faces, the largest first: up to 256, none below a ten-thousandth of the "
        "surface. Points on what is smaller count in the figures of the whole only.",
        directives=sized_list(),
    )
    async def regions(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[DeviationRegion]:
        request = page_request(first, after)
        key = (self.row.id, (face_after(request), request.limit + 1))
        rows = await info.context.loader(loaders.RegionsByMapIdLoader).load(key)
        return regions_connection(rows or [], request)

    @strawberry.field(description="What was made of this map to be looked at; at most one of each kind.")
    async def products(self, info: Info) -> list[DeviationProduct]:
        rows = await info.context.loader(loaders.ProductsByMapIdLoader).load(self.row.id)
        return [DeviationProduct(row=row) for row in rows or []]

    @strawberry.field
    async def bands(self, info: Info) -> list[values.Band]:
        bands = await info.context.loader(loaders.BandsByMapIdLoader).load(self.row.id)
        return [values.Band(lower_mm=b.lower_mm, upper_mm=b.upper_mm, points=BigInt(b.points)) for b in bands or []]

    @strawberry.field(description="Worst first; with a box, those inside it.")
    async def worst_points(
        self, info: Info, box: values.BoxInput | None = None, first: int | None = None
    ) -> list[values.WorstPoint]:
        asked = (box.value() if box else None, page_request(first, None).limit)
        points = await info.context.loader(loaders.WorstPointsByMapIdLoader).load((self.row.id, asked))
        return [
            values.WorstPoint(rank=p.rank, position_mm=Vec3(p.position_mm), deviation_mm=p.deviation_mm)
            for p in points or []
        ]

    @strawberry.field
    def histogram(self) -> values.Histogram:
        return values.Histogram(
            edges_mm=list(self.row.histogram_edges_mm), counts=list(map(BigInt, self.row.histogram_counts))
        )

    @strawberry.field(description="A picture of the part coloured by deviation (PNG); readable for 15 minutes.")
    async def heat_map_url(self, info: Info) -> str:
        return await address_of(info, self.row.pictures.heat_map_key)

    @strawberry.field(description="The histogram as a picture (PNG); readable for 15 minutes.")
    async def histogram_url(self, info: Info) -> str:
        return await address_of(info, self.row.pictures.histogram_key)

    @strawberry.field(description="The inspection report (PDF); readable for 15 minutes.")
    async def report_url(self, info: Info) -> str:
        return await address_of(info, self.row.pictures.report_key)


@strawberry.federation.type(keys=["id"], description="A verdict that somebody answers for.")
class QcDecision:
    row: strawberry.Private[model.Decision]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.INSPECTIONS_READ)
        loader = info.context.loader(loaders.DecisionByIdLoader)
        found = await loader.load(model.DecisionId(key_of(id, "QcDecision")))
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("QcDecision", self.row.id)

    @strawberry.field
    def verdict(self) -> model.Verdict:
        return self.row.verdict

    @strawberry.field
    def decided_by(self) -> model.DecidedBy:
        return self.row.decided_by

    @strawberry.field(description="Who answers for it.")
    def operator(self) -> User:
        return User(id=global_id("User", self.row.operator_id))

    @strawberry.field
    async def scan(self, info: Info) -> Annotated[Scan, strawberry.lazy(ENTITIES)] | None:
        from subgraphs.inspection.types.entities import Scan

        return await Scan.load(info, self.row.scan_id)

    @strawberry.field
    async def alignment(self, info: Info) -> Alignment | None:
        return await Alignment.load(info, self.row.alignment_id)

    @strawberry.field
    def reason(self) -> str:
        return self.row.reason

    @strawberry.field(description="What was decided upon, as canonical JSON (RFC 8785).")
    def record(self) -> str:
        return self.row.record

    @strawberry.field(description="SHA-256 of the record.")
    def record_hash(self) -> Sha256:
        return Sha256(self.row.record_hash)

    @strawberry.field
    def decided_at(self) -> datetime.datetime:
        return self.row.decided_at


@strawberry.federation.type(keys=["id"], description="One scan, measured and judged.")
class Inspection:
    row: strawberry.Private[model.Inspection]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.INSPECTIONS_READ)
        return await cls.load(info, model.InspectionId(key_of(id, "Inspection")))

    @classmethod
    async def load(cls, info: Info, id: model.InspectionId) -> Self | None:
        found = await info.context.loader(loaders.InspectionByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @classmethod
    def of(cls, row: model.Inspection) -> Self:
        return cls(row=row)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Inspection", self.row.id)

    @strawberry.field
    async def asset(self, info: Info) -> Annotated[Asset, strawberry.lazy(ENTITIES)] | None:
        from subgraphs.inspection.types.entities import asset_by_id

        return await asset_by_id(info, self.row.asset_id)

    @strawberry.field
    async def scan(self, info: Info) -> Annotated[Scan, strawberry.lazy(ENTITIES)] | None:
        from subgraphs.inspection.types.entities import Scan

        return await Scan.load(info, self.row.scan_id)

    @strawberry.field
    async def cad_revision(self, info: Info) -> Annotated[CadRevision, strawberry.lazy(ENTITIES)] | None:
        from subgraphs.inspection.types.entities import CadRevision

        return await CadRevision.load(info, self.row.cad_revision_id)

    @strawberry.field
    async def alignment(self, info: Info) -> Alignment | None:
        return await Alignment.load(info, self.row.alignment_id)

    @strawberry.field
    async def deviation_map(self, info: Info) -> DeviationMap | None:
        return await DeviationMap.load(info, self.row.deviation_map_id)

    @strawberry.field
    def tolerance(self) -> values.ToleranceRule:
        return values.ToleranceRule.of(self.row.rule)

    @strawberry.field(description="The newest decision's verdict.")
    def verdict(self) -> model.Verdict:
        return self.row.verdict

    @strawberry.field(description="The rule's own view: what the measured profile says against the limits.")
    async def conformity(self, info: Info) -> Conformity | None:
        found = await info.context.loader(loaders.DeviationMapByIdLoader).load(self.row.deviation_map_id)
        return None if found is None else Conformity.of(policy.conformity_of(found.summary, self.row.rule))

    @strawberry.field(
        description="Every characteristic of this inspection by name; form and position of single faces are in the "
        "deviation map's regions.",
        directives=sized_list(),
    )
    async def measurements(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[values.Measurement]:
        request = page_request(first, after)
        key = (self.row.id, (request.after[0] if request.after else "", request.limit + 1))
        rows = await info.context.loader(loaders.MeasurementsByInspectionIdLoader).load(key)
        page = page_of(rows or [], request)
        return connection_of(page, request, values.Measurement.of, lambda row: (row.characteristic,))

    @strawberry.field(description="The newest decision.")
    async def decision(self, info: Info) -> QcDecision | None:
        decisions = await info.context.loader(loaders.DecisionsByInspectionIdLoader).load(self.row.id)
        return QcDecision(row=decisions[0]) if decisions else None

    @strawberry.field(description="Every decision, newest first; each supersedes the one after it.")
    async def decisions(self, info: Info) -> list[QcDecision]:
        decisions = await info.context.loader(loaders.DecisionsByInspectionIdLoader).load(self.row.id)
        return [QcDecision(row=row) for row in decisions or []]

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at
