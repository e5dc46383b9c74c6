"""What a workspace owns, for the attacks on it: one thing of each type of the graph, and its global id.

In: the database and an owner of the workspace. Out: `{type name: global id}`, an interface's name too. Rows are written
as the runtime role and nothing is processed: the attacks need things that exist, not things that make sense.
"""

import datetime
from uuid import UUID

from db.caller import Caller, UserId
from db.engine import Database
from db.outbox import new_id
from db.tables.base import Base
from db.tables.inspection import (
    AlignmentRow,
    AssetRow,
    CadRevisionRow,
    DeviationBandRow,
    DeviationMapRow,
    DeviationProductRow,
    DeviationRegionRow,
    InspectionRow,
    MeasurementRow,
    QcDecisionRow,
    ScanComparisonRow,
    ScanRow,
    WorstPointRow,
)
from db.tables.twin import TwinRefRow, TwinRow, TwinVersionRow
from db.unit_of_work import UnitOfWork
from subgraphs.serving.global_ids import global_id
from subgraphs.tenancy.model import DeviceKind
from subgraphs.tenancy.service import api_keys, devices

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.UTC)
IDENTITY = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
HASH = "ab" * 32


async def furnish_workspace(database: Database, caller: Caller, label: str) -> dict[str, str]:
    """One thing of each type, named after `label`."""
    assert caller.user is not None
    async with database.begin(caller) as work:
        ids = {"Workspace": UUID(str(caller.tenant)), "User": UUID(str(caller.user))}
        ids |= await _tenancy(work, label)
        ids |= await _inspection(work, label, caller.user)
        ids |= await _twin(work, label, ids)
        ids["AuditEvent"] = await work.ledger.append(f"{label} event", ids["Part"], technical={"name": label})
        ids["Job"] = await work.outbox.job("inspection.process_scan", ids["Scan"], {})
    # Whatever its kind, an asset has one id in the graph.
    assets = {name: global_id("Asset", ids["Part"]) for name in ("Asset", "Part", "Machine", "Structure")}
    return {name: global_id(name, key) for name, key in ids.items()} | assets


async def _tenancy(work: UnitOfWork, label: str) -> dict[str, UUID]:
    kind = DeviceKind.SCANNER
    device = await devices.register(work, f"{label} scanner", kind, f"{label}-1", f"{label}-device-1", NOW)
    wanted = api_keys.NewApiKey(f"{label} key", frozenset({"scans:upload"}), None, None, f"{label}-key-1")
    made = await api_keys.create(work, wanted, NOW, lambda count: (label.encode() * count)[:count])
    return {"Device": device.id, "ApiKey": made.key.id}


async def _inspection(work: UnitOfWork, label: str, operator: UserId) -> dict[str, UUID]:
    names = ("Part", "CadRevision", "Scan", "Alignment", "DeviationMap", "Inspection", "QcDecision")
    names += ("SecondScan", "ScanComparison")
    ids = {name: new_id() for name in names}
    tenant = work.caller.tenant
    upload = {
        "file_name": f"{label}.ply",
        "size_bytes": 4,
        "sha256": HASH,
        "object_key": f"{label}/file",
        "upload_id": "none",
        "part_size_bytes": 4,
        "part_sha256s": [HASH],
        "created_at": NOW,
        "tenant_id": tenant,
        "format": "PLY",
        "unit": "MILLIMETRE",
    }
    common = {"tenant_id": tenant, "created_at": NOW}
    scanned = {"scan_id": ids["Scan"], "alignment_id": ids["Alignment"]}
    figures = dict.fromkeys(
        ("mean_mm", "sigma_mm", "rms_mm", "minimum_mm", "maximum_mm", "p95_mm", "percent_in_tolerance"), 0.0
    ) | {"profile_lower_mm": -1.0, "profile_upper_mm": 1.0, "uncertainty_mm": 0.0}
    objects = {name: f"{label}/{name}" for name in ("deviations_key", "heat_map_key", "histogram_key", "report_key")}
    await _add(
        work,
        AssetRow(
            id=ids["Part"],
            kind="PART",
            name=f"{label} part",
            serial_number=f"{label}-S1",
            location="SRID=4326;POINT(8.5 47.4)",
            idempotency_key=f"{label}-asset",
            **common,
        ),
        CadRevisionRow(
            id=ids["CadRevision"],
            name=f"{label} revision",
            accept_flaws=False,
            mesh_key=f"{label}/mesh",
            triangles=1,
            vertices=3,
            watertight=False,
            area_mm2=1.0,
            minimum_mm=[0.0, 0.0, 0.0],
            maximum_mm=[1.0, 1.0, 1.0],
            warnings=[],
            state="PROCESSED",
            idempotency_key=f"{label}-cad",
            **upload,
        ),
        ScanRow(
            id=ids["Scan"],
            asset_id=ids["Part"],
            cad_revision_id=ids["CadRevision"],
            lower_mm=-0.1,
            upper_mm=0.1,
            operator_id=operator,
            points=1,
            completed_at=NOW,
            state="PROCESSED",
            idempotency_key=f"{label}-scan",
            **upload,
        ),
        ScanRow(
            id=ids["SecondScan"],
            asset_id=ids["Part"],
            cad_revision_id=ids["CadRevision"],
            lower_mm=-0.1,
            upper_mm=0.1,
            operator_id=operator,
            points=1,
            completed_at=NOW,
            state="PROCESSED",
            idempotency_key=f"{label}-second-scan",
            **upload,
        ),
        ScanComparisonRow(
            id=ids["ScanComparison"],
            first_scan_id=ids["Scan"],
            second_scan_id=ids["SecondScan"],
            radius_mm=1.0,
            depth_mm=5.0,
            idempotency_key=f"{label}-comparison",
            state="PROCESSING",
            **common,
        ),
        AlignmentRow(
            id=ids["Alignment"],
            scan_id=ids["Scan"],
            cad_revision_id=ids["CadRevision"],
            transform=IDENTITY,
            fitness=1.0,
            rms_mm=0.0,
            ambiguous=False,
            unconstrained=[],
            method="ICP",
            **common,
        ),
        DeviationMapRow(
            id=ids["DeviationMap"],
            points=1,
            histogram_edges_mm=[-1.0, 1.0],
            histogram_counts=[1],
            deviations_sha256=HASH,
            **scanned,
            **figures,
            **objects,
            **common,
        ),
        DeviationBandRow(tenant_id=tenant, deviation_map_id=ids["DeviationMap"], position=0, points=1),
        DeviationRegionRow(
            tenant_id=tenant,
            deviation_map_id=ids["DeviationMap"],
            face=0,
            shape="PLANE",
            area_mm2=1.0,
            coverage=0.0,
            points=0,
            middle="POINT Z (0 0 0)",
        ),
        DeviationProductRow(
            tenant_id=tenant,
            deviation_map_id=ids["DeviationMap"],
            kind="SCENE",
            object_key=f"{label}/scene",
            media_type="model/gltf-binary",
            size_bytes=4,
            sha256=HASH,
        ),
        WorstPointRow(
            tenant_id=tenant,
            deviation_map_id=ids["DeviationMap"],
            rank=0,
            location="POINT Z (0 0 0)",
            deviation_mm=0.3,
        ),
        InspectionRow(
            id=ids["Inspection"],
            asset_id=ids["Part"],
            cad_revision_id=ids["CadRevision"],
            deviation_map_id=ids["DeviationMap"],
            lower_mm=-0.1,
            upper_mm=0.1,
            verdict="INCONCLUSIVE",
            **scanned,
            **common,
        ),
        QcDecisionRow(
            id=ids["QcDecision"],
            tenant_id=tenant,
            inspection_id=ids["Inspection"],
            operator_id=operator,
            verdict="INCONCLUSIVE",
            decided_by="RULE",
            reason=label,
            record="{}",
            record_hash=HASH,
            decided_at=NOW,
            **scanned,
        ),
        MeasurementRow(
            tenant_id=tenant,
            inspection_id=ids["Inspection"],
            characteristic="profile",
            asset_id=ids["Part"],
            value=0.3,
            unit="mm",
            verdict="FAIL",
            measured_at=NOW,
        ),
    )
    del ids["SecondScan"]
    return ids


async def _twin(work: UnitOfWork, label: str, ids: dict[str, UUID]) -> dict[str, UUID]:
    twin, version, tenant = new_id(), new_id(), work.caller.tenant
    await _add(
        work,
        TwinRow(tenant_id=tenant, id=twin, asset_id=ids["Part"], created_at=NOW),
        TwinVersionRow(
            tenant_id=tenant,
            id=version,
            twin_id=twin,
            content='{"elements":[]}',
            content_hash=HASH,
            message=label,
            author_id=ids["User"],
            idempotency_key=f"{label}-version",
            scan_id=ids["Scan"],
            alignment_id=ids["Alignment"],
            inspection_id=ids["Inspection"],
            decision_id=ids["QcDecision"],
            created_at=NOW,
        ),
        TwinRefRow(tenant_id=tenant, twin_id=twin, name="main", head_id=version, moved_at=NOW),
    )
    return {"Twin": twin, "TwinVersion": version}


async def _add(work: UnitOfWork, *rows: Base) -> None:
    # One by one: the rows name each other, in this order.
    for row in rows:
        work.session.add(row)
        await work.session.flush()
