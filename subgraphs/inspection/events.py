"""Events that inspection tells others of, by topic. The envelope (cursor, time) is the outbox's."""

from __future__ import annotations

from msgspec import Struct

SCAN_TOPIC = "scan"  # keyed by the asset
SCAN_PROCESSED = "ScanProcessed"
SCAN_QUARANTINED = "ScanQuarantined"

JOB_TOPIC = "job"  # keyed by the job; written by the workers
JOB_PROGRESSED = "JobProgressed"


class ScanFinished(Struct, frozen=True):
    """Payload of ScanProcessed and ScanQuarantined; the inspection is null for a quarantined scan."""

    asset_id: str
    scan_id: str
    inspection_id: str | None
    verdict: str | None
