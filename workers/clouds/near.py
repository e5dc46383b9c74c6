"""What lies near a tile: which other tiles must be read for it, and which of their points.

In: the cells of a tile, facts of the others, a reach in cells. Out: numbers of tiles; of a tile's cells those that may
be within reach. Arithmetic only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.morton import BITS
from workers.clouds.grid import Cells, Grid
from workers.clouds.pieces import TileFacts

_MOST_CUBES = 2**20
"""Along one axis: three such numbers fit in 64 bits."""
_COARSE_BITS = 8
"""Of each axis: a tile of a hundred fills a few thousand such cubes."""


def coarse_cubes(grid: Grid, cells: Cells) -> bytes:
    """The cubes that a tile fills, a 256th of the grid wide: three bytes each. Cells are in Morton order."""
    cubes: NDArray[np.uint8] = (cells >> _coarse_shift(grid)).astype(np.uint8)
    # A cube of this width is one stretch of the curve.
    is_first = np.ones(len(cubes), bool)
    is_first[1:] = (cubes[1:] != cubes[:-1]).any(axis=1)
    return cubes[is_first].tobytes()


def neighbours(grid: Grid, tiles: dict[int, TileFacts], number: int, reach: int) -> list[int]:
    """Other tiles that may have cells within `reach` of this one's, in order."""
    own = tiles[number]
    # Of cubes at least as wide as the reach: what is within reach is in one that is its own, or in one beside.
    wider = max(0, (reach - 1).bit_length() - _coarse_shift(grid))
    room = None if own.cubes is None else _with_those_beside(_filled(own.cubes, wider))

    def is_near(facts: TileFacts) -> bool:
        boxes_are = all(
            facts.low[axis] <= own.high[axis] + reach and facts.high[axis] >= own.low[axis] - reach for axis in range(3)
        )
        if not boxes_are or room is None or facts.cubes is None:
            return boxes_are
        return bool(np.isin(_numbers(_filled(facts.cubes, wider)), room).any())

    return [other for other, facts in sorted(tiles.items()) if other != number and is_near(facts)]


def _coarse_shift(grid: Grid) -> int:
    return grid.key_shift + BITS - _COARSE_BITS


def _filled(cubes: bytes, wider: int) -> NDArray[np.int32]:
    """(n, 3), in cubes 2**`wider` coarse ones wide."""
    return np.frombuffer(cubes, np.uint8).reshape(-1, 3).astype(np.int32) >> wider


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The cubes of a tile and those beside them. Every place within `reach` cells of the tile is in one."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    side: int
    cubes: NDArray[np.int64]
    """Sorted."""

    @classmethod
    def of(cls, own: Cells, reach: int) -> Surroundings:
        side = max(reach, 2**31 // _MOST_CUBES)
        low, high = own.min(axis=0).astype(np.int64), own.max(axis=0).astype(np.int64)
        return cls(low - reach, high + reach, side, _with_those_beside(own // side))

    def among(self, cells: Cells) -> Cells:
        """Those of the cells that lie in the cubes."""
        near = cells[((cells >= self.low) & (cells <= self.high)).all(axis=1)]
        cubes = _numbers(near // self.side)
        rows = np.minimum(np.searchsorted(self.cubes, cubes), len(self.cubes) - 1)
        inside: Cells = near[self.cubes[rows] == cubes]
        return inside


def _with_those_beside(cubes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Their numbers and those of the 26 beside each; sorted."""
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    away = _numbers(steps) - _numbers(np.zeros((1, 3), np.int32))
    return np.unique(np.unique(_numbers(cubes))[:, None] + away)


def _numbers(cubes: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) one number for each cube: those beside it are a fixed step away."""
    # One more on either side: a cube beside the first has a number below zero.
    x, y, z = (cubes[:, axis] + np.int64(1) for axis in range(3))
    numbers: NDArray[np.int64] = (x << 42) | (y << 21) | z
    return numbers
