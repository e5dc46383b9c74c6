"""Align by named points with directions: 3-2-1, RPS.

In: nominal points of the CAD, each with the direction in which it holds the part; a scan. Out: the pose at which the
scan touches the CAD at those points, each along its own direction, and how sure that is. Six points that hold all six
degrees are met exactly; more are met in the least-squares sense. Refuses points that leave a motion undecided
(`DegenerateReference` names it) and points near which the scan shows nothing.

`solve_reference_points` takes places that were measured already (by a probe, say); `align_to_points` reads them off a
scan: from a best fit, the deviation of the scan's patch around each point is taken, and the part is moved until all of
them vanish. A patch is a disc of the CAD's surface, not one point of the scan: its noise is averaged, its strays are
not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, Points, as_points
from kernels.distance import MeshIndex
from kernels.errors import DegenerateReference, InvalidParameter, ScanMissing
from kernels.registration.freedom import Freedom
from kernels.registration.icp import Refined, Surroundings, measured, sigmas
from kernels.registration.motion import steps, unconstrained
from kernels.registration.register import Sampled, register, require_fit
from kernels.registration.result import Registration, account

FEWEST_OF_PATCH = 12
ROUNDS = 50
HELD = 1e-4
"""Least ratio of the singular values at which a motion counts as held, rotations measured over the lever."""
STEEPEST = 0.2
"""Least cosine between a point's direction and the surface there: along the surface it would hold nothing."""
SIGMA_OF_MEDIAN = 1.4826


@dataclass(frozen=True, eq=False)
class ReferencePoint:
    """Where the CAD is held, and which way."""

    name: str
    place: Float64s
    """(3,) nominal, in CAD coordinates."""
    direction: Float64s
    """(3,) in CAD coordinates; its length does not matter."""


@dataclass(frozen=True, eq=False)
class PointFit:
    """What is left at one point after the alignment, along its direction."""

    name: str
    residual: float
    uncertainty: float
    """Standard uncertainty (k = 1) of the patch's deviation; 0 for a measured place."""


@dataclass(frozen=True, eq=False)
class PointAlignment:
    registration: Registration
    points: tuple[PointFit, ...]


def solve_reference_points(
    points: Sequence[ReferencePoint], places: ArrayLike
) -> tuple[Float64s, tuple[PointFit, ...]]:
    """The (4, 4) pose that brings the (n, 3) measured places to the CAD's points, each along its direction."""
    found = np.asarray(as_points(places, "places"), np.float64)
    if len(found) != len(points):
        raise InvalidParameter("places", len(found), f"one for each of the {len(points)} points")
    nominal, directions = _arrays(points)
    center, lever = _middle(nominal)
    transform = _first_guess(found, nominal)
    for _ in range(ROUNDS):
        there = found @ transform[:3, :3].T + transform[:3, 3]
        twist = _twist(there, directions, ((there - nominal) * directions).sum(axis=1), center, lever)[0]
        transform = steps(twist[None], center)[0] @ transform
        if np.abs(twist * np.repeat([lever, 1.0], 3)).max() < 1e-13 * lever:
            break
    there = found @ transform[:3, :3].T + transform[:3, 3]
    left = ((there - nominal) * directions).sum(axis=1)
    return transform, tuple(PointFit(point.name, float(rest), 0.0) for point, rest in zip(points, left, strict=True))


def align_to_points(
    index: MeshIndex,
    points: ArrayLike,
    references: Sequence[ReferencePoint],
    *,
    radius: float,
    start: ArrayLike | None = None,
    seed: int = 0,
) -> PointAlignment:
    """The pose at which the scan's patches, `radius` around each reference point, lie on the CAD along its direction.

    `start` is a (4, 4) guess of the pose; without one the scan is registered by best fit first, with its refusals.
    """
    checked = as_points(points)
    if not radius > 0:
        raise InvalidParameter("radius", radius, "above zero")
    nominal, directions = _arrays(references)
    around = Surroundings.of(index)
    # Asked before anything is measured: whether the points hold all motions does not depend on the scan.
    _twist(nominal, directions, np.zeros(len(nominal)), around.center, around.lever)
    transform = register(index, checked, start=start, seed=seed).transform
    tolerance, met = 1e-7 * around.lever, False
    for _ in range(ROUNDS):
        gaps, doubts = _gaps(around, checked, transform, references, radius)
        twist, inverse = _twist(nominal, directions, gaps, around.center, around.lever)
        transform = steps(twist[None], around.center)[0] @ transform
        met = bool(np.abs(twist * np.repeat([around.lever, 1.0], 3)).max() < tolerance)
        if met:
            break
    gaps, doubts = _gaps(around, checked, transform, references, radius)
    scan = Sampled.of(checked, seed)
    poses = measured(around, scan.final, transform[None])
    found = Refined(poses, met, np.maximum(4.685 * sigmas(poses), 1e-7 * around.lever))
    require_fit(around, found)
    told = account(around, found, Freedom((), np.empty((0, 6))), None, "reference points")
    told = told.held_by((inverse * doubts**2) @ inverse.T, around)
    fits = tuple(
        PointFit(point.name, float(gap), float(doubt))
        for point, gap, doubt in zip(references, gaps, doubts, strict=True)
    )
    return PointAlignment(told, fits)


def _arrays(points: Sequence[ReferencePoint]) -> tuple[Float64s, Float64s]:
    nominal = np.asarray(as_points([point.place for point in points], "places"), np.float64)
    directions = np.asarray(as_points([point.direction for point in points], "directions"), np.float64)
    lengths = np.linalg.norm(directions, axis=1)
    if (lengths <= 0).any():
        raise InvalidParameter("direction", 0.0, "longer than zero")
    return nominal, directions / lengths[:, None]


def _middle(nominal: Float64s) -> tuple[Float64s, float]:
    center = nominal.mean(axis=0)
    return center, max(float(np.linalg.norm(nominal - center, axis=1).max()), 1e-12)


def _first_guess(found: Float64s, nominal: Float64s) -> Float64s:
    """The least-squares pose of the places as whole points: their directions alone leave too much open from afar."""
    a, b = found - found.mean(axis=0), nominal - nominal.mean(axis=0)
    left, _, right = np.linalg.svd(b.T @ a)
    left[:, 2] *= np.linalg.det(left) * np.linalg.det(right)
    transform = np.eye(4)
    transform[:3, :3] = left @ right
    transform[:3, 3] = nominal.mean(axis=0) - transform[:3, :3] @ found.mean(axis=0)
    return transform


def _twist(
    places: Float64s, directions: Float64s, gaps: Float64s, center: Float64s, lever: float
) -> tuple[Float64s, Float64s]:
    """(6,) twist about the centre that closes the gaps, and the (6, n) matrix that made it."""
    arms = np.cross((places - center) / lever, directions)
    slopes = np.column_stack([arms, directions])
    left, values, right = np.linalg.svd(slopes, full_matrices=True)
    held = np.zeros(6, bool)
    held[: len(values)] = values > HELD * values[0]
    scale = np.repeat([lever, 1.0], 3)
    if not held.all():
        loose = [unconstrained(motion / scale, center, lever).describe() for motion in right[~held]]
        raise DegenerateReference("reference points", loose)
    inverse = (right.T / values) @ left[:, :6].T / scale[:, None]
    return -inverse @ gaps, -inverse


def _gaps(
    around: Surroundings, points: Points, transform: Float64s, references: Sequence[ReferencePoint], radius: float
) -> tuple[Float64s, Float64s]:
    """(n,) how far the scan lies off along each direction, and its standard uncertainty."""
    nominal, directions = _arrays(references)
    back = (nominal - transform[:3, 3]) @ transform[:3, :3]
    gaps, doubts = np.zeros(len(references)), np.zeros(len(references))
    for row, reference in enumerate(references):
        near = points[((points - back[row]) ** 2).sum(axis=1) < radius**2]
        if len(near) < FEWEST_OF_PATCH:
            raise ScanMissing(reference.name, len(near), FEWEST_OF_PATCH, radius)
        poses = measured(around, np.ascontiguousarray(near, np.float64), transform[None])
        cosines = around.planes[poses.triangles[0], :3] @ directions[row]
        # The patch is that side of an edge which the direction looks at.
        facing = np.abs(cosines) > max(STEEPEST, 0.9 * float(np.abs(cosines).max()))
        off = poses.distances[0][facing] / cosines[facing]
        if len(off) < FEWEST_OF_PATCH:
            raise ScanMissing(reference.name, len(off), FEWEST_OF_PATCH, radius)
        gaps[row], doubts[row] = _robust_mean(off)
    return gaps, doubts


def _robust_mean(values: Float64s) -> tuple[float, float]:
    """Tukey's mean of a patch, and its standard error."""
    middle = float(np.median(values))
    spread = max(SIGMA_OF_MEDIAN * float(np.median(np.abs(values - middle))), 1e-300)
    for _ in range(20):
        share = np.clip(np.abs(values - middle) / (4.685 * spread), 0, 1) ** 2
        weights = (1 - share) ** 2
        middle = float((weights * values).sum() / weights.sum())
    return middle, spread / float(np.sqrt(0.95 * np.count_nonzero(weights)))
