"""Jobs that inspection asks for: their kinds and what each is told. Ids travel as text; the subject is the key."""

from __future__ import annotations

from msgspec import Struct

IMPORT_CAD = "inspection.import_cad"
PROCESS_SCAN = "inspection.process_scan"
COMPARE_SCANS = "inspection.compare_scans"
RECORD_INSPECTION = "twin.record_inspection"


class ImportCad(Struct, frozen=True):
    cad_revision_id: str


class ProcessScan(Struct, frozen=True):
    scan_id: str


class CompareScans(Struct, frozen=True):
    comparison_id: str


class RecordInspection(Struct, frozen=True):
    """All that a twin version says of one decision: twins never read inspection's tables."""

    asset_id: str
    cad_revision_id: str
    scan_id: str
    alignment_id: str
    inspection_id: str
    decision_id: str
    operator_id: str
    verdict: str
    cad_sha256: str
    scan_sha256: str
    deviations_sha256: str
    record_hash: str
    transform: tuple[float, ...]
