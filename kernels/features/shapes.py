"""The shapes that features have: values with a distance, small moves of their parameters, and the motions they bear.

Lengths in the unit of the points. Directions are unit vectors. A shape's parameters are the small changes that a fit
makes; `moved` applies them, `slopes` says how the distances answer.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import numpy as np

from kernels.arrays import Float64s
from kernels.faces.shapes import perpendiculars


@dataclass(frozen=True, eq=False)
class Plane:
    point: Float64s
    normal: Float64s
    """Away from the material, where that is known."""


@dataclass(frozen=True, eq=False)
class Cylinder:
    point: Float64s
    """Of the axis."""
    axis: Float64s
    radius: float


@dataclass(frozen=True, eq=False)
class Sphere:
    center: Float64s
    radius: float


Shape: TypeAlias = Plane | Cylinder | Sphere


def distances(shape: Shape, points: Float64s) -> Float64s:
    """(n,) signed distances: positive outside a cylinder or sphere, and on the normal's side of a plane."""
    match shape:
        case Plane():
            return np.asarray((points - shape.point) @ shape.normal, np.float64)
        case Cylinder():
            return np.asarray(np.linalg.norm(radial(shape, points), axis=1) - shape.radius, np.float64)
        case Sphere():
            return np.asarray(np.linalg.norm(points - shape.center, axis=1) - shape.radius, np.float64)
    assert_never(shape)


def normals(shape: Shape, points: Float64s) -> Float64s:
    """(n, 3) unit normals of the shape nearest to the points, outward."""
    match shape:
        case Plane():
            return np.broadcast_to(shape.normal, points.shape)
        case Cylinder():
            arms = radial(shape, points)
        case Sphere():
            arms = points - shape.center
        case _:
            assert_never(shape)
    outward: Float64s = arms / np.maximum(np.linalg.norm(arms, axis=1), 1e-300)[:, None]
    return outward


def radial(shape: Cylinder, points: Float64s) -> Float64s:
    """(n, 3) from the axis to the points, square to the axis."""
    arms = points - shape.point
    square: Float64s = arms - (arms @ shape.axis)[:, None] * shape.axis
    return square


def slopes(shape: Shape, points: Float64s) -> Float64s:
    """(n, m) change of the distances with each parameter.

    Plane: tilt about its two directions, shift along the normal. Cylinder: shift and tilt across the axis, radius.
    Sphere: shift of the centre, radius.
    """
    match shape:
        case Plane():
            u, v = perpendiculars(shape.normal)
            arms = points - shape.point
            return np.column_stack([arms @ u, arms @ v, -np.ones(len(points))])
        case Cylinder():
            u, v = perpendiculars(shape.axis)
            outward, along = normals(shape, points), (points - shape.point) @ shape.axis
            away = np.column_stack([outward @ u, outward @ v])
            return np.column_stack([-away, -away * along[:, None], -np.ones(len(points))])
        case Sphere():
            return np.column_stack([-normals(shape, points), -np.ones(len(points))])
    assert_never(shape)


def moved(shape: Shape, change: Float64s) -> Shape:
    """The shape after small changes of its parameters, in the order of `slopes`."""
    match shape:
        case Plane():
            u, v = perpendiculars(shape.normal)
            normal = shape.normal + change[0] * u + change[1] * v
            return Plane(shape.point + change[2] * shape.normal, normal / np.linalg.norm(normal))
        case Cylinder():
            u, v = perpendiculars(shape.axis)
            axis = shape.axis + change[2] * u + change[3] * v
            point = shape.point + change[0] * u + change[1] * v
            return Cylinder(point, axis / np.linalg.norm(axis), shape.radius + float(change[4]))
        case Sphere():
            return Sphere(shape.center + change[:3], shape.radius + float(change[3]))
    assert_never(shape)


def borne_motions(shape: Shape) -> tuple[Float64s, Float64s]:
    """(6, m) twists about a point, and that point: the motions that leave the plane, axis or centre in place."""
    basis = np.zeros((6, 3))
    match shape:
        case Plane():
            u, v = perpendiculars(shape.normal)
            basis[:3, 0], basis[3:, 1], basis[3:, 2] = shape.normal, u, v
            return basis, shape.point
        case Cylinder():
            basis[:3, 0], basis[3:, 1] = shape.axis, shape.axis
            return basis[:, :2], shape.point
        case Sphere():
            basis[:3, :3] = np.eye(3)
            return basis, shape.center
    assert_never(shape)


def placed(shape: Shape, transform: Float64s) -> Shape:
    """The shape under a rigid (4, 4) motion."""
    turn, shift = transform[:3, :3], transform[:3, 3]
    match shape:
        case Plane():
            return Plane(turn @ shape.point + shift, turn @ shape.normal)
        case Cylinder():
            return Cylinder(turn @ shape.point + shift, turn @ shape.axis, shape.radius)
        case Sphere():
            return Sphere(turn @ shape.center + shift, shape.radius)
    assert_never(shape)
