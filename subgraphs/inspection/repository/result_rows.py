"""Rows of results to values of the model, and back to columns."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from db.tables.inspection import AlignmentRow, DeviationMapRow, InspectionRow, MeasurementRow, QcDecisionRow
from subgraphs.inspection.alignment import AlignmentReport
from subgraphs.inspection.model import (
    Alignment,
    AlignmentId,
    AssetId,
    CadRevisionId,
    DecidedBy,
    Decision,
    DecisionId,
    DeviationMap,
    DeviationMapId,
    DeviationSummary,
    Inspection,
    InspectionId,
    Measurement,
    Pictures,
    ScanId,
    Sha256Hex,
    ToleranceRule,
    Verdict,
)

_SUMMARY_COLUMNS = (
    "points",
    "mean_mm",
    "sigma_mm",
    "rms_mm",
    "minimum_mm",
    "maximum_mm",
    "p95_mm",
    "percent_in_tolerance",
    "profile_lower_mm",
    "profile_upper_mm",
    "uncertainty_mm",
    "strays",
    "robust_sigma_mm",
    "p025_mm",
    "p975_mm",
    "effective_points",
    "sampled_points",
)


def point_text(position_mm: tuple[float, float, float]) -> str:
    x, y, z = position_mm
    return f"POINT Z ({x!r} {y!r} {z!r})"


def alignment_of(row: AlignmentRow) -> Alignment:
    return Alignment(
        id=AlignmentId(row.id),
        scan_id=ScanId(row.scan_id),
        cad_revision_id=CadRevisionId(row.cad_revision_id),
        transform=tuple(row.transform),
        fitness=row.fitness,
        rms_mm=row.rms_mm,
        ambiguous=row.ambiguous,
        unconstrained=tuple(row.unconstrained),
        method=row.method,
        report=None if row.report is None else msgspec.convert(row.report, AlignmentReport),
        created_at=row.created_at,
    )


def deviation_map_of(row: DeviationMapRow) -> DeviationMap:
    return DeviationMap(
        id=DeviationMapId(row.id),
        scan_id=ScanId(row.scan_id),
        alignment_id=AlignmentId(row.alignment_id),
        summary=DeviationSummary(**{name: getattr(row, name) for name in _SUMMARY_COLUMNS}),
        histogram_edges_mm=tuple(row.histogram_edges_mm),
        histogram_counts=tuple(row.histogram_counts),
        deviations_key=row.deviations_key,
        deviations_sha256=Sha256Hex(row.deviations_sha256),
        pictures=Pictures(row.heat_map_key, row.histogram_key, row.report_key),
        created_at=row.created_at,
    )


def deviation_map_columns(measured: DeviationMap) -> dict[str, object]:
    return {
        "id": measured.id,
        "scan_id": measured.scan_id,
        "alignment_id": measured.alignment_id,
        **{name: getattr(measured.summary, name) for name in _SUMMARY_COLUMNS},
        "histogram_edges_mm": list(measured.histogram_edges_mm),
        "histogram_counts": list(measured.histogram_counts),
        "deviations_key": measured.deviations_key,
        "deviations_sha256": measured.deviations_sha256,
        "heat_map_key": measured.pictures.heat_map_key,
        "histogram_key": measured.pictures.histogram_key,
        "report_key": measured.pictures.report_key,
        "created_at": measured.created_at,
    }


def inspection_of(row: InspectionRow | Row[Any]) -> Inspection:
    return Inspection(
        id=InspectionId(row.id),
        asset_id=AssetId(row.asset_id),
        scan_id=ScanId(row.scan_id),
        cad_revision_id=CadRevisionId(row.cad_revision_id),
        alignment_id=AlignmentId(row.alignment_id),
        deviation_map_id=DeviationMapId(row.deviation_map_id),
        rule=ToleranceRule(row.lower_mm, row.upper_mm, row.uncertainty_mm),
        verdict=Verdict(row.verdict),
        created_at=row.created_at,
    )


def decision_of(row: QcDecisionRow) -> Decision:
    return Decision(
        id=DecisionId(row.id),
        inspection_id=InspectionId(row.inspection_id),
        scan_id=ScanId(row.scan_id),
        alignment_id=AlignmentId(row.alignment_id),
        operator_id=row.operator_id,
        verdict=Verdict(row.verdict),
        decided_by=DecidedBy(row.decided_by),
        reason=row.reason,
        record=row.record,
        record_hash=Sha256Hex(row.record_hash),
        supersedes_id=DecisionId(row.supersedes_id) if row.supersedes_id else None,
        decided_at=row.decided_at,
    )


def measurement_of(row: MeasurementRow) -> Measurement:
    return Measurement(
        inspection_id=InspectionId(row.inspection_id),
        asset_id=AssetId(row.asset_id),
        characteristic=row.characteristic,
        value=row.value,
        unit=row.unit,
        lower_limit=row.lower_limit,
        upper_limit=row.upper_limit,
        verdict=Verdict(row.verdict),
        measured_at=row.measured_at,
    )
