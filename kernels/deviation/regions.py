"""What a scan says of each face of a part: the same figures as of the whole, and how much of the face it has seen.

    found = summarise_regions(survey, triangle_of_point, faces, vertices, triangles, lower, upper)

In: a survey, for each of its points the closest triangle, and the face of each triangle. Out: one `RegionStatistics` a
face, in order of their numbers. A face that no point or hardly any point lies on has no figures, only its area and
coverage: no data is not a good result. Coverage is the share of the face's area near which a point of that face lies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.arrays import Float64s, Int32s
from kernels.deviation.nearest import quick_tree
from kernels.deviation.summary import robust_sigma, uncertainty_of_extremes
from kernels.deviation.surveying import FEWEST, Survey
from kernels.faces.segmentation import triangle_areas

SAMPLES = 60_000
"""Places of the whole surface that are asked for a point nearby; a face has at least `FEWEST_SAMPLES`."""
FEWEST_SAMPLES = 200
NEAR = 0.5
"""Of a neighbourhood's radius (100 points): about three times the usual distance between points."""
GOLDEN = (0.7548776662466927, 0.5698402909980532)
"""Steps that spread points evenly over a square (Roberts' R2 sequence)."""


@dataclass(frozen=True)
class LocalFigures:
    """Of the points that lie on one face, strays left out. Lengths in the unit of the points."""

    mean: float
    sigma: float
    rms: float
    robust_sigma: float
    p2_5: float
    p97_5: float
    percent_in_tolerance: float
    profile_lower: float
    profile_upper: float
    uncertainty: float


@dataclass(frozen=True)
class RegionStatistics:
    face: int
    area: float
    middle: tuple[float, float, float]
    """A place of the face, near the middle of its area."""
    points: int
    coverage: float
    """0 to 1."""
    figures: LocalFigures | None


def summarise_regions(
    found: Survey,
    triangle_of_point: Int32s,
    faces: Int32s,
    vertices: Float64s,
    triangles: Int32s,
    lower: float,
    upper: float,
) -> tuple[RegionStatistics, ...]:
    """`triangle_of_point` (k,) belongs to the survey's points; `faces` (m,) to the triangles, -1 for none."""
    face_of_point = faces[triangle_of_point]
    surfaces = face_surfaces(faces, vertices, triangles)
    members = groups(face_of_point, len(surfaces))
    centres = groups(face_of_point[found.local.rows], len(surfaces))
    return tuple(
        RegionStatistics(
            face=surface.face,
            area=surface.area,
            middle=surface.middle,
            points=len(members[surface.face]),
            coverage=_coverage(found, members[surface.face], surface.places),
            figures=_figures(found, members[surface.face], centres[surface.face], lower, upper),
        )
        for surface in surfaces
    )


@dataclass(frozen=True, eq=False)
class FaceSurface:
    """A face as the CAD has it. `places` are spread evenly over it."""

    face: int
    area: float
    middle: tuple[float, float, float]
    places: Float64s


def face_surfaces(faces: Int32s, vertices: Float64s, triangles: Int32s) -> tuple[FaceSurface, ...]:
    """Of every face, in order of their numbers."""
    areas = triangle_areas(vertices, triangles)
    total = float(areas.sum())
    found = []
    for face, part in enumerate(groups(faces, int(faces.max(initial=-1)) + 1)):
        area = float(areas[part].sum())
        samples = max(FEWEST_SAMPLES, round(SAMPLES * area / total))
        places = surface_places(vertices, triangles[part], areas[part], samples)
        found.append(FaceSurface(face, area, _middle(places), places))
    return tuple(found)


def surface_places(vertices: Float64s, triangles: Int32s, areas: Float64s, count: int) -> Float64s:
    """(count, 3) places spread evenly over triangles, the same for the same input."""
    ends = np.cumsum(areas)
    step = np.arange(count) + 0.5
    rows = np.minimum(np.searchsorted(ends, step / count * ends[-1]), len(areas) - 1)
    u, v = (step[:, None] * np.array(GOLDEN) % 1.0).T
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = (vertices[triangles[rows, corner]] for corner in range(3))
    places: Float64s = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    return places


def groups(labels: Int32s, count: int) -> list[NDArray[np.intp]]:
    """For each label from 0 the rows that have it."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(count + 1)))[1:-1]


def _middle(places: Float64s) -> tuple[float, float, float]:
    nearest = int(np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1)))
    x, y, z = (float(value) for value in places[nearest])
    return x, y, z


def _coverage(found: Survey, members: NDArray[np.intp], places: Float64s) -> float:
    """The share of places with a point within reach along the surface: off it, the deviation is no distance."""
    if len(members) == 0:
        return 0.0
    return float(np.mean(seen(found.points[members], found.distances[members], places, found.local.radius)))


def seen(points: Float64s, distances: Float64s, places: Float64s, radius: float) -> NDArray[np.bool_]:
    """The places with one of a face's points near enough."""
    away, near = quick_tree(points).query(places, workers=-1)
    close: NDArray[np.bool_] = away**2 - distances[near] ** 2 <= (NEAR * radius) ** 2
    return close


def _figures(
    found: Survey, members: NDArray[np.intp], centres: NDArray[np.intp], lower: float, upper: float
) -> LocalFigures | None:
    if len(members) < FEWEST or len(centres) == 0:
        return None
    values, local = found.distances[members], found.local.deviations[centres]
    low, high = np.percentile(values, (2.5, 97.5))
    robust = robust_sigma(values)
    return LocalFigures(
        mean=float(values.mean()),
        sigma=float(values.std(ddof=1)),
        rms=float(np.sqrt(np.mean(values**2))),
        robust_sigma=robust,
        p2_5=float(low),
        p97_5=float(high),
        percent_in_tolerance=100.0 * float(np.mean((values >= lower) & (values <= upper))),
        profile_lower=float(local.min()),
        profile_upper=float(local.max()),
        uncertainty=uncertainty_of_extremes(robust, found.local.members),
    )
