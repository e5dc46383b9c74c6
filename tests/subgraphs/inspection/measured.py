"""A scan's outcome without a scanner: what a worker would have found, written as a worker writes it."""

import datetime
from dataclasses import replace
from uuid import UUID

from db.caller import Caller, TenantId
from db.engine import Database
from subgraphs.inspection.model import (
    Band,
    CadRevisionId,
    DeviationSummary,
    FaceShape,
    Fault,
    Inspection,
    MeshFacts,
    Pictures,
    Product,
    ProductKind,
    RegionFigures,
    RegionResult,
    ScanId,
    Sha256Hex,
    Verdict,
    WorstPoint,
)
from subgraphs.inspection.service import results
from subgraphs.serving.global_ids import key_of

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
FACTS = MeshFacts(12, 8, True, 2200.0, (0.0, 0.0, 0.0), (30.0, 20.0, 10.0))
SUMMARY = DeviationSummary(
    points=1000,
    mean_mm=0.001,
    sigma_mm=0.02,
    rms_mm=0.02,
    minimum_mm=-0.1,
    maximum_mm=0.12,
    p95_mm=0.04,
    percent_in_tolerance=100.0,
    profile_lower_mm=-0.03,
    profile_upper_mm=0.04,
    uncertainty_mm=0.01,
    strays=7,
    robust_sigma_mm=0.019,
    p025_mm=-0.038,
    p975_mm=0.041,
    effective_points=420.5,
)
FIGURES = RegionFigures(0.001, 0.02, 0.02, 0.019, -0.038, 0.041, 99.5, -0.03, 0.04, 0.01)
REGIONS = (
    RegionResult(0, FaceShape.PLANE, 900.0, 1.0, 600, (1.0, 2.0, 3.0), FIGURES, Verdict.PASS, 0.013, None, 0.01),
    RegionResult(1, FaceShape.CYLINDER, 500.0, 0.8, 400, (4.0, 5.0, 6.0), FIGURES, Verdict.PASS, 0.017, 0.05, 0.01),
    RegionResult(2, FaceShape.FREEFORM, 100.0, 0.0, 0, (7.0, 8.0, 9.0), None, None, None, None, None),
)
SUMMARIES = {
    "PASS": SUMMARY,
    "FAIL": replace(SUMMARY, profile_upper_mm=0.3, maximum_mm=0.34, percent_in_tolerance=98.5),
    "INCONCLUSIVE": replace(SUMMARY, profile_upper_mm=0.205),
}
IDENTITY = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)
REGISTERED = results.Registered(IDENTITY, 0.99, 0.02, False, (), "test")


def worker(tenant: UUID) -> Caller:
    return Caller(TenantId(tenant), None, frozenset({"worker"}), frozenset(), "worker:test")


def measured(summary: DeviationSummary) -> results.Measured:
    return results.Measured(
        points=summary.points,
        registered=REGISTERED,
        summary=summary,
        bands=(Band(None, -0.2, 0), Band(-0.2, 0.2, 985), Band(0.2, None, 15)),
        worst=tuple(WorstPoint(rank, (float(rank), 5.0, 5.0), 0.3 - rank / 100) for rank in range(1, 6)),
        histogram_edges_mm=(-0.2, 0.0, 0.2),
        histogram_counts=(480, 520),
        deviations_key="scans/test/deviations.npy",
        deviations_sha256=Sha256Hex("d" * 64),
        pictures=Pictures("scans/test/heat-map.png", "scans/test/histogram.png", "scans/test/report.pdf"),
        regions=REGIONS,
        products=(Product(ProductKind.SCENE, "scans/test/scene.glb", "model/gltf-binary", 1234, Sha256Hex("e" * 64)),),
        profile_mm=0.07,
    )


async def accept_cad(database: Database, tenant: UUID, cad: str) -> None:
    async with database.begin(worker(tenant)) as work:
        revision = await results.read_cad_revision(work, CadRevisionId(key_of(cad, "CadRevision")))
        await results.accept_cad_revision(work, revision, f"cad/{revision.id}/mesh.npz", FACTS, ["one flaw"])


async def judge(
    database: Database,
    tenant: UUID,
    scan: str,
    verdict: str,
    now: datetime.datetime = NOW,
    registered: results.Registered = REGISTERED,
) -> Inspection:
    async with database.begin(worker(tenant)) as work:
        row = await results.read_scan(work, ScanId(key_of(scan, "Scan")))
        cad = await results.read_cad_revision(work, row.cad_revision_id)
        found = replace(measured(SUMMARIES[verdict]), registered=registered)
        return await results.record_measured_scan(work, row, cad, found, now)


async def quarantine(database: Database, tenant: UUID, scan: str) -> None:
    async with database.begin(worker(tenant)) as work:
        row = await results.read_scan(work, ScanId(key_of(scan, "Scan")))
        await results.quarantine_scan(work, row, Fault("CLOUD_EMPTY", "No points.", "Scan again."))
