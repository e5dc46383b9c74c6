"""The measured points with their deviations as tiles that a viewer streams. The format: docs/deviation-tiles.md.

In: points and signed deviations, millimetres. Out: one object of tiles and an index of it, the same for the same input.
Every point is in exactly one tile; a coarse tile is a thinned view of what its children go on with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.pictures.zone import Zone

Floats = NDArray[np.float64]

RECORD = np.dtype([("place", "<u2", 3), ("deviation", "<i2")])
CELLS = 64
"""A tile keeps one point of each cell, this many cells to a side, and hands the rest to its children."""
SMALL = 4096
"""Points that are not worth dividing further."""
DEEPEST = 12
FINEST_MM = 1e-4


@dataclass(frozen=True)
class Tiles:
    body: bytes
    index: bytes


def tiles_of(points_mm: Floats, deviations_mm: Floats, zone: Zone, sample_of: int | None = None) -> Tiles:
    """All points, in a cube about them that is halved again and again. `sample_of`: the measured points, if more."""
    low = points_mm.min(axis=0)
    side = max(float(np.ptp(points_mm, axis=0).max()), 1e-6)
    level, key = _placed((points_mm - low) / side)
    order = np.lexsort((key, level))
    level, key = level[order], key[order]
    starts = np.flatnonzero(np.concatenate([[True], (level[1:] != level[:-1]) | (key[1:] != key[:-1])]))
    counts = np.diff(np.append(starts, len(order)))
    largest = max(float(np.percentile(np.abs(deviations_mm), 99.9)), 4.0 * zone.reach_mm)
    step_mm = max(FINEST_MM, largest / 32_000)
    body = _records(points_mm[order], deviations_mm[order], low, side, level, key, step_mm)
    nodes = [
        [_name(int(level[start]), int(key[start])), int(start) * RECORD.itemsize, int(count)]
        for start, count in zip(starts, counts, strict=True)
    ]
    index = {
        "format": "d2r-deviation-tiles",
        "version": 1,
        "unit": "mm",
        "origin": low.tolist(),
        "side": side,
        "points": len(points_mm),
        "measuredPoints": sample_of or len(points_mm),
        "recordBytes": RECORD.itemsize,
        "deviationStep": step_mm,
        "tolerance": [zone.lower_mm, zone.upper_mm],
        "tiles": nodes,
    }
    return Tiles(body, json.dumps(index, separators=(",", ":")).encode())


def _placed(unit: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each point of the unit cube the level of its tile, and the tile's number there in octal digits."""
    level, key = np.zeros(len(unit), np.int64), np.zeros(len(unit), np.int64)
    left = np.arange(len(unit))
    for depth in range(DEEPEST + 1):
        tile = _numbers(unit[left], depth)
        _, which, counts = np.unique(tile, return_inverse=True, return_counts=True)
        chosen = counts[which] <= SMALL
        if depth == DEEPEST:
            chosen[:] = True
        crowded = np.flatnonzero(~chosen)
        cells = np.minimum((unit[left[crowded]] * (CELLS << depth)).astype(np.int64), (CELLS << depth) - 1)
        span = CELLS << depth
        _, first = np.unique((cells[:, 0] * span + cells[:, 1]) * span + cells[:, 2], return_index=True)
        chosen[crowded[first]] = True
        level[left[chosen]], key[left[chosen]] = depth, tile[chosen]
        left = left[~chosen]
        if len(left) == 0:
            break
    return level, key


def _numbers(unit: Floats, depth: int) -> NDArray[np.int64]:
    """Three bits a level: x, y, z, coarsest first."""
    places = np.minimum((unit * (1 << depth)).astype(np.int64), (1 << depth) - 1)
    key = np.zeros(len(unit), np.int64)
    for bit in range(depth):
        for axis in range(3):
            key |= ((places[:, axis] >> bit) & 1) << (3 * bit + 2 - axis)
    return key


def _corner(key: NDArray[np.int64]) -> Floats:
    """(n, 3) of each tile, in sides of a tile of its level."""
    corner = np.zeros((len(key), 3), np.int64)
    for bit in range(DEEPEST):
        for axis in range(3):
            corner[:, axis] |= ((key >> (3 * bit + 2 - axis)) & 1) << bit
    return corner.astype(np.float64)


def _records(
    points: Floats,
    deviations: Floats,
    low: Floats,
    side: float,
    level: NDArray[np.int64],
    key: NDArray[np.int64],
    step_mm: float,
) -> bytes:
    tile_side = (side / np.exp2(level))[:, None]
    inside = (points - low - _corner(key) * tile_side) / tile_side
    records = np.empty(len(points), RECORD)
    records["place"] = np.clip(np.round(inside * 65_535), 0, 65_535)
    records["deviation"] = np.clip(np.round(deviations / step_mm), -32_767, 32_767)
    return records.tobytes()


def _name(level: int, key: int) -> str:
    return "r" + "".join(str((key >> 3 * (level - 1 - place)) & 7) for place in range(level))
