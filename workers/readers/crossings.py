"""Find where a surface passes through itself: an edge of one triangle pierces the inside of another.

Candidates come from Embree (float32, all hits along every edge) and are judged in float64, away from borders, so that
triangles that only touch do not count. Overlaps that lie flat in one plane are not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.readers.values import Floats, Indices

# Of the mesh's diagonal: ends of an edge this near to a triangle's plane only touch it.
_TOUCH = 2e-5
# Of a triangle: this near to its border (barycentric) the hit belongs to its neighbour too.
_BORDER = 1e-3
_EDGES_AT_ONCE = 200_000


@dataclass(frozen=True)
class Crossings:
    count: int
    first: tuple[float, float, float] | None


def crossings_of(vertices: Floats, triangles: Indices) -> Crossings:
    import open3d as o3d  # 1.1 s

    centre = vertices.mean(axis=0)
    placed = (vertices - centre).astype(np.float32)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor.from_numpy(placed), o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)))
    reach = _TOUCH * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    sides = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    found: list[Floats] = []
    for start in range(0, len(sides), _EDGES_AT_ONCE):
        piece = sides[start : start + _EDGES_AT_ONCE]
        begin, along = placed[piece[:, 0]], placed[piece[:, 1]] - placed[piece[:, 0]]
        hits = scene.list_intersections(o3d.core.Tensor.from_numpy(np.hstack([begin, along])))
        t = hits["t_hit"].numpy()
        inside = (t > 0.0) & (t < 1.0)
        edges = piece[hits["ray_ids"].numpy()[inside].astype(np.int64)]
        pierced = triangles[hits["primitive_ids"].numpy()[inside].astype(np.int64)]
        found.append(_pierced_at(vertices, edges, pierced, reach))
    places = np.concatenate(found) if found else np.empty((0, 3))
    if not len(places):
        return Crossings(0, None)
    x, y, z = (float(value) for value in places[0])
    return Crossings(len(places), (x, y, z))


def _pierced_at(vertices: Floats, edges: Indices, triangles: Indices, reach: float) -> Floats:
    """The places where an edge really goes through a triangle, not through its border, corner or neighbour."""
    stranger = (edges[:, :, None] != triangles[:, None, :]).all(axis=(1, 2))
    begin, end = vertices[edges[stranger, 0]], vertices[edges[stranger, 1]]
    a, b, c = (vertices[triangles[stranger, place]] for place in range(3))
    normal = np.cross(b - a, c - a)
    doubled_area = np.linalg.norm(normal, axis=1)
    solid = doubled_area > 0
    unit = normal / np.where(solid, doubled_area, 1.0)[:, None]
    above, below = np.einsum("ij,ij->i", begin - a, unit), np.einsum("ij,ij->i", end - a, unit)
    through = solid & (above * below < 0) & (np.minimum(abs(above), abs(below)) > reach)
    share = np.where(through, above / np.where(through, above - below, 1.0), 0.0)
    place = begin + share[:, None] * (end - begin)
    corners = (np.cross(c - b, place - b), np.cross(a - c, place - c), np.cross(b - a, place - a))
    weights = [np.einsum("ij,ij->i", part, unit) / np.where(solid, doubled_area, 1.0) for part in corners]
    result: Floats = place[through & (np.min(weights, axis=0) > _BORDER)]
    return result
