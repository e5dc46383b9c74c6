"""Which motions a registered scan does not resist: found from the normal matrix, proved by moving.

The eigenvectors of small eigenvalues are only suspects, since a tessellated cylinder has facets and a real one is not
round. Each suspect is swept along its whole way first (a shaft all around): a small keyway far from the pose found may
fit better than nothing there. Then the scan is moved a little along it. A motion is free when all points measure the
same as before. One that is not free must be sure enough: if the pose may lie anywhere within a stretch in which the
deviations change, it is refused, since they would hang on an arbitrary choice.
"""

from dataclasses import dataclass

import numpy as np

from kernels.arrays import Float64s
from kernels.errors import UndecidedMotion
from kernels.registration.comparison import Likeness, likeness, noise_of
from kernels.registration.covariance import covariance
from kernels.registration.icp import (
    Allowed,
    Poses,
    Refined,
    Surroundings,
    measured,
    refined,
    stiffness,
)
from kernels.registration.motion import UnconstrainedMotion, screw, unconstrained

SUSPECT = 0.03
"""Of the largest eigenvalue."""
TRIED = 0.05
"""Of the lever: how far the scan is moved along a suspect, either way."""
DOUBT = 2.0
"""Standard uncertainties within which the pose may lie."""
POINTS = 20_000
SWEPT_POINTS = 4000
TURN_STEPS = 120
SLIDE_STEPS = 60
SWEEP_CAP = 0.2
"""Of the lever: distances count up to this much in a sweep."""
GAIN = 2e-3
"""By which share the mean distance must fall for a place of the sweep to be looked at."""
LOOKED_AT = 4
CLOSE = 0.07
"""Radians, and of the lever: poses closer than this are one."""


@dataclass(frozen=True, eq=False)
class Freedom:
    motions: tuple[UnconstrainedMotion, ...]
    """The freest first."""
    twists: Float64s
    """(m, 6) of them about the part's middle, scaled by the lever, orthonormal."""


def freedom_of(
    around: Surroundings, points: Float64s, found: Refined, reach: float, allowed: Allowed | None
) -> Freedom:
    """The motions that the first pose leaves free. Raises UndecidedMotion for one that would change the deviations."""
    some = _thinned(points, POINTS)
    here = measured(around, some, found.poses.transforms[:1])
    noise = noise_of(here.distances[0], around.lever)
    spread = covariance(around, found.poses, found.cutoffs, allowed)
    motions, twists = [], []
    for twist in suspects(around, here, found.cutoffs[:1], allowed):
        motion = unconstrained(_unscaled(twist, around), around.center, around.lever)
        tried = _tried(around, some, here, twist, TRIED * around.lever)
        # A patch on a face slides until it meets the rim: free, though not without end.
        if any(likeness(here.distances[0], there, noise, reach) is Likeness.SAME for there in tried):
            motions.append(motion)
            twists.append(twist)
            continue
        within = _tried(around, some, here, twist, _doubt(around, twist, spread))
        changed = float(np.percentile(np.abs(within - here.distances[0]), 95))
        if changed > noise:
            raise UndecidedMotion(motion.describe(), changed)
    return Freedom(tuple(motions), np.array(twists).reshape(-1, 6))


def _doubt(around: Surroundings, twist: Float64s, spread: Float64s) -> float:
    """How far the pose may lie off along the motion, at most TRIED; that far where the covariance says nothing."""
    scale = np.repeat([around.lever, 1.0], 3)
    variance = float((twist * scale) @ spread @ (twist * scale))
    most = TRIED * around.lever
    return most if variance < (1e-9 * around.lever) ** 2 else min(most, DOUBT * float(np.sqrt(variance)))


def _tried(around: Surroundings, points: Float64s, here: Poses, twist: Float64s, length: float) -> Float64s:
    """(2, n) distances after moving either way along the motion."""
    moves = _moves(around, twist, np.array([-length, length])) @ here.transforms[0]
    return measured(around, points, moves).distances


def swept(
    around: Surroundings, points: Float64s, found: Refined, reach: float, allowed: Allowed | None
) -> Float64s | None:
    """A (4, 4) pose along a suspect motion that fits beyond doubt better than the first one, if there is any."""
    some = _thinned(points, POINTS)
    here = measured(around, some, found.poses.transforms[:1])
    noise = noise_of(here.distances[0], around.lever)
    for twist in suspects(around, here, found.cutoffs[:1], allowed):
        for transform in _promising(around, _thinned(points, SWEPT_POINTS), here.transforms[0], twist):
            there = refined(around, some, transform[None], 1.0, 15, 1e-5 * around.lever, allowed).poses
            if likeness(here.distances[0], there.distances[0], noise, reach) is Likeness.SECOND:
                better: Float64s = there.transforms[0]
                return better
    return None


def suspects(around: Surroundings, here: Poses, cutoffs: Float64s, allowed: Allowed | None) -> Float64s:
    """(m, 6) orthonormal scaled twists with little resistance, translations apart from rotations."""
    matrix = stiffness(around, here, cutoffs)[0][0]
    basis = np.eye(6)
    if allowed is not None:
        scale = np.repeat([around.lever, 1.0], 3)[:, None]
        basis = np.linalg.qr(allowed.directions(here.transforms[0], around.center) * scale)[0]
    if not basis.shape[1]:
        return np.empty((0, 6))
    values, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
    weak = basis @ vectors[:, values < SUSPECT * np.linalg.eigvalsh(matrix)[-1]]
    if not weak.shape[1]:
        return np.empty((0, 6))
    return separated(weak)


def separated(twists: Float64s) -> Float64s:
    """(m, 6): the span of (6, m) orthonormal scaled twists, slides apart from turns.

    Any mixture of free motions is free; slides by themselves and turns by themselves are what people can read.
    """
    turned = np.linalg.svd(twists[:3])[2]
    separate: Float64s = (twists @ turned.T[:, ::-1]).T
    return separate


def same_but_for(freedom: Freedom, twist: Float64s, around: Surroundings) -> bool:
    """Whether a finite motion (its screw's twist about the part's middle) is all but one along the free motions."""
    scaled = twist * np.repeat([around.lever, 1.0], 3)
    rest = scaled - freedom.twists.T @ (freedom.twists @ scaled)
    return float(np.linalg.norm(rest)) < CLOSE * around.lever + 0.02 * float(np.linalg.norm(scaled))


def _promising(around: Surroundings, points: Float64s, transform: Float64s, twist: Float64s) -> Float64s:
    """(k, 4, 4) poses along the motion where the mean distance has a lower minimum than here."""
    turn = float(np.linalg.norm(twist[:3]))
    if turn > 0.1:
        amounts = np.arange(TURN_STEPS) * 2 * np.pi / TURN_STEPS * around.lever / turn
    else:
        amounts = np.linspace(-2, 2, 2 * SLIDE_STEPS + 1) * around.lever
        amounts = np.roll(amounts, -SLIDE_STEPS)
    moves = _moves(around, twist, amounts) @ transform
    distances = np.minimum(np.abs(measured(around, points, moves).distances), SWEEP_CAP * around.lever).mean(axis=1)
    lower = distances < (1 - GAIN) * distances[0]
    lowest = (distances <= np.roll(distances, 1)) & (distances <= np.roll(distances, -1))
    rows = np.flatnonzero(lower & lowest)
    chosen: Float64s = moves[rows[np.argsort(distances[rows], kind="stable")][:LOOKED_AT]]
    return chosen


def _moves(around: Surroundings, twist: Float64s, amounts: Float64s) -> Float64s:
    return np.array([screw(_unscaled(twist, around) * amount, around.center) for amount in amounts])


def _unscaled(twist: Float64s, around: Surroundings) -> Float64s:
    """A scaled twist of unit length: it moves points of the part by about a unit of length."""
    unscaled: Float64s = twist / np.repeat([around.lever, 1.0], 3)
    return unscaled


def _thinned(points: Float64s, count: int) -> Float64s:
    return np.ascontiguousarray(points[:: max(1, len(points) // count)])
