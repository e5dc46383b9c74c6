"""The normals that tell the sides of a surface: of its faces, and angle-weighted at its edges and corners.

In: `Surface` and `Edges`. Out: `Normals` in double precision, each stored once, and `pseudonormals_of`, the same in
single precision and in the order of the tree, as the search reads them.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Float32s, Float64s, Int32s, Int64s
from kernels.compiled import compiled, compiled_parallel, inlined, pasted
from kernels.distance.formula import CORNER_A, EDGE_AB, FACE, FEATURES, cross, dot
from kernels.distance.surface import Edges, Surface, edge_between, unit_of


@dataclass(frozen=True)
class Normals:
    """Sums of unit normals, weighted with the angle at corners; their lengths mean nothing."""

    faces: Float64s
    """(m, 3), unit."""
    edges: Float64s
    """(edges, 3)."""
    corners: Float64s
    """(vertices, 3)."""
    edge_of_half: Int32s
    """(m, 3): the edge that starts at each corner."""


def normals_of(surface: Surface, edges: Edges) -> Normals:
    count = len(surface.triangles)
    faces, angles = np.empty((count, 3)), np.empty((count, 3))
    measure_faces(surface.vertices * unit_of(surface.vertices), surface.triangles, faces, angles)
    edge_of_half = np.empty((count, 3), np.int32)
    edge_count = number_edges(edges.keys, edges.halves, edge_of_half)
    edge_normals, corners = np.zeros((edge_count, 3)), np.zeros_like(surface.vertices)
    add_normals(surface.triangles, faces, angles, edge_of_half, edge_normals, corners)
    return Normals(faces, edge_normals, corners, edge_of_half)


@inlined
def angle_between(px: float, py: float, pz: float, qx: float, qy: float, qz: float) -> float:
    nx, ny, nz = cross(px, py, pz, qx, qy, qz)
    angle: float = np.arctan2(np.sqrt(dot(nx, ny, nz, nx, ny, nz)), dot(px, py, pz, qx, qy, qz))
    return angle


@compiled_parallel
def measure_faces(vertices: Float64s, triangles: Int32s, faces: Float64s, angles: Float64s) -> None:
    """Unit normal and the three angles of every triangle."""
    for triangle in prange(triangles.shape[0]):
        a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        px, py, pz = edge_between(vertices, a, b)
        qx, qy, qz = edge_between(vertices, a, c)
        rx, ry, rz = edge_between(vertices, b, c)
        nx, ny, nz = cross(px, py, pz, qx, qy, qz)
        area = np.sqrt(dot(nx, ny, nz, nx, ny, nz))
        faces[triangle, 0], faces[triangle, 1], faces[triangle, 2] = nx / area, ny / area, nz / area
        angles[triangle, 0] = angle_between(px, py, pz, qx, qy, qz)
        angles[triangle, 1] = angle_between(-px, -py, -pz, rx, ry, rz)
        angles[triangle, 2] = np.pi - angles[triangle, 0] - angles[triangle, 1]


@compiled
def number_edges(keys: Int64s, halves: Int64s, edge_of_half: Int32s) -> int:
    """Number the edges in the order of their keys; gives how many there are."""
    flat, edge = edge_of_half.ravel(), -1
    for i in range(keys.shape[0]):
        edge += int(i == 0 or keys[i] != keys[i - 1])
        flat[halves[i]] = edge
    return edge + 1


@compiled
def add_normals(
    triangles: Int32s, faces: Float64s, angles: Float64s, edge_of_half: Int32s, edges: Float64s, corners: Float64s
) -> None:
    """Add the normal of every face to its edges, and weighted with the angle there to its corners."""
    for triangle in range(triangles.shape[0]):
        for k in range(3):
            edge, corner, angle = edge_of_half[triangle, k], triangles[triangle, k], angles[triangle, k]
            for axis in range(3):
                edges[edge, axis] += faces[triangle, axis]
                corners[corner, axis] += angle * faces[triangle, axis]


@pasted
def normal_of_feature(
    faces: Float64s, edges: Float64s, corners: Float64s, edge_of_half: Int32s, triangles: Int32s, row: int, feature: int
) -> tuple[float, float, float]:
    """The (pseudo)normal, of any length, of a feature of the triangle in `row`."""
    if feature == FACE:
        return faces[row, 0], faces[row, 1], faces[row, 2]
    if feature < CORNER_A:
        edge = edge_of_half[row, feature - EDGE_AB]
        return edges[edge, 0], edges[edge, 1], edges[edge, 2]
    corner = triangles[row, feature - CORNER_A]
    return corners[corner, 0], corners[corner, 1], corners[corner, 2]


@compiled_parallel
def write_pseudonormals(
    faces: Float64s,
    edges: Float64s,
    corners: Float64s,
    edge_of_half: Int32s,
    triangles: Int32s,
    order: Int32s,
    pseudonormals: Float32s,
) -> None:
    for slot in prange(order.shape[0]):
        row = order[slot]
        for feature in range(FEATURES):
            x, y, z = normal_of_feature(faces, edges, corners, edge_of_half, triangles, row, feature)
            place = 3 * feature
            pseudonormals[slot, place], pseudonormals[slot, place + 1], pseudonormals[slot, place + 2] = x, y, z


def pseudonormals_of(surface: Surface, normals: Normals, order: Int32s) -> Float32s:
    """(slots, 21): for each slot the normals of its triangle's seven features, in the order of `formula`."""
    result = np.empty((len(order), 3 * FEATURES), np.float32)
    write_pseudonormals(
        normals.faces, normals.edges, normals.corners, normals.edge_of_half, surface.triangles, order, result
    )
    return result
