"""Form and place of a part's faces: what each nominally is, and how far the scan is from being that.

In: a nominal mesh, a survey of the scan's points, their triangles and the figures of each face. Out: for each face its
shape and, where it is a plane, a cylinder or a sphere that was mostly seen, its minimum zone and the place of its axis.

The points are filtered first: each stands for the median of its neighbourhood, since a zone rests on its extremes.
Noise that is left widens a zone and never narrows it; `uncertainty_mm` says by how much at most (k = 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.deviation import RegionStatistics, Survey
from kernels.faces import Cylinder, Plane, Shape, Sphere, shape_of
from kernels.form import cylindricity, flatness, position, sphericity
from workers.meshes import NominalMesh

Floats = NDArray[np.float64]

LEAST_COVERAGE = 0.5
FEWEST_PLACES = 30
SHAPE_TOLERANCE = 2e-5
"""Of the part's diagonal: a nominal corner that is farther from a shape is not on it. Float32 keeps 1e-7."""
LEAST_TURN_OF_FORM, LEAST_TURN_OF_AXIS = 1.0, math.pi
"""Radians of a cylinder below which its roundness, or where its axis is, cannot be told from a patch."""


@dataclass(frozen=True)
class Form:
    """None where the face has no such thing, or too little of it was seen."""

    width_mm: float | None = None
    """Of the minimum zone of its shape: flatness, cylindricity or sphericity."""
    position_mm: float | None = None
    uncertainty_mm: float | None = None


@dataclass(frozen=True)
class Feature:
    face: int
    shape: Shape | None
    form: Form


def features_of(
    mesh: NominalMesh, found: Survey, triangle_of_point: NDArray[np.int32], regions: Sequence[RegionStatistics]
) -> tuple[Feature, ...]:
    """One for each region, in their order. `triangle_of_point` belongs to the survey's points."""
    normals = normals_of(mesh)
    tolerance = SHAPE_TOLERANCE * float(np.linalg.norm(np.ptp(mesh.vertices_mm, axis=0)))
    filtered = filtered_places(found, normals[triangle_of_point[found.local.rows]])
    face_of_centre = mesh.faces[triangle_of_point[found.local.rows]]
    features = []
    for region in regions:
        own = mesh.faces == region.face
        corners = mesh.vertices_mm[np.unique(mesh.triangles[own])]
        shape = shape_of(corners, normals[own], tolerance)
        places = filtered[face_of_centre == region.face]
        features.append(Feature(region.face, shape, _form(shape, places, region)))
    return tuple(features)


def filtered_places(found: Survey, outward: Floats) -> Floats:
    """(s, 3) centres moved along the surface's normals to where their neighbourhoods' medians are."""
    own = found.distances[found.local.rows]
    places: Floats = found.local.centers + (found.local.deviations - own)[:, None] * outward
    return places


def _form(shape: Shape | None, places: Floats, region: RegionStatistics) -> Form:
    if region.figures is None or region.coverage < LEAST_COVERAGE or len(places) < FEWEST_PLACES:
        return Form()
    # Both ends of a zone are extremes of medians, each with the uncertainty of such.
    uncertainty = math.sqrt(2.0) * region.figures.uncertainty
    match shape:
        case Plane():
            return Form(width_mm=flatness(places).width, uncertainty_mm=uncertainty)
        case Sphere():
            return Form(width_mm=sphericity(places).width, uncertainty_mm=uncertainty)
        case Cylinder() if shape.turn >= LEAST_TURN_OF_FORM:
            zone = cylindricity(places, shape)
            told = shape.turn >= LEAST_TURN_OF_AXIS
            return Form(
                width_mm=zone.width,
                position_mm=position(zone.cylinder, shape) if told else None,
                uncertainty_mm=uncertainty,
            )
        case _:
            return Form()


def normals_of(mesh: NominalMesh) -> Floats:
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    unit: Floats = normals / np.where(lengths > 0, lengths, 1.0)[:, None]
    return unit
