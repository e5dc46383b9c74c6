"""Jobs that twin does: `twin.record_inspection` is asked for by whoever decides inspections, and told this."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

RECORD_INSPECTION = "twin.record_inspection"


class RecordInspection(Struct, frozen=True):
    asset_id: UUID
    cad_revision_id: UUID
    scan_id: UUID
    alignment_id: UUID
    inspection_id: UUID
    decision_id: UUID
    operator_id: UUID
    verdict: str
    cad_sha256: str
    scan_sha256: str
    deviations_sha256: str
    record_hash: str
    transform: tuple[float, ...]
