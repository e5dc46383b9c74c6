"""Small values of the graph: enums, places, limits, bands, points, files. No loaders, no rules."""

from __future__ import annotations

import datetime

import strawberry

from subgraphs.inspection import model
from subgraphs.serving.scalars import BigInt, Sha256, Vec3

strawberry.enum(model.AssetKind, description="What kind of thing an asset is.")
strawberry.enum(model.LengthUnit, description="The unit of a file's coordinates.")
strawberry.enum(model.CadFormat, description="Formats in which a nominal shape may come.")
strawberry.enum(model.ScanFormat, description="Formats in which a scan may come.")
strawberry.enum(
    model.UploadState,
    name="ScanStatus",
    description="Where an uploaded file stands. A quarantined one says why, and only a new upload replaces it.",
)
strawberry.enum(
    model.Verdict, description="Conformity by ISO 14253-1: proven, disproven, or neither within the uncertainty."
)
strawberry.enum(model.DecidedBy, description="Whether the tolerance rule decided, or a person.")


@strawberry.type(description="A place on earth (WGS 84), degrees.")
class Place:
    longitude: float
    latitude: float


@strawberry.input(description="A place on earth (WGS 84), degrees.")
class PlaceInput:
    longitude: float
    latitude: float


@strawberry.input(description="An axis-aligned box in the CAD frame, millimetres.")
class BoxInput:
    minimum_mm: Vec3
    maximum_mm: Vec3

    def value(self) -> model.Box:
        return model.Box(self.minimum_mm, self.maximum_mm)


@strawberry.type(description="Why a file was quarantined or a job failed, and what to do about it.")
class Fault:
    code: str
    message: str
    remedy: str

    @classmethod
    def of(cls, fault: model.Fault) -> Fault:
        return cls(code=fault.code, message=fault.message, remedy=fault.remedy)


@strawberry.type(description="The file as it was uploaded.")
class SourceFile:
    name: str
    size_bytes: BigInt
    sha256: Sha256

    @classmethod
    def of(cls, file: model.StoredFile) -> SourceFile:
        return cls(name=file.name, size_bytes=BigInt(file.size_bytes), sha256=Sha256(file.sha256))


@strawberry.type(description="The zone of the surface profile, and the expanded uncertainty (k = 2) that guards it.")
class ToleranceRule:
    lower_mm: float
    upper_mm: float
    uncertainty_mm: float | None = strawberry.field(description="Null: estimated from the scan itself.")

    @classmethod
    def of(cls, rule: model.ToleranceRule) -> ToleranceRule:
        return cls(lower_mm=rule.lower_mm, upper_mm=rule.upper_mm, uncertainty_mm=rule.uncertainty_mm)


@strawberry.input(description="The zone of the surface profile, for example -0.2 to 0.2 mm.")
class ToleranceInput:
    lower_mm: float
    upper_mm: float
    uncertainty_mm: float | None = strawberry.field(
        default=None, description="Expanded uncertainty (k = 2). Left out: estimated from the scan itself."
    )

    def value(self) -> model.ToleranceRule:
        return model.ToleranceRule(self.lower_mm, self.upper_mm, self.uncertainty_mm)


@strawberry.type(description="Points whose deviation lies from `lowerMm` up to `upperMm`; null is open on that side.")
class Band:
    lower_mm: float | None
    upper_mm: float | None
    points: BigInt


@strawberry.type(description="Counts between neighbouring edges: one edge more than counts.")
class Histogram:
    edges_mm: list[float]
    counts: list[BigInt]


@strawberry.type(description="A place on the part, in the CAD frame, that deviates most in its neighbourhood.")
class WorstPoint:
    rank: int
    position_mm: Vec3
    deviation_mm: float


@strawberry.type(description="One characteristic of one inspection.")
class Measurement:
    characteristic: str
    value: float
    unit: str
    lower_limit: float | None
    upper_limit: float | None
    verdict: model.Verdict
    measured_at: datetime.datetime

    @classmethod
    def of(cls, measured: model.Measurement) -> Measurement:
        return cls(
            characteristic=measured.characteristic,
            value=measured.value,
            unit=measured.unit,
            lower_limit=measured.lower_limit,
            upper_limit=measured.upper_limit,
            verdict=measured.verdict,
            measured_at=measured.measured_at,
        )


@strawberry.type(description="What the importer found in a CAD file.")
class MeshFacts:
    triangles: BigInt
    vertices: BigInt
    watertight: bool
    area_mm2: float
    minimum_mm: Vec3
    maximum_mm: Vec3

    @classmethod
    def of(cls, facts: model.MeshFacts) -> MeshFacts:
        return cls(
            triangles=BigInt(facts.triangles),
            vertices=BigInt(facts.vertices),
            watertight=facts.watertight,
            area_mm2=facts.area_mm2,
            minimum_mm=Vec3(facts.minimum_mm),
            maximum_mm=Vec3(facts.maximum_mm),
        )


@strawberry.type(description="Inspections of a period by verdict.")
class QualitySummary:
    inspections: int
    passed: int
    failed: int
    inconclusive: int
    failing_serial_numbers: list[str] = strawberry.field(
        description="Serial numbers of assets with a failed inspection, the most recently failed first."
    )


@strawberry.type(description="One characteristic over all inspections of a period.")
class CharacteristicSummary:
    characteristic: str
    count: int
    mean: float | None
    sigma: float | None
    minimum: float | None
    maximum: float | None
    failed: int
