"""Starts from features: poses that lay planes, cylinders and spheres of the scan onto their like on the CAD.

In: a scan's sample and the CAD. Out: (k, 4, 4) poses, the most promising first; none where either is freeform. Up to
three features of the scan are assigned to features of the CAD whose kinds, radii and mutual angles agree. Directions
come without a sign, so all signs are tried; what the features leave open is spread or brought to the middle.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

import numpy as np

from kernels.arrays import Float64s
from kernels.features.find import Feature, find_features, normals_of
from kernels.features.shapes import Cylinder, Plane, Shape, Sphere
from kernels.registration.icp import Surroundings, measured
from kernels.registration.motion import rotations
from kernels.registration.starts import sample, surface_sample

SAMPLE = 4000
OF_SCAN = 4
OF_CAD = 12
RADIUS_OFF = 0.1
ANGLE_OFF = 0.08
"""Difference of the cosines up to which two angles agree."""
TURNS = 16
MOST = 6000
KEPT = 200
PROBES = 96
WEAK = 0.02
"""Weight of bringing the middles together against that of the features."""


def feature_starts(around: Surroundings, scan: Float64s, seed: int) -> Float64s:
    """The poses, at most KEPT."""
    points = sample(scan, SAMPLE, seed)
    surface = surface_sample(around.index, SAMPLE, seed)
    of_scan = _features(points, around, seed)[:OF_SCAN]
    of_cad = _features(surface, around, seed)[:OF_CAD]
    found: list[Float64s] = []
    for ours, theirs in _assignments(of_scan, of_cad):
        found += _poses(ours, theirs, points, surface)
        if len(found) >= MOST:
            break
    if not found:
        return np.empty((0, 4, 4))
    poses = np.array(found)
    costs = np.minimum(
        np.abs(measured(around, sample(points, PROBES, seed), poses).distances), 0.1 * around.lever
    ).mean(axis=1)
    best: Float64s = poses[np.argsort(costs, kind="stable")[:KEPT]]
    return best


def _features(points: Float64s, around: Surroundings, seed: int) -> tuple[Feature, ...]:
    directions, flatness = normals_of(points)
    return find_features(points, directions, max(3 * flatness, 2e-3 * around.lever), seed)


def _assignments(
    of_scan: Sequence[Feature], of_cad: Sequence[Feature]
) -> Iterator[tuple[tuple[Shape, ...], tuple[Shape, ...]]]:
    """Which features of the scan could be which of the CAD: threes, or all there are of fewer."""
    count = min(3, len(of_scan), len(of_cad))
    if count == 0:
        return
    for some in combinations(of_scan, count):
        ours = tuple(feature.shape for feature in some)
        for others in permutations(of_cad, count):
            theirs = tuple(feature.shape for feature in others)
            if _agree(ours, theirs):
                yield ours, theirs


def _agree(ours: Sequence[Shape], theirs: Sequence[Shape]) -> bool:
    for mine, other in zip(ours, theirs, strict=True):
        if type(mine) is not type(other):
            return False
        if isinstance(mine, Plane) or isinstance(other, Plane):
            continue
        if abs(mine.radius - other.radius) > RADIUS_OFF * other.radius:
            return False
    for a, b in combinations(range(len(ours)), 2):
        first, second = _cosine(ours[a], ours[b]), _cosine(theirs[a], theirs[b])
        if first is not None and second is not None and abs(first - second) > ANGLE_OFF:
            return False
    return True


def _cosine(a: Shape, b: Shape) -> float | None:
    first, second = _direction(a), _direction(b)
    return None if first is None or second is None else abs(float(first @ second))


def _direction(shape: Shape) -> Float64s | None:
    match shape:
        case Plane():
            return shape.normal
        case Cylinder():
            return shape.axis
        case Sphere():
            return None


def _poses(ours: Sequence[Shape], theirs: Sequence[Shape], scan: Float64s, surface: Float64s) -> list[Float64s]:
    """All poses of one assignment: every sign, every turn that is left open."""
    pairs = [
        (mine, other)
        for mine, other in zip(map(_direction, ours), map(_direction, theirs), strict=True)
        if mine is not None and other is not None
    ]
    found = []
    for signs in product((1.0, -1.0), repeat=len(pairs)):
        sources = np.array([mine for mine, _ in pairs]).reshape(-1, 3)
        targets = np.array([sign * other for sign, (_, other) in zip(signs, pairs, strict=True)]).reshape(-1, 3)
        found += [_brought(turn, ours, theirs, scan, surface) for turn in _turns(sources, targets)]
    return found


def _turns(sources: Float64s, targets: Float64s) -> Float64s:
    """(k, 3, 3) rotations that take the directions to each other; about one direction alone, TURNS of them."""
    if not len(sources):
        return np.empty((0, 3, 3))
    left, spread, right = np.linalg.svd(targets.T @ sources)
    left[:, 2] *= np.linalg.det(left) * np.linalg.det(right)
    turn = left @ right
    if not np.allclose(sources @ turn.T, targets, atol=2 * ANGLE_OFF):
        return np.empty((0, 3, 3))
    if spread[1] > 0.1 * spread[0]:
        return np.asarray(turn[None], np.float64)
    about = targets[0] * np.linspace(0, 2 * np.pi, TURNS, endpoint=False)[:, None]
    turned: Float64s = rotations(about) @ turn
    return turned


def _brought(
    turn: Float64s, ours: Sequence[Shape], theirs: Sequence[Shape], scan: Float64s, surface: Float64s
) -> Float64s:
    """The pose with this rotation whose shift suits the features best, the middles where they do not say."""
    matrix, right = WEAK * np.eye(3), WEAK * (surface.mean(axis=0) - turn @ np.median(scan, axis=0))
    for mine, other in zip(ours, theirs, strict=True):
        match other:
            case Plane():
                held = np.outer(other.normal, other.normal)
                gap = other.point
            case Cylinder():
                held = np.eye(3) - np.outer(other.axis, other.axis)
                gap = other.point
            case Sphere():
                held, gap = np.eye(3), other.center
        place = mine.center if isinstance(mine, Sphere) else mine.point
        matrix = matrix + held
        right = right + held @ (gap - turn @ place)
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = np.linalg.solve(matrix, right)
    return pose
