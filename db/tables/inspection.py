"""Tables of inspection: what its repository reads and writes."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from geoalchemy2 import Geography, Geometry
from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow, refers_to

VERDICTS = "verdict in ('PASS', 'FAIL', 'INCONCLUSIVE')"
UPLOAD_STATES = "state in ('AWAITING_PARTS', 'PROCESSING', 'PROCESSED', 'QUARANTINED')"
FAULT_IFF_QUARANTINED = "(state = 'QUARANTINED') = (fault_code is not null)"


class AssetRow(TenantRow, Base):
    """A thing that is inspected."""

    __tablename__ = "asset"

    kind: Mapped[str]
    name: Mapped[str]
    serial_number: Mapped[str]
    location: Mapped[object | None] = mapped_column(Geography("POINT", 4326, spatial_index=False))
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["workspace.tenant_id"], name="fk_asset_workspace"),
        CheckConstraint("kind in ('PART', 'MACHINE', 'STRUCTURE')", name="kind"),
        UniqueConstraint("tenant_id", "kind", "serial_number", name="uq_asset_serial_number"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_asset_idempotency_key"),
        Index("ix_asset_location", "tenant_id", "location", postgresql_using="gist"),
        Index("ix_asset_newest", "tenant_id", text("created_at desc"), text("id desc")),
    )


class UploadColumns:
    """Mixin: a file that was promised, and what became of it."""

    file_name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    object_key: Mapped[str]
    upload_id: Mapped[str]
    part_size_bytes: Mapped[int] = mapped_column(BigInteger)
    part_sha256s: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str]
    fault_code: Mapped[str | None]
    fault_message: Mapped[str | None]
    fault_remedy: Mapped[str | None]
    job_id: Mapped[UUID | None]
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]


class CadRevisionRow(UploadColumns, TenantRow, Base):
    """The nominal shape; `mesh_key` is the normalised mesh (millimetres) once the file was read."""

    __tablename__ = "cad_revision"

    name: Mapped[str]
    format: Mapped[str]
    unit: Mapped[str | None]
    accept_flaws: Mapped[bool]
    mesh_key: Mapped[str | None]
    triangles: Mapped[int | None] = mapped_column(BigInteger)
    vertices: Mapped[int | None] = mapped_column(BigInteger)
    watertight: Mapped[bool | None]
    area_mm2: Mapped[float | None] = mapped_column(Double)
    minimum_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    maximum_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    warnings: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["workspace.tenant_id"], name="fk_cad_revision_workspace"),
        CheckConstraint(UPLOAD_STATES, name="state"),
        CheckConstraint(FAULT_IFF_QUARANTINED, name="fault"),
        CheckConstraint("(state = 'PROCESSED') = (mesh_key is not null)", name="mesh"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_cad_revision_idempotency_key"),
    )


class ScanRow(UploadColumns, TenantRow, Base):
    """One scan of one asset, to be measured against one CAD revision under one tolerance."""

    __tablename__ = "scan"

    asset_id: Mapped[UUID]
    cad_revision_id: Mapped[UUID]
    format: Mapped[str]
    unit: Mapped[str | None]
    lower_mm: Mapped[float] = mapped_column(Double)
    upper_mm: Mapped[float] = mapped_column(Double)
    uncertainty_mm: Mapped[float | None] = mapped_column(Double)
    pose_hint: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    alignment: Mapped[object | None] = mapped_column(JSONB(none_as_null=True))
    device_id: Mapped[UUID | None]
    operator_id: Mapped[UUID | None]
    points: Mapped[int | None] = mapped_column(BigInteger)
    acquired_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    __table_args__ = (
        refers_to("asset", "asset_id"),
        refers_to("cad_revision", "cad_revision_id"),
        refers_to("device", "device_id"),
        refers_to("member", "operator_id"),
        CheckConstraint(UPLOAD_STATES, name="state"),
        CheckConstraint(FAULT_IFF_QUARANTINED, name="fault"),
        CheckConstraint("lower_mm < upper_mm", name="tolerance"),
        CheckConstraint("state = 'AWAITING_PARTS' or operator_id is not null", name="operator"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_scan_idempotency_key"),
        Index("ix_scan_asset", "tenant_id", "asset_id", text("created_at desc"), text("id desc")),
    )


class AlignmentRow(TenantRow, Base):
    """How a scan lies on its CAD."""

    __tablename__ = "alignment"

    scan_id: Mapped[UUID]
    cad_revision_id: Mapped[UUID]
    transform: Mapped[list[float]] = mapped_column(ARRAY(Double))
    fitness: Mapped[float] = mapped_column(Double)
    rms_mm: Mapped[float] = mapped_column(Double)
    ambiguous: Mapped[bool]
    unconstrained: Mapped[list[str]] = mapped_column(ARRAY(Text))
    method: Mapped[str]
    report: Mapped[object | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]

    __table_args__ = (
        refers_to("scan", "scan_id"),
        refers_to("cad_revision", "cad_revision_id"),
        UniqueConstraint("tenant_id", "scan_id", "id", name="uq_alignment_scan"),
        CheckConstraint("array_length(transform, 1) = 16", name="transform"),
    )


class DeviationMapRow(TenantRow, Base):
    """What was measured over the whole surface; the deviations themselves are an object."""

    __tablename__ = "deviation_map"

    scan_id: Mapped[UUID]
    alignment_id: Mapped[UUID]
    points: Mapped[int] = mapped_column(BigInteger)
    mean_mm: Mapped[float] = mapped_column(Double)
    sigma_mm: Mapped[float] = mapped_column(Double)
    rms_mm: Mapped[float] = mapped_column(Double)
    minimum_mm: Mapped[float] = mapped_column(Double)
    maximum_mm: Mapped[float] = mapped_column(Double)
    p95_mm: Mapped[float] = mapped_column(Double)
    percent_in_tolerance: Mapped[float] = mapped_column(Double)
    profile_lower_mm: Mapped[float] = mapped_column(Double)
    profile_upper_mm: Mapped[float] = mapped_column(Double)
    uncertainty_mm: Mapped[float] = mapped_column(Double)
    strays: Mapped[int | None] = mapped_column(BigInteger)
    robust_sigma_mm: Mapped[float | None] = mapped_column(Double)
    p025_mm: Mapped[float | None] = mapped_column(Double)
    p975_mm: Mapped[float | None] = mapped_column(Double)
    effective_points: Mapped[float | None] = mapped_column(Double)
    sampled_points: Mapped[int | None] = mapped_column(BigInteger)
    histogram_edges_mm: Mapped[list[float]] = mapped_column(ARRAY(Double))
    histogram_counts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    deviations_key: Mapped[str]
    deviations_sha256: Mapped[str] = mapped_column(CHAR(64))
    heat_map_key: Mapped[str]
    histogram_key: Mapped[str]
    report_key: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "scan_id", "alignment_id"], ["alignment.tenant_id", "alignment.scan_id", "alignment.id"]
        ),
        UniqueConstraint("tenant_id", "scan_id", "id", name="uq_deviation_map_scan"),
    )


class DeviationBandRow(Base):
    """How many points lie in one band of deviation; a null limit is open."""

    __tablename__ = "deviation_band"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    deviation_map_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    lower_mm: Mapped[float | None] = mapped_column(Double)
    upper_mm: Mapped[float | None] = mapped_column(Double)
    points: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (refers_to("deviation_map", "deviation_map_id"),)


class WorstPointRow(Base):
    """A place that deviates most in its neighbourhood: CAD frame, millimetres, so no SRID."""

    __tablename__ = "worst_point"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    deviation_map_id: Mapped[UUID] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    location: Mapped[object] = mapped_column(Geometry("POINTZ", -1, dimension=3, spatial_index=False))
    deviation_mm: Mapped[float] = mapped_column(Double)

    __table_args__ = (refers_to("deviation_map", "deviation_map_id"),)


class DeviationRegionRow(Base):
    """What was measured on one face of the CAD; no figures where there is no data."""

    __tablename__ = "deviation_region"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    deviation_map_id: Mapped[UUID] = mapped_column(primary_key=True)
    face: Mapped[int] = mapped_column(primary_key=True)
    shape: Mapped[str]
    area_mm2: Mapped[float] = mapped_column(Double)
    coverage: Mapped[float] = mapped_column(Double)
    points: Mapped[int] = mapped_column(BigInteger)
    middle: Mapped[object] = mapped_column(Geometry("POINTZ", -1, dimension=3, spatial_index=False))
    mean_mm: Mapped[float | None] = mapped_column(Double)
    sigma_mm: Mapped[float | None] = mapped_column(Double)
    rms_mm: Mapped[float | None] = mapped_column(Double)
    robust_sigma_mm: Mapped[float | None] = mapped_column(Double)
    p025_mm: Mapped[float | None] = mapped_column(Double)
    p975_mm: Mapped[float | None] = mapped_column(Double)
    percent_in_tolerance: Mapped[float | None] = mapped_column(Double)
    profile_lower_mm: Mapped[float | None] = mapped_column(Double)
    profile_upper_mm: Mapped[float | None] = mapped_column(Double)
    uncertainty_mm: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str | None]
    form_mm: Mapped[float | None] = mapped_column(Double)
    position_mm: Mapped[float | None] = mapped_column(Double)
    form_uncertainty_mm: Mapped[float | None] = mapped_column(Double)

    __table_args__ = (
        refers_to("deviation_map", "deviation_map_id"),
        CheckConstraint("shape in ('PLANE', 'CYLINDER', 'SPHERE', 'FREEFORM')", name="shape"),
        CheckConstraint("coverage between 0 and 1", name="coverage"),
        CheckConstraint(VERDICTS, name="verdict"),
        CheckConstraint("(verdict is null) = (mean_mm is null)", name="data"),
    )


class DeviationProductRow(Base):
    """An object made of a deviation map: a scene, tiles, sections."""

    __tablename__ = "deviation_product"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    deviation_map_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    object_key: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(CHAR(64))

    __table_args__ = (
        refers_to("deviation_map", "deviation_map_id"),
        CheckConstraint("kind in ('SCENE', 'TILES', 'TILE_INDEX', 'SECTIONS', 'SECTIONS_PICTURE')", name="kind"),
    )


class ScanComparisonRow(TenantRow, Base):
    """What changed from one scan to another; the changes themselves are an object."""

    __tablename__ = "scan_comparison"

    first_scan_id: Mapped[UUID]
    second_scan_id: Mapped[UUID]
    radius_mm: Mapped[float] = mapped_column(Double)
    depth_mm: Mapped[float] = mapped_column(Double)
    registration_error_mm: Mapped[float | None] = mapped_column(Double)
    job_id: Mapped[UUID | None]
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]
    state: Mapped[str]
    fault_code: Mapped[str | None]
    fault_message: Mapped[str | None]
    fault_remedy: Mapped[str | None]
    applied_registration_error_mm: Mapped[float | None] = mapped_column(Double)
    core_points: Mapped[int | None] = mapped_column(BigInteger)
    compared_points: Mapped[int | None] = mapped_column(BigInteger)
    significant_points: Mapped[int | None] = mapped_column(BigInteger)
    mean_mm: Mapped[float | None] = mapped_column(Double)
    sigma_mm: Mapped[float | None] = mapped_column(Double)
    median_mm: Mapped[float | None] = mapped_column(Double)
    p025_mm: Mapped[float | None] = mapped_column(Double)
    p975_mm: Mapped[float | None] = mapped_column(Double)
    detectable_mm: Mapped[float | None] = mapped_column(Double)
    place_positions_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    place_distances_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    place_detectables_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    scene_key: Mapped[str | None]
    changes_key: Mapped[str | None]

    __table_args__ = (
        refers_to("scan", "first_scan_id"),
        refers_to("scan", "second_scan_id"),
        CheckConstraint("state in ('PROCESSING', 'PROCESSED', 'QUARANTINED')", name="state"),
        CheckConstraint(FAULT_IFF_QUARANTINED, name="fault"),
        CheckConstraint("(state = 'PROCESSED') = (changes_key is not null)", name="result"),
        CheckConstraint("first_scan_id <> second_scan_id", name="scans"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_scan_comparison_idempotency_key"),
    )


class InspectionRow(TenantRow, Base):
    """One scan, judged. The verdict is that of its newest decision."""

    __tablename__ = "inspection"

    asset_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    cad_revision_id: Mapped[UUID]
    alignment_id: Mapped[UUID]
    deviation_map_id: Mapped[UUID]
    lower_mm: Mapped[float] = mapped_column(Double)
    upper_mm: Mapped[float] = mapped_column(Double)
    uncertainty_mm: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        refers_to("asset", "asset_id"),
        refers_to("cad_revision", "cad_revision_id"),
        ForeignKeyConstraint(
            ["tenant_id", "scan_id", "alignment_id"], ["alignment.tenant_id", "alignment.scan_id", "alignment.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "scan_id", "deviation_map_id"],
            ["deviation_map.tenant_id", "deviation_map.scan_id", "deviation_map.id"],
        ),
        CheckConstraint(VERDICTS, name="verdict"),
        UniqueConstraint("tenant_id", "scan_id", name="uq_inspection_scan"),
        UniqueConstraint("tenant_id", "id", "scan_id", "alignment_id", name="uq_inspection_binding"),
        Index("ix_inspection_newest", "tenant_id", text("created_at desc"), text("id desc")),
        Index("ix_inspection_asset", "tenant_id", "asset_id", text("created_at desc"), text("id desc")),
        Index("ix_inspection_verdict", "tenant_id", "verdict", text("created_at desc"), text("id desc")),
    )


class QcDecisionRow(TenantRow, Base):
    """A verdict that somebody answers for, bound to one scan, one alignment of that scan and one operator."""

    __tablename__ = "qc_decision"

    inspection_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    alignment_id: Mapped[UUID]
    operator_id: Mapped[UUID]
    verdict: Mapped[str]
    decided_by: Mapped[str]
    reason: Mapped[str]
    record: Mapped[str]
    record_hash: Mapped[str] = mapped_column(CHAR(64))
    supersedes_id: Mapped[UUID | None]
    decided_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "inspection_id", "scan_id", "alignment_id"],
            ["inspection.tenant_id", "inspection.id", "inspection.scan_id", "inspection.alignment_id"],
        ),
        refers_to("member", "operator_id"),
        ForeignKeyConstraint(
            ["tenant_id", "inspection_id", "supersedes_id"],
            ["qc_decision.tenant_id", "qc_decision.inspection_id", "qc_decision.id"],
        ),
        CheckConstraint(VERDICTS, name="verdict"),
        CheckConstraint("decided_by in ('RULE', 'OPERATOR')", name="decided_by"),
        UniqueConstraint("tenant_id", "inspection_id", "id", name="uq_qc_decision_inspection"),
        # One first decision an inspection, and each superseded once: decisions are a line, never a fork.
        UniqueConstraint(
            "tenant_id",
            "inspection_id",
            "supersedes_id",
            name="uq_qc_decision_line",
            postgresql_nulls_not_distinct=True,
        ),
    )


class MeasurementRow(Base):
    """One characteristic of one inspection: what trends and aggregates are made of."""

    __tablename__ = "measurement"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    inspection_id: Mapped[UUID] = mapped_column(primary_key=True)
    characteristic: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID]
    value: Mapped[float] = mapped_column(Double)
    unit: Mapped[str]
    lower_limit: Mapped[float | None] = mapped_column(Double)
    upper_limit: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str]
    measured_at: Mapped[datetime]

    __table_args__ = (
        refers_to("inspection", "inspection_id"),
        refers_to("asset", "asset_id"),
        CheckConstraint(VERDICTS, name="verdict"),
        Index(
            "ix_measurement_trend",
            "tenant_id",
            "asset_id",
            "characteristic",
            text("measured_at desc"),
            postgresql_include=["value", "verdict"],
        ),
        Index(
            "ix_measurement_time",
            "tenant_id",
            "characteristic",
            text("measured_at desc"),
            postgresql_include=["value", "verdict"],
        ),
    )


class InspectionTallyRow(Base):
    """How many inspections of one UTC day have one verdict. Written by triggers only."""

    __tablename__ = "inspection_tally"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(primary_key=True)
    inspections: Mapped[int] = mapped_column(BigInteger)


class MeasurementTallyRow(Base):
    """Sums of one characteristic over one UTC day. Written by triggers only."""

    __tablename__ = "measurement_tally"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    characteristic: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[float] = mapped_column(Double)
    squares: Mapped[float] = mapped_column(Double)
    minimum: Mapped[float] = mapped_column(Double)
    maximum: Mapped[float] = mapped_column(Double)
    failed: Mapped[int] = mapped_column(BigInteger)
