"""Signed distance of points to a triangle mesh.

    index = MeshIndex.build(vertices, triangles)     # (v, 3) float, (m, 3) int, counter-clockwise from outside
    index.signed_distance(points).distance           # (n,) float64, negative inside
    index.deviations(points, AlongNormal())          # with feature and normal; or Shortest(), AlongDirection((0, 0, 1))

Tolerance: the distance differs from the true one by at most 1e-9 of the extent of mesh and points together; in practice
by a few units in the last place of the normalised coordinates. `triangle` is a closest triangle; where several are
equally close (edges, corners), any of them. Along a direction the tolerance holds for triangles that face it by more
than 1e-6 (the cosine) and are not narrower than that, seen along it; a triangle that contains it is not measured to.

Sign: angle-weighted pseudonormal of the closest face, edge or corner. Right for a watertight mesh (`index.watertight`).
An open mesh is measured all the same, with the side of its nearest face, which is a guess beyond its rim. Triangles
without area are dropped and counted (`index.dropped`).

Refuses (kernels.errors): other shapes, NaN and infinity, triangles that name no vertex, a mesh without area, points
more than 1e9 half extents away, a direction that is none.
"""

import numpy as np

from kernels.distance.index import Deviations, Distances, MeshIndex
from kernels.distance.ways import AlongDirection, AlongNormal, Feature, Shortest, Way

__all__ = [
    "AlongDirection",
    "AlongNormal",
    "Deviations",
    "Distances",
    "Feature",
    "MeshIndex",
    "Shortest",
    "Way",
    "warm_up",
]


def warm_up() -> None:
    """Compile (or load from the disk cache) every variant; call it where a worker starts, never within a job."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float64)
    index = MeshIndex.build(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    # More triangles than one box holds: a tree with levels.
    row = np.arange(14)
    MeshIndex.build(np.column_stack([row, row % 2, 0 * row]).astype(np.float64), row[:12, None] + np.arange(3))
    for points in (corners, corners.astype(np.float32)):
        for presorted in (False, True):
            index.signed_distance(points, presorted=presorted)
    for way in (Shortest(), AlongDirection((0.0, 0.0, 1.0))):
        index.deviations(corners, way)
