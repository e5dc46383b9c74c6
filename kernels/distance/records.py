"""Triangles as the search reads them: a float64 row for the result and a float32 record for the hunt.

In: normalised vertices, triangles and the order of the tree. Out, a slot each, padded to whole groups of eight:

    corners    float64 (slots, 9)    a, b, c; ab is the longest edge
    records    float32 (slots * 20)  a; axis along ab; axis across; unit normal; |ab|; c in those axes; 1/|bc|^2;
                                     1/|ac|^2; c minus b along ab; two floats of padding
    low, high  float32 (slots, 3)    box
"""

import numpy as np
from numba import prange

from kernels.arrays import Float32s, Float64s, Int32s
from kernels.compiled import compiled_parallel, inlined
from kernels.distance.formula import CORNERS, cross, dot

RECORD = 20
NOWHERE = 1e16
"""Boxes of padding lie here: beyond every bound, and small enough that its square is a float32."""


@inlined
def write_record(records: Float32s, slot: int, corners: Float64s) -> None:
    """Write the triangle of a slot (a, b, c) in its own frame."""
    ax, ay, az = corners[slot, 0], corners[slot, 1], corners[slot, 2]
    bx, by, bz = corners[slot, 3] - ax, corners[slot, 4] - ay, corners[slot, 5] - az
    cx, cy, cz = corners[slot, 6] - ax, corners[slot, 7] - ay, corners[slot, 8] - az
    length = np.sqrt(dot(bx, by, bz, bx, by, bz))
    nx, ny, nz = cross(bx, by, bz, cx, cy, cz)
    area = np.sqrt(dot(nx, ny, nz, nx, ny, nz))
    ux, uy, uz = bx / length, by / length, bz / length
    nx, ny, nz = nx / area, ny / area, nz / area
    vx, vy, vz = cross(nx, ny, nz, ux, uy, uz)
    corner_x, corner_y = dot(cx, cy, cz, ux, uy, uz), dot(cx, cy, cz, vx, vy, vz)
    edge_x = corner_x - length
    values = (ax, ay, az, ux, uy, uz, vx, vy, vz, nx, ny, nz, length, corner_x, corner_y)
    first = slot * RECORD
    for k, value in enumerate(values):
        records[first + k] = value
    records[first + 15] = 1.0 / (edge_x * edge_x + corner_y * corner_y)
    records[first + 16] = 1.0 / (corner_x * corner_x + corner_y * corner_y)
    records[first + 17] = edge_x
    records[first + 18] = 0.0
    records[first + 19] = 0.0


@compiled_parallel
def write_records(
    vertices: Float64s,
    triangles: Int32s,
    order: Int32s,
    corners: Float64s,
    records: Float32s,
    low: Float32s,
    high: Float32s,
) -> None:
    """Fill every slot; those past the last triangle become padding."""
    for slot in prange(corners.shape[0]):
        if slot >= order.shape[0]:
            corners[slot, :] = NOWHERE
            records[slot * RECORD : (slot + 1) * RECORD] = 0.0
            low[slot, :] = NOWHERE
            high[slot, :] = NOWHERE
            continue
        a, b, c = triangles[order[slot], 0], triangles[order[slot], 1], triangles[order[slot], 2]
        for axis in range(3):
            first, second, third = vertices[a, axis], vertices[b, axis], vertices[c, axis]
            corners[slot, axis], corners[slot, 3 + axis], corners[slot, 6 + axis] = first, second, third
            low[slot, axis], high[slot, axis] = min(first, second, third), max(first, second, third)
        write_record(records, slot, corners)


@compiled_parallel
def normalise(vertices: Float64s, center: tuple[float, float, float], scale: float, normalised: Float64s) -> None:
    for vertex in prange(vertices.shape[0]):
        for axis in range(3):
            normalised[vertex, axis] = (vertices[vertex, axis] - center[axis]) * scale


@compiled_parallel
def write_centroids(vertices: Float64s, triangles: Int32s, centroids: Float32s) -> None:
    """Three times the mean of every triangle's corners."""
    for triangle in prange(triangles.shape[0]):
        a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        for axis in range(3):
            centroids[triangle, axis] = vertices[a, axis] + vertices[b, axis] + vertices[c, axis]


def empty_records(slots: int) -> tuple[Float64s, Float32s, Float32s, Float32s]:
    """Uninitialised corners, records, low and high for `slots` triangles."""
    return (
        np.empty((slots, CORNERS)),
        np.empty(slots * RECORD, np.float32),
        np.empty((slots, 3), np.float32),
        np.empty((slots, 3), np.float32),
    )
