"""The grid that a cloud's points lie on in the store: int32 cells, and their place on the Morton curve.

In: points of a file in its own unit. Out: cells, and from cells points in millimetres. A cell is `step_mm` wide: 0.1 µm
wherever the scan spans less than 107 m, so a stored coordinate is within 0.05 µm of the file's.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kernels.morton import morton_keys, shift_for
from workers.readers import read_scan
from workers.readers.pieces import Pieces
from workers.readers.units import LengthUnit
from workers.readers.values import FARTHEST, Floats

Cells = NDArray[np.int32]
Keys = NDArray[np.uint64]

FINEST_MM = 1e-4
# Cells are below this: a bit of int32 is left for what lies on the border.
_MOST_CELLS = 2.0**30


class Grid(Struct, frozen=True):
    """`origin_mm` and cells are of coordinates that `shift_mm` was taken from, as in a `ScanCloud`."""

    unit: LengthUnit
    shift_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    step_mm: float
    key_shift: int

    def cells_of(self, points: Floats) -> Cells:
        """(n, 3) cells of finite points in the file's unit."""
        mm = self.unit.mm
        # Shifted in the file's own unit: scaling first would round large coordinates once more.
        places = (points - np.array(self.shift_mm) / mm) * mm
        cells: Cells = np.rint((places - np.array(self.origin_mm)) / self.step_mm).astype(np.int32)
        return cells

    def points_mm(self, cells: Cells) -> Floats:
        """(n, 3), shifted."""
        points: Floats = cells * self.step_mm + np.array(self.origin_mm)
        return points

    def keys(self, cells: Cells) -> Keys:
        return morton_keys(cells, self.key_shift)


def grid_for(pieces: Pieces) -> Grid:
    mm = pieces.unit.mm
    low, high = pieces.rows.low * mm, pieces.rows.high * mm
    shift = read_scan.shift_for(low, high)
    extent = float((high - low).max())
    step = FINEST_MM * 10.0 ** max(0, math.ceil(math.log10(max(extent, 1e-9) / FINEST_MM / _MOST_CELLS)))
    return Grid(pieces.unit, _three(shift), _three(low - shift), step, shift_for(math.ceil(extent / step) + 1))


def usable(points: Floats) -> tuple[Floats, int, int]:
    """The points that are places, and how many were not finite and exactly zero: drop-outs of a sensor."""
    finite = np.all(np.abs(points) < FARTHEST, axis=1)
    zero = (points == 0.0).all(axis=1)
    kept = finite & ~zero
    bad = len(points) - int(np.count_nonzero(finite))
    return (points if kept.all() else points[kept]), bad, int(np.count_nonzero(zero))


def _three(values: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
