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
from workers.readers.values import Floats


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
