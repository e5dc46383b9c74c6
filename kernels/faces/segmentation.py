"""Triangles that lie on one face of a part: connected without a sharp edge between them.

In: vertices and triangles, corners shared. Out: a face number for each triangle, the largest face first. What is
smaller than a ten-thousandth of the surface, or beyond the 256 largest, is `ELSEWHERE`: a mesh that was itself scanned
has a thousand crumbs, and a result for each would hide the part.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kernels.arrays import Float64s, Int32s

CREASE_DEGREES = 25.0
"""Above the step between two sides of a coarse cylinder (15 degrees at 24 sides), below any chamfer."""
ELSEWHERE = -1
MOST = 256
SMALLEST = 1e-4


def faces_of(vertices: Float64s, triangles: Int32s, crease_degrees: float = CREASE_DEGREES) -> Int32s:
    """(m,) face numbers by sharp edges."""
    normals = _normals(vertices, triangles)
    one, other = _across_edges(triangles)
    smooth = (normals[one] * normals[other]).sum(axis=1) > np.cos(np.radians(crease_degrees))
    links = coo_matrix((np.ones(int(smooth.sum()), np.int8), (one[smooth], other[smooth])), shape=(len(triangles),) * 2)
    _, label = connected_components(links, directed=False)
    return numbered(vertices, triangles, label)


def numbered(vertices: Float64s, triangles: Int32s, label: NDArray[np.integer]) -> Int32s:
    """(m,) the same faces with numbers by area; faces that are too small or too many are `ELSEWHERE`."""
    areas = triangle_areas(vertices, triangles)
    _, label = np.unique(label, return_inverse=True)
    total = np.bincount(label, weights=areas)
    order = np.argsort(-total, kind="stable")
    worth = order[:MOST][total[order[:MOST]] >= SMALLEST * areas.sum()]
    number = np.full(len(total), ELSEWHERE, np.int32)
    number[worth] = np.arange(len(worth), dtype=np.int32)
    found: Int32s = number[label]
    return found


def triangle_areas(vertices: Float64s, triangles: Int32s) -> Float64s:
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    areas: Float64s = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return areas


def _normals(vertices: Float64s, triangles: Int32s) -> Float64s:
    """Unit normals; zero for a triangle without area, which is then smooth to nothing."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    found: Float64s = normals / np.where(lengths > 0, lengths, 1.0)[:, None]
    return found


def _across_edges(triangles: Int32s) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of triangles that share an edge which no third one has."""
    start = triangles.ravel().astype(np.int64)
    end = triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    keys = np.minimum(start, end) * (int(triangles.max(initial=0)) + 1) + np.maximum(start, end)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    pairs = first[np.diff(np.append(first, len(keys))) == 2]
    return order[pairs] // 3, order[pairs + 1] // 3
