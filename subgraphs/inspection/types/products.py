"""What was made of a deviation map: results of single faces, and objects to look at."""

from __future__ import annotations

import strawberry

from db.blobs import Blobs
from subgraphs.inspection import model, policy
from subgraphs.serving.connections import Connection, PageRequest, connection_of, page_of
from subgraphs.serving.context import Info
from subgraphs.serving.errors import BadInput
from subgraphs.serving.scalars import BigInt, Sha256, Vec3

LINK_LIFETIME_S = 900

strawberry.enum(model.FaceShape, description="What a face of the CAD nominally is.")
strawberry.enum(policy.DecisionZone, description="Where a measured value lies by ISO 14253-1.")
strawberry.enum(
    model.ProductKind,
    name="DeviationProductKind",
    description="SCENE: the part coloured by deviation (GLB). TILES and TILE_INDEX: the measured points for a viewer "
    "that streams. SECTIONS: deviations along planes (JSON), and as a picture.",
)


@strawberry.type(description="The zones that limits and uncertainty make under ISO 14253-1.")
class Conformity:
    zone: policy.DecisionZone = strawberry.field(description="In which of them the measured profile lies.")
    guard_band_mm: float = strawberry.field(description="Taken off the limits to accept, added to reject.")
    acceptance_lower_mm: float | None = strawberry.field(description="Null: the uncertainty leaves nothing to accept.")
    acceptance_upper_mm: float | None
    rejection_below_mm: float
    rejection_above_mm: float

    @classmethod
    def of(cls, found: policy.Conformity) -> Conformity:
        lower, upper = found.acceptance_mm or (None, None)
        return cls(
            zone=found.zone,
            guard_band_mm=found.guard_band_mm,
            acceptance_lower_mm=lower,
            acceptance_upper_mm=upper,
            rejection_below_mm=found.rejection_below_mm,
            rejection_above_mm=found.rejection_above_mm,
        )


@strawberry.type(description="Of the points that lie on one face; strays are left out.")
class RegionFigures:
    mean_mm: float
    sigma_mm: float
    rms_mm: float
    robust_sigma_mm: float
    p025_mm: float
    p975_mm: float
    percent_in_tolerance: float
    profile_lower_mm: float
    profile_upper_mm: float
    uncertainty_mm: float


@strawberry.type(description="One face of the CAD, as far as it was scanned.")
class DeviationRegion:
    face: int = strawberry.field(description="Its number; the largest face is 0.")
    shape: model.FaceShape
    area_mm2: float
    coverage: float = strawberry.field(description="The share of its area that was scanned, 0 to 1.")
    points: BigInt
    middle_mm: Vec3 = strawberry.field(description="A place of the face, near its middle.")
    figures: RegionFigures | None = strawberry.field(description="Null: no data, or too little.")
    verdict: model.Verdict | None = strawberry.field(description="Of what was scanned of it; null: no data.")
    form: str | None = strawberry.field(description="flatness, cylindricity or sphericity.")
    form_mm: float | None = strawberry.field(description="Width of its minimum zone (ISO 1101).")
    position_mm: float | None = strawberry.field(description="Of a cylinder's axis: diameter of the zone.")
    form_uncertainty_mm: float | None = strawberry.field(description="Expanded uncertainty (k = 2) of both.")

    @classmethod
    def of(cls, row: model.RegionResult) -> DeviationRegion:
        figures = row.figures
        return cls(
            face=row.face,
            shape=row.shape,
            area_mm2=row.area_mm2,
            coverage=row.coverage,
            points=BigInt(row.points),
            middle_mm=Vec3(row.middle_mm),
            figures=None if figures is None else RegionFigures(**{name: getattr(figures, name) for name in _FIGURES}),
            verdict=row.verdict,
            form=None if row.form_mm is None else model.FORM_OF_SHAPE[row.shape],
            form_mm=row.form_mm,
            position_mm=row.position_mm,
            form_uncertainty_mm=row.form_uncertainty_mm,
        )


_FIGURES = tuple(model.RegionFigures.__dataclass_fields__)


def face_after(request: PageRequest) -> int:
    """The number after which the page begins."""
    if request.after is None:
        return -1
    number = request.after[0]
    if not number.isdecimal() or len(number) > 9:
        raise BadInput("This cursor belongs to another list.", ("after",))
    return int(number)


def regions_connection(rows: list[model.RegionResult], request: PageRequest) -> Connection[DeviationRegion]:
    return connection_of(page_of(rows, request), request, DeviationRegion.of, lambda row: (str(row.face),))


@strawberry.type(description="An object made of a deviation map.")
class DeviationProduct:
    row: strawberry.Private[model.Product]

    @strawberry.field
    def kind(self) -> model.ProductKind:
        return self.row.kind

    @strawberry.field
    def media_type(self) -> str:
        return self.row.media_type

    @strawberry.field
    def size_bytes(self) -> BigInt:
        return BigInt(self.row.size_bytes)

    @strawberry.field
    def sha256(self) -> Sha256:
        return Sha256(self.row.sha256)

    @strawberry.field(description="Readable for 15 minutes, whole or by ranges.")
    async def url(self, info: Info) -> str:
        return await address_of(info, self.row.object_key)


async def address_of(info: Info, key: str) -> str:
    return await info.context.resources.get(Blobs).presign_get(info.context.known_caller(), key, LINK_LIFETIME_S)
