"""Minimum zones the plain way: for planes every pair of hull features, for the others a search of many starts."""

import itertools

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

Floats = np.ndarray


def flatness(points: Floats) -> float:
    """The width of the convex hull: between a facet and a corner, or between two edges. Exact, and slow."""
    hull = ConvexHull(points)
    corners = points[hull.vertices]
    normals = list(hull.equations[:, :3])
    edges = {tuple(sorted(pair)) for facet in hull.simplices for pair in itertools.combinations(facet, 2)}
    along = np.array([points[one] - points[other] for one, other in edges])
    across = np.cross(along[:, None], along[None]).reshape(-1, 3)
    lengths = np.linalg.norm(across, axis=1)
    normals = np.concatenate([normals, across[lengths > 1e-9] / lengths[lengths > 1e-9][:, None]])
    groups = np.array_split(normals, 1 + len(normals) // 4000)
    return float(min(np.ptp(corners @ some.T, axis=0).min() for some in groups))


def searched(width: object, start: Floats, scales: Floats, starts: int, seed: int) -> float:
    """The least width that Nelder and Mead find from `starts` random places around `start`."""
    random = np.random.default_rng(seed)
    best = np.inf
    for _ in range(starts):
        x = start + random.normal(size=len(start)) * scales
        for _ in range(4):  # restarted where it ends: a simplex collapses early on a function with kinks
            found = minimize(width, x, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-10, "fatol": 1e-12})
            x = found.x
        best = min(best, float(found.fun))
    return best


def cylinder_width(points: Floats) -> object:
    """Of an axis near z through (x0, y0) with slopes (x2, x3)."""

    def width(x: Floats) -> float:
        axis = np.array([x[2], x[3], 1.0]) / np.sqrt(1 + x[2] ** 2 + x[3] ** 2)
        away = points - np.array([x[0], x[1], 0.0])
        return float(np.ptp(np.linalg.norm(away - (away @ axis)[:, None] * axis, axis=1)))

    return width


def sphere_width(points: Floats) -> object:
    return lambda x: float(np.ptp(np.linalg.norm(points - x, axis=1)))


def circle_width(points: Floats) -> object:
    return lambda x: float(np.ptp(np.linalg.norm(points[:, :2] - x, axis=1)))
