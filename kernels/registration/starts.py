"""Where to begin: poses from which the right one can be reached.

In: a sample of the scan and of the CAD surface. Out: (k, 4, 4) poses. Principal axes in the 24 rotations of a cube
serve whole scans of parts with three different axes; evenly spread rotations serve round and square parts; several
places on the surface serve a scan of only a piece of the part.
"""

import numpy as np

from kernels.arrays import Float64s, Points
from kernels.device import cores_for
from kernels.distance import MeshIndex
from kernels.distance.packets import morton_order
from kernels.registration.motion import cube_rotations, even_rotations

EVEN_ROTATIONS = 300
"""Neighbours are then about 30 degrees apart, which a coarse registration bridges."""


def in_morton_order(points: Float64s) -> Float64s:
    with cores_for(len(points)) as threads:
        order = morton_order(points, threads)
    ordered: Float64s = np.take(points, order, axis=0)
    return ordered


def sample(ordered: Points, count: int, seed: int) -> Float64s:
    """About `count` of the points, spread evenly along their order, and in it; float64."""
    if len(ordered) <= count:
        return np.ascontiguousarray(ordered, np.float64)
    strata = np.linspace(0, len(ordered), count + 1)
    within = np.random.default_rng(seed).random(count)
    rows = (strata[:-1] + within * np.diff(strata)).astype(np.int64)
    return np.ascontiguousarray(ordered[rows], np.float64)


def surface_sample(index: MeshIndex, count: int, seed: int) -> Float64s:
    """(count, 3) points spread over the CAD surface by area."""
    corners = index.surface.vertices[index.surface.triangles]
    doubled = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    random = np.random.default_rng(seed)
    rows = np.searchsorted(np.cumsum(doubled), (np.arange(count) + random.random(count)) / count * doubled.sum())
    u, v = random.random((2, count, 1))
    folded = u + v > 1
    u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
    a, b, c = corners[np.minimum(rows, len(corners) - 1)].transpose(1, 0, 2)
    points: Float64s = a + u * (b - a) + v * (c - a)
    return points


def without_strays(points: Float64s) -> Float64s:
    """Points within four times the median distance of the middle; strays would turn the principal axes."""
    away = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    kept: Float64s = points[away <= 4 * np.median(away)]
    return kept


def principal_axes(points: Float64s) -> Float64s:
    """Columns: right-handed axes of the covariance, shortest first."""
    vectors = np.linalg.eigh(np.cov(points.T))[1]
    vectors[:, 0] *= np.sign(np.linalg.det(vectors))
    return np.asarray(vectors, np.float64)


def poses_taking(rotations: Float64s, origin: Float64s, target: Float64s) -> Float64s:
    """(k, 4, 4) poses with these rotations, each taking `origin` to `target`."""
    result = np.zeros((len(rotations), 4, 4))
    result[:, :3, :3] = rotations
    result[:, :3, 3] = target - rotations @ origin
    result[:, 3, 3] = 1.0
    return result


def whole_part_starts(scan: Float64s, surface: Float64s) -> Float64s:
    """Starts for a scan of most of the part."""
    kept = without_strays(scan)
    principal = principal_axes(surface) @ cube_rotations() @ principal_axes(kept).T
    rotations = np.concatenate([principal, even_rotations(EVEN_ROTATIONS)])
    by_mean = poses_taking(rotations, kept.mean(axis=0), surface.mean(axis=0))
    middle = (surface.min(axis=0) + surface.max(axis=0)) / 2
    by_box = poses_taking(principal, (kept.min(axis=0) + kept.max(axis=0)) / 2, middle)
    return np.concatenate([by_mean, by_box])


def piece_starts(scan: Float64s, surface: Float64s, places: int) -> Float64s:
    """Starts for a scan of a piece: every even rotation at several places that are far from each other."""
    origin = without_strays(scan).mean(axis=0)
    targets = far_apart(surface, places)
    return np.concatenate([poses_taking(even_rotations(EVEN_ROTATIONS), origin, target) for target in targets])


def far_apart(points: Float64s, count: int) -> Float64s:
    """`count` of the points, each as far as possible from those before it."""
    chosen = [points[0]]
    nearest = np.full(len(points), np.inf)
    for _ in range(count - 1):
        nearest = np.minimum(nearest, np.linalg.norm(points - chosen[-1], axis=1))
        chosen.append(points[np.argmax(nearest)])
    return np.array(chosen)
