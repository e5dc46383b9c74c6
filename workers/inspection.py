"""Jobs of inspection: import a CAD file, process a scan.

In: a run. Out: one commit that holds the outcome and the job's end, after every object that it names is in the store.
What is wrong with a file is a refusal: the file is quarantined with the reason, in the commit that fails the job.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from db import job_pieces, jobs
from db.unit_of_work import UnitOfWork
from kernels.errors import KernelError
from subgraphs.inspection.jobs import IMPORT_CAD, PROCESS_SCAN
from subgraphs.inspection.model import (
    CadRevision,
    CadRevisionId,
    Fault,
    LengthUnit,
    Pictures,
    Product,
    Scan,
    ScanId,
    Sha256Hex,
    UploadState,
)
from subgraphs.inspection.service import results
from workers import meshes
from workers.actor import Handler, JobProblem, JobRefused, NotYet, Run
from workers.clouds.flow import LargeScan
from workers.clouds.pieces import Sizes
from workers.errors import FileProblem
from workers.files import fetched
from workers.measuring import Measuring, measure, measured_values
from workers.meshes import NominalMesh
from workers.readers import units
from workers.readers.pieces import open_pieces
from workers.readers.read_cad import read_cad
from workers.readers.read_scan import read_scan
from workers.readers.values import CadMesh, ScanCloud
from workers.refusals import corrected, refusals
from workers.report_names import names_on_reports
from workers.reporting import Drawn, Made, Subject, draw

SIZES: Final = Sizes()
WAIT_FOR_CAD_S: Final = 5.0
LOOK_EVERY_S: Final = 0.1
# A worker has two jobs at a time, but the memory for the pieces of one large scan.
_ONE_LARGE_SCAN: Final = asyncio.Lock()


async def import_cad(run: Run) -> None:
    """Read the file, keep its shape as a mesh in millimetres, accept the revision."""
    id = CadRevisionId(run.lease.subject_id)
    async with run.database.begin(run.caller) as work:
        revision = await results.read_cad_revision(work, id)
    if revision.state is not UploadState.PROCESSING:
        return await _finish_without_change(run)
    async with fetched(run, revision.file, revision.format) as path:
        await run.report(0, 1, "file", "read")
        with refusals(corrected("CAD file")):
            mesh: CadMesh = await asyncio.to_thread(
                read_cad, path, _unit(revision.unit), accept_flaws=revision.accept_flaws
            )
    mesh_key = f"cad/{id}/mesh.npz"
    await run.report(0, 1, "file", "store")
    await run.blobs.put(run.caller, mesh_key, await asyncio.to_thread(_packed, mesh))
    warnings = [finding.message for finding in mesh.warnings]
    async with run.database.begin(run.caller) as work:
        await results.accept_cad_revision(work, revision, mesh_key, meshes.facts_of(mesh), warnings)
        await jobs.finish(work, run.lease, {"cadRevision": str(id)})


def _packed(mesh: CadMesh) -> bytes:
    return meshes.packed(meshes.nominal(mesh))


@dataclass(frozen=True, eq=False)
class _Found:
    """What was measured, and the object that holds all deviations or names those that do."""

    measuring: Measuring
    deviations_name: str
    deviations: bytes
    leftovers: tuple[str, ...] = ()


async def process_scan(run: Run, sizes: Sizes = SIZES) -> None:
    """Hash, read, register, measure, draw, store, judge. A scan of more than `sizes.large` points goes by pieces."""
    async with run.database.begin(run.caller) as work:
        scan = await results.read_scan(work, ScanId(run.lease.subject_id))
        asset = await results.read_asset(work, scan.asset_id)
        workspace, operator = await names_on_reports(work, scan.operator_id)
    if scan.state is not UploadState.PROCESSING:
        return await _finish_without_change(run)
    cad = await _ready_cad(run, scan.cad_revision_id)
    now = datetime.datetime.now(datetime.UTC)
    assert cad.mesh_key is not None
    mesh = meshes.unpacked(await run.blobs.get(run.caller, cad.mesh_key))
    large = LargeScan(run, scan, sizes)
    with refusals(corrected("scan")):
        try:
            found = await _found(large, mesh)
        except (FileProblem, KernelError):
            await large.abandon()
            raise
    await run.report(0, 3, "pictures", "draw")
    subject = Subject(workspace, operator, asset, scan, cad, now)
    drawn = await asyncio.to_thread(draw, subject, mesh, found.measuring)
    await run.report(0, 5, "objects", "store")
    pictures, deviations_key, deviations_sha256 = await _stored(run, scan, found, drawn)
    products = await _stored_products(run, scan, drawn.made)
    measured = measured_values(found.measuring, scan.rule, deviations_key, deviations_sha256, pictures, products)
    async with run.database.begin(run.caller) as work:
        inspection = await results.record_measured_scan(work, scan, cad, measured, now)
        await job_pieces.forget(work, run.lease)
        await jobs.finish(work, run.lease, {"scan": str(scan.id), "inspection": str(inspection.id)})
    await large.drop(found.leftovers)


async def _found(large: LargeScan, mesh: NominalMesh) -> _Found:
    """Measured whole, or by pieces where an earlier attempt began so or the file is a large one."""
    run, scan = large.run, large.scan
    plan = await large.plan()
    if plan is None or not await large.is_decoded(plan):
        async with fetched(run, scan.file, scan.format) as path:
            await run.report(0, 1, "file", "read")
            pieces = await asyncio.to_thread(open_pieces, path, _unit(scan.unit))
            if pieces is None or pieces.rows.count <= large.sizes.large:
                cloud: ScanCloud = await asyncio.to_thread(read_scan, path, _unit(scan.unit))
                measuring = await _measured(run, scan, mesh, cloud)
                return _Found(measuring, "deviations.npy", await asyncio.to_thread(_npy, measuring.deviations_mm))
            async with _ONE_LARGE_SCAN:
                plan = plan or await large.opened(pieces)
                await large.decode(plan, pieces)
    async with _ONE_LARGE_SCAN:
        told = await large.measured(plan, mesh)
    return _Found(told.measuring, "cloud.json", told.index, told.leftovers)


async def _measured(run: Run, scan: Scan, mesh: NominalMesh, cloud: ScanCloud) -> Measuring:
    """Registered and measured in a thread, which tells its stages to this loop."""
    loop = asyncio.get_running_loop()

    def tell(stage: str) -> None:
        asyncio.run_coroutine_threadsafe(run.report(0, len(cloud.points_mm), "points", stage), loop).result()

    return await asyncio.to_thread(measure, scan, mesh, cloud, tell)


async def _stored(run: Run, scan: Scan, found: _Found, drawn: Drawn) -> tuple[Pictures, str, Sha256Hex]:
    """Every object of the result, under keys that a second attempt writes again."""
    body = found.deviations
    deviations_key = f"scans/{scan.id}/{found.deviations_name}"
    pictures = Pictures(
        f"scans/{scan.id}/heat-map.png", f"scans/{scan.id}/histogram.png", f"scans/{scan.id}/report.pdf"
    )
    await asyncio.gather(
        run.blobs.put(run.caller, deviations_key, body),
        run.blobs.put(run.caller, pictures.heat_map_key, drawn.heat_map_png, "image/png"),
        run.blobs.put(run.caller, pictures.histogram_key, drawn.histogram_png, "image/png"),
        run.blobs.put(run.caller, pictures.report_key, drawn.report_pdf, "application/pdf"),
    )
    return pictures, deviations_key, Sha256Hex(hashlib.sha256(body).hexdigest())


async def _stored_products(run: Run, scan: Scan, made: Sequence[Made]) -> tuple[Product, ...]:
    products = [
        Product(
            kind=each.kind,
            object_key=f"scans/{scan.id}/{each.file_name}",
            media_type=each.media_type,
            size_bytes=len(each.body),
            sha256=Sha256Hex(hashlib.sha256(each.body).hexdigest()),
        )
        for each in made
    ]
    await asyncio.gather(
        *(
            run.blobs.put(run.caller, product.object_key, each.body, product.media_type)
            for product, each in zip(products, made, strict=True)
        )
    )
    return tuple(products)


def _npy(deviations_mm: NDArray[np.float64]) -> bytes:
    """In float32: a thousandth of a micrometre at the size of a hand, half the bytes."""
    file = io.BytesIO()
    np.save(file, deviations_mm.astype(np.float32))
    return file.getvalue()


async def _ready_cad(run: Run, id: CadRevisionId) -> CadRevision:
    """The CAD revision once it is imported. Its job runs beside this one and rarely takes long."""
    until = asyncio.get_running_loop().time() + WAIT_FOR_CAD_S
    while True:
        async with run.database.begin(run.caller) as work:
            cad = await results.read_cad_revision(work, id)
        match cad.state:
            case UploadState.PROCESSED:
                return cad
            case UploadState.QUARANTINED:
                reason = cad.fault.message if cad.fault else "It was refused."
                raise JobRefused(
                    JobProblem(
                        "CAD_NOT_READY",
                        f"The CAD revision {cad.name} cannot be measured against. {reason}",
                        "Upload a corrected CAD file, then the scan again for that revision.",
                    )
                )
            case _ if asyncio.get_running_loop().time() > until:
                raise NotYet("The CAD revision is still being imported.")
            case _:
                await asyncio.sleep(LOOK_EVERY_S)


async def _finish_without_change(run: Run) -> None:
    """An earlier attempt, or an earlier job, has done it: only the job is left to end."""
    async with run.database.begin(run.caller) as work:
        await jobs.finish(work, run.lease, {})


def _unit(unit: LengthUnit | None) -> units.LengthUnit | None:
    return None if unit is None else units.LengthUnit[unit.name]


async def give_up_cad(work: UnitOfWork, id: UUID, problem: JobProblem) -> None:
    revision = await results.read_cad_revision(work, CadRevisionId(id))
    if revision.state is UploadState.PROCESSING:
        await results.quarantine_cad_revision(work, revision, _fault(problem))


async def give_up_scan(work: UnitOfWork, id: UUID, problem: JobProblem) -> None:
    scan = await results.read_scan(work, ScanId(id))
    if scan.state is UploadState.PROCESSING:
        await results.quarantine_scan(work, scan, _fault(problem))


def _fault(problem: JobProblem) -> Fault:
    return Fault(problem.code, problem.message, problem.remedy)


HANDLERS = {
    IMPORT_CAD: Handler(import_cad, give_up_cad),
    PROCESS_SCAN: Handler(process_scan, give_up_scan),
}
