"""Which feature of a CAD mesh a place belongs to, and which triangles make it up.

In: a mesh and a place on or near it. Out: the nominal plane, cylinder or sphere and its triangles, grown from the
nearest triangle over smooth edges. A face that runs smoothly into a fillet is taken for its flat part alone. Refuses
freeform faces.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from kernels.arrays import Float64s, Int32s, Int64s, as_triangles, as_vertices
from kernels.distance import MeshIndex
from kernels.errors import FeatureNotFound
from kernels.features.fit import fit_cylinder, fit_plane, fit_sphere
from kernels.features.shapes import Plane, Shape, distances, normals

FLAT = np.cos(np.deg2rad(0.5))
SMOOTH = np.cos(np.deg2rad(20))
EXACT = 5e-3
"""Of the feature's size: how far its corners may lie off the shape."""


@dataclass(frozen=True, eq=False)
class Picked:
    shape: Shape
    """As designed; its normal, or its outside, points away from the material."""
    triangles: Int64s
    """Rows in the caller's array."""


def feature_at(vertices: ArrayLike, triangles: ArrayLike, place: ArrayLike) -> Picked:
    """The feature whose face is nearest to the place."""
    points = as_vertices(vertices)
    faces = as_triangles(triangles, len(points))
    where = np.asarray(place, np.float64)
    edges, facing = _edges(points, faces)
    seed = int(MeshIndex.build(points, faces).signed_distance(where[None]).triangle[0])
    smooth = _grown(len(faces), edges, facing, SMOOTH, seed)
    flat = _grown(len(faces), edges, facing, FLAT, seed)
    for members, kinds in ((smooth, ("plane", "cylinder", "sphere")), (flat, ("plane",))):
        for kind in kinds:
            shape = _fitting(kind, points[faces[members]])
            if shape is not None:
                return Picked(shape, members)
    raise FeatureNotFound("feature", "the face there is no plane, cylinder or sphere")


def _fitting(kind: str, corners: Float64s) -> Shape | None:
    """The shape through all corners, or None."""
    places = np.unique(corners.reshape(-1, 3), axis=0)
    size = float(np.linalg.norm(np.ptp(places, axis=0)))
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    try:
        match kind:
            case "plane":
                shape: Shape = _plane(places, facing)
            case "cylinder":
                shape = fit_cylinder(places).shape
            case _:
                shape = fit_sphere(places).shape
    except FeatureNotFound:
        return None
    if np.abs(distances(shape, places)).max() > EXACT * size:
        return None
    facing = facing / np.maximum(np.linalg.norm(facing, axis=1), 1e-300)[:, None]
    agreeing = np.abs((normals(shape, corners.mean(axis=1)) * facing).sum(axis=1))
    return shape if np.median(agreeing) > SMOOTH else None


def _plane(places: Float64s, facing: Float64s) -> Plane:
    """A triangle alone has too few corners for a robust fit, and needs none."""
    normal = facing.sum(axis=0)
    length = float(np.linalg.norm(normal))
    if length <= 1e-12 * float(np.abs(facing).sum()):
        raise FeatureNotFound("plane", "the face closes on itself")
    plane = Plane(places.mean(axis=0), normal / length)
    return plane if len(places) < 6 else fit_plane(places, plane).shape


def _edges(points: Float64s, faces: Int32s) -> tuple[Int64s, Float64s]:
    """(e, 2) pairs of triangles that share an edge, and (e,) the cosine between their normals. Corners are welded."""
    welded = np.unique(np.round(points / max(1e-12, 1e-9 * float(np.ptp(points)))), axis=0, return_inverse=True)[1]
    ends = welded.reshape(-1)[np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)].reshape(-1, 2)
    ends.sort(axis=1)
    owners = np.repeat(np.arange(len(faces)), 3)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    ends, owners = ends[order], owners[order]
    same = (ends[1:] == ends[:-1]).all(axis=1)
    pairs = np.column_stack([owners[:-1][same], owners[1:][same]])
    corners = points[faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.maximum(np.linalg.norm(facing, axis=1), 1e-300)[:, None]
    return pairs, np.asarray((facing[pairs[:, 0]] * facing[pairs[:, 1]]).sum(axis=1), np.float64)


def _grown(count: int, edges: Int64s, facing: Float64s, least: float, seed: int) -> Int64s:
    """The triangles that are joined to the seed over edges at most so sharp."""
    kept = edges[facing >= least]
    joined = csr_array(coo_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(count, count)))
    labels = connected_components(joined, directed=False)[1]
    members: Int64s = np.flatnonzero(labels == labels[seed])
    return members
