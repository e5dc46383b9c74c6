"""The job that compares two scans: fetch both, lay them on their CAD, find what changed, store it.

In: a run. Out: one commit with the answer and the job's end. The normals are the CAD's: both scans lie on it already,
and a nominal normal has no noise. Where points lie much closer than the radius they are thinned first: more of them
would tell nothing new and cost hours.
"""

from __future__ import annotations

import asyncio
import io
import math
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from db import jobs
from db.unit_of_work import UnitOfWork
from kernels.deviation.peaks import peaks
from kernels.distance import MeshIndex
from kernels.m3c2 import Change, compare
from subgraphs.inspection.jobs import COMPARE_SCANS
from subgraphs.inspection.model import (
    Alignment,
    ChangePlace,
    Changes,
    ComparisonId,
    DeviationMap,
    Fault,
    Scan,
    ScanComparison,
    ScanId,
    UploadState,
)
from subgraphs.inspection.repository import results as rows
from subgraphs.inspection.service import comparisons, results
from workers import meshes
from workers.actor import Handler, JobProblem, JobRefused, Run
from workers.features import normals_of
from workers.files import fetched
from workers.meshes import NominalMesh
from workers.pictures.painted import Painted
from workers.pictures.scene import scene_glb
from workers.pictures.zone import Zone
from workers.readers import units
from workers.readers.read_scan import read_scan
from workers.refusals import refusals
from workers.thinning import thinned

Floats = NDArray[np.float64]
MOST_CORES: Final = 200_000
MOST_PLACES: Final = 20
OF_FILES: Final = "Correct that scan as the message says, upload it anew, and compare the new one."
OF_KERNELS: Final = "Compare again with another radius and depth and a new idempotency key, or compare other scans."
AGAIN: Final = "Compare the scans again with a new idempotency key"
CORES_IN_CELL: Final = 16
POINTS_IN_CELL: Final = 1000
"""Of each cell of a grid as wide as the radius: cores a quarter of it apart, and means that noise moves by 2 %."""
LEAST_ZONE_MM: Final = 1e-4
"""Scans without noise have a level of detection of zero, and colours need a zone."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A scan in the frame of its CAD."""

    points_mm: Floats
    pose_error_mm: float


async def compare_scans(run: Run) -> None:
    async with run.database.begin(run.caller) as work:
        asked = await comparisons.read_comparison(work, ComparisonId(run.lease.subject_id))
        first, one, map_of_one = await _evidence(work, asked.first_scan_id)
        second, other, map_of_other = await _evidence(work, asked.second_scan_id)
        cad = await results.read_cad_revision(work, first.cad_revision_id)
    if asked.state is not UploadState.PROCESSING:
        async with run.database.begin(run.caller) as work:
            return await jobs.finish(work, run.lease, {})
    assert cad.mesh_key is not None
    mesh = meshes.unpacked(await run.blobs.get(run.caller, cad.mesh_key))
    clouds = [await _placed(run, first, one, map_of_one), await _placed(run, second, other, map_of_other)]
    await run.report(0, 1, "scans", "compare")
    with refusals(OF_FILES, OF_KERNELS):
        found = await asyncio.to_thread(_compared, asked, mesh, *clouds)
    scene_key = None if found.scene is None else f"comparisons/{asked.id}/scene.glb"
    changes_key = f"comparisons/{asked.id}/changes.npz"
    if scene_key is not None and found.scene is not None:
        await run.blobs.put(run.caller, scene_key, found.scene, "model/gltf-binary")
    await run.blobs.put(run.caller, changes_key, found.body)
    async with run.database.begin(run.caller) as work:
        await comparisons.answer_comparison(work, asked, found.changes(scene_key, changes_key))
        await jobs.finish(work, run.lease, {"comparison": str(asked.id)})


async def _evidence(work: UnitOfWork, id: ScanId) -> tuple[Scan, Alignment, DeviationMap]:
    scan = await results.read_scan(work, id)
    inspection = (await rows.inspections_by_scan(work, [id]))[id]
    alignment = (await rows.alignments_by_id(work, [inspection.alignment_id]))[inspection.alignment_id]
    measured = (await rows.deviation_maps_by_id(work, [inspection.deviation_map_id]))[inspection.deviation_map_id]
    return scan, alignment, measured


async def _placed(run: Run, scan: Scan, alignment: Alignment, measured: DeviationMap) -> Placed:
    async with fetched(run, scan.file, scan.format) as path:
        unit = None if scan.unit is None else units.LengthUnit[scan.unit.name]
        with refusals(OF_FILES, OF_KERNELS):
            cloud = await asyncio.to_thread(read_scan, path, unit)
    pose = np.array(alignment.transform).reshape(4, 4)
    points = (cloud.points_mm + cloud.origin_shift_mm) @ pose[:3, :3].T + pose[:3, 3]
    # How well the residuals pin the pose: they repeat one another, so their number is the effective one.
    error = alignment.rms_mm / math.sqrt(max(measured.summary.effective_points or 1.0, 1.0))
    return Placed(points, error)


@dataclass(frozen=True, eq=False)
class _Found:
    figures: Changes
    scene: bytes | None
    """None where the part is too fine for one."""
    body: bytes

    def changes(self, scene_key: str | None, changes_key: str) -> Changes:
        return replace(self.figures, scene_key=scene_key, changes_key=changes_key)


def _compared(asked: ScanComparison, mesh: NominalMesh, first: Placed, second: Placed) -> _Found:
    cores = first.points_mm[thinned(first.points_mm, asked.radius_mm, CORES_IN_CELL)]
    cores = cores[:: -(-len(cores) // MOST_CORES)]
    one, other = (scan.points_mm[thinned(scan.points_mm, asked.radius_mm, POINTS_IN_CELL)] for scan in (first, second))
    index = MeshIndex.build(mesh.vertices_mm, mesh.triangles)
    error = asked.registration_error_mm
    if error is None:
        error = math.hypot(first.pose_error_mm, second.pose_error_mm)
    change = _by_faces(asked, mesh, index, one, other, cores, error)
    known = np.isfinite(change.distance)
    if not known.any():
        raise JobRefused(
            JobProblem(
                "NOTHING_TO_COMPARE",
                f"At no place have both scans four points within {asked.radius_mm:g} mm.",
                "Use a larger radius, or compare scans of the same side of the part.",
            )
        )
    level = float(np.median(change.detectable[known]))
    shown = max(level, LEAST_ZONE_MM)
    painted = Painted.of(mesh, cores[known], change.distance[known], Zone(-shown, shown))
    body = io.BytesIO()
    np.savez(
        body,
        cores_mm=cores.astype(np.float32),
        distance_mm=change.distance.astype(np.float32),
        detectable_mm=change.detectable.astype(np.float32),
    )
    scene = scene_glb(mesh, painted.values.at, painted.scale, "Change")
    return _Found(_figures(cores, change, known, error, level, asked.radius_mm), scene, body.getvalue())


def _by_faces(
    asked: ScanComparison,
    mesh: NominalMesh,
    index: MeshIndex,
    first: Floats,
    second: Floats,
    cores: Floats,
    error: float,
) -> Change:
    """Each face by itself: beside an edge a cylinder would else take in points of the face around the corner."""
    near = index.signed_distance(cores).triangle
    face, normals = mesh.faces[near], normals_of(mesh)[near]
    faces = [mesh.faces[index.signed_distance(cloud).triangle] for cloud in (first, second)]
    known = np.full((4, len(cores)), np.nan)
    counts = np.zeros((2, len(cores)), np.int64)
    for each in np.unique(face):
        own = face == each
        clouds = first[faces[0] == each], second[faces[1] == each]
        found = compare(*clouds, cores[own], normals[own], asked.radius_mm, asked.depth_mm, error)
        known[:, own] = found.distance, found.detectable, found.first_spread, found.second_spread
        counts[:, own] = found.first_points, found.second_points
    distance, detectable, first_spread, second_spread = known
    return Change(distance, detectable, counts[0], counts[1], first_spread, second_spread)


def _figures(
    cores: Floats, change: Change, known: NDArray[np.bool_], error: float, level: float, radius_mm: float
) -> Changes:
    values = change.distance[known]
    low, high = np.percentile(values, (2.5, 97.5))
    return Changes(
        registration_error_mm=error,
        core_points=len(cores),
        compared_points=int(known.sum()),
        significant_points=int(change.is_significant.sum()),
        mean_mm=float(values.mean()),
        sigma_mm=float(values.std()),
        median_mm=float(np.median(values)),
        p025_mm=float(low),
        p975_mm=float(high),
        detectable_mm=level,
        places=_places(cores, change, level, radius_mm),
        scene_key=None,
        changes_key="",
    )


def _places(cores: Floats, change: Change, level: float, radius_mm: float) -> tuple[ChangePlace, ...]:
    """Peaks among the significant changes, each once."""
    rows = np.flatnonzero(change.is_significant)
    if len(rows) == 0:
        return ()
    top = rows[peaks(cores[rows], change.distance[rows], 2.0 * radius_mm, level, MOST_PLACES)]
    return tuple(
        ChangePlace((float(x), float(y), float(z)), float(change.distance[row]), float(change.detectable[row]))
        for row, (x, y, z) in zip(top, cores[top], strict=True)
    )


async def give_up(work: UnitOfWork, id: UUID, problem: JobProblem) -> None:
    asked = await comparisons.read_comparison(work, ComparisonId(id))
    if asked.state is UploadState.PROCESSING:
        fault = Fault(problem.code, problem.message, problem.remedy)
        await comparisons.refuse_comparison(work, asked, fault)


HANDLERS = {COMPARE_SCANS: Handler(compare_scans, give_up, again=AGAIN)}
