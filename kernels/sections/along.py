"""Deviations along the lines of a cut. In: lines and scan points. Out: stations with medians, NaN without data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from kernels.arrays import Float64s, Int64s, as_points
from kernels.errors import InvalidParameter, WrongShape
from kernels.sections.cutting import unit

REACH = 2.0
"""Steps that a point may lie from its station along the surface."""


@dataclass(frozen=True)
class Stations:
    """One line of a cut."""

    places: Float64s
    """(k, 3), evenly apart along the line."""
    deviations: Float64s
    """(k,) median of the points that came here; NaN without any."""
    points: Int64s
    """(k,)"""


def deviations_along(
    lines: list[Float64s],
    points: ArrayLike,
    distances: ArrayLike,
    point: ArrayLike,
    normal: ArrayLike,
    half_width: float,
    step: float,
) -> list[Stations]:
    """Stations of each line, in the order of the lines."""
    for name, length in (("half_width", half_width), ("step", step)):
        if not 0 < length < np.inf:
            raise InvalidParameter(name, length, "above zero")
    places, measured = np.asarray(as_points(points), np.float64), np.asarray(distances, np.float64)
    if measured.shape != (len(places),):
        raise WrongShape("distances", f"({len(places)},)", measured.shape, str(measured.dtype))
    spaced = [_spaced(line, step) for line in lines]
    if not spaced:
        return []
    stations = np.concatenate(spaced)
    heights = (places - np.asarray(point, np.float64)) @ unit(normal)
    near = np.abs(heights) <= half_width
    flat, values = places[near] - heights[near, None] * unit(normal), measured[near]
    away, station = cKDTree(stations).query(flat, workers=-1)
    # A point that deviates is off the line by that much without being elsewhere on it.
    here = away**2 - values**2 <= (REACH * step) ** 2
    medians, counts = _medians(np.asarray(station)[here], values[here], len(stations))
    borders = np.cumsum([len(line) for line in spaced])[:-1]
    parts = zip(spaced, np.split(medians, borders), np.split(counts, borders), strict=True)
    return [Stations(*part) for part in parts]


def _spaced(line: Float64s, step: float) -> Float64s:
    """Places a step apart, both ends among them."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0.0, lengths[-1], max(2, int(np.ceil(lengths[-1] / step)) + 1))
    return np.column_stack([np.interp(wanted, lengths, line[:, axis]) for axis in range(3)])


def _medians(station: Int64s, values: Float64s, count: int) -> tuple[Float64s, Int64s]:
    order = np.lexsort((values, station))
    counts = np.bincount(station, minlength=count)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    medians = np.full(count, np.nan)
    some = counts > 0
    ordered = values[order]
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    medians[some] = (ordered[low[some]] + ordered[high[some]]) / 2
    return medians, counts
