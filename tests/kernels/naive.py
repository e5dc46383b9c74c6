"""Plain loops that say what the kernels must return: extended precision, every triangle, no tree.

The closest point is found by another way than in the kernel: the least of three segments and, where the foot of the
perpendicular lies inside, the plane.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Long = NDArray[np.longdouble]


@dataclass(frozen=True)
class Oracle:
    distance: Long
    """(n,) unsigned."""
    side: Long
    """(n,) cosine between the offset and the pseudonormal of the closest feature; its sign is the side."""


def squared_length(vectors: Long) -> Long:
    return (vectors * vectors).sum(axis=-1)


def segment_share(p: Long, a: Long, b: Long) -> Long:
    """Where on each segment the point closest to p lies, 0 at a and 1 at b."""
    edge = b - a
    return np.clip(((p - a) * edge).sum(-1) / squared_length(edge), 0, 1)


def inside_plane_distance(p: Long, a: Long, b: Long, c: Long) -> tuple[Long, NDArray[np.bool_]]:
    """Squared distance to the planes and whether the foot lies inside the triangle."""
    normal = np.cross(b - a, c - a)
    off = ((p - a) * normal).sum(-1)
    foot = p - (off / squared_length(normal))[:, None] * normal
    sides = [(np.cross(end - start, foot - start) * normal).sum(-1) for start, end in ((a, b), (b, c), (c, a))]
    return off * off / squared_length(normal), (np.array(sides) >= 0).all(axis=0)


def closest_feature(p: Long, corners: Long) -> tuple[np.longdouble, int, tuple[str, int]]:
    """Squared distance, the triangle, and what of it is closest: ("face", 0), ("edge", k) or ("corner", k)."""
    squared = np.full(len(corners), np.inf, np.longdouble)
    feature = np.zeros(len(corners), np.int64)
    for k in range(3):
        a, b = corners[:, k], corners[:, (k + 1) % 3]
        share = segment_share(p, a, b)
        here = squared_length(p - (a + share[:, None] * (b - a)))
        code = np.where(share <= 0, 3 + k, np.where(share >= 1, 3 + (k + 1) % 3, k))
        better = here < squared
        squared, feature = np.where(better, here, squared), np.where(better, code, feature)
    plane, inside = inside_plane_distance(p, corners[:, 0], corners[:, 1], corners[:, 2])
    squared, feature = np.where(inside, plane, squared), np.where(inside, 6, feature)
    best = int(np.argmin(squared))
    code = int(feature[best])
    kind = ("face", 0) if code == 6 else ("edge", code) if code < 3 else ("corner", code - 3)
    return squared[best], best, kind


def pseudonormals(corners: Long) -> dict[object, Long]:
    """Angle-weighted normals, by face number, by unordered pair of points and by point."""
    sums: dict[object, Long] = defaultdict(lambda: np.zeros(3, np.longdouble))
    for number, triangle in enumerate(corners):
        normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        normal = normal / np.sqrt(squared_length(normal))
        sums[number] = normal
        for k in range(3):
            here, after, before = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
            sums[frozenset((key(here), key(after)))] = sums[frozenset((key(here), key(after)))] + normal
            one, other = after - here, before - here
            angle = np.arctan2(np.sqrt(squared_length(np.cross(one, other))), (one * other).sum())
            sums[key(here)] = sums[key(here)] + angle * normal
    return sums


def key(point: Long) -> tuple[float, float, float]:
    x, y, z = (float(value) + 0.0 for value in point)
    return x, y, z


def signed_distance(vertices: NDArray[np.float64], triangles: NDArray[np.int32], points: NDArray[np.float64]) -> Oracle:
    corners = vertices.astype(np.longdouble)[triangles]
    normals = pseudonormals(corners)
    distance, side = np.empty(len(points), np.longdouble), np.empty(len(points), np.longdouble)
    for row, point in enumerate(points.astype(np.longdouble)):
        squared, triangle, (kind, k) = closest_feature(point, corners)
        a, b = corners[triangle, k], corners[triangle, (k + 1) % 3]
        if kind == "face":
            normal = normals[triangle]
            offset = normal * ((point - a) * normal).sum()
        elif kind == "edge":
            normal = normals[frozenset((key(a), key(b)))]
            offset = point - a - segment_share(point, a[None], b[None])[0] * (b - a)
        else:
            normal, offset = normals[key(a)], point - a
        distance[row] = np.sqrt(squared)
        scale = np.sqrt(squared_length(offset) * squared_length(normal))
        side[row] = (offset * normal).sum() / scale if scale > 0 else 0
    return Oracle(distance, side)


def distance_to_feature(point: Long, triangle: Long, feature: int) -> np.longdouble:
    """Distance of a point to what of a triangle a kernel's feature number names; infinite beside a face."""
    if feature >= 4:
        return np.sqrt(squared_length(point - triangle[feature - 4]))
    if feature >= 1:
        a, b = triangle[feature - 1], triangle[feature % 3]
        return np.sqrt(squared_length(point - a - segment_share(point, a[None], b[None])[0] * (b - a)))
    squared, inside = inside_plane_distance(point, *(corner[None] for corner in triangle))
    return np.sqrt(squared[0]) if inside[0] else np.longdouble(np.inf)


def normal_of_feature(normals: dict[object, Long], corners: Long, triangle: int, feature: int) -> Long:
    """Unit (pseudo)normal of what a kernel's feature number names; the face's where those of the feature cancel out."""
    row = corners[triangle]
    if feature >= 4:
        found = normals[key(row[feature - 4])]
    elif feature >= 1:
        found = normals[frozenset((key(row[feature - 1]), key(row[feature % 3])))]
    else:
        found = normals[triangle]
    length = np.sqrt(squared_length(found))
    return found / length if length > 1e-9 else normals[triangle]


@dataclass(frozen=True)
class Crossings:
    """Of the line through one point: distances (negative inside), and how deep in its triangle each lies (a share)."""

    distance: Long
    depth: Long


def crossings(corners: Long, point: Long, direction: Long) -> Crossings:
    """Every crossing of a line with the planes of triangles that do not contain it."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    facing = (normal * direction).sum(-1)
    kept = facing != 0
    a, b, c, normal, facing = a[kept], b[kept], c[kept], normal[kept], facing[kept]
    ahead = ((a - point) * normal).sum(-1) / facing
    foot = point + ahead[:, None] * direction
    shares = [(np.cross(end - start, foot - start) * normal).sum(-1) for start, end in ((a, b), (b, c), (c, a))]
    depth = np.min(shares, axis=0) / squared_length(normal)
    length = ahead * np.sqrt(squared_length(direction))
    return Crossings(np.where(ahead * facing > 0, -np.abs(length), np.abs(length)), depth)
