"""Vertices and triangles made into a surface: same points welded, triangles without area dropped, edges paired.

In: checked arrays. Out: `Surface`, and its pseudonormals. A point given twice (STL repeats every corner) is one vertex
here, so that signs are right at edges. A triangle without area is dropped and counted: its edges belong to neighbours.
It repairs nothing else: orientation and holes are reported as `is_watertight`, and mended where scans and CAD come in.
"""

from dataclasses import dataclass

import numpy as np

from kernels.arrays import Float32s, Float64s, Int32s, Int64s
from kernels.compiled import compiled, int64, uint64
from kernels.distance.formula import FEATURES, cross, dot
from kernels.errors import EmptyMesh

FLATNESS = 1e-14
"""Twice the area over the product of two edges below which the direction of a normal is rounding noise."""


@dataclass(frozen=True)
class Surface:
    vertices: Float64s
    triangles: Int32s
    """Welded vertex numbers of the triangles that have an area, (m, 3)."""
    sources: Int32s
    """For each of them its number in the caller's array, (m,)."""
    dropped: int
    """How many triangles had no area."""
    open_edges: int
    """Edges that do not join exactly two triangles of one orientation."""

    @property
    def is_watertight(self) -> bool:
        return self.open_edges == 0


def surface_of(vertices: Float64s, triangles: Int32s) -> Surface:
    """Weld, drop and pair; refuses a mesh of which nothing is left."""
    welded = weld(vertices + 0.0, triangles)  # plus zero turns -0.0 into 0.0: one point, one bit pattern
    has_area = triangles_with_area(vertices, welded, FLATNESS)
    sources = np.flatnonzero(has_area).astype(np.int32)
    if len(sources) == 0:
        raise EmptyMesh(len(triangles))
    kept = np.ascontiguousarray(welded[sources])
    edges, halves = paired_edges(kept, len(vertices))
    return Surface(vertices, kept, sources, len(triangles) - len(sources), count_open_edges(kept, edges, halves))


@compiled
def weld(vertices: Float64s, triangles: Int32s) -> Int32s:
    """Triangles that name, for every point, the first vertex with the same coordinates (open-addressed hash table)."""
    size = 16
    while size < 2 * vertices.shape[0]:
        size *= 2
    table = np.full(size, -1, np.int32)
    first = np.empty(vertices.shape[0], np.int32)
    bits = vertices.view(np.uint64)
    for vertex in range(vertices.shape[0]):
        mixed = uint64(0)
        for axis in range(3):
            mixed = (mixed ^ bits[vertex, axis]) * uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> uint64(29)
        place = int64(mixed & uint64(size - 1))
        while table[place] >= 0:
            other = table[place]
            if (
                bits[other, 0] == bits[vertex, 0]
                and bits[other, 1] == bits[vertex, 1]
                and bits[other, 2] == bits[vertex, 2]
            ):
                break
            place = (place + 1) & (size - 1)
        if table[place] < 0:
            table[place] = vertex
        first[vertex] = table[place]
    welded = np.empty_like(triangles)
    for triangle in range(triangles.shape[0]):
        for corner in range(3):
            welded[triangle, corner] = first[triangles[triangle, corner]]
    return welded


@compiled
def triangles_with_area(
    vertices: Float64s, triangles: Int32s, flatness: float
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each triangle has a normal whose direction means something."""
    result = np.empty(triangles.shape[0], np.bool_)
    for triangle in range(triangles.shape[0]):
        a, b, c = triangles[triangle]
        px, py, pz = vertices[b] - vertices[a]
        qx, qy, qz = vertices[c] - vertices[a]
        nx, ny, nz = cross(px, py, pz, qx, qy, qz)
        limit = flatness * flatness * dot(px, py, pz, px, py, pz) * dot(qx, qy, qz, qx, qy, qz)
        result[triangle] = dot(nx, ny, nz, nx, ny, nz) > limit
    return result


def paired_edges(triangles: Int32s, vertex_count: int) -> tuple[Int64s, Int64s]:
    """Edge keys in ascending order and, for each, its half edge (3 * triangle + corner where it starts)."""
    start = triangles.ravel().astype(np.int64)
    end = triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    key = np.minimum(start, end) * vertex_count + np.maximum(start, end)
    halves = np.argsort(key, kind="stable")
    return key[halves], halves


@compiled
def count_open_edges(triangles: Int32s, edges: Int64s, halves: Int64s) -> int:
    """Edges with other than two half edges, or with two that run the same way."""
    flat = triangles.ravel()
    count, i = 0, 0
    while i < edges.shape[0]:
        j = i
        while j < edges.shape[0] and edges[j] == edges[i]:
            j += 1
        if j - i != 2 or flat[halves[i]] == flat[halves[i + 1]]:
            count += 1
        i = j
    return count


def pseudonormals_of(surface: Surface) -> Float32s:
    """(m, 21): for each triangle the normals of its seven features, in the order of `formula`; lengths mean nothing."""
    faces = np.zeros((len(surface.triangles), 3))
    corners = np.zeros_like(surface.vertices)
    add_corner_normals(surface.vertices, surface.triangles, faces, corners)
    edges, halves = paired_edges(surface.triangles, len(surface.vertices))
    edge_normals = np.zeros((len(surface.triangles), 3, 3))
    add_edge_normals(edges, halves, faces, edge_normals)
    result = np.empty((len(surface.triangles), FEATURES, 3), np.float32)
    result[:, 0] = faces
    result[:, 1:4] = edge_normals
    result[:, 4:7] = corners[surface.triangles]
    return result.reshape(-1, 3 * FEATURES)


@compiled
def add_corner_normals(vertices: Float64s, triangles: Int32s, faces: Float64s, corners: Float64s) -> None:
    """Unit normals of faces, and at every vertex the sum of those around it, weighted with their angle there."""
    for triangle in range(triangles.shape[0]):
        for k in range(3):
            here = triangles[triangle, k]
            px, py, pz = vertices[triangles[triangle, (k + 1) % 3]] - vertices[here]
            qx, qy, qz = vertices[triangles[triangle, (k + 2) % 3]] - vertices[here]
            nx, ny, nz = cross(px, py, pz, qx, qy, qz)
            area = np.sqrt(dot(nx, ny, nz, nx, ny, nz))
            if k == 0:
                faces[triangle, 0], faces[triangle, 1], faces[triangle, 2] = nx / area, ny / area, nz / area
            angle = np.arctan2(area, dot(px, py, pz, qx, qy, qz))
            for axis in range(3):
                corners[here, axis] += angle * faces[triangle, axis]


@compiled
def add_edge_normals(edges: Int64s, halves: Int64s, faces: Float64s, edge_normals: Float64s) -> None:
    """At every edge the sum of the normals of the faces that it joins."""
    i = 0
    while i < edges.shape[0]:
        j, x, y, z = i, 0.0, 0.0, 0.0
        while j < edges.shape[0] and edges[j] == edges[i]:
            face = halves[j] // 3
            x, y, z = x + faces[face, 0], y + faces[face, 1], z + faces[face, 2]
            j += 1
        for k in range(i, j):
            face, side = halves[k] // 3, halves[k] % 3
            edge_normals[face, side, 0], edge_normals[face, side, 1], edge_normals[face, side, 2] = x, y, z
        i = j
