"""Compare two scans of one thing: asked by a person, answered or refused by a worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.errors import IllegalMove, ScansNotComparable
from subgraphs.inspection.jobs import COMPARE_SCANS, CompareScans
from subgraphs.inspection.model import (
    Alignment,
    Changes,
    ComparisonId,
    Fault,
    Scan,
    ScanComparison,
    ScanId,
    UploadState,
)
from subgraphs.inspection.policy import require_name, require_scope
from subgraphs.inspection.repository import comparisons, results, uploads
from subgraphs.serving.errors import BadInput, Conflict, NotFound
from subgraphs.serving.roles import Scope

LARGEST_MM = 100_000.0
LARGEST_RADIUS = 0.1
"""Of the part's diagonal: a wider cylinder averages the part away."""
DEEPEST = 50.0
"""In radii: a cylinder is walked in steps of one."""


@dataclass(frozen=True)
class Asked:
    first: ScanId
    second: ScanId
    radius_mm: float
    depth_mm: float
    registration_error_mm: float | None
    idempotency_key: str


async def compare_scans(work: UnitOfWork, asked: Asked, now: datetime) -> ScanComparison:
    """A new comparison, queued; with the key of an earlier call, the comparison that call asked for."""
    require_scope(work.caller, Scope.INSPECTIONS_READ)
    require_scope(work.caller, Scope.SCANS_UPLOAD)
    _check(asked)
    found = await uploads.scans_by_id(work, [asked.first, asked.second])
    first, second = _found(found, asked.first, "firstScanId"), _found(found, asked.second, "secondScanId")
    _require_alike(first, second)
    await _require_one_pose(work, first, second)
    await _require_small(work, asked, first)
    comparison = ScanComparison(
        id=ComparisonId(new_id()),
        first_scan_id=first.id,
        second_scan_id=second.id,
        radius_mm=asked.radius_mm,
        depth_mm=asked.depth_mm,
        registration_error_mm=asked.registration_error_mm,
        state=UploadState.PROCESSING,
        fault=None,
        changes=None,
        job_id=None,
        created_at=now,
    )
    if not await comparisons.insert_comparison(work, comparison, asked.idempotency_key):
        return await _earlier(work, asked)
    job = await work.outbox.job(COMPARE_SCANS, comparison.id, CompareScans(str(comparison.id)))
    await comparisons.set_job(work, comparison.id, job)
    return replace(comparison, job_id=job)


async def read_comparison(work: UnitOfWork, id: ComparisonId) -> ScanComparison:
    found = (await comparisons.comparisons_by_id(work, [id])).get(id)
    if found is None:
        raise NotFound("comparison")
    return found


async def answer_comparison(work: UnitOfWork, comparison: ScanComparison, changes: Changes) -> None:
    if not await comparisons.answer(work, comparison.id, changes):
        raise IllegalMove("comparison", comparison.state.value, "PROCESSED")


async def refuse_comparison(work: UnitOfWork, comparison: ScanComparison, fault: Fault) -> None:
    if not await comparisons.refuse(work, comparison.id, fault):
        raise IllegalMove("comparison", comparison.state.value, "QUARANTINED")


def _check(asked: Asked) -> None:
    require_name(asked.idempotency_key, "idempotencyKey")
    for field, length in (("radiusMm", asked.radius_mm), ("depthMm", asked.depth_mm)):
        if not 0 < length <= LARGEST_MM:
            raise BadInput(f"This length is more than 0 and up to {LARGEST_MM:g} mm.", ("input", field))
    if asked.depth_mm > DEEPEST * asked.radius_mm:
        deepest = DEEPEST * asked.radius_mm
        raise BadInput(f"The depth is up to {DEEPEST:g} radii: {deepest:g} mm at this radius.", ("input", "depthMm"))
    error = asked.registration_error_mm
    if error is not None and not 0 <= error <= LARGEST_MM:
        raise BadInput(f"A registration error is from 0 to {LARGEST_MM:g} mm.", ("input", "registrationErrorMm"))


def _found(scans: dict[ScanId, Scan], id: ScanId, field: str) -> Scan:
    if id not in scans:
        raise NotFound("scan", ("input", field))
    return scans[id]


def _require_alike(first: Scan, second: Scan) -> None:
    if first.id == second.id:
        raise BadInput("A scan cannot be compared with itself.", ("input", "secondScanId"))
    if (first.asset_id, first.cad_revision_id) != (second.asset_id, second.cad_revision_id):
        raise ScansNotComparable("The scans are of different assets or CAD revisions, and so in different frames.")
    if first.alignment != second.alignment:
        raise ScansNotComparable(
            "The scans are held by different things (alignment), and so lie in different frames. Upload them again, "
            "both with the same alignment."
        )
    if {first.state, second.state} != {UploadState.PROCESSED}:
        raise ScansNotComparable("Both scans have to be processed first.")


async def _require_one_pose(work: UnitOfWork, *scans: Scan) -> None:
    """Each scan was laid on the CAD by itself: only where one pose fits do both show a place of the part as one place.

    What the surface does not hold stays free under a start pose too.
    """
    for scan, alignment in zip(scans, await _alignments(work, scans), strict=True):
        if alignment.ambiguous:
            raise ScansNotComparable(
                f"Scan {scan.file.name} fits its CAD in several poses alike, so that its places cannot be told apart. "
                "Scan more of what tells them apart, or upload both scans with a start pose (poseHint)."
            )
        if alignment.unconstrained:
            free = ", ".join(alignment.unconstrained)
            raise ScansNotComparable(
                f"Scan {scan.file.name} does not fix where it lies on its CAD (free: {free}), so that its places "
                "cannot be told apart. Scan more of the part: what holds this motion."
            )


async def _alignments(work: UnitOfWork, scans: Sequence[Scan]) -> list[Alignment]:
    inspections = await results.inspections_by_scan(work, [scan.id for scan in scans])
    ids = [inspections[scan.id].alignment_id for scan in scans]
    found = await results.alignments_by_id(work, ids)
    return [found[id] for id in ids]


async def _require_small(work: UnitOfWork, asked: Asked, scan: Scan) -> None:
    facts = (await uploads.cad_revisions_by_id(work, [scan.cad_revision_id]))[scan.cad_revision_id].facts
    assert facts is not None
    largest = LARGEST_RADIUS * math.dist(facts.minimum_mm, facts.maximum_mm)
    if asked.radius_mm > largest:
        raise BadInput(
            f"The radius is up to a tenth of the part's diagonal: {largest:.4g} mm here.", ("input", "radiusMm")
        )


async def _earlier(work: UnitOfWork, asked: Asked) -> ScanComparison:
    earlier = await comparisons.comparison_by_idempotency_key(work, asked.idempotency_key)
    assert earlier is not None
    then = Asked(
        earlier.first_scan_id,
        earlier.second_scan_id,
        earlier.radius_mm,
        earlier.depth_mm,
        earlier.registration_error_mm,
        asked.idempotency_key,
    )
    if then != asked:
        raise Conflict("This idempotency key made another comparison; use a new key.", ("input", "idempotencyKey"))
    return earlier
