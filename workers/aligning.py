"""Align a scan as its uploader asked: by best fit, with locked degrees, by datums or by reference points.

In: an indexed mesh, a cloud and what was asked. Out: the pose, and what is told of it. Refuses what the kernels refuse,
and a datum whose place is not on the CAD's surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.distance import MeshIndex
from kernels.errors import FeatureNotFound
from kernels.features import feature_at
from kernels.registration import (
    Datum,
    DatumAlignment,
    Degree,
    Locks,
    PointAlignment,
    ReferencePoint,
    Registration,
    align_to_datums,
    align_to_points,
    register,
)
from subgraphs.inspection import alignment
from subgraphs.inspection.alignment import AlignmentReport, AlignmentRequest, DegreeOfFreedom, Transform
from workers.meshes import NominalMesh

Floats = NDArray[np.float64]

OF_DIAGONAL = 0.01
"""Radius of a reference point's patch where none is given, and how far a datum's place may lie off the surface."""
DEGREES = {
    DegreeOfFreedom.ROTATION_X: Degree.ABOUT_X,
    DegreeOfFreedom.ROTATION_Y: Degree.ABOUT_Y,
    DegreeOfFreedom.ROTATION_Z: Degree.ABOUT_Z,
    DegreeOfFreedom.TRANSLATION_X: Degree.ALONG_X,
    DegreeOfFreedom.TRANSLATION_Y: Degree.ALONG_Y,
    DegreeOfFreedom.TRANSLATION_Z: Degree.ALONG_Z,
}


@dataclass(frozen=True, eq=False)
class Aligned:
    registration: Registration
    """Of the cloud's points, which are shifted near the origin."""
    transform: Transform
    """Of the file's own coordinates."""
    report: AlignmentReport


def aligned(
    index: MeshIndex,
    mesh: NominalMesh,
    points_mm: Floats,
    shift_mm: Floats,
    hint: Transform | None,
    asked: AlignmentRequest | None,
) -> Aligned:
    """`points_mm` are the file's less `shift_mm`; `hint` is of the file's."""
    start = None if hint is None else np.array(hint, np.float64).reshape(4, 4) @ shifted(shift_mm)
    # What a person can compare is of the file's coordinates: the shift is taken out again.
    back = shifted(-shift_mm)
    if asked is None:
        found = register(index, points_mm, start=start)
        return Aligned(found, _numbers(found.transform @ back), _report(found, back))
    if asked.locked:
        locks = Locks(frozenset(DEGREES[each] for each in asked.locked), _frame(asked.lock_frame))
        # What is locked without a hint stays as it is in the file.
        found = register(index, points_mm, start=shifted(shift_mm) if start is None else start, locks=locks)
        return Aligned(found, _numbers(found.transform @ back), _report(found, back, locked=asked.locked))
    if asked.datums:
        datums = [_datum(index, mesh, each) for each in asked.datums]
        by_datums = align_to_datums(index, points_mm, datums, start=start)
        return _by_datums(by_datums, back)
    points = [ReferencePoint(p.name, np.array(p.place_mm), np.array(p.direction)) for p in asked.reference_points]
    radius = OF_DIAGONAL * _diagonal(index) if asked.reference_radius_mm is None else asked.reference_radius_mm
    return _by_points(align_to_points(index, points_mm, points, radius=radius, start=start), back)


def shifted(offset_mm: Floats) -> Floats:
    """The (4, 4) translation by `offset_mm`."""
    matrix = np.eye(4)
    matrix[:3, 3] = offset_mm
    return matrix


def _by_datums(found: DatumAlignment, back: Floats) -> Aligned:
    fits = tuple(
        alignment.DatumFit(fit.name, fit.points, fit.sigma, fit.size_deviation, fit.held) for fit in found.datums
    )
    left = tuple(motion.describe() for motion in found.left_free)
    report = _report(found.registration, back, datums=fits, by_best_fit=left)
    return Aligned(found.registration, _numbers(found.registration.transform @ back), report)


def _by_points(found: PointAlignment, back: Floats) -> Aligned:
    fits = tuple(alignment.ReferencePointFit(fit.name, fit.residual, fit.uncertainty) for fit in found.points)
    report = _report(found.registration, back, reference_points=fits)
    return Aligned(found.registration, _numbers(found.registration.transform @ back), report)


def _report(
    found: Registration,
    back: Floats,
    *,
    locked: tuple[DegreeOfFreedom, ...] = (),
    datums: tuple[alignment.DatumFit, ...] = (),
    by_best_fit: tuple[str, ...] = (),
    reference_points: tuple[alignment.ReferencePointFit, ...] = (),
) -> AlignmentReport:
    return AlignmentReport(
        converged=found.converged,
        sigma_mm=found.sigma,
        covariance=_numbers(found.covariance),
        center_mm=found.center,
        corner_uncertainty_mm=found.corner_uncertainty,
        alternatives=tuple(
            alignment.AlternativePose(_numbers(other.transform @ back), other.angle_degrees, other.cost_ratio)
            for other in found.alternatives
        ),
        locked=locked,
        datums=datums,
        by_best_fit=by_best_fit,
        reference_points=reference_points,
    )


def _datum(index: MeshIndex, mesh: NominalMesh, asked: alignment.Datum) -> Datum:
    """The feature that the place is on."""
    place = np.array(asked.place_mm)
    off = abs(float(index.signed_distance(place[None]).distance[0]))
    if off > OF_DIAGONAL * _diagonal(index):
        raise FeatureNotFound(f"datum {asked.label}", f"its place lies {off:.3g} mm off the CAD's surface")
    try:
        picked = feature_at(mesh.vertices_mm, mesh.triangles, place)
    except FeatureNotFound as unknown:
        raise FeatureNotFound(f"datum {asked.label}", unknown.why) from unknown
    return Datum(asked.label, picked.shape, picked.triangles)


def _frame(given: Transform | None) -> Floats:
    return np.eye(4) if given is None else np.array(given, np.float64).reshape(4, 4)


def _diagonal(index: MeshIndex) -> float:
    return float(np.linalg.norm(index.high - index.low))


def _numbers(matrix: Floats) -> Transform:
    return tuple(map(float, matrix.ravel()))
