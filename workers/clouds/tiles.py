"""One tile measured, with the points of other tiles that lie around it.

In: cells of the tile and of its neighbours, the part, the pose. Out: what the tile says, and its deviations as bytes.
Arithmetic only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.clouds.codec import packed_singles
from kernels.deviation.pieces import PieceFigures, UsualInWhole, figures_of_piece
from kernels.deviation.regions import FaceSurface
from kernels.distance import MeshIndex
from workers.clouds.grid import Cells, Grid
from workers.clouds.pieces import TileFacts
from workers.readers.values import Floats

_MOST_CUBES = 2**20
"""Along one axis: three such numbers fit in 64 bits."""


@dataclass(frozen=True, eq=False)
class Against:
    """What every tile is measured against. `transform` takes the grid's points to the part."""

    index: MeshIndex
    faces: NDArray[np.int32]
    surfaces: tuple[FaceSurface, ...]
    transform: Floats
    usual: UsualInWhole
    lower_mm: float
    upper_mm: float


def measured_tile(grid: Grid, against: Against, own: Cells, around: Cells) -> tuple[PieceFigures, bytes]:
    """What is said of the tile's own points; their deviations as stored, strays included, in their order."""
    turn, shift = against.transform[:3, :3], against.transform[:3, 3]
    points = grid.points_mm(np.concatenate([own, around])) @ turn.T + shift
    found = against.index.signed_distance(points, presorted=True)
    said = figures_of_piece(
        points,
        found.distance,
        against.faces[found.triangle],
        len(own),
        against.usual,
        against.surfaces,
        against.lower_mm,
        against.upper_mm,
    )
    return said, packed_singles(found.distance[: len(own)].astype(np.float32))


def neighbours(tiles: dict[int, TileFacts], number: int, reach: int) -> list[int]:
    """Other tiles whose boxes come within `reach` cells of this one's, in order."""
    own = tiles[number]

    def is_near(facts: TileFacts) -> bool:
        return all(
            facts.low[axis] <= own.high[axis] + reach and facts.high[axis] >= own.low[axis] - reach for axis in range(3)
        )

    return [other for other, facts in sorted(tiles.items()) if other != number and is_near(facts)]


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
        steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        beside = np.unique(_numbers(own // side))[:, None] + (_numbers(steps) - _numbers(np.zeros((1, 3), np.int32)))
        low, high = own.min(axis=0).astype(np.int64), own.max(axis=0).astype(np.int64)
        return cls(low - reach, high + reach, side, np.unique(beside))

    def among(self, cells: Cells) -> Cells:
        """Those of the cells that lie in the cubes."""
        near = cells[((cells >= self.low) & (cells <= self.high)).all(axis=1)]
        cubes = _numbers(near // self.side)
        rows = np.minimum(np.searchsorted(self.cubes, cubes), len(self.cubes) - 1)
        inside: Cells = near[self.cubes[rows] == cubes]
        return inside


def _numbers(cubes: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) one number for each cube: those beside it are a fixed step away."""
    # One more on either side: a cube beside the first has a number below zero.
    x, y, z = (cubes[:, axis] + np.int64(1) for axis in range(3))
    numbers: NDArray[np.int64] = (x << 42) | (y << 21) | z
    return numbers
