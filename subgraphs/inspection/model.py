"""The nouns of inspection as frozen values: ids, states with their allowed moves, and what a row means.

In: nothing. Out: values that every layer above passes around. Refuses to know tables, GraphQL, files or the clock.

Lengths are millimetres and end in `_mm`; a transform is row-major 4×4, scan to CAD.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from subgraphs.inspection.alignment import AlignmentReport, AlignmentRequest, Transform

AssetId = NewType("AssetId", UUID)
CadRevisionId = NewType("CadRevisionId", UUID)
ScanId = NewType("ScanId", UUID)
AlignmentId = NewType("AlignmentId", UUID)
DeviationMapId = NewType("DeviationMapId", UUID)
InspectionId = NewType("InspectionId", UUID)
DecisionId = NewType("DecisionId", UUID)
ComparisonId = NewType("ComparisonId", UUID)

Sha256Hex = NewType("Sha256Hex", str)


class AssetKind(StrEnum):
    PART = "PART"
    MACHINE = "MACHINE"
    STRUCTURE = "STRUCTURE"


class LengthUnit(StrEnum):
    MICROMETRE = "MICROMETRE"
    MILLIMETRE = "MILLIMETRE"
    CENTIMETRE = "CENTIMETRE"
    METRE = "METRE"
    INCH = "INCH"
    FOOT = "FOOT"
    US_SURVEY_FOOT = "US_SURVEY_FOOT"


MM_PER_UNIT: dict[LengthUnit, float] = {
    LengthUnit.MICROMETRE: 0.001,
    LengthUnit.MILLIMETRE: 1.0,
    LengthUnit.CENTIMETRE: 10.0,
    LengthUnit.METRE: 1000.0,
    LengthUnit.INCH: 25.4,
    LengthUnit.FOOT: 304.8,
    LengthUnit.US_SURVEY_FOOT: 1_200_000 / 3937,
}


class CadFormat(StrEnum):
    STL = "STL"
    PLY = "PLY"
    OBJ = "OBJ"
    GLTF = "GLTF"
    GLB = "GLB"
    STEP = "STEP"


class ScanFormat(StrEnum):
    PLY = "PLY"
    PCD = "PCD"
    LAS = "LAS"
    LAZ = "LAZ"
    COPC = "COPC"
    E57 = "E57"
    XYZ = "XYZ"
    CSV = "CSV"


class UploadState(StrEnum):
    """Where an uploaded file stands: AWAITING_PARTS → PROCESSING → PROCESSED or QUARANTINED, and never back.

    What is quarantined keeps its reason and can only be replaced by a new upload.
    """

    AWAITING_PARTS = "AWAITING_PARTS"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"
    QUARANTINED = "QUARANTINED"


class Verdict(StrEnum):
    """The three states of ISO 14253-1."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class DecidedBy(StrEnum):
    RULE = "RULE"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class Place:
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in the CAD frame, millimetres."""

    minimum_mm: tuple[float, float, float]
    maximum_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something was refused or quarantined, and what to do about it."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """A stretch of a list that is kept newest first: `limit` rows older than `before`, its time and id."""

    limit: int
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class AssetFilter:
    kinds: tuple[AssetKind, ...] = ()
    serial_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    id: AssetId
    kind: AssetKind
    name: str
    serial_number: str
    place: Place | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on its way into the object store, or in it: what the uploader promised and where the bytes lie."""

    name: str
    size_bytes: int
    sha256: Sha256Hex
    object_key: str
    upload_id: str
    part_size_bytes: int
    part_sha256s: tuple[Sha256Hex, ...]


@dataclass(frozen=True, slots=True)
class MeshFacts:
    triangles: int
    vertices: int
    watertight: bool
    area_mm2: float
    minimum_mm: tuple[float, float, float]
    maximum_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CadRevision:
    id: CadRevisionId
    name: str
    format: CadFormat
    unit: LengthUnit | None
    accept_flaws: bool
    file: StoredFile
    state: UploadState
    fault: Fault | None
    mesh_key: str | None
    facts: MeshFacts | None
    warnings: tuple[str, ...]
    job_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ToleranceRule:
    """The zone [lower_mm, upper_mm] of the surface profile, and the expanded uncertainty U (k=2) that guards it.

    `uncertainty_mm` None: U is estimated from the scan itself, and the decision's record says so.
    """

    lower_mm: float
    upper_mm: float
    uncertainty_mm: float | None


@dataclass(frozen=True, slots=True)
class Scan:
    id: ScanId
    asset_id: AssetId
    cad_revision_id: CadRevisionId
    format: ScanFormat
    unit: LengthUnit | None
    file: StoredFile
    rule: ToleranceRule
    pose_hint: Transform | None
    alignment: AlignmentRequest | None
    device_id: UUID | None
    operator_id: UUID | None
    state: UploadState
    fault: Fault | None
    points: int | None
    job_id: UUID | None
    acquired_at: datetime | None
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a scan lies on its CAD. `unconstrained` names motions that the surface does not hold ("rotation about z").

    `report` None: measured before one was kept.
    """

    id: AlignmentId
    scan_id: ScanId
    cad_revision_id: CadRevisionId
    transform: Transform
    fitness: float
    rms_mm: float
    ambiguous: bool
    unconstrained: tuple[str, ...]
    method: str
    report: AlignmentReport | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Band:
    """Points whose deviation lies in [lower_mm, upper_mm); None is open on that side."""

    lower_mm: float | None
    upper_mm: float | None
    points: int


@dataclass(frozen=True, slots=True)
class DeviationSummary:
    points: int
    mean_mm: float
    sigma_mm: float
    rms_mm: float
    minimum_mm: float
    maximum_mm: float
    p95_mm: float
    percent_in_tolerance: float
    profile_lower_mm: float
    profile_upper_mm: float
    uncertainty_mm: float
    strays: int | None = None
    """This and the rest: None for maps that were measured before these were kept."""
    robust_sigma_mm: float | None = None
    p025_mm: float | None = None
    p975_mm: float | None = None
    effective_points: float | None = None
    sampled_points: int | None = None
    """None also where everything is of all points."""


@dataclass(frozen=True, slots=True)
class Pictures:
    heat_map_key: str
    histogram_key: str
    report_key: str


@dataclass(frozen=True, slots=True)
class DeviationMap:
    id: DeviationMapId
    scan_id: ScanId
    alignment_id: AlignmentId
    summary: DeviationSummary
    histogram_edges_mm: tuple[float, ...]
    histogram_counts: tuple[int, ...]
    deviations_key: str
    deviations_sha256: Sha256Hex
    pictures: Pictures
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorstPoint:
    """A place on the part, in the CAD frame, that deviates most in its neighbourhood."""

    rank: int
    position_mm: tuple[float, float, float]
    deviation_mm: float


class FaceShape(StrEnum):
    PLANE = "PLANE"
    CYLINDER = "CYLINDER"
    SPHERE = "SPHERE"
    FREEFORM = "FREEFORM"


FORM_OF_SHAPE: dict[FaceShape, str] = {
    FaceShape.PLANE: "flatness",
    FaceShape.CYLINDER: "cylindricity",
    FaceShape.SPHERE: "sphericity",
}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class RegionResult:
    """One face of the CAD, as far as it was seen. `figures` and `verdict` None: no data."""

    face: int
    shape: FaceShape
    area_mm2: float
    coverage: float
    points: int
    middle_mm: tuple[float, float, float]
    figures: RegionFigures | None
    verdict: Verdict | None
    form_mm: float | None
    position_mm: float | None
    form_uncertainty_mm: float | None


class ProductKind(StrEnum):
    SCENE = "SCENE"
    TILES = "TILES"
    TILE_INDEX = "TILE_INDEX"
    SECTIONS = "SECTIONS"
    SECTIONS_PICTURE = "SECTIONS_PICTURE"


@dataclass(frozen=True, slots=True)
class Product:
    """An object that was made of a deviation map."""

    kind: ProductKind
    object_key: str
    media_type: str
    size_bytes: int
    sha256: Sha256Hex


@dataclass(frozen=True, slots=True)
class ChangePlace:
    """Where two scans differ most: how far, and the least that could have been told there (LoD95)."""

    position_mm: tuple[float, float, float]
    distance_mm: float
    detectable_mm: float


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found between two scans by M3C2, positive outwards."""

    registration_error_mm: float
    core_points: int
    compared_points: int
    significant_points: int
    mean_mm: float
    sigma_mm: float
    median_mm: float
    p025_mm: float
    p975_mm: float
    detectable_mm: float
    places: tuple[ChangePlace, ...]
    scene_key: str | None
    changes_key: str


@dataclass(frozen=True, slots=True)
class ScanComparison:
    id: ComparisonId
    first_scan_id: ScanId
    second_scan_id: ScanId
    radius_mm: float
    depth_mm: float
    registration_error_mm: float | None
    state: UploadState
    fault: Fault | None
    changes: Changes | None
    job_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Inspection:
    id: InspectionId
    asset_id: AssetId
    scan_id: ScanId
    cad_revision_id: CadRevisionId
    alignment_id: AlignmentId
    deviation_map_id: DeviationMapId
    rule: ToleranceRule
    verdict: Verdict
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one decision is about."""

    inspection: Inspection
    scan: Scan
    cad: CadRevision
    alignment: Alignment
    deviation_map: DeviationMap


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    verdicts: tuple[Verdict, ...] = ()
    serial_numbers: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    id: DecisionId
    inspection_id: InspectionId
    scan_id: ScanId
    alignment_id: AlignmentId
    operator_id: UUID
    verdict: Verdict
    decided_by: DecidedBy
    reason: str
    record: str
    record_hash: Sha256Hex
    supersedes_id: DecisionId | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """One characteristic of one inspection: the row that trends and aggregates are made of."""

    inspection_id: InspectionId
    asset_id: AssetId
    characteristic: str
    value: float
    unit: str
    lower_limit: float | None
    upper_limit: float | None
    verdict: Verdict
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class QualitySummary:
    inspections: int
    passed: int
    failed: int
    inconclusive: int
    failing_serial_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CharacteristicSummary:
    characteristic: str
    count: int
    mean: float | None
    sigma: float | None
    minimum: float | None
    maximum: float | None
    failed: int
