"""What processing found, written as the workers ask: a CAD revision accepted or refused, a scan judged or quarantined.

Each verb is one step of the transaction that also ends the job. A move that finds the thing in another state raises
`IllegalMove`, which rolls everything back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.alignment import AlignmentReport, Transform
from subgraphs.inspection.errors import IllegalMove, OperatorRequired
from subgraphs.inspection.events import SCAN_PROCESSED, SCAN_QUARANTINED, SCAN_TOPIC, ScanFinished
from subgraphs.inspection.jobs import RECORD_INSPECTION, RecordInspection
from subgraphs.inspection.model import (
    Alignment,
    AlignmentId,
    Asset,
    AssetId,
    Band,
    CadRevision,
    CadRevisionId,
    DecidedBy,
    Decision,
    DecisionId,
    DeviationMap,
    DeviationMapId,
    DeviationSummary,
    Evidence,
    Fault,
    Inspection,
    InspectionId,
    Measurement,
    MeshFacts,
    Pictures,
    Product,
    RegionResult,
    Scan,
    ScanId,
    Sha256Hex,
    Verdict,
    WorstPoint,
)
from subgraphs.inspection.policy import decision_record, reason_for, uncertainty_of, verdict_of
from subgraphs.inspection.repository import assets, products, results, uploads
from subgraphs.serving.errors import NotFound


@dataclass(frozen=True)
class Registered:
    transform: Transform
    fitness: float
    rms_mm: float
    ambiguous: bool
    unconstrained: tuple[str, ...]
    method: str
    report: AlignmentReport | None = None


@dataclass(frozen=True)
class Measured:
    """The outcome of processing one scan; the objects it names are in the store already."""

    points: int
    registered: Registered
    summary: DeviationSummary
    bands: tuple[Band, ...]
    worst: tuple[WorstPoint, ...]
    histogram_edges_mm: tuple[float, ...]
    histogram_counts: tuple[int, ...]
    deviations_key: str
    deviations_sha256: Sha256Hex
    pictures: Pictures
    regions: tuple[RegionResult, ...] = ()
    products: tuple[Product, ...] = ()
    profile_mm: float | None = None
    """Width of the narrowest profile zone without datum."""


async def read_cad_revision(work: UnitOfWork, id: CadRevisionId) -> CadRevision:
    revision = (await uploads.cad_revisions_by_id(work, [id])).get(id)
    if revision is None:
        raise NotFound("CAD revision")
    return revision


async def read_asset(work: UnitOfWork, id: AssetId) -> Asset:
    asset = (await assets.assets_by_id(work, [id])).get(id)
    if asset is None:
        raise NotFound("asset")
    return asset


async def read_scan(work: UnitOfWork, id: ScanId) -> Scan:
    scan = (await uploads.scans_by_id(work, [id])).get(id)
    if scan is None:
        raise NotFound("scan")
    return scan


async def accept_cad_revision(
    work: UnitOfWork, revision: CadRevision, mesh_key: str, facts: MeshFacts, warnings: Sequence[str]
) -> None:
    if not await uploads.accept_cad(work, revision.id, mesh_key, facts, warnings):
        raise IllegalMove("CAD revision", revision.state.value, "PROCESSED")
    await work.ledger.append(
        "CadRevisionAccepted", revision.id, {"sha256": revision.file.sha256, "triangles": facts.triangles}
    )


async def quarantine_cad_revision(work: UnitOfWork, revision: CadRevision, fault: Fault) -> None:
    if not await uploads.quarantine_cad(work, revision.id, fault):
        raise IllegalMove("CAD revision", revision.state.value, "QUARANTINED")
    await work.ledger.append("CadRevisionQuarantined", revision.id, {"code": fault.code})


async def quarantine_scan(work: UnitOfWork, scan: Scan, fault: Fault) -> None:
    if not await uploads.quarantine_scan(work, scan.id, fault):
        raise IllegalMove("scan", scan.state.value, "QUARANTINED")
    await work.ledger.append("ScanQuarantined", scan.id, {"code": fault.code, "sha256": scan.file.sha256})
    finished = ScanFinished(str(scan.asset_id), str(scan.id), None, None)
    await work.outbox.event(SCAN_TOPIC, scan.asset_id, SCAN_QUARANTINED, finished)


async def record_measured_scan(
    work: UnitOfWork, scan: Scan, cad: CadRevision, measured: Measured, now: datetime
) -> Inspection:
    """Alignment, deviation map, inspection, decision, measurements, the scan's new state, and whom to tell."""
    if not await uploads.accept_scan(work, scan.id, measured.points):
        raise IllegalMove("scan", scan.state.value, "PROCESSED")
    alignment = _alignment(scan, measured.registered, now)
    deviation_map = _deviation_map(scan, alignment, measured, now)
    inspection = Inspection(
        id=InspectionId(new_id()),
        asset_id=scan.asset_id,
        scan_id=scan.id,
        cad_revision_id=cad.id,
        alignment_id=alignment.id,
        deviation_map_id=deviation_map.id,
        rule=scan.rule,
        verdict=verdict_of(measured.summary, scan.rule),
        created_at=now,
    )
    await results.insert_alignment(work, alignment)
    await results.insert_deviation_map(work, deviation_map, measured.bands, measured.worst)
    await products.insert_regions(work, deviation_map.id, measured.regions)
    await products.insert_products(work, deviation_map.id, measured.products)
    await results.insert_inspection(work, inspection)
    await results.insert_measurements(work, measurements_of(inspection, measured))
    reason = reason_for(inspection.verdict, measured.summary, scan.rule, alignment.ambiguous)
    evidence = Evidence(inspection, scan, cad, alignment, deviation_map)
    await decide(work, evidence, DecidedBy.RULE, reason, None, now)
    finished = ScanFinished(str(scan.asset_id), str(scan.id), str(inspection.id), inspection.verdict.value)
    await work.outbox.event(SCAN_TOPIC, scan.asset_id, SCAN_PROCESSED, finished)
    return inspection


async def decide(
    work: UnitOfWork,
    evidence: Evidence,
    decided_by: DecidedBy,
    reason: str,
    supersedes: DecisionId | None,
    now: datetime,
) -> Decision | None:
    """Write the inspection's verdict as a decision with its record, log it, and have the twin follow.

    None when another decision has superseded the same one.
    """
    operator = evidence.scan.operator_id if decided_by is DecidedBy.RULE else work.caller.user
    if operator is None:
        raise OperatorRequired
    record, record_hash = decision_record(work.caller.tenant, evidence, decided_by, operator, reason, supersedes, now)
    decision = Decision(
        id=DecisionId(new_id()),
        inspection_id=evidence.inspection.id,
        scan_id=evidence.scan.id,
        alignment_id=evidence.alignment.id,
        operator_id=operator,
        verdict=evidence.inspection.verdict,
        decided_by=decided_by,
        reason=reason,
        record=record,
        record_hash=record_hash,
        supersedes_id=supersedes,
        decided_at=now,
    )
    if not await results.insert_decision(work, decision):
        return None
    await work.ledger.append(
        "InspectionDecided",
        decision.inspection_id,
        {"decision": str(decision.id), "recordHash": record_hash, "verdict": decision.verdict.value},
        {"operator": str(operator)},
        subject=operator,
    )
    await work.outbox.job(RECORD_INSPECTION, decision.inspection_id, _for_the_twin(evidence, decision))
    return decision


def _for_the_twin(evidence: Evidence, decision: Decision) -> RecordInspection:
    return RecordInspection(
        asset_id=str(evidence.scan.asset_id),
        cad_revision_id=str(evidence.cad.id),
        scan_id=str(decision.scan_id),
        alignment_id=str(decision.alignment_id),
        inspection_id=str(decision.inspection_id),
        decision_id=str(decision.id),
        operator_id=str(decision.operator_id),
        verdict=decision.verdict.value,
        cad_sha256=evidence.cad.file.sha256,
        scan_sha256=evidence.scan.file.sha256,
        deviations_sha256=evidence.deviation_map.deviations_sha256,
        record_hash=decision.record_hash,
        transform=evidence.alignment.transform,
    )


def _alignment(scan: Scan, registered: Registered, now: datetime) -> Alignment:
    return Alignment(
        id=AlignmentId(new_id()),
        scan_id=scan.id,
        cad_revision_id=scan.cad_revision_id,
        transform=registered.transform,
        fitness=registered.fitness,
        rms_mm=registered.rms_mm,
        ambiguous=registered.ambiguous,
        unconstrained=registered.unconstrained,
        method=registered.method,
        report=registered.report,
        created_at=now,
    )


def _deviation_map(scan: Scan, alignment: Alignment, measured: Measured, now: datetime) -> DeviationMap:
    return DeviationMap(
        id=DeviationMapId(new_id()),
        scan_id=scan.id,
        alignment_id=alignment.id,
        summary=measured.summary,
        histogram_edges_mm=measured.histogram_edges_mm,
        histogram_counts=measured.histogram_counts,
        deviations_key=measured.deviations_key,
        deviations_sha256=measured.deviations_sha256,
        pictures=measured.pictures,
        created_at=now,
    )


def measurements_of(inspection: Inspection, measured: Measured) -> list[Measurement]:
    """The inspection's characteristics as rows for trends. Only the profile has limits; the others describe.

    Of the whole part: faces are numbered anew by each CAD revision, so that a face's form has no trend by its number.
    """
    summary = measured.summary
    rule, guard = inspection.rule, uncertainty_of(summary, inspection.rule)

    def one(name: str, value: float, unit: str, lower: float | None = None, upper: float | None = None) -> Measurement:
        verdict = inspection.verdict
        if lower is not None or upper is not None:
            verdict = _verdict_on(value, lower, upper, guard)
        return Measurement(
            inspection.id, inspection.asset_id, name, value, unit, lower, upper, verdict, inspection.created_at
        )

    return [
        one("profile.lower", summary.profile_lower_mm, "mm", lower=rule.lower_mm),
        one("profile.upper", summary.profile_upper_mm, "mm", upper=rule.upper_mm),
        one("deviation.mean", summary.mean_mm, "mm"),
        one("deviation.sigma", summary.sigma_mm, "mm"),
        one("deviation.rms", summary.rms_mm, "mm"),
        one("deviation.p95", summary.p95_mm, "mm"),
        one("points.in_tolerance", summary.percent_in_tolerance, "%"),
        *([] if measured.profile_mm is None else [one("profile.minimum_zone", measured.profile_mm, "mm")]),
    ]


def _verdict_on(value: float, lower: float | None, upper: float | None, guard: float) -> Verdict:
    beyond = max(-float("inf") if lower is None else lower - value, -float("inf") if upper is None else value - upper)
    if beyond + guard <= 0:
        return Verdict.PASS
    return Verdict.FAIL if beyond - guard > 0 else Verdict.INCONCLUSIVE
