"""Global search: from many starts to the few poses worth looking at, coarse to fine.

In: the scan in Morton order and starts. Out: distinct refined poses, the best first. Every round registers all poses
that are left with more points and a narrower cutoff, then keeps the best of those that differ.
"""

from dataclasses import dataclass

import numpy as np

from kernels.arrays import Float64s, Points
from kernels.registration.icp import Allowed, Poses, Surroundings, measured, refined
from kernels.registration.motion import angles
from kernels.registration.starts import sample

SAME_ANGLE = np.deg2rad(4.0)
SAME_PLACE = 0.04
"""Of the lever: poses closer than both to a better one are the same."""


@dataclass(frozen=True)
class Round:
    points: int
    widening: float
    iterations: int
    kept: int
    cap: float
    """Of the lever: distances count up to this much in the score."""


RACE = Round(points=64, widening=3.0, iterations=2, kept=1200, cap=0.3)
"""Before the first round, where there are more starts than it keeps: most of thousands lead nowhere."""
ROUNDS = (
    Round(points=128, widening=2.0, iterations=8, kept=48, cap=0.2),
    Round(points=500, widening=1.5, iterations=10, kept=16, cap=0.1),
    Round(points=3000, widening=1.2, iterations=15, kept=8, cap=0.05),
)


def scores(poses: Poses, cap: float) -> Float64s:
    """(k,) mean distance of each pose, every point counting up to `cap`; less is better."""
    return np.asarray(np.minimum(np.abs(poses.distances), cap).mean(axis=1), np.float64)


def distinct(
    poses: Poses, order: np.ndarray[tuple[int], np.dtype[np.intp]], around: Surroundings, count: int
) -> list[int]:
    """The first `count` rows of `order` that differ from those before them."""
    chosen: list[int] = []
    # Where the scan's own middle comes to lie: a point away from the scan would swing with every small turn.
    centers = poses.points.mean(axis=1)
    for row in order:
        if len(chosen) == count:
            break
        turned = angles(poses.transforms[chosen], poses.transforms[row]) if chosen else np.empty(0)
        shifted = np.linalg.norm(centers[chosen] - centers[row], axis=1) if chosen else np.empty(0)
        if not ((turned < SAME_ANGLE) & (shifted < SAME_PLACE * around.lever)).any():
            chosen.append(int(row))
    return chosen


def searched(
    around: Surroundings, ordered: Points, starts: Float64s, seed: int, allowed: Allowed | None = None
) -> Poses:
    """The best distinct poses that the starts lead to, best first, measured on the last round's sample."""
    transforms = starts
    if len(starts) > RACE.kept:
        points = sample(ordered, RACE.points, seed + len(ROUNDS))
        found = refined(around, points, starts, RACE.widening, RACE.iterations, 1e-3 * around.lever, allowed).poses
        ahead = np.argsort(scores(found, RACE.cap * around.lever), kind="stable")[: RACE.kept]
        transforms = found.transforms[ahead]
    for number, part in enumerate(ROUNDS):
        points = sample(ordered, part.points, seed + number)
        found = refined(around, points, transforms, part.widening, part.iterations, 1e-3 * around.lever, allowed).poses
        order = np.argsort(scores(found, part.cap * around.lever), kind="stable")
        transforms = found.transforms[distinct(found, order, around, part.kept)]
    return measured(around, points, transforms)
