"""Minimum zones of planes, circles, cylinders and spheres. Contract: the package's docstring."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, as_points
from kernels.errors import InvalidParameter, TooFewPoints
from kernels.faces.shapes import Cylinder, Plane, Sphere, perpendiculars, refined_cylinder, residuals, round_through
from kernels.form.minimax import least_maximum


@dataclass(frozen=True)
class PlaneZone:
    width: float
    plane: Plane
    """Amid the zone."""


@dataclass(frozen=True)
class CylinderZone:
    width: float
    cylinder: Cylinder
    """Amid the zone."""


@dataclass(frozen=True)
class SphereZone:
    width: float
    sphere: Sphere
    """Amid the zone."""


def flatness(points: ArrayLike) -> PlaneZone:
    """The distance of the two nearest parallel planes that hold (n, 3) points between them."""
    places = _checked(points, 4)
    middle = places.mean(axis=0)
    lever = _lever(places - middle)
    normal = np.linalg.eigh((places - middle).T @ (places - middle))[1][:, 0]

    def slopes(plane: Plane) -> Float64s:
        across, beside = perpendiculars(plane.normal)
        away = (places - plane.point) / lever
        return np.column_stack([away @ across, away @ beside, -np.ones(len(away))])

    def moved(plane: Plane, step: Float64s) -> Plane:
        across, beside = perpendiculars(plane.normal)
        normal = plane.normal + (step[0] * across + step[1] * beside) / lever
        return Plane(plane.point + step[2] * plane.normal, normal / np.linalg.norm(normal))

    found = least_maximum(Plane(middle, normal), lambda plane: residuals(plane, places), slopes, moved)
    return PlaneZone(float(np.ptp(residuals(found, places))), found)


def cylindricity(points: ArrayLike, near: Cylinder) -> CylinderZone:
    """The difference of radii of the two nearest coaxial cylinders, their axis near that of `near`."""
    places = _checked(points, 6)
    return _cylinder_zone(places, refined_cylinder(near, places), tilts=True)


def circularity(points: ArrayLike, axis: ArrayLike) -> CylinderZone:
    """The difference of radii of the two nearest concentric circles about an axis of this direction."""
    places, direction = _checked(points, 4), np.asarray(axis, np.float64)
    if direction.shape != (3,) or not np.linalg.norm(direction) > 0:
        raise InvalidParameter("axis", axis, "three numbers, not all zero")
    direction = direction / np.linalg.norm(direction)
    across, beside = perpendiculars(direction)
    centre, radius = round_through(places @ np.column_stack([across, beside]))
    foot = centre[0] * across + centre[1] * beside + direction * float((places @ direction).mean())
    return _cylinder_zone(places, Cylinder(foot, direction, radius, 0.0), tilts=False)


def sphericity(points: ArrayLike) -> SphereZone:
    """The difference of radii of the two nearest concentric spheres."""
    places = _checked(points, 5)

    def slopes(sphere: Sphere) -> Float64s:
        away = places - sphere.centre
        return np.column_stack([-away / np.linalg.norm(away, axis=1)[:, None], -np.ones(len(away))])

    def moved(sphere: Sphere, step: Float64s) -> Sphere:
        return Sphere(sphere.centre + step[:3], sphere.radius + float(step[3]))

    found = least_maximum(Sphere(*round_through(places)), lambda sphere: residuals(sphere, places), slopes, moved)
    return SphereZone(float(np.ptp(residuals(found, places))), found)


def _cylinder_zone(places: Float64s, start: Cylinder, tilts: bool) -> CylinderZone:
    lever = _lever((places - start.point) @ start.axis)

    def slopes(cylinder: Cylinder) -> Float64s:
        across, beside = perpendiculars(cylinder.axis)
        away = places - cylinder.point
        along = away @ cylinder.axis
        out = away - along[:, None] * cylinder.axis
        out /= np.maximum(np.linalg.norm(out, axis=1), 1e-300)[:, None]
        shifts = -np.column_stack([out @ across, out @ beside])
        turns = shifts * (along / lever)[:, None] if tilts else np.empty((len(out), 0))
        return np.hstack([shifts, -np.ones((len(out), 1)), turns])

    def moved(cylinder: Cylinder, step: Float64s) -> Cylinder:
        across, beside = perpendiculars(cylinder.axis)
        axis = cylinder.axis
        if tilts:
            axis = axis + (step[3] * across + step[4] * beside) / lever
        point = cylinder.point + step[0] * across + step[1] * beside
        unit = axis / np.linalg.norm(axis)
        return replace(cylinder, point=point, axis=unit, radius=cylinder.radius + float(step[2]))

    found = least_maximum(start, lambda cylinder: residuals(cylinder, places), slopes, moved)
    return CylinderZone(float(np.ptp(residuals(found, places))), found)


def _checked(points: ArrayLike, fewest: int) -> Float64s:
    places = np.asarray(as_points(points), np.float64)
    if len(places) < fewest:
        raise TooFewPoints(len(places), fewest)
    return places


def _lever(away: Float64s) -> float:
    """The farthest from the middle: it makes a turn comparable with a shift."""
    return max(float(np.abs(away).max()), 1e-300)
