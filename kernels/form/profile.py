"""The profile of a surface without datum: the narrowest zone about the nominal surface that holds all points.

In: an index over the nominal mesh and points close to it. Out: the zone's width and the small motion of the points that
reaches it. The width is twice the farthest distance, since the zone of ISO 1101 lies evenly about the nominal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, as_points, move
from kernels.distance import Distances, MeshIndex
from kernels.errors import TooFewPoints
from kernels.form.minimax import least_maximum


@dataclass(frozen=True)
class ProfileZone:
    width: float
    transform: Float64s
    """(4, 4) motion of the points to where they fit best."""


@dataclass(frozen=True)
class _Placed:
    transform: Float64s
    points: Float64s
    found: Distances


def profile(index: MeshIndex, points: ArrayLike) -> ProfileZone:
    """Twice the largest distance of (n, 3) points from the surface, moved rigidly to where that is least."""
    places = np.asarray(as_points(points), np.float64)
    if len(places) < 7:
        raise TooFewPoints(len(places), 7)
    centre, lever = (index.low + index.high) / 2, index.extent / 2
    normals = _normals(index)

    def placed(transform: Float64s) -> _Placed:
        moved_to = move(places, transform)
        return _Placed(transform, moved_to, index.signed_distance(moved_to))

    def slopes(state: _Placed) -> Float64s:
        outward = normals[state.found.triangle]
        return np.hstack([np.cross((state.points - centre) / lever, outward), outward])

    def moved(state: _Placed, step: Float64s) -> _Placed:
        return placed(_motion(step[:3] / lever, step[3:], centre) @ state.transform)

    found = least_maximum(placed(np.eye(4)), lambda state: state.found.distance, slopes, moved)
    return ProfileZone(2.0 * float(np.abs(found.found.distance).max()), found.transform)


def _normals(index: MeshIndex) -> Float64s:
    """(m, 3) unit normals by the caller's triangles; zero for those without area."""
    surface = index.surface
    a, b, c = (surface.vertices[surface.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    found = np.zeros((int(surface.sources.max()) + 1, 3))
    found[surface.sources] = normals / np.linalg.norm(normals, axis=1)[:, None]
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
