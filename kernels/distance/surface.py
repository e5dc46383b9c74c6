"""Vertices and triangles made into a surface: same points welded, triangles without area dropped, edges paired.

In: checked arrays. Out: `Surface` and its `Edges`. A point given twice (STL repeats every corner) is one vertex here,
so that signs are right at edges. A triangle without area is dropped and counted: its edges belong to neighbours.
It repairs nothing else: orientation and holes are reported as `is_watertight`, and mended where scans and CAD come in.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Bytes, Float64s, Int32s, Int64s
from kernels.compiled import compiled, compiled_parallel, inlined, int64, uint64
from kernels.distance.formula import cross, dot
from kernels.errors import EmptyMesh

FLATNESS = 1e-14
"""Twice the area over the product of two edges below which the direction of a normal is rounding noise."""
WITHOUT_AREA = 3
"""In the place of a turn."""
FEW = 32
"""Edges at a vertex up to which they are sorted by insertion."""


@dataclass(frozen=True)
class Surface:
    vertices: Float64s
    triangles: Int32s
    """Welded vertex numbers of the triangles that have an area, (m, 3), turned: the first edge is the longest."""
    sources: Int32s
    """For each of them its number in the caller's array, (m,)."""
    turns: Bytes
    """For each of them which corner of the caller's triangle is its first, (m,)."""
    dropped: int
    """How many triangles had no area."""
    open_edges: int
    """Edges that do not join exactly two triangles of one orientation."""

    @property
    def is_watertight(self) -> bool:
        return self.open_edges == 0


@dataclass(frozen=True)
class Edges:
    """The half edges of a surface, those of one edge beside each other; 3 * triangle + corner names a half edge."""

    keys: Int64s
    """Lower vertex number times the number of vertices, plus the higher one; the lower numbers ascend."""
    halves: Int64s


def surface_of(vertices: Float64s, triangles: Int32s) -> tuple[Surface, Edges]:
    """Weld, drop and pair; refuses a mesh of which nothing is left. Call it within `kernels.device.cores_for`."""
    welded = weld(vertices + 0.0, triangles)  # plus zero turns -0.0 into 0.0: one point, one bit pattern
    turns = np.empty(len(welded), np.uint8)
    turn_longest_first(vertices * unit_of(vertices), welded, FLATNESS, turns)
    sources = np.flatnonzero(turns != WITHOUT_AREA).astype(np.int32)
    if len(sources) == 0:
        raise EmptyMesh(len(triangles))
    dropped = len(triangles) - len(sources)
    if dropped:
        welded, turns = welded[sources], turns[sources]
    edges = paired_edges(welded, len(vertices))
    return Surface(vertices, welded, sources, turns, dropped, count_open_edges(welded, edges.keys, edges.halves)), edges


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


def unit_of(vertices: Float64s) -> float:
    """A power of two that brings coordinates of any size near one, so that no product of four lengths overflows."""
    largest = max(abs(float(vertices.max())), abs(float(vertices.min())))
    return 2.0 ** -math.frexp(largest)[1]


@inlined
def edge_between(vertices: Float64s, start: int, end: int) -> tuple[float, float, float]:
    return (
        vertices[end, 0] - vertices[start, 0],
        vertices[end, 1] - vertices[start, 1],
        vertices[end, 2] - vertices[start, 2],
    )


@compiled_parallel
def turn_longest_first(vertices: Float64s, triangles: Int32s, flatness: float, turns: Bytes) -> None:
    """Turn every triangle so that its longest edge comes first; notes the turn, or that its normal means nothing."""
    for triangle in prange(triangles.shape[0]):
        a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        px, py, pz = edge_between(vertices, a, b)
        qx, qy, qz = edge_between(vertices, a, c)
        rx, ry, rz = edge_between(vertices, b, c)
        ab, ac, bc = dot(px, py, pz, px, py, pz), dot(qx, qy, qz, qx, qy, qz), dot(rx, ry, rz, rx, ry, rz)
        nx, ny, nz = cross(px, py, pz, qx, qy, qz)
        if not dot(nx, ny, nz, nx, ny, nz) > flatness * flatness * ab * ac:
            turns[triangle] = WITHOUT_AREA
        elif bc > ab and bc >= ac:
            turns[triangle] = 1
            triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2] = b, c, a
        elif ac > ab:
            turns[triangle] = 2
            triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2] = c, a, b
        else:
            turns[triangle] = 0


@compiled
def bounds_of_corners(vertices: Float64s, triangles: Int32s) -> tuple[Float64s, Float64s]:
    """Low and high corner of the box around all triangles."""
    low, high = vertices[triangles[0, 0]].copy(), vertices[triangles[0, 0]].copy()
    for triangle in range(triangles.shape[0]):
        for corner in range(3):
            for axis in range(3):
                value = vertices[triangles[triangle, corner], axis]
                low[axis], high[axis] = min(low[axis], value), max(high[axis], value)
    return low, high


@compiled
def halves_by_vertex(triangles: Int32s, vertex_count: int) -> tuple[Int64s, Int32s, Int64s]:
    """Half edges in the order of their lower vertex: first place of each vertex, higher vertices, half edges."""
    starts = np.zeros(vertex_count + 1, np.int64)
    count = 3 * triangles.shape[0]
    for half in range(count):
        start, end = triangles[half // 3, half % 3], triangles[half // 3, (half + 1) % 3]
        starts[min(start, end) + 1] += 1
    for vertex in range(vertex_count):
        starts[vertex + 1] += starts[vertex]
    places, others, halves = starts[:-1].copy(), np.empty(count, np.int32), np.empty(count, np.int64)
    for half in range(count):
        start, end = triangles[half // 3, half % 3], triangles[half // 3, (half + 1) % 3]
        place = places[min(start, end)]
        places[min(start, end)] = place + 1
        others[place], halves[place] = max(start, end), half
    return starts, others, halves


@compiled_parallel
def order_around_vertices(starts: Int64s, others: Int32s, halves: Int64s, keys: Int64s) -> None:
    """Sort the half edges of every vertex by the vertex at their other end, keep their order else, and write keys."""
    vertex_count = starts.shape[0] - 1
    for vertex in prange(vertex_count):
        first, last = starts[vertex], starts[vertex + 1]
        if last - first > FEW:
            order = np.argsort(others[first:last], kind="mergesort")
            others[first:last], halves[first:last] = others[first:last][order], halves[first:last][order]
        for i in range(first, last if last - first <= FEW else first):
            other, half, j = others[i], halves[i], i
            while j > first and others[j - 1] > other:
                others[j], halves[j] = others[j - 1], halves[j - 1]
                j -= 1
            others[j], halves[j] = other, half
        for i in range(first, last):
            keys[i] = int64(vertex) * vertex_count + others[i]


def paired_edges(triangles: Int32s, vertex_count: int) -> Edges:
    starts, others, halves = halves_by_vertex(triangles, vertex_count)
    keys = np.empty_like(halves)
    order_around_vertices(starts, others, halves, keys)
    return Edges(keys, halves)


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
