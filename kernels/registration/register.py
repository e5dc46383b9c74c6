"""The whole registration: starts, search, refinement, and an honest account of what was found.

In: an indexed mesh and points. Out: a `Registration`. The given start, if any, is tried first and kept when it fits;
else every start is searched, the best distinct poses are refined and compared, the winner is refined on many points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, Points, as_points
from kernels.distance import MeshIndex
from kernels.errors import AmbiguousRegistration, InvalidParameter, RegistrationFailed, TooFewPoints
from kernels.registration.freedom import unconstrained_motions
from kernels.registration.icp import Poses, Refined, Surroundings, refined, sigmas
from kernels.registration.motion import UnconstrainedMotion, angles
from kernels.registration.search import scores, searched
from kernels.registration.starts import in_morton_order, piece_starts, sample, surface_sample, whole_part_starts

FEWEST = 100
REACH = 0.01
"""Of the lever: how near the surface a point must lie to count as fitting."""
LEAST_FITNESS = 0.8
FINE_POINTS = 20_000
FINAL_POINTS = 200_000
FINALISTS = 4
ALIKE = 1.25
"""A pose whose mean distance is at most this many times the best one's fits as well."""
PLACES = 12


@dataclass(frozen=True)
class Registration:
    """How a scan lies on its CAD. Lengths in the mesh's unit."""

    transform: Float64s
    """(4, 4), scan to CAD."""
    fitness: float
    """Share of the points within REACH of the surface, 0 to 1."""
    rms: float
    """Root mean square distance of the points within Tukey's cutoff."""
    sigma: float
    """Robust standard deviation of all distances (from their median)."""
    unconstrained: tuple[UnconstrainedMotion, ...]
    ambiguous: bool
    """Another pose fits as well and measures the same: the part is symmetric as far as the scan can tell."""
    alternatives: int
    """How many other poses fit as well."""
    converged: bool
    method: str


def register(index: MeshIndex, points: ArrayLike, *, start: ArrayLike | None = None, seed: int = 0) -> Registration:
    """Find the pose of `points` on the mesh; `start` is a (4, 4) guess of it."""
    checked = as_points(points)
    if len(checked) < FEWEST:
        raise TooFewPoints(len(checked), FEWEST)
    around = Surroundings.of(index)
    ordered = in_morton_order(checked)
    fine = sample(ordered, FINE_POINTS, seed)
    final = sample(ordered, FINAL_POINTS, seed + 1)
    if start is not None:
        given = _finished(around, fine, final, _as_transform(start))
        if fitness_of(given.poses, around) >= LEAST_FITNESS:
            return _account(around, final, given, 0, False, "given start")
    candidates = _candidates(around, ordered, fine, seed)
    best = _finished(around, fine, final, candidates.transforms[0])
    fitness = fitness_of(best.poses, around)
    if fitness < LEAST_FITNESS:
        raise RegistrationFailed(fitness, LEAST_FITNESS, REACH * around.lever)
    rivals = _rivals(candidates, around)
    result = _account(around, final, best, rivals, False, "global search")
    if not rivals or result.unconstrained:
        return result
    _refuse_disagreement(candidates.taken(list(range(rivals + 1))))
    return _account(around, final, best, rivals, True, "global search")


def fitness_of(poses: Poses, around: Surroundings) -> float:
    """Share of the first pose's points that lie near the surface."""
    return float(np.mean(np.abs(poses.distances[0]) < REACH * around.lever))


def _candidates(around: Surroundings, ordered: Points, fine: Float64s, seed: int) -> Poses:
    """The best distinct poses, refined, best first. A poor best one is sought again as a piece of the part."""
    rough, surface = sample(ordered, 2000, seed + 2), surface_sample(around.index, 2000, seed)
    starts = np.concatenate([np.eye(4)[None], whole_part_starts(rough, surface)])
    found = _refined_best(around, ordered, fine, starts, seed)
    if fitness_of(found, around) >= LEAST_FITNESS:
        return found
    pieces = _refined_best(around, ordered, fine, piece_starts(rough, surface, PLACES), seed)
    cap = REACH * around.lever
    return min(found, pieces, key=lambda poses: float(scores(poses, cap)[0]))


def _refined_best(around: Surroundings, ordered: Points, fine: Float64s, starts: Float64s, seed: int) -> Poses:
    found = searched(around, ordered, starts, seed)
    poses = refined(around, fine, found.transforms[:FINALISTS], 1.2, 25, 1e-5 * around.lever).poses
    return poses.taken(np.argsort(scores(poses, REACH * around.lever), kind="stable"))


def _finished(around: Surroundings, fine: Float64s, final: Float64s, transform: Float64s) -> Refined:
    """One pose made exact: from its rough place with few points, then with many."""
    near = refined(around, fine, transform[None], 1.5, 30, 1e-5 * around.lever)
    return refined(around, final, near.poses.transforms, 1.0, 20, 1e-7 * around.lever)


def _rivals(candidates: Poses, around: Surroundings) -> int:
    """How many of the poses after the best one fit as well, without being the best one again."""
    cap = REACH * around.lever
    found = scores(candidates, cap)
    turned = angles(candidates.transforms, candidates.transforms[0])
    moved = np.linalg.norm(
        (candidates.transforms - candidates.transforms[0])[:, :3, :] @ np.append(around.center, 1.0), axis=1
    )
    differs = (turned > np.deg2rad(2.0)) | (moved > 0.02 * around.lever)
    alike = found <= ALIKE * found[0] + 1e-6 * around.lever
    return int(np.count_nonzero(differs & alike))


def _refuse_disagreement(poses: Poses) -> None:
    """Poses that fit alike must also measure alike, or the verdict would hang on which one was taken."""
    noise = 3.0 * float(sigmas(poses.taken([0]))[0])
    apart = np.percentile(np.abs(poses.distances[1:] - poses.distances[0]), 95, axis=1)
    if apart.max() > noise + 1e-9:
        turned = float(np.rad2deg(angles(poses.transforms, poses.transforms[0]).max()))
        raise AmbiguousRegistration(len(poses), turned, float(apart.max()))


def _account(
    around: Surroundings, points: Float64s, found: Refined, alternatives: int, ambiguous: bool, method: str
) -> Registration:
    distances, cutoff = found.poses.distances[0], float(found.cutoffs[0])
    inside = distances[np.abs(distances) < cutoff]
    return Registration(
        transform=found.poses.transforms[0],
        fitness=fitness_of(found.poses, around),
        rms=float(np.sqrt(np.mean(inside**2))) if len(inside) else float("nan"),
        sigma=float(sigmas(found.poses)[0]),
        unconstrained=unconstrained_motions(around, points, found),
        ambiguous=ambiguous,
        alternatives=alternatives,
        converged=found.converged,
        method=method,
    )


def _as_transform(start: ArrayLike) -> Float64s:
    transform = np.asarray(start, np.float64)
    if transform.shape != (4, 4) or not np.isfinite(transform).all():
        raise InvalidParameter("start", transform.shape, "a finite 4 by 4 transform")
    rotation = transform[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6) or np.linalg.det(rotation) < 0:
        raise InvalidParameter("start", "a scaling or mirroring transform", "a rotation and a translation")
    return transform
