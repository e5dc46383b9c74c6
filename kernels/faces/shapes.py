"""What shape a nominal face is: a plane, a cylinder, a sphere, or none of them.

In: the corners of a face, which lie on its true surface, the normals of its triangles, and a tolerance. Out: the
simplest shape that all corners lie on, or None. A few corners fit anything, so a curved shape needs several more than
it has unknowns, and a true turn: what spans less than a fifth of a radian is not told from a plane.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy.optimize import least_squares

from kernels.arrays import Float64s

FEWEST_CURVED = 12
LEAST_TURN = 0.2
LEAST_DOME = 0.01
"""Of the normals, out of their plane: a cap of about 30 degrees."""
LARGEST_STEP = 0.6
"""Radians between neighbouring triangles: ten sides to a round."""
MOST_FITTED = 2000


@dataclass(frozen=True)
class Plane:
    point: Float64s
    normal: Float64s


@dataclass(frozen=True)
class Cylinder:
    point: Float64s
    """On the axis, amid the corners."""
    axis: Float64s
    radius: float
    length: float
    """Of the face along the axis."""
    turn: float = 2.0 * np.pi
    """How far the face goes round the axis, in radians."""


@dataclass(frozen=True)
class Sphere:
    centre: Float64s
    radius: float


Shape: TypeAlias = Plane | Cylinder | Sphere


def shape_of(points: Float64s, normals: Float64s, tolerance: float) -> Shape | None:
    """The shape of corners (n, 3) and triangle normals (m, 3) within `tolerance`."""
    middle = points.mean(axis=0)
    plane = Plane(middle, _least_axis(points - middle))
    if np.abs((points - middle) @ plane.normal).max() <= tolerance:
        return plane
    if len(points) < FEWEST_CURVED:
        return None
    some = points[:: -(-len(points) // MOST_FITTED)]
    for candidate in (_cylinder(some, normals), _sphere(some, normals)):
        if candidate is not None and np.abs(residuals(candidate, points)).max() <= tolerance:
            return _spanned(candidate, points)
    return None


def residuals(shape: Shape, points: Float64s) -> Float64s:
    """(n,) signed distances from the surface; outside of a round shape is positive."""
    match shape:
        case Plane():
            found: Float64s = (points - shape.point) @ shape.normal
        case Cylinder():
            away = points - shape.point
            along = away @ shape.axis
            found = np.linalg.norm(away - along[:, None] * shape.axis, axis=1) - shape.radius
        case Sphere():
            found = np.linalg.norm(points - shape.centre, axis=1) - shape.radius
    return found


def perpendiculars(axis: Float64s) -> tuple[Float64s, Float64s]:
    """Two unit vectors across an axis and each other."""
    across = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    across /= np.linalg.norm(across)
    return across, np.cross(axis, across)


def _least_axis(vectors: Float64s) -> Float64s:
    """The direction in which the vectors reach least."""
    found: Float64s = np.linalg.eigh(vectors.T @ vectors)[1][:, 0]
    return found


def _cylinder(points: Float64s, normals: Float64s) -> Cylinder | None:
    """The axis is what no normal of the face has a share in."""
    axis = _least_axis(normals)
    across, beside = perpendiculars(axis)
    flat = points @ np.column_stack([across, beside])
    turn = _turn(normals @ np.column_stack([across, beside]))
    if turn < LEAST_TURN:
        return None
    centre, radius = round_through(flat)
    foot = centre[0] * across + centre[1] * beside
    start = Cylinder(foot + axis * float((points @ axis).mean()), axis, radius, 0.0, turn)
    return refined_cylinder(start, points)


def _sphere(points: Float64s, normals: Float64s) -> Sphere | None:
    """None where the normals lie in a plane or nearly: two rings, or a chamfer, lie on many a sphere."""
    spread = np.linalg.svd(normals - normals.mean(axis=0), compute_uv=False) / np.sqrt(len(normals))
    if len(spread) < 3 or spread[2] < LEAST_DOME:
        return None
    return Sphere(*round_through(points))


def round_through(points: Float64s) -> tuple[Float64s, float]:
    """Centre and radius of the circle or sphere by linear least squares."""
    middle = points.mean(axis=0)
    moved = points - middle
    system = np.column_stack([2 * moved, np.ones(len(moved))])
    found = np.linalg.lstsq(system, (moved**2).sum(axis=1), rcond=None)[0]
    return found[:-1] + middle, float(np.sqrt(max(found[-1] + found[:-1] @ found[:-1], 0.0)))


def _turn(normals: Float64s) -> float:
    """How far the normals turn about the axis, in radians."""
    angles = np.sort(np.arctan2(normals[:, 1], normals[:, 0]))
    gaps = np.diff(np.append(angles, angles[0] + 2.0 * np.pi))
    # A gap that is one of many alike is a step between two triangles of a closed cylinder, not an opening.
    widest = float(gaps.max())
    return float(2.0 * np.pi if widest < LARGEST_STEP else 2.0 * np.pi - widest)


def refined_cylinder(start: Cylinder, points: Float64s) -> Cylinder:
    """The cylinder of least squares near `start`; normals of skinny triangles, of which that is made, are rough."""
    across, beside = perpendiculars(start.axis)

    def misfit(x: Float64s) -> Float64s:
        return residuals(cylinder(x), points)

    def cylinder(x: Float64s) -> Cylinder:
        axis = start.axis + x[0] * across + x[1] * beside
        return Cylinder(
            start.point + x[2] * across + x[3] * beside,
            axis / np.linalg.norm(axis),
            start.radius + x[4],
            start.length,
            start.turn,
        )

    found = least_squares(misfit, np.zeros(5), x_scale="jac", xtol=1e-14, ftol=1e-14)
    return cylinder(found.x)


def _spanned(shape: Shape, points: Float64s) -> Shape:
    if not isinstance(shape, Cylinder):
        return shape
    along = (points - shape.point) @ shape.axis
    middle = (along.min() + along.max()) / 2
    return replace(shape, point=shape.point + middle * shape.axis, length=float(np.ptp(along)))
