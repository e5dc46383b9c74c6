"""Robust point-to-surface registration from a pose nearby, for one pose or for many at once.

In: the same sample of scan points for every pose, and (k, 4, 4) poses. Out: better poses and how they fit. Each step
measures all points in all poses with one call of the distance kernel and solves a weighted Gauss-Newton step for each
pose (point to the plane of the closest triangle). Weights are Tukey's biweight: a point farther than the cutoff has no
say, so strays, fixtures and bulges do not pull the pose. The cutoff follows the median distance; there is no length to
be set by hand.

Directions that the points hardly resist (1e-6 of the stiffest) are left where they are.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Float64s, Int32s
from kernels.compiled import compiled_parallel
from kernels.device import all_cores
from kernels.distance import MeshIndex
from kernels.registration.motion import steps

TUKEY = 4.685
"""Cutoff over sigma at which the biweight keeps 95 % efficiency on Gaussian noise."""
SIGMA_OF_MEDIAN = 1.4826
RESISTED = 1e-6
SUMS = 29
"""Of a pose: 21 of the upper triangle of the normal matrix, 6 of the gradient, weighted squares, weights."""
PART = 16384
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


@dataclass(frozen=True)
class Poses:
    """Several poses of one sample, and how they fit."""

    transforms: Float64s
    """(k, 4, 4)"""
    distances: Float64s
    """(k, n) signed distances of the sample in each pose."""
    triangles: Int32s
    """(k, n) closest triangles."""

    def __len__(self) -> int:
        return len(self.transforms)

    def taken(self, rows: "Int32s | list[int] | np.ndarray[tuple[int], np.dtype[np.intp]]") -> "Poses":
        return Poses(self.transforms[rows], self.distances[rows], self.triangles[rows])


def moved(points: Float64s, transforms: Float64s) -> Float64s:
    """(k, n, 3): the points in each of (k, 4, 4) poses."""
    result: Float64s = points @ transforms[:, :3, :3].transpose(0, 2, 1) + transforms[:, None, :3, 3]
    return result


def measured(around: Surroundings, points: Float64s, transforms: Float64s) -> Poses:
    """Distances of the points in each pose; points in Morton order stay neighbours in every pose."""
    shape = (len(transforms), len(points))
    found = around.index.signed_distance(moved(points, transforms).reshape(-1, 3), presorted=True)
    return Poses(transforms, found.distance.reshape(shape), found.triangle.reshape(shape))


def sigmas(poses: Poses) -> Float64s:
    """(k,) robust standard deviation of each pose's distances."""
    return SIGMA_OF_MEDIAN * np.asarray(np.median(np.abs(poses.distances), axis=1), np.float64)


@compiled_parallel
def normal_equations(
    points: Float64s, distances: Float64s, triangles: Int32s, planes: Float64s, cutoffs: Float64s, center: Float64s
) -> Float64s:
    """(k, parts, SUMS) weighted sums for (k, n, 3) points; parts are fixed, so that sums do not depend on threads."""
    poses, count = distances.shape
    parts = (count + PART - 1) // PART
    sums = np.zeros((poses, parts, SUMS))
    for job in prange(poses * parts):
        pose, part = job // parts, job % parts
        total, slope = np.zeros(SUMS), np.zeros(6)
        for i in range(part * PART, min(count, (part + 1) * PART)):
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


def stiffness(around: Surroundings, points: Float64s, poses: Poses, cutoffs: Float64s) -> tuple[Float64s, Float64s]:
    """(k, 6, 6) normal matrices and (k, 6) gradients a point, rotations measured over the lever."""
    with all_cores():
        parts = normal_equations(
            moved(points, poses.transforms), poses.distances, poses.triangles, around.planes, cutoffs, around.center
        )
    sums = parts.sum(axis=1)
    matrices = np.zeros((len(sums), 6, 6))
    matrices[:, UPPER[0], UPPER[1]] = sums[:, :21]
    matrices[:, UPPER[1], UPPER[0]] = sums[:, :21]
    scale = np.repeat([1.0 / around.lever, 1.0], 3)
    weights = np.maximum(sums[:, 28], 1e-300)
    return matrices * scale[:, None] * scale / weights[:, None, None], sums[:, 21:27] * scale / weights[:, None]


def gauss_newton(around: Surroundings, points: Float64s, poses: Poses, cutoffs: Float64s) -> Float64s:
    """(k, 6) twists toward the surface, at most half the lever long."""
    matrices, gradients = stiffness(around, points, poses, cutoffs)
    values, vectors = np.linalg.eigh(matrices)
    resisted = values > RESISTED * values[:, -1:]
    inverse = np.where(resisted, 1.0 / np.where(resisted, values, 1.0), 0.0)
    scaled: Float64s = -np.einsum("kij,kj,klj,kl->ki", vectors, inverse, vectors, gradients)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled *= np.minimum(1.0, 0.5 * around.lever / np.maximum(length, 1e-300))
    scaled[:, :3] /= around.lever
    return scaled


@dataclass(frozen=True)
class Refined:
    poses: Poses
    converged: bool
    """Whether the last step moved no pose by more than the tolerance."""
    cutoffs: Float64s


def refined(
    around: Surroundings, points: Float64s, transforms: Float64s, widening: float, iterations: int, tolerance: float
) -> Refined:
    """Improve every pose until none moves by more than `tolerance` (a length) or the iterations are used up.

    `widening` multiplies Tukey's cutoff: wide to come from afar, 1 to be exact.
    """
    floor = 1e-7 * around.lever
    poses = measured(around, points, transforms)
    cutoffs = np.maximum(widening * TUKEY * sigmas(poses), floor)
    for _ in range(iterations):
        twists = gauss_newton(around, points, poses, cutoffs)
        poses = measured(around, points, steps(twists, around.center) @ poses.transforms)
        cutoffs = np.maximum(widening * TUKEY * sigmas(poses), floor)
        moved_by = np.linalg.norm(twists * np.repeat([around.lever, 1.0], 3), axis=1)
        if moved_by.max() < tolerance:
            return Refined(poses, True, cutoffs)
    return Refined(poses, False, cutoffs)
