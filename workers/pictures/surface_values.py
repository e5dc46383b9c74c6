"""Spread the deviations of scan points over the surface that they were measured against.

In: points with deviations. Out: a value for any place of the surface, NaN where no point lies near. Medians of small
cells stand for single points, so that one stray paints nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from workers.pictures.colours import Floats
from workers.pictures.ray_scene import RayScene

Indices = NDArray[np.int64]

# More points than this add nothing that a picture could show.
_MOST_POINTS = 1_000_000
_CELLS_ACROSS = 350
_NEIGHBOURS = 4
_SPACING_SAMPLE = 5_000
# A cell that departs from the median around it by so many robust sigmas is a stray and is not painted.
_SPECK_CELLS, _SPECK_SIGMAS = 9, 8.0


class SurfaceValues:
    """Deviations by place. Built once, asked by every view."""

    def __init__(self, scene: RayScene, points_mm: Floats, deviation_mm: Floats) -> None:
        step = max(1, -(-len(points_mm) // _MOST_POINTS))
        self._scene = scene
        feet = scene.feet(points_mm[::step])
        cell_mm = max(scene.diagonal_mm / _CELLS_ACROSS, 1.5 * _spacing(feet))
        self._feet, self._values = _cell_medians(feet, deviation_mm[::step], cell_mm)
        clean = ~_is_speck(self._values, self._around(_SPECK_CELLS))
        self._feet, self._values = self._feet[clean], self._values[clean]
        self._tree = cKDTree(self._feet)
        self._reach_mm = 2.5 * cell_mm

    def at(self, places_mm: Floats) -> Floats:
        """The deviation at each place: the mean of the cells near it, the nearer the heavier."""
        away, nearest = self._tree.query(places_mm, k=_NEIGHBOURS, distance_upper_bound=self._reach_mm)
        # Where the tree finds fewer it answers the infinite distance and an index past the end.
        weights = np.where(np.isfinite(away), 1.0 / (away + 0.1 * self._reach_mm), 0.0)
        values = np.append(self._values, 0.0)[nearest]
        total = weights.sum(axis=1)
        known = total > 0
        mean = (weights * values).sum(axis=1) / np.where(known, total, 1.0)
        result: Floats = np.where(known, mean, np.nan)
        return result

    def _around(self, cells: int) -> Floats:
        """The median of the cells nearest to each."""
        cells = min(cells, len(self._values))
        _, near = cKDTree(self._feet).query(self._feet, k=cells)
        result: Floats = np.median(self._values[near.reshape(len(self._feet), cells)], axis=1)
        return result


def _is_speck(values: Floats, around: Floats) -> NDArray[np.bool_]:
    off = np.abs(values - around)
    speck: NDArray[np.bool_] = off > _SPECK_SIGMAS * 1.4826 * np.median(off)
    return speck


def _spacing(feet: Floats) -> float:
    """The usual distance between neighbours, by a sample against all."""
    sample = feet[:: max(1, len(feet) // _SPACING_SAMPLE)]
    away, _ = cKDTree(feet).query(sample, k=min(2, len(feet)))
    return float(np.median(np.atleast_2d(away)[:, -1]))


def _cell_medians(feet: Floats, values: Floats, cell_mm: float) -> tuple[Floats, Floats]:
    """One place and the median value for each cell. Cells with a lone point are left out where most hold several."""
    steps = np.floor((feet - feet.min(axis=0)) / cell_mm).astype(np.int64)
    size = steps.max(axis=0) + 1
    keys = (steps[:, 0] * size[1] + steps[:, 1]) * size[2] + steps[:, 2]
    order = np.lexsort((values, keys))
    starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    counts = np.diff(np.append(starts, len(order)))
    kept = counts >= (2 if np.median(counts) >= 3 else 1)
    # The median's own point gives the place: a mean of places may lie off the surface.
    middle = order[starts + counts // 2][kept]
    return feet[middle], values[middle]
