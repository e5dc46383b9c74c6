"""What was measured to: the feature of the closest triangle, and the surface's normal there.

In: packets of points and the slot that the search found for each. Out: features of the caller's triangles, unit
normals, and on demand the part of the distance along the normal. Double precision throughout.
"""

import numpy as np
from numba import prange

from kernels.arrays import Bytes, Float64s, Int32s, SmallInts, UInt32s
from kernels.compiled import compiled_parallel, inlined
from kernels.distance.formula import CORNER_A, EDGE_AB, FACE, dot, offset_from_triangle
from kernels.distance.normals import normal_of_feature
from kernels.distance.packets import LANES, PACKET_DOUBLES

NO_NORMAL = 1e-9
"""Length of a sum of unit normals below which they cancel out, as at the edge of a sheet; then the face's counts."""


@inlined
def turned_back(feature: int, turn: int) -> int:
    """The same feature in the caller's triangle, whose corner `turn` is the first of ours."""
    if feature == FACE:
        return feature
    first = EDGE_AB if feature < CORNER_A else CORNER_A
    return first + (feature - first + turn) % 3


@compiled_parallel
def describe(
    coordinates: Float64s,
    points: UInt32s,
    slots: Int32s,
    corners: Float64s,
    order: Int32s,
    turns: Bytes,
    triangles: Int32s,
    faces: Float64s,
    edges: Float64s,
    vertices: Float64s,
    edge_of_half: Int32s,
    unit: float,
    along_normal: bool,
    distances: Float64s,
    features: SmallInts,
    normals: Float64s,
) -> None:
    """Feature and normal of every point that has a slot; `along_normal` replaces its distance too."""
    for i in prange(points.shape[0]):
        point = points[i]
        slot = slots[point]
        if slot < 0:
            features[point] = -1
            normals[point, 0], normals[point, 1], normals[point, 2] = np.nan, np.nan, np.nan
            continue
        lane = (i // LANES) * PACKET_DOUBLES + i % LANES
        dx, dy, dz, feature = offset_from_triangle(
            corners, slot, coordinates[lane], coordinates[lane + LANES], coordinates[lane + 2 * LANES]
        )
        row = order[slot]
        nx, ny, nz = normal_of_feature(faces, edges, vertices, edge_of_half, triangles, row, feature)
        length = np.sqrt(dot(nx, ny, nz, nx, ny, nz))
        if length < NO_NORMAL:
            nx, ny, nz, length = faces[row, 0], faces[row, 1], faces[row, 2], 1.0
        normals[point, 0], normals[point, 1], normals[point, 2] = nx / length, ny / length, nz / length
        features[point] = turned_back(feature, turns[row])
        if along_normal:
            distances[point] = dot(dx, dy, dz, nx, ny, nz) / length * unit


@compiled_parallel
def name_rows(slots: Int32s, rows: Int32s) -> None:
    """Put the caller's row of every slot in its place; -1, which is nothing within reach, stays."""
    for i in prange(slots.shape[0]):
        if slots[i] >= 0:
            slots[i] = rows[slots[i]]
