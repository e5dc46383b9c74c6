"""A cloud in the cells of a grid, so that what is near a place is found by reading a few of them.

In: points and the side of a cell. Out: the points in the order of their cells; along z cells follow one another, so
that a column of cells is one run of points, found by halving.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.arrays import Float64s, Int64s
from kernels.compiled import compiled, int64


@dataclass(frozen=True)
class Cells:
    points: Float64s
    """(n, 3) in the order of their cells."""
    keys: Int64s
    """(n,) ascending; along z cells follow one another."""
    order: NDArray[np.intp]
    """(n,) which row of the caller's each point was."""
    low: Float64s
    spans: Int64s
    side: float


def cells_of(points: Float64s, side: float) -> Cells:
    """The cloud in cells; wider ones where so many would not be counted in 64 bits."""
    low, high = bounds_of(points) if len(points) else (np.zeros(3), np.zeros(3))
    side = max(side, float((high - low).max()) / 2**20)
    places = np.floor((points - low) / side).astype(np.int64)
    keys, spans = keys_of(places)
    order = np.argsort(keys, kind="stable")
    return Cells(np.ascontiguousarray(points[order]), keys[order], order, low, spans, side)


def bounds_of(points: Float64s) -> tuple[Float64s, Float64s]:
    """(3,) least and largest of each axis: a column at a time, for rows of three cost NumPy six times as much."""
    columns = [points[:, axis] for axis in range(3)]
    return np.array([each.min() for each in columns]), np.array([each.max() for each in columns])


def keys_of(places: Int64s) -> tuple[Int64s, Int64s]:
    """(n,) one number for each cell, z the fastest, and how many cells there are an axis; no place is below zero."""
    spans = np.array([places[:, axis].max(initial=0) for axis in range(3)]) + 1
    return (places[:, 0] * spans[1] + places[:, 1]) * spans[2] + places[:, 2], spans


@compiled
def first_between(keys: Int64s, wanted: int, low: int, high: int) -> int:
    """The first row from `low` on whose key is at least `wanted`; `high` where none before that is."""
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def first_at_least(keys: Int64s, wanted: int) -> int:
    return first_between(keys, wanted, int64(0), int64(len(keys)))


@compiled
def first_at_least_near(keys: Int64s, wanted: int, near: int) -> int:
    """The same as `first_at_least`, looked for from row `near` outwards: a few steps where it is not far."""
    step = int64(1)
    if near < len(keys) and keys[near] < wanted:
        low, high = int64(near), int64(near + 1)
        while high < len(keys) and keys[high] < wanted:
            step <<= 1
            low, high = high, high + step
        return first_between(keys, wanted, low + 1, min(high, int64(len(keys))))
    low, high = int64(near - 1), int64(near)
    while low >= 0 and keys[low] >= wanted:
        step <<= 1
        low, high = low - step, low
    return first_between(keys, wanted, max(low, int64(-1)) + 1, high)
