"""Local deviation: the median distance of each neighbourhood of a scan, and the points that stand alone in theirs.

In: points and their distances. Out: seeds spread over the surface, their local deviation, a mask of strays.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from kernels.arrays import Float64s

CLOSE = 9
"""A point and its eight nearest: they tell a stray."""
WIDE = 100
"""Points of a neighbourhood: the noise of their median is an eighth of the points'."""
ALONE = 8.0
"""Sigmas from its neighbours' median at which a point is a stray."""
SIGMA_OF_MEDIAN = 1.4826


@dataclass(frozen=True)
class Neighbourhoods:
    """Medians over the surface."""

    rows: NDArray[np.intp]
    """(s,) which of the points are the centres."""
    centers: Float64s
    """(s, 3)"""
    deviations: Float64s
    """(s,) median of the distances around each centre."""
    radius: float
    """Median radius of the neighbourhoods."""
    members: int
    """Points in each."""


def strays(points: Float64s, distances: Float64s) -> NDArray[np.bool_]:
    """(n,) True for a point whose distance is far from that of its neighbours, or whose neighbours are far away."""
    tree = cKDTree(points)
    apart, near = nearest(tree, points, min(CLOSE, len(points)))
    against = distances - np.median(distances[near[:, 1:]], axis=1)
    sigma = max(SIGMA_OF_MEDIAN * float(np.median(np.abs(against))), 1e-12 * float(np.ptp(points)))
    lonely = apart[:, -1] > 10.0 * float(np.median(apart[:, -1]))
    alone: NDArray[np.bool_] = (np.abs(against) > ALONE * sigma) | lonely
    return alone


def neighbourhoods(points: Float64s, distances: Float64s) -> Neighbourhoods:
    """Medians around seeds that lie about half a neighbourhood's radius apart."""
    members = min(WIDE, max(CLOSE, len(points) // 4))
    tree = cKDTree(points)
    probe = points[:: max(1, len(points) // 500)]
    radius = float(np.median(nearest(tree, probe, members)[0][:, -1]))
    rows = _one_a_cell(points, 0.5 * radius)
    centers = points[rows]
    _, near = nearest(tree, centers, members)
    return Neighbourhoods(rows, centers, np.asarray(np.median(distances[near], axis=1)), radius, members)


def nearest(tree: "cKDTree[None]", points: Float64s, count: int) -> tuple[Float64s, NDArray[np.intp]]:
    """(n, count) distances and rows of the nearest points, nearest first."""
    apart, near = tree.query(points, k=count, workers=-1)
    return np.asarray(apart, np.float64), np.asarray(near, np.intp)


def _one_a_cell(points: Float64s, side: float) -> NDArray[np.intp]:
    """The first point of every occupied cell of a grid."""
    cells = np.floor((points - points.min(axis=0)) / max(side, 1e-300)).astype(np.int64)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    return np.unique(keys, return_index=True)[1]
