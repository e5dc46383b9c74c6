"""The whole registration: starts, search, refinement, and an honest account of what was found.

In: an indexed mesh and points. Out: a `Registration`. The given start, if any, is tried first and kept when it fits;
else every start is searched, the best distinct poses are refined and compared, the winner is refined on many points.
With locked degrees the search goes over the free ones alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, Points, as_points
from kernels.distance import MeshIndex
from kernels.errors import AmbiguousRegistration, InvalidParameter, RegistrationFailed, ScanTooSmall, TooFewPoints
from kernels.registration.comparison import Likeness, likeness, noise_of
from kernels.registration.feature_starts import feature_starts
from kernels.registration.freedom import Freedom, freedom_of, same_but_for, swept
from kernels.registration.icp import Allowed, Poses, Refined, Surroundings, measured, refined
from kernels.registration.locks import Locks, WithinLocks, Without
from kernels.registration.motion import angles, cube_rotations, screw_twist
from kernels.registration.result import REACH, Alternative, Registration, account, fitness_of
from kernels.registration.scale import size
from kernels.registration.search import distinct, scores, searched
from kernels.registration.starts import (
    in_morton_order,
    piece_starts,
    poses_taking,
    principal_axes,
    sample,
    surface_sample,
    whole_part_starts,
)
from kernels.registration.valley import brought_to

FEWEST = 100
SMALLEST = 0.05
"""Of the part's size; what counts as near the surface is hardly smaller."""
LEAST_FITNESS = 0.8
WHOLE = 0.95
"""A whole scan's best pose has at least this fitness: below, a better one is sought as for a piece of the part."""
ROUGH_POINTS = 2000
ECHO_POINTS = 500
FINE_POINTS = 20_000
FINAL_POINTS = 200_000
FINALISTS = 6
ALIKE = 1.25
"""A pose whose mean distance is at most this many times the best one's is compared with it point by point."""
LIKELY = 4.0
"""A candidate up to this many times as far off as the best may come as near once it is refined."""
TAKEN = 3
"""How often a candidate that proves better is taken for the pose found before."""
PATIENCE = 200
PLACES = 12
SWEEPS = 3
CREEPING = 60
"""Steps for a pose that has not come to rest beside a motion that is free."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """One scan at several sizes, each in Morton order, float64."""

    final: Float64s
    fine: Float64s
    rough: Float64s

    @classmethod
    def of(cls, points: Points, seed: int) -> "Sampled":
        # Taken before they are sorted: sorting a million points takes longer than registering them.
        final = in_morton_order(sample(points, FINAL_POINTS, seed + 1))
        return cls(final, sample(final, FINE_POINTS, seed), sample(final, ROUGH_POINTS, seed + 2))


def register(
    index: MeshIndex,
    points: ArrayLike,
    *,
    start: ArrayLike | None = None,
    locks: Locks | None = None,
    seed: int = 0,
) -> Registration:
    """Find the pose of `points` on the mesh.

    `start` is a (4, 4) guess of it, scan to CAD; `locks` keeps degrees of the motion from the start (from the
    scan's own coordinates without one). The same input and seed give the same result. Errors: the package's.
    """
    checked = as_points(points)
    if len(checked) < FEWEST:
        raise TooFewPoints(len(checked), FEWEST)
    around = Surroundings.of(index)
    scan = Sampled.of(checked, seed)
    given = np.eye(4) if start is None else _as_transform(start)
    allowed = None if locks is None else locks.of(given)
    if start is not None or locks is not None:
        found = finished(around, scan, given, allowed)
        if fitness_of(found.poses, around) >= LEAST_FITNESS:
            return settled(around, scan, found, allowed, "given start" if locks is None else "locked degrees")
    # A small piece fits anywhere, but a person who says where it is may measure it.
    _refuse_small(index, checked)
    candidates = _candidates(around, scan, allowed, seed)
    return best_of(around, scan, candidates, allowed, "global search" if locks is None else "locked degrees")


def finished(around: Surroundings, scan: Sampled, transform: Float64s, allowed: Allowed | None) -> Refined:
    """One pose made exact: from its rough place with few points, then with more, then with many."""
    near = refined(around, scan.rough, transform[None], 1.5, 30, 1e-4 * around.lever, allowed)
    nearer = refined(around, scan.fine, near.poses.transforms, 1.5, 30, 1e-5 * around.lever, allowed)
    return refined(around, scan.final, nearer.poses.transforms, 1.0, 20, 1e-7 * around.lever, allowed)


def settled(around: Surroundings, scan: Sampled, found: Refined, allowed: Allowed | None, method: str) -> Registration:
    """The account of a pose that fits, after its weak motions were swept for a better place."""
    return _settled(around, scan, found, allowed, method)[0]


def require_fit(around: Surroundings, found: Refined) -> None:
    """Raises RegistrationFailed for a pose that leaves too much of the scan off the surface."""
    fitness = fitness_of(found.poses, around)
    if fitness < LEAST_FITNESS:
        raise RegistrationFailed(fitness, LEAST_FITNESS, REACH * around.lever)


def best_of(
    around: Surroundings, scan: Sampled, candidates: Poses, allowed: Allowed | None, method: str
) -> Registration:
    """The first candidate, or one that proves better beyond doubt once both are refined."""
    place = candidates.transforms[0]
    for _ in range(TAKEN):
        best = finished(around, scan, place, allowed)
        require_fit(around, best)
        result, freedom = _settled(around, scan, best, allowed, method)
        others = candidates
        if allowed is None:
            # A search keeps the best few poses; the twin of a symmetric part need not be among them.
            others = _joined(around, scan, candidates.transforms, _echoes(around, scan, result.transform))
        alternatives, better = _alternatives(around, scan, others, result, freedom, allowed)
        if better is None:
            return result.like(alternatives)
        place = better
    angle = float(np.rad2deg(angles(place[None], result.transform)[0]))
    raise AmbiguousRegistration(2, angle, REACH * around.lever)


def _echoes(around: Surroundings, scan: Sampled, transform: Float64s) -> Float64s:
    """(k, 4, 4) poses that would do as well if the part's box, or its principal axes, told of a symmetry."""
    surface = surface_sample(around.index, ROUGH_POINTS, 0)
    axes = principal_axes(surface)
    turns = cube_rotations()
    about_box = poses_taking(turns, around.center, around.center)
    about_mean = poses_taking(axes @ turns @ axes.T, surface.mean(axis=0), surface.mean(axis=0))
    starts = np.concatenate([about_box, about_mean]) @ transform
    points = sample(scan.rough, ECHO_POINTS, 0)
    found = refined(around, points, starts, 1.5, 12, 1e-3 * around.lever).poses
    order = np.argsort(scores(found, 0.1 * around.lever), kind="stable")
    best = found.transforms[distinct(found, order, around, FINALISTS)]
    return refined(around, scan.rough, best, 1.2, 25, 1e-4 * around.lever).poses.transforms


def _joined(around: Surroundings, scan: Sampled, first: Float64s, second: Float64s) -> Poses:
    """The distinct ones of both stacks of poses, the best first."""
    return _distinct(around, measured(around, scan.fine, np.concatenate([first, second])))


def _distinct(around: Surroundings, poses: Poses) -> Poses:
    order = np.argsort(scores(poses, REACH * around.lever), kind="stable")
    return poses.taken(distinct(poses, order, around, len(poses)))


def _settled(
    around: Surroundings, scan: Sampled, found: Refined, allowed: Allowed | None, method: str
) -> tuple[Registration, Freedom]:
    reach = REACH * around.lever
    for _ in range(SWEEPS):
        better = swept(around, scan.final, found, reach, allowed)
        if better is None:
            break
        found = finished(around, scan, better, allowed)
    freedom = freedom_of(around, scan.final, found, reach, allowed)
    if freedom.motions:
        # What is free is no part of the answer: neither of its end nor of its covariance.
        allowed = Without(freedom.twists, around.lever, allowed)
        if not found.converged:
            found = refined(around, scan.final, found.poses.transforms, 1.0, CREEPING, 1e-7 * around.lever, allowed)
    return account(around, found, freedom, allowed, method), freedom


def _candidates(around: Surroundings, scan: Sampled, allowed: WithinLocks | None, seed: int) -> Poses:
    """The best distinct poses, refined, best first. A poor best one is sought again as a piece of the part."""
    surface = surface_sample(around.index, ROUGH_POINTS, seed)
    if allowed is not None:
        return _refined_best(around, scan, allowed.starts(scan.rough, surface), seed, allowed)
    starts = np.concatenate([np.eye(4)[None], whole_part_starts(scan.rough, surface)])
    found = _refined_best(around, scan, starts, seed, None)
    if fitness_of(found, around) >= WHOLE:
        return found
    pieces = np.concatenate([feature_starts(around, scan.fine, seed), piece_starts(scan.rough, surface, PLACES)])
    again = _refined_best(around, scan, pieces, seed, None)
    return _joined(around, scan, found.transforms, again.transforms)


def _refined_best(around: Surroundings, scan: Sampled, starts: Float64s, seed: int, allowed: Allowed | None) -> Poses:
    found = searched(around, scan.final, starts, seed, allowed)
    poses = refined(around, scan.fine, found.transforms[:FINALISTS], 1.2, 25, 1e-5 * around.lever, allowed).poses
    return poses.taken(np.argsort(scores(poses, REACH * around.lever), kind="stable"))


def _alternatives(
    around: Surroundings,
    scan: Sampled,
    candidates: Poses,
    result: Registration,
    freedom: Freedom,
    allowed: Allowed | None,
) -> tuple[tuple[Alternative, ...], Float64s | None]:
    """The candidates that measure the same as the result, and one that fits better beyond doubt, if there is any.

    Raises AmbiguousRegistration where one fits as well and measures differently.
    """
    cap = REACH * around.lever
    here = measured(around, scan.fine, result.transform[None])
    noise = noise_of(here.distances[0], around.lever)
    elsewhere = [k for k, place in enumerate(candidates.transforms) if not _same_place(around, place, result, freedom)]
    candidates = candidates.taken(elsewhere)
    if not elsewhere:
        return (), None
    rivals, ratios = _rivals(around, scan, candidates, here, allowed)
    alike: list[Alternative] = []
    doubtful: list[AmbiguousRegistration] = []
    for transform, distances, ratio in zip(rivals.transforms, rivals.distances, ratios, strict=True):
        if _same_place(around, transform, result, freedom):
            continue
        told, place = likeness(here.distances[0], distances, noise, cap), transform
        if told is Likeness.UNDECIDED:
            # Perhaps it has only not arrived: a weak motion creeps along its valley for hundreds of steps.
            brought = brought_to(around, scan.fine, transform, here.distances[0], cap, allowed)
            if brought is not None and likeness(here.distances[0], brought.distances[0], noise, cap) is Likeness.SAME:
                told, place = Likeness.SAME, brought.transforms[0]
        angle = float(np.rad2deg(angles(place[None], result.transform)[0]))
        match told:
            case Likeness.SAME if not _same_place(around, place, result, freedom):
                alike.append(Alternative(place, angle, float(ratio)))
            case Likeness.SECOND:
                return (), transform
            case Likeness.UNDECIDED:
                apart = float(np.percentile(np.abs(distances - here.distances[0]), 95))
                doubtful.append(AmbiguousRegistration(2 + len(alike), angle, apart))
            case _:
                pass
    if doubtful:
        raise doubtful[0]
    return tuple(alike), None


def _rivals(
    around: Surroundings, scan: Sampled, candidates: Poses, here: Poses, allowed: Allowed | None
) -> tuple[Poses, Float64s]:
    """The candidates that come about as near as the pose found once they are refined, and how near beside it."""
    cap = REACH * around.lever
    # A scan without noise fits to the last digit, where ratios mean nothing.
    floor = 1e-5 * around.lever
    cost = float(scores(here, cap)[0])
    near = candidates.taken(np.flatnonzero(scores(candidates, cap) <= LIKELY * cost + floor))
    if not len(near):
        return near, np.empty(0)
    coarse = refined(around, scan.rough, near.transforms, 1.0, PATIENCE, 1e-5 * around.lever, allowed).poses
    fine = refined(around, scan.fine, coarse.transforms, 1.0, 60, 1e-6 * around.lever, allowed).poses
    # Refined, several candidates may have come to one place.
    fine = _distinct(around, fine)
    ratios = (scores(fine, cap) + floor) / (cost + floor)
    kept = np.flatnonzero(ratios <= ALIKE)
    return fine.taken(kept), ratios[kept]


def _same_place(around: Surroundings, transform: Float64s, result: Registration, freedom: Freedom) -> bool:
    return same_but_for(freedom, screw_twist(transform @ np.linalg.inv(result.transform), around.center), around)


def _refuse_small(index: MeshIndex, points: Points) -> None:
    across = float(np.linalg.norm(index.high - index.low))
    if size(points) < SMALLEST * across:
        raise ScanTooSmall(size(points), across)


def _as_transform(start: ArrayLike) -> Float64s:
    transform = np.asarray(start, np.float64)
    if transform.shape != (4, 4) or not np.isfinite(transform).all():
        raise InvalidParameter("start", transform.shape, "a finite 4 by 4 transform")
    rotation = transform[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6) or np.linalg.det(rotation) < 0:
        raise InvalidParameter("start", "a scaling or mirroring transform", "a rotation and a translation")
    return transform
