"""The profile of a surface without datum: the narrowest zone about the nominal surface that holds all points.

In: an index over the nominal mesh and points close to it. Out: the zone's width and the small motion of the points that
reaches it. The width is twice the farthest distance, since the zone of ISO 1101 lies evenly about the nominal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, as_points, move
from kernels.distance import Deviations, Feature, MeshIndex
from kernels.errors import TooFewPoints
from kernels.form.minimax import least_maximum

_NOWHERE = 1e-12
"""A distance with no direction of its own."""


@dataclass(frozen=True)
class ProfileZone:
    width: float
    transform: Float64s
    """(4, 4) motion of the points to where they fit best."""


@dataclass(frozen=True)
class _Placed:
    transform: Float64s
    points: Float64s
    found: Deviations


def profile(index: MeshIndex, points: ArrayLike) -> ProfileZone:
    """Twice the largest distance of (n, 3) points from the surface, moved rigidly to where that is least."""
    places = np.asarray(as_points(points), np.float64)
    if len(places) < 7:
        raise TooFewPoints(len(places), 7)
    centre, lever = (index.low + index.high) / 2, index.extent / 2
    corners = corners_of(index)

    def placed(transform: Float64s) -> _Placed:
        moved_to = move(places, transform)
        return _Placed(transform, moved_to, index.deviations(moved_to))

    def slopes(state: _Placed) -> Float64s:
        outward = gradients(state.points, state.found, corners)
        return np.hstack([np.cross((state.points - centre) / lever, outward), outward])

    def moved(state: _Placed, step: Float64s) -> _Placed:
        return placed(_motion(step[:3] / lever, step[3:], centre) @ state.transform)

    found = least_maximum(placed(np.eye(4)), lambda state: state.found.distance, slopes, moved)
    return ProfileZone(2.0 * float(np.abs(found.found.distance).max()), found.transform)


def gradients(points: Float64s, found: Deviations, corners: Float64s) -> Float64s:
    """(n, 3) how the signed distance changes with the point; `corners` (m, 3, 3) by the caller's triangles.

    Off a face that is its normal. Off an edge or a corner it is the way to it, which no normal of a triangle is: a
    motion that lessens what the normals promise may not lessen the distance at all.
    """
    towards = found.normal.copy()
    for feature in Feature:
        rows = np.flatnonzero((found.feature == feature) & (np.abs(found.distance) > _NOWHERE))
        if feature <= Feature.FACE or not len(rows):
            continue
        foot = _foot(points[rows], corners[found.triangle[rows]], feature)
        towards[rows] = (points[rows] - foot) / found.distance[rows, None]
    return towards


def _foot(points: Float64s, triangles: Float64s, feature: Feature) -> Float64s:
    """(n, 3) the closest points on one edge or corner of (n, 3, 3) triangles."""
    if feature >= Feature.CORNER_A:
        corner: Float64s = triangles[:, feature - Feature.CORNER_A]
        return corner
    start = triangles[:, feature - Feature.EDGE_AB]
    along = triangles[:, (feature - Feature.EDGE_AB + 1) % 3] - start
    share = ((points - start) * along).sum(axis=1) / (along * along).sum(axis=1)
    foot: Float64s = start + share[:, None] * along
    return foot


def corners_of(index: MeshIndex) -> Float64s:
    """(m, 3, 3) by the caller's triangles; zero for those without area, which nothing is closest to."""
    surface = index.surface
    found = np.zeros((int(surface.sources.max()) + 1, 3, 3))
    # The index begins its triangles with their longest side.
    order = (np.arange(3) - surface.turns[:, None].astype(np.int64)) % 3
    found[surface.sources] = surface.vertices[np.take_along_axis(surface.triangles, order, axis=1)]
    return found


def _motion(turn: Float64s, shift: Float64s, centre: Float64s) -> Float64s:
    """A small turn about the centre (Rodrigues), then a shift."""
    angle = float(np.linalg.norm(turn))
    motion = np.eye(4)
    if angle > 0:
        x, y, z = turn / angle
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        motion[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    motion[:3, 3] = centre + shift - motion[:3, :3] @ centre
    return motion
