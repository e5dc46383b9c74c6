"""Local deviation: the median distance of each neighbourhood of a scan, and the points that stand alone in theirs.

In: points and their distances. Out: seeds spread over the surface, their local deviation, a mask of strays. A piece
of a scan is given with the points around it and what is usual in the whole, and is then told as the whole would be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.arrays import Float64s
from kernels.cells import keys_of
from kernels.deviation.nearest import Nearest

CLOSE = 9
"""A point and its eight nearest: they tell a stray."""
WIDE = 100
"""Points of a neighbourhood: the noise of their median is an eighth of the points'."""
ALONE = 8.0
"""Sigmas from its neighbours' median at which a point is a stray."""
FAR = 10.0
"""Times as far as usual from its nearest, at which it is one, too."""
SIGMA_OF_MEDIAN = 1.4826


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
    medians, apart = _close_to_each(points, distances).around_each()
    against = distances - medians
    sigma = max(SIGMA_OF_MEDIAN * float(np.median(np.abs(against))), 1e-12 * float(np.ptp(points)))
    usual = Usual(sigma, float(np.median(apart)))
    return (np.abs(against) > ALONE * usual.sigma) | (apart > FAR * usual.apart), usual


def strays_of_piece(points: Float64s, distances: Float64s, usual: Usual) -> NDArray[np.bool_]:
    """The same of a piece with the points around it. A point without any neighbour is a stray."""
    if len(points) < 2:
        return np.ones(len(points), np.bool_)
    return _close_to_each(points, distances).alone(ALONE * usual.sigma, FAR * usual.apart)


def _close_to_each(points: Float64s, distances: Float64s) -> Nearest:
    return Nearest.among(points, distances, min(CLOSE, len(points)) - 1)


def neighbourhoods(points: Float64s, distances: Float64s) -> Neighbourhoods:
    """Medians around seeds that lie about half a neighbourhood's radius apart."""
    members = min(WIDE, max(CLOSE, len(points) // 4))
    nearest = Nearest.among(points, distances, members)
    radius = float(np.median(nearest.around(points[:: max(1, len(points) // 500)])[1]))
    rows = _one_a_cell(points, points.min(axis=0), 0.5 * radius)
    return Neighbourhoods(rows, points[rows], nearest.around(points[rows])[0], radius, members)


def neighbourhoods_of_piece(
    points: Float64s, distances: Float64s, own: int, radius: float, members: int
) -> Neighbourhoods:
    """The same of a piece whose own points come first, the points around it after them. Seeds are its own."""
    rows = _one_a_cell(points[:own], np.zeros(3), 0.5 * radius)
    medians, _ = Nearest.among(points, distances, min(members, len(points))).around(points[rows])
    return Neighbourhoods(rows, points[rows], medians, radius, members)


def _one_a_cell(points: Float64s, origin: Float64s, side: float) -> NDArray[np.intp]:
    """The first point of every occupied cell of a grid."""
    cells = np.floor((points - origin) / max(side, 1e-300)).astype(np.int64)
    cells -= cells.min(axis=0)
    return np.unique(keys_of(cells)[0], return_index=True)[1]
