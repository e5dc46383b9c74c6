"""Find the planes, cylinders and spheres that a cloud is made of, the largest first.

In: points with unit normals (of either side), a tolerance. Out: fitted features with their points. Many small guesses
are drawn from one, two or two points with their normals, scored on all points left, and the best is fitted and taken
out (RANSAC; R. Schnabel and others, Efficient RANSAC for point-cloud shape detection, 2007). The same seed gives the
same features. A freeform cloud gives few features or none.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from kernels.arrays import Bools, Float64s, Int64s
from kernels.errors import FeatureNotFound
from kernels.features.fit import Fitted, fit
from kernels.features.shapes import Cylinder, Plane, Shape, Sphere, distances, normals

GUESSES = 150
"""Of each kind in a round."""
LEAST_SHARE = 0.03
MOST = 10
TURNED = np.cos(np.deg2rad(25))
"""Normals of points on a shape agree with its own within this."""
NEAR = 0.15
"""Of the cloud's size: how far apart the points of a guess lie at most."""
SCORED = 1500


@dataclass(frozen=True, eq=False)
class Feature:
    fitted: Fitted[Shape]
    members: Int64s
    """Rows of its points."""

    @property
    def shape(self) -> Shape:
        return self.fitted.shape


def normals_of(points: Float64s, neighbours: int = 16) -> tuple[Float64s, float]:
    """(n, 3) unit normals of either side from the nearest points, and the median distance from those little planes."""
    rows = cKDTree(points).query(points, min(neighbours, len(points)))[1]
    patches = points[rows]
    arms = patches - patches.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(arms.transpose(0, 2, 1) @ arms / rows.shape[1])
    directions: Float64s = vectors[:, :, 0]
    return directions, float(np.sqrt(np.median(np.maximum(values[:, 0], 0.0))))


def find_features(points: Float64s, directions: Float64s, tolerance: float, seed: int = 0) -> tuple[Feature, ...]:
    """The features of at least LEAST_SHARE of the points, within `tolerance` (a length)."""
    random = np.random.default_rng(seed)
    size = float(np.linalg.norm(np.percentile(points, 98, axis=0) - np.percentile(points, 2, axis=0)))
    left = np.arange(len(points))
    least = max(20, int(LEAST_SHARE * len(points)))
    found: list[Feature] = []
    while len(found) < MOST and len(left) >= least:
        best = _best_guess(points[left], directions[left], tolerance, size, random)
        feature = None if best is None else _taken(points, directions, left, best, tolerance, least)
        if feature is None:
            break
        found.append(feature)
        left = np.setdiff1d(left, feature.members, assume_unique=True)
    return tuple(sorted(found, key=lambda feature: -len(feature.members)))


def _taken(
    points: Float64s, directions: Float64s, left: Int64s, guess: Shape, tolerance: float, least: int
) -> Feature | None:
    members = left[_on(guess, points[left], directions[left], 2 * tolerance)]
    if len(members) < least:
        return None
    try:
        fitted = fit(points[members], guess)
    except FeatureNotFound:
        return None
    members = left[_on(fitted.shape, points[left], directions[left], 2 * tolerance)]
    return Feature(fitted, members) if len(members) >= least else None


def _on(shape: Shape, points: Float64s, directions: Float64s, tolerance: float) -> Bools:
    near = np.abs(distances(shape, points)) < tolerance
    agreeing = np.abs((normals(shape, points) * directions).sum(axis=1)) > TURNED
    both: Bools = near & agreeing
    return both


def _best_guess(
    points: Float64s, directions: Float64s, tolerance: float, size: float, random: np.random.Generator
) -> Shape | None:
    step = max(1, len(points) // SCORED)
    some, their = points[::step], directions[::step]
    best, most = None, 0.0
    for guess in _guesses(points, directions, size, random):
        # A plane is preferred to the large cylinder that holds a few more of its points by chance.
        count = float(np.count_nonzero(_on(guess, some, their, tolerance))) * (1.0 if isinstance(guess, Plane) else 0.9)
        if count > most:
            best, most = guess, count
    return best


def _guesses(points: Float64s, directions: Float64s, size: float, random: np.random.Generator) -> list[Shape]:
    rows = random.integers(len(points), size=GUESSES)
    found: list[Shape] = [Plane(points[row], directions[row]) for row in rows]
    tree = cKDTree(points)
    for row in random.integers(len(points), size=GUESSES):
        around = tree.query_ball_point(points[row], NEAR * size * random.random())
        other = around[random.integers(len(around))]
        p, q, n, m = points[row], points[other], directions[row], directions[other]
        axis = np.cross(n, m)
        sine = float(np.linalg.norm(axis))
        if sine < 0.1:
            continue
        found += _round_guesses(p, q, n, m, axis / sine, size)
    return found


def _round_guesses(p: Float64s, q: Float64s, n: Float64s, m: Float64s, axis: Float64s, size: float) -> list[Shape]:
    """The cylinder whose two normals these are, and the sphere if the normals' lines all but meet."""
    between = q - p
    # Where the two normals' lines are nearest: p + s n and q + t m.
    cosine = float(n @ m)
    s = float(between @ n - cosine * (between @ m)) / (1 - cosine**2)
    t = float(cosine * (between @ n) - between @ m) / (1 - cosine**2)
    gap = abs(float(between @ axis))
    radius = (abs(s) + abs(t)) / 2
    if radius > 2 * size or radius < 1e-3 * size or abs(abs(s) - abs(t)) > 0.3 * radius:
        return []
    found: list[Shape] = [Cylinder(p + s * n, axis, radius)]
    if gap < 0.2 * radius:
        found.append(Sphere((p + s * n + q + t * m) / 2, radius))
    return found
