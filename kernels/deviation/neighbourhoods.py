"""Local deviation: the median distance of each neighbourhood of a scan, and the points that stand alone in theirs.

In: points and their distances. Out: seeds spread over the surface, their local deviation, a mask of strays. A piece
of a scan is given with the points around it and what is usual in the whole, and is then told as the whole would be.
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


_AT_ONCE = 50_000
"""Rows whose neighbours are held at a time."""


@dataclass(frozen=True)
class Usual:
    """What is usual among the points of a whole scan, by which one that stands alone is told."""

    sigma: float
    """Of a distance against the median of its neighbours'."""
    apart: float
    """Of a point and its eighth nearest."""


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


def strays(points: Float64s, distances: Float64s) -> tuple[NDArray[np.bool_], Usual]:
    """(n,) True for a point whose distance is far from that of its neighbours, or whose neighbours are far away."""
    against, apart = _against_nearest(points, distances)
    sigma = max(SIGMA_OF_MEDIAN * float(np.median(np.abs(against))), 1e-12 * float(np.ptp(points)))
    usual = Usual(sigma, float(np.median(apart)))
    return _alone(against, apart, usual), usual


def strays_of_piece(points: Float64s, distances: Float64s, usual: Usual) -> NDArray[np.bool_]:
    """The same of a piece with the points around it. A point without any neighbour is a stray."""
    if len(points) < 2:
        return np.ones(len(points), np.bool_)
    return _alone(*_against_nearest(points, distances), usual)


def _alone(against: Float64s, apart: Float64s, usual: Usual) -> NDArray[np.bool_]:
    alone: NDArray[np.bool_] = (np.abs(against) > ALONE * usual.sigma) | (apart > 10.0 * usual.apart)
    return alone


def _against_nearest(points: Float64s, distances: Float64s) -> tuple[Float64s, Float64s]:
    """A point's distance less its neighbours' median, and how far the farthest of those is."""
    tree = cKDTree(points)
    against, far = np.empty(len(points)), np.empty(len(points))
    for start in range(0, len(points), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        apart, near = nearest(tree, points[rows], min(CLOSE, len(points)))
        against[rows] = distances[rows] - np.median(distances[near[:, 1:]], axis=1)
        far[rows] = apart[:, -1]
    return against, far


def neighbourhoods(points: Float64s, distances: Float64s) -> Neighbourhoods:
    """Medians around seeds that lie about half a neighbourhood's radius apart."""
    members = min(WIDE, max(CLOSE, len(points) // 4))
    tree = cKDTree(points)
    probe = points[:: max(1, len(points) // 500)]
    radius = float(np.median(nearest(tree, probe, members)[0][:, -1]))
    rows = _one_a_cell(points, points.min(axis=0), 0.5 * radius)
    return Neighbourhoods(rows, points[rows], _medians(tree, points[rows], distances, members), radius, members)


def neighbourhoods_of_piece(
    points: Float64s, distances: Float64s, own: int, radius: float, members: int
) -> Neighbourhoods:
    """The same of a piece whose own points come first, the points around it after them. Seeds are its own."""
    rows = _one_a_cell(points[:own], np.zeros(3), 0.5 * radius)
    medians = _medians(cKDTree(points), points[rows], distances, min(members, len(points)))
    return Neighbourhoods(rows, points[rows], medians, radius, members)


def _medians(tree: "cKDTree[None]", centers: Float64s, distances: Float64s, members: int) -> Float64s:
    medians = np.empty(len(centers))
    step = max(1, _AT_ONCE * CLOSE // members)
    for start in range(0, len(centers), step):
        rows = slice(start, start + step)
        near = nearest(tree, centers[rows], members)[1].reshape(-1, members)
        medians[rows] = np.median(distances[near], axis=1)
    return medians


def nearest(tree: "cKDTree[None]", points: Float64s, count: int) -> tuple[Float64s, NDArray[np.intp]]:
    """(n, count) distances and rows of the nearest points, nearest first."""
    apart, near = tree.query(points, k=count, workers=-1)
    return np.asarray(apart, np.float64), np.asarray(near, np.intp)


def _one_a_cell(points: Float64s, origin: Float64s, side: float) -> NDArray[np.intp]:
    """The first point of every occupied cell of a grid."""
    cells = np.floor((points - origin) / max(side, 1e-300)).astype(np.int64)
    cells -= cells.min(axis=0)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    return np.unique(keys, return_index=True)[1]
