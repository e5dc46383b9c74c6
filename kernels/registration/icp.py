"""Robust point-to-surface registration from a pose nearby, for one pose or for many at once.

In: the same sample of scan points for every pose, and (k, 4, 4) poses. Out: better poses and how they fit. Each step
measures all points in all poses with one call of the distance kernel and solves a weighted Gauss-Newton step for each
pose (point to the plane of the closest triangle). Weights are Tukey's biweight: a point farther than the cutoff has no
say, so strays, fixtures and bulges do not pull the pose. The cutoff follows the median distance; there is no length to
be set by hand.

Directions that the points hardly resist (1e-6 of the stiffest) are left where they are, and so are those that are not
`Allowed`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import prange

from kernels.arrays import Float64s, Int32s
from kernels.compiled import compiled_parallel
from kernels.device import cores_for
from kernels.distance import MeshIndex
from kernels.registration.motion import screw, screw_twist, steps

TUKEY = 4.685
"""Cutoff over sigma at which the biweight keeps 95 % efficiency on Gaussian noise."""
SIGMA_OF_MEDIAN = 1.4826
RESISTED = 1e-6
STEADY = 0.05
"""Of a pose's own standard uncertainty: a smaller step is noise."""
FEW = 8
"""Poses up to which steps are hurried."""
LONGEST = 10.0
SUMS = 29
"""Of a pose: 21 of the upper triangle of the normal matrix, 6 of the gradient, weighted squares, weights."""
PART = 16384
CHEAP = 8 * PART
"""Points that are worth a thread where each is but a few sums."""
UPPER = np.triu_indices(6)


@dataclass(frozen=True)
class Surroundings:
    """What registration needs of the CAD mesh."""

    index: MeshIndex
    planes: Float64s
    """(m, 4) unit normal and offset of each of the caller's triangles."""
    center: Float64s
    lever: float
    """Half the extent: it makes radians comparable with lengths."""

    @classmethod
    def of(cls, index: MeshIndex) -> "Surroundings":
        surface = index.surface
        a, b, c = (surface.vertices[surface.triangles[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.linalg.norm(normals, axis=1)[:, None]
        planes = np.zeros((int(surface.sources.max()) + 1, 4))
        planes[surface.sources, :3] = normals
        planes[surface.sources, 3] = (normals * a).sum(axis=1)
        return cls(index, planes, (index.low + index.high) / 2, index.extent / 2)


class Allowed(Protocol):
    """The motions that a registration may make: a few parameters instead of six."""

    def directions(self, transform: Float64s, center: Float64s) -> Float64s:
        """(6, m) twists about `center` that the m parameters cause at this pose."""
        ...

    def stepped(self, transform: Float64s, amounts: Float64s, center: Float64s) -> Float64s:
        """The pose after the m parameters have grown by `amounts`; exactly within what is allowed."""
        ...


@dataclass(frozen=True)
class Poses:
    """Several poses of one sample, and how they fit."""

    transforms: Float64s
    """(k, 4, 4)"""
    points: Float64s
    """(k, n, 3) the sample in each pose."""
    distances: Float64s
    """(k, n) signed distances of the sample in each pose."""
    triangles: Int32s
    """(k, n) closest triangles."""

    def __len__(self) -> int:
        return len(self.transforms)

    def taken(self, rows: "Int32s | list[int] | np.ndarray[tuple[int], np.dtype[np.intp]]") -> "Poses":
        return Poses(self.transforms[rows], self.points[rows], self.distances[rows], self.triangles[rows])


@compiled_parallel
def moved(points: Float64s, transforms: Float64s) -> Float64s:
    """(k, n, 3): the points in each of (k, 4, 4) poses. NumPy's stacked product of thin matrices is slower."""
    poses, count = len(transforms), len(points)
    result = np.empty((poses, count, 3))
    parts = (count + PART - 1) // PART
    for job in prange(poses * parts):
        pose, part = job // parts, job % parts
        turn = transforms[pose]
        for i in range(part * PART, min(count, (part + 1) * PART)):
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            for row in range(3):
                result[pose, i, row] = turn[row, 0] * x + turn[row, 1] * y + turn[row, 2] * z + turn[row, 3]
    return result


def measured(around: Surroundings, points: Float64s, transforms: Float64s) -> Poses:
    """Distances of the points in each pose; points in Morton order stay neighbours in every pose."""
    shape = (len(transforms), len(points))
    with cores_for(shape[0] * shape[1], CHEAP):
        placed = moved(points, np.ascontiguousarray(transforms))
    found = around.index.signed_distance(placed.reshape(-1, 3), presorted=True)
    return Poses(transforms, placed, found.distance.reshape(shape), found.triangle.reshape(shape))


def sigmas(poses: Poses) -> Float64s:
    """(k,) robust standard deviation of each pose's distances."""
    return SIGMA_OF_MEDIAN * np.asarray(np.median(np.abs(poses.distances), axis=1), np.float64)


@compiled_parallel
def normal_equations(
    points: Float64s,
    distances: Float64s,
    triangles: Int32s,
    planes: Float64s,
    cutoffs: Float64s,
    center: Float64s,
    size: int,
) -> Float64s:
    """(k, parts, SUMS) weighted sums for (k, n, 3) points, `size` to a part: sums do not depend on threads."""
    poses, count = distances.shape
    parts = (count + size - 1) // size
    sums = np.zeros((poses, parts, SUMS))
    for job in prange(poses * parts):
        pose, part = job // parts, job % parts
        total, slope = np.zeros(SUMS), np.zeros(6)
        for i in range(part * size, min(count, (part + 1) * size)):
            share = distances[pose, i] / cutoffs[pose]
            if abs(share) >= 1.0:
                continue
            weight = (1.0 - share * share) ** 2
            plane = planes[triangles[pose, i]]
            x, y, z = points[pose, i, 0], points[pose, i, 1], points[pose, i, 2]
            residual = x * plane[0] + y * plane[1] + z * plane[2] - plane[3]
            x, y, z = x - center[0], y - center[1], z - center[2]
            slope[0], slope[1] = y * plane[2] - z * plane[1], z * plane[0] - x * plane[2]
            slope[2], slope[3], slope[4], slope[5] = x * plane[1] - y * plane[0], plane[0], plane[1], plane[2]
            place = 0
            for row in range(6):
                weighted = weight * slope[row]
                for column in range(row, 6):
                    total[place] += weighted * slope[column]
                    place += 1
                total[21 + row] += weighted * residual
            total[27] += weight * residual * residual
            total[28] += weight
        sums[pose, part] = total
    return sums


def stiffness(around: Surroundings, poses: Poses, cutoffs: Float64s) -> tuple[Float64s, Float64s]:
    """(k, 6, 6) normal matrices and (k, 6) gradients a point, rotations measured over the lever."""
    with cores_for(poses.distances.size, CHEAP):
        parts = normal_equations(
            poses.points, poses.distances, poses.triangles, around.planes, cutoffs, around.center, PART
        )
    sums = parts.sum(axis=1)
    weights = np.maximum(sums[:, 28], 1e-300)
    scale = np.repeat([1.0 / around.lever, 1.0], 3)
    return symmetric(sums[:, :21]) * scale[:, None] * scale / weights[:, None, None], (
        sums[:, 21:27] * scale / weights[:, None]
    )


def symmetric(upper: Float64s) -> Float64s:
    """(k, 6, 6) from (k, 21) upper triangles."""
    matrices = np.zeros((len(upper), 6, 6))
    matrices[:, UPPER[0], UPPER[1]] = upper
    matrices[:, UPPER[1], UPPER[0]] = upper
    return matrices


def gauss_newton(
    around: Surroundings, poses: Poses, cutoffs: Float64s, allowed: Allowed | None
) -> tuple[Float64s, Float64s, Float64s]:
    """(k, 4, 4) better poses, (k,) how far they moved (at most half the lever), (k,) what a point gains."""
    matrices, gradients = stiffness(around, poses, cutoffs)
    if allowed is not None:
        return _within(around, poses, matrices, gradients, allowed)
    scaled = _shortened(_solved(matrices, gradients), around)
    lengths = np.linalg.norm(scaled, axis=1)
    gains = -(scaled * gradients).sum(axis=1)
    scaled[:, :3] /= around.lever
    return steps(scaled, around.center) @ poses.transforms, lengths, gains


def _within(
    around: Surroundings, poses: Poses, matrices: Float64s, gradients: Float64s, allowed: Allowed
) -> tuple[Float64s, Float64s, Float64s]:
    """The same for motions that are allowed alone."""
    transforms, lengths, gains = np.empty_like(poses.transforms), np.zeros(len(poses)), np.zeros(len(poses))
    for k, transform in enumerate(poses.transforms):
        basis = allowed.directions(transform, around.center) * np.repeat([around.lever, 1.0], 3)[:, None]
        sizes = np.maximum(np.linalg.norm(basis, axis=0), 1e-300)
        basis /= sizes
        reduced, slope = basis.T @ matrices[k] @ basis, basis.T @ gradients[k]
        amounts = _shortened(_solved(reduced[None], slope[None]), around)[0]
        transforms[k] = allowed.stepped(transform, amounts / sizes, around.center)
        lengths[k] = np.linalg.norm(basis @ amounts)
        gains[k] = -amounts @ slope
    return transforms, lengths, gains


def _solved(matrices: Float64s, gradients: Float64s) -> Float64s:
    values, vectors = np.linalg.eigh(matrices)
    resisted = values > RESISTED * values[:, -1:]
    inverse = np.where(resisted, 1.0 / np.where(resisted, values, 1.0), 0.0)
    solved: Float64s = -np.einsum("kij,kj,klj,kl->ki", vectors, inverse, vectors, gradients)
    return solved


def _shortened(scaled: Float64s, around: Surroundings) -> Float64s:
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    short: Float64s = scaled * np.minimum(1.0, 0.5 * around.lever / np.maximum(length, 1e-300))
    return short


def _hurried(
    around: Surroundings, before: Float64s, after: Float64s, last: Float64s, allowed: Allowed | None
) -> tuple[Float64s, Float64s]:
    """Steps that go on in one direction, each a little shorter, taken at once; and the twists of this round.

    A weak motion of a part that is larger all over converges by such steps, a hundred of them.
    """
    twists = np.zeros((len(before), 6))
    scale = np.repeat([around.lever, 1.0], 3)
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        twist = screw_twist(new @ np.linalg.inv(old), around.center)
        length, before_length = float(np.linalg.norm(twist * scale)), float(np.linalg.norm(last[k] * scale))
        twists[k] = twist
        if before_length <= 0 or length <= 0:
            continue
        ratio = length / before_length
        along = float((twist * scale) @ (last[k] * scale)) / (length * before_length)
        if along > 0.9 and 0.5 < ratio < 0.98:
            after[k] = _taken(around, old, twist * min(1 / (1 - ratio), LONGEST), allowed)
            # The next step starts a new sequence.
            twists[k] = 0.0
    return after, twists


def _taken(around: Surroundings, pose: Float64s, twist: Float64s, allowed: Allowed | None) -> Float64s:
    """The (4, 4) pose after a twist, as far as it is allowed."""
    if allowed is None:
        free: Float64s = screw(twist, around.center) @ pose
        return free
    scale = np.repeat([around.lever, 1.0], 3)
    basis = allowed.directions(pose, around.center) * scale[:, None]
    return allowed.stepped(pose, np.linalg.lstsq(basis, twist * scale)[0], around.center)


@dataclass(frozen=True)
class Refined:
    poses: Poses
    converged: bool
    """Whether the last step moved no pose by more than the tolerance or its own noise."""
    cutoffs: Float64s


def refined(
    around: Surroundings,
    points: Float64s,
    transforms: Float64s,
    widening: float,
    iterations: int,
    tolerance: float,
    allowed: Allowed | None = None,
) -> Refined:
    """Improve every pose until none moves by more than `tolerance` (a length) or the iterations are used up.

    `widening` multiplies Tukey's cutoff: wide to come from afar, 1 to be exact.
    """
    floor = 1e-7 * around.lever
    poses = measured(around, points, transforms)
    spread = sigmas(poses)
    cutoffs = np.maximum(widening * TUKEY * spread, floor)
    last = np.zeros((len(poses), 6))
    for _ in range(iterations):
        better, moved_by, gains = gauss_newton(around, poses, cutoffs, allowed)
        if len(poses) <= FEW:
            better, last = _hurried(around, poses.transforms, better, last, allowed)
        poses = measured(around, points, better)
        spread = sigmas(poses)
        cutoffs = np.maximum(widening * TUKEY * spread, floor)
        # The step's Mahalanobis length under the pose's own covariance, sigma^2 H^-1 / n.
        steady = gains * len(points) < (STEADY * spread) ** 2
        if ((moved_by < tolerance) | steady).all():
            return Refined(poses, True, cutoffs)
    return Refined(poses, False, cutoffs)
