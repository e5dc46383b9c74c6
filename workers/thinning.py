"""Leave out points where they lie closer than anybody asks: some of each cell of a grid stand for all of it.

In: points, the side of a cell, how many of each are kept. Out: the rows that are kept, in their order; the same for the
same input. Within a cell every second, third, ... is kept, so that what lay one after the other is thinned evenly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_CELLS = 2**20
"""Along one axis: three such numbers fit in 64 bits."""


def thinned(points: Floats, side: float, most: int) -> NDArray[np.intp]:
    """Rows of up to `most` points of every cell."""
    cell, counts = _cells(points, side)
    order = np.argsort(cell, kind="stable")
    rank = np.empty(len(points), np.int64)
    rank[order] = np.arange(len(points)) - np.repeat(np.cumsum(counts) - counts, counts)
    own = np.maximum(counts[cell], most)
    return np.flatnonzero((rank + 1) * most // own > rank * most // own)


def _cells(points: Floats, side: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each point its cell, of each cell its points."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    side = max(side, float(extent.max()) / MOST_CELLS)
    places = np.floor((points - low) / side).astype(np.int64)
    spans = places.max(axis=0) + 1
    keys = (places[:, 0] * spans[1] + places[:, 1]) * spans[2] + places[:, 2]
    _, cell, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return cell.ravel(), counts
