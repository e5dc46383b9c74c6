"""The rules without I/O: which moves are allowed, what an upload must promise, and how a verdict is reached.

In: values of the model. Out: a value, or a refusal of `errors`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import rfc8785

from db.caller import Caller
from subgraphs.inspection.alignment import AlignmentRequest, Transform
from subgraphs.inspection.errors import PartsMismatch
from subgraphs.inspection.model import (
    DecidedBy,
    DeviationSummary,
    Evidence,
    Place,
    Sha256Hex,
    ToleranceRule,
    Verdict,
)
from subgraphs.serving.errors import BadInput, Forbidden
from subgraphs.serving.roles import Scope


class DecisionZone(StrEnum):
    """Where a measured value lies by ISO 14253-1."""

    ACCEPTANCE = "ACCEPTANCE"
    UNCERTAINTY = "UNCERTAINTY"
    REJECTION = "REJECTION"


@dataclass(frozen=True, slots=True)
class Conformity:
    """A measured profile against its limits under ISO 14253-1. `acceptance_mm` None: U leaves no acceptance zone."""

    zone: DecisionZone
    guard_band_mm: float
    acceptance_mm: tuple[float, float] | None
    rejection_below_mm: float
    rejection_above_mm: float


MIB = 1024 * 1024
SMALLEST_PART_BYTES = 5 * MIB  # the object store's own limit for every part but the last
LARGEST_PART_BYTES = 512 * MIB
MOST_PARTS = 10_000
MOST_DATUMS = 3
FEWEST_REFERENCE_POINTS, MOST_REFERENCE_POINTS = 6, 100
LONGEST_LABEL = 40
ZONE_OF_VERDICT = {
    Verdict.PASS: DecisionZone.ACCEPTANCE,
    Verdict.FAIL: DecisionZone.REJECTION,
    Verdict.INCONCLUSIVE: DecisionZone.UNCERTAINTY,
}
LARGEST_FILE_BYTES = 200 * 1024 * MIB


def require_scope(caller: Caller, scope: Scope) -> None:
    if scope not in caller.scopes:
        raise Forbidden(scope)


def require_name(text: str, field: str, longest: int = 200) -> None:
    """A person's text: something in it, not too long, nothing that cannot be printed."""
    if not text.strip() or len(text) > longest or not all(c.isprintable() or c == "\n" for c in text):
        raise BadInput(f"{field} needs 1 to {longest} printable characters.", ("input", field))


def require_place(place: Place) -> None:
    if not (-180 <= place.longitude <= 180 and -90 <= place.latitude <= 90):
        raise BadInput("A place lies within 180 degrees of longitude and 90 of latitude.", ("input", "place"))


def require_parts_plan(size_bytes: int, part_size_bytes: int, part_sha256s: tuple[Sha256Hex, ...]) -> None:
    """An upload's parts must be of a size that the store takes, and exactly as many as the file needs."""
    if not 0 < size_bytes <= LARGEST_FILE_BYTES:
        raise BadInput(
            f"A file has between 1 byte and {LARGEST_FILE_BYTES // MIB} MiB; this one says {size_bytes} bytes.",
            ("input", "sizeBytes"),
        )
    if not SMALLEST_PART_BYTES <= part_size_bytes <= LARGEST_PART_BYTES:
        raise BadInput(
            f"Parts are between {SMALLEST_PART_BYTES} and {LARGEST_PART_BYTES} bytes.", ("input", "partSizeBytes")
        )
    parts = math.ceil(size_bytes / part_size_bytes)
    if parts > MOST_PARTS:
        raise BadInput(f"{parts} parts are more than {MOST_PARTS}; use larger parts.", ("input", "partSizeBytes"))
    if len(part_sha256s) != parts:
        raise PartsMismatch(
            f"{size_bytes} bytes in parts of {part_size_bytes} are {parts} parts; {len(part_sha256s)} checksums came.",
            ("input", "partSha256s"),
        )


def require_tolerance(rule: ToleranceRule) -> None:
    numbers = [rule.lower_mm, rule.upper_mm, rule.uncertainty_mm or 0.0]
    if not all(map(math.isfinite, numbers)):
        raise BadInput("Tolerances are finite numbers.", ("input", "tolerance"))
    if not rule.lower_mm < rule.upper_mm:
        raise BadInput("The lower limit must lie below the upper one.", ("input", "tolerance"))
    if rule.uncertainty_mm is not None and not rule.uncertainty_mm >= 0.0:
        raise BadInput("An uncertainty is not negative.", ("input", "tolerance", "uncertaintyMm"))


def require_rigid(transform: Transform, *field: str) -> None:
    """A pose moves and turns; it neither scales nor mirrors."""
    if len(transform) != 16 or not all(map(math.isfinite, transform)):
        raise BadInput("A pose is sixteen finite numbers, row by row.", ("input", *field))
    rows = [transform[4 * i : 4 * i + 3] for i in range(3)]
    products = [sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) for i in range(3) for j in range(i, 3)]
    (a, b, c), (d, e, f), (g, h, i) = rows
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    is_rotation = all(abs(p - want) < 1e-6 for p, want in zip(products, (1, 0, 0, 1, 0, 1), strict=True))
    if not is_rotation or determinant < 0 or transform[12:] != (0.0, 0.0, 0.0, 1.0):
        raise BadInput("A pose only moves and turns: no scale, no mirror, last row 0 0 0 1.", ("input", *field))


def require_alignment(asked: AlignmentRequest) -> None:
    """One way to hold the part, and enough said of it. Whether that holds it is told once the CAD is read."""
    field = ("input", "alignment")
    if sum(map(bool, (asked.locked, asked.datums, asked.reference_points))) != 1:
        raise BadInput(
            "An alignment has locked degrees, datums or reference points, one of the three; leave it out for a best "
            "fit of the whole scan.",
            field,
        )
    if len(set(asked.locked)) < len(asked.locked):
        raise BadInput("Name each locked degree once.", (*field, "lockedDegrees"))
    if asked.lock_frame is not None:
        if not asked.locked:
            raise BadInput("A frame is that of locked degrees: name some, or leave it out.", (*field, "lockFrame"))
        require_rigid(asked.lock_frame, "alignment", "lockFrame")
    if len(asked.datums) > MOST_DATUMS:
        raise BadInput(
            "A datum reference frame has up to three datums: primary, secondary, tertiary.", (*field, "datums")
        )
    _require_labels([datum.label for datum in asked.datums], "datums")
    _require_reference_points(asked)


def _require_reference_points(asked: AlignmentRequest) -> None:
    field, points = ("input", "alignment", "referencePoints"), asked.reference_points
    if points and not FEWEST_REFERENCE_POINTS <= len(points) <= MOST_REFERENCE_POINTS:
        raise BadInput(
            f"A part is held by {FEWEST_REFERENCE_POINTS} reference points (three, two and one) or up to "
            f"{MOST_REFERENCE_POINTS}; {len(points)} came.",
            field,
        )
    _require_labels([point.name for point in points], "referencePoints")
    for point in points:
        if not any(point.direction):
            raise BadInput(f"The direction of {point.name} has no length.", field)
    radius = asked.reference_radius_mm
    if radius is not None and not (points and math.isfinite(radius) and radius > 0):
        raise BadInput(
            "The radius is of the patches around reference points, and more than 0 mm.",
            ("input", "alignment", "referenceRadiusMm"),
        )


def _require_labels(labels: list[str], field: str) -> None:
    for label in labels:
        if not label.strip() or len(label) > LONGEST_LABEL or not label.isprintable():
            raise BadInput(f"A name has 1 to {LONGEST_LABEL} printable characters.", ("input", "alignment", field))
    if len(set(labels)) < len(labels):
        raise BadInput("Give each a name of its own.", ("input", "alignment", field))


def verdict_of(summary: DeviationSummary, rule: ToleranceRule) -> Verdict:
    """ISO 14253-1: conformity is proven inside the zone less U, non-conformity outside the zone plus U.

    The measured quantity is the surface profile: the lowest and highest local deviation, not single points, so one
    stray does not fail a part and a small bulge does not drown in a million good points.
    """
    return verdict_between(summary.profile_lower_mm, summary.profile_upper_mm, uncertainty_of(summary, rule), rule)


def verdict_between(low: float, high: float, guard: float, rule: ToleranceRule) -> Verdict:
    """Of a lowest and a highest deviation, millimetres."""
    if low - guard >= rule.lower_mm and high + guard <= rule.upper_mm:
        return Verdict.PASS
    if low + guard < rule.lower_mm or high - guard > rule.upper_mm:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE


def conformity_of(summary: DeviationSummary, rule: ToleranceRule) -> Conformity:
    """The zones that the limits and the uncertainty make, and in which of them the measured profile lies.

    The guard band is the whole expanded uncertainty, not the 83 % of it that ISO 14253-1 asks for by default: a profile
    is the worst of thousands of places.
    """
    guard = uncertainty_of(summary, rule)
    lower, upper = rule.lower_mm + guard, rule.upper_mm - guard
    return Conformity(
        zone=ZONE_OF_VERDICT[verdict_of(summary, rule)],
        guard_band_mm=guard,
        acceptance_mm=(lower, upper) if lower <= upper else None,
        rejection_below_mm=rule.lower_mm - guard,
        rejection_above_mm=rule.upper_mm + guard,
    )


def uncertainty_of(summary: DeviationSummary, rule: ToleranceRule) -> float:
    return summary.uncertainty_mm if rule.uncertainty_mm is None else rule.uncertainty_mm


def reason_for(verdict: Verdict, summary: DeviationSummary, rule: ToleranceRule, ambiguous: bool) -> str:
    guard = uncertainty_of(summary, rule)
    said = {
        Verdict.PASS: "lies inside the tolerance even after its uncertainty is taken off",
        Verdict.FAIL: "lies outside the tolerance by more than its uncertainty",
        Verdict.INCONCLUSIVE: "lies in the uncertainty zone of a limit: measure with less, or let an operator decide",
    }[verdict]
    text = (
        f"Surface profile {summary.profile_lower_mm:+.3f} to {summary.profile_upper_mm:+.3f} mm "
        f"(tolerance {rule.lower_mm:+.3f} to {rule.upper_mm:+.3f} mm, U = {guard:.3f} mm) {said}."
    )
    if ambiguous:
        text += " The scan fits in more than one pose, so places on the part may be swapped with their twins."
    return text


def decision_record(
    tenant: UUID,
    evidence: Evidence,
    decided_by: DecidedBy,
    operator_id: UUID,
    reason: str,
    supersedes: UUID | None,
    decided_at: datetime,
) -> tuple[str, Sha256Hex]:
    """The decision as canonical JSON (RFC 8785) and its SHA-256: what the audit log can prove."""
    scan, cad, alignment = evidence.scan, evidence.cad, evidence.alignment
    measured, inspection = evidence.deviation_map, evidence.inspection
    summary = measured.summary
    rule = scan.rule
    record: dict[str, Any] = {
        "v": 1,
        "tenant": str(tenant),
        "inspection": str(inspection.id),
        "asset": str(scan.asset_id),
        "scan": {"id": str(scan.id), "sha256": scan.file.sha256},
        "cad": {"id": str(cad.id), "sha256": cad.file.sha256},
        "alignment": {
            "id": str(alignment.id),
            "transform": list(alignment.transform),
            "rmsMm": alignment.rms_mm,
            **({} if scan.alignment is None else {"heldBy": msgspec.to_builtins(scan.alignment)}),
        },
        "deviations": {
            "sha256": measured.deviations_sha256,
            "points": summary.points,
            "profileMm": [summary.profile_lower_mm, summary.profile_upper_mm],
            "percentInTolerance": summary.percent_in_tolerance,
        },
        "rule": {
            "standard": "ISO 14253-1",
            "lowerMm": rule.lower_mm,
            "upperMm": rule.upper_mm,
            "uncertaintyMm": uncertainty_of(summary, rule),
            "uncertaintyFrom": "scan" if rule.uncertainty_mm is None else "caller",
        },
        "verdict": inspection.verdict.value,
        "decidedBy": decided_by.value,
        "operator": str(operator_id),
        "reason": reason,
        "supersedes": str(supersedes) if supersedes else None,
        "decidedAt": decided_at.isoformat(),
    }
    canonical = rfc8785.dumps(record)
    return canonical.decode(), Sha256Hex(hashlib.sha256(canonical).hexdigest())
