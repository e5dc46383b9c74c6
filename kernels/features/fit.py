"""Fit a plane, cylinder or sphere to points: robust least squares, with the covariance of its parameters.

In: (n, 3) points that mostly belong to one feature; a first guess, or none. Out: a `Fitted`. Each round solves a
weighted Gauss-Newton step (Tukey's biweight on the distances, its cutoff from their median), so strays and edges that
were caught with the feature have no say. Refuses points that are too few or that do not show the shape: a cylinder
needs to be curved, its axis not just guessed.

The covariance takes the noise of the points for independent. Neighbours seldom are: it is a lower bound on real scans.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, as_points
from kernels.errors import FeatureNotFound
from kernels.faces.shapes import perpendiculars
from kernels.features.shapes import Cylinder, Plane, Shape, Sphere, distances, moved, normals, slopes

TUKEY = 4.685
SIGMA_OF_MEDIAN = 1.4826
ROUNDS = 60
FEWEST: dict[type, int] = {Plane: 6, Cylinder: 10, Sphere: 8}
SHOWN = 1e-7
"""Least ratio of the eigenvalues at which the points show all parameters."""
START_POINTS = 3000
LOOSE = 0.1
"""Of the radius: noise beyond which a round shape is none."""
CURVED = 3e-4
"""How far the mean of the normals must stay short of 1: an arc of some five degrees."""

S = TypeVar("S", bound=Shape)
S_co = TypeVar("S_co", bound=Shape, covariant=True)


@dataclass(frozen=True, eq=False)
class Fitted(Generic[S_co]):
    shape: S_co
    sigma: float
    """Robust standard deviation of the distances."""
    covariance: Float64s
    """Of the parameters, in the order of `shapes.slopes`: angles in radians, lengths in the points' unit."""
    used: int
    """Points with a say."""

    @property
    def uncertainty(self) -> Float64s:
        """Standard uncertainty (k = 1) of each parameter."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), np.float64)


def fit_plane(points: ArrayLike, guess: Plane | None = None) -> Fitted[Plane]:
    """The plane through the points; its normal keeps the guess's side."""
    places = _checked(points, Plane)
    return _fitted(places, guess or _first_plane(places))


def fit_sphere(points: ArrayLike, guess: Sphere | None = None) -> Fitted[Sphere]:
    places = _checked(points, Sphere)
    return _fitted(places, guess or _first_sphere(places))


def fit_cylinder(points: ArrayLike, guess: Cylinder | None = None) -> Fitted[Cylinder]:
    """Without a guess many axes are tried, the best is refined."""
    places = _checked(points, Cylinder)
    if guess is not None:
        return _fitted(places, guess)
    found = None
    for first in _first_cylinders(places):
        try:
            fitted = _fitted(places, first)
        except FeatureNotFound:
            continue
        if found is None or fitted.sigma < found.sigma:
            found = fitted
    if found is None:
        raise FeatureNotFound("cylinder", "the points are not curved about any axis")
    return found


def fit(points: Float64s, guess: S) -> Fitted[S]:
    """Refine a guess of any shape."""
    return _fitted(_checked(points, type(guess)), guess)


def _checked(points: ArrayLike, kind: type) -> Float64s:
    places = np.ascontiguousarray(as_points(points), np.float64)
    if len(places) < FEWEST[kind]:
        raise FeatureNotFound(kind.__name__.lower(), f"{len(places)} points are too few ({FEWEST[kind]} are needed)")
    return places


def _fitted(points: Float64s, guess: S) -> Fitted[S]:
    name = type(guess).__name__.lower()
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    shape: Shape = _anchored(guess, points)
    for _ in range(ROUNDS):
        weights, sigma = _weights(shape, points, size)
        change, spread = _step(shape, points, weights, size)
        if change is None or spread is None:
            raise FeatureNotFound(name, "the points do not show all of its parameters")
        shape = _anchored(moved(shape, change), points)
        if not np.isfinite(change).all() or getattr(shape, "radius", size) > 100 * size:
            raise FeatureNotFound(name, "the points are too flat")
        if np.abs(change).max() < 1e-12 * max(size, 1.0):
            break
    weights, sigma = _weights(shape, points, size)
    _, spread = _step(shape, points, weights, size)
    if spread is None or getattr(shape, "radius", 1.0) <= 0:
        raise FeatureNotFound(name, "the points do not show all of its parameters")
    if not isinstance(shape, Plane):
        facing = normals(shape, points[weights > 0])
        if 1 - float(np.linalg.norm(facing.mean(axis=0))) < CURVED:
            raise FeatureNotFound(name, "the points are too flat")
        if sigma > LOOSE * shape.radius:
            raise FeatureNotFound(name, "the points lie too far about it")
    return Fitted(cast(S, shape), sigma, spread * sigma**2, int(np.count_nonzero(weights)))


def _anchored(shape: Shape, points: Float64s) -> Shape:
    """The same shape with its point of reference amid the points, so that its parameters are all but independent."""
    middle = points.mean(axis=0)
    if isinstance(shape, Plane):
        return Plane(middle - ((middle - shape.point) @ shape.normal) * shape.normal, shape.normal)
    if isinstance(shape, Cylinder):
        return Cylinder(shape.point + ((middle - shape.point) @ shape.axis) * shape.axis, shape.axis, shape.radius)
    return shape


def _weights(shape: Shape, points: Float64s, size: float) -> tuple[Float64s, float]:
    found = distances(shape, points)
    sigma = SIGMA_OF_MEDIAN * float(np.median(np.abs(found)))
    share = found / max(TUKEY * sigma, 1e-12 * size)
    weights: Float64s = np.where(np.abs(share) < 1, (1 - share**2) ** 2, 0.0)
    return weights, sigma


def _step(shape: Shape, points: Float64s, weights: Float64s, size: float) -> tuple[Float64s | None, Float64s | None]:
    """The change of the parameters, and their covariance for points of unit sigma."""
    slope = slopes(shape, points)
    units = np.where(np.abs(slope).max(axis=0) > 1.5, 1.0 / size, 1.0)
    scaled = slope * units
    matrix = (scaled * weights[:, None]).T @ scaled
    values = np.linalg.eigvalsh(matrix)
    if values[0] < SHOWN * values[-1] or values[-1] <= 0:
        return None, None
    inverse = np.linalg.inv(matrix) * units[:, None] * units
    change = -inverse @ (slope * weights[:, None]).T @ distances(shape, points)
    return np.asarray(change, np.float64), np.asarray(inverse, np.float64)


def _first_plane(points: Float64s) -> Plane:
    """Least squares over the half of the points nearest to it, a few times, to be rid of strays."""
    kept = points
    for _ in range(6):
        middle = np.median(kept, axis=0)
        plane = Plane(middle, np.linalg.svd(kept - kept.mean(axis=0), full_matrices=False)[2][2])
        away = np.abs(distances(plane, points))
        kept = points[away <= np.median(away)]
    return plane


def _first_sphere(points: Float64s) -> Sphere:
    """Algebraic least squares, again over the nearest half."""
    kept = points
    for _ in range(6):
        middle = kept.mean(axis=0)
        arms = kept - middle
        solved = np.linalg.lstsq(np.column_stack([2 * arms, np.ones(len(arms))]), (arms**2).sum(axis=1), rcond=None)[0]
        radius = float(np.sqrt(max(solved[3] + solved[:3] @ solved[:3], 0.0)))
        sphere = Sphere(middle + solved[:3], radius)
        away = np.abs(distances(sphere, points))
        kept = points[away <= np.median(away)]
    return sphere


def _first_cylinders(points: Float64s) -> list[Cylinder]:
    """The circles seen along a hemisphere of directions, the three roundest first."""
    some = points[:: max(1, len(points) // START_POINTS)]
    k = np.arange(200) + 0.5
    z, angle = 1 - k / 200, k * np.pi * (3 - np.sqrt(5))
    across_z = np.sqrt(1 - z * z)
    guesses = []
    for axis in np.column_stack([across_z * np.cos(angle), across_z * np.sin(angle), z]):
        u, v = perpendiculars(axis)
        middle = np.median(some, axis=0)
        flat = np.column_stack([(some - middle) @ u, (some - middle) @ v])
        solved = np.linalg.lstsq(np.column_stack([2 * flat, np.ones(len(flat))]), (flat**2).sum(axis=1), rcond=None)[0]
        radius = float(np.sqrt(max(solved[2] + solved[:2] @ solved[:2], 0.0)))
        cylinder = Cylinder(middle + solved[0] * u + solved[1] * v, axis, radius)
        guesses.append((float(np.median(np.abs(distances(cylinder, some)))), cylinder))
    guesses.sort(key=lambda guess: guess[0])
    return [cylinder for _, cylinder in guesses[:3]]
