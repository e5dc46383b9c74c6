"""Which motions a registered scan does not resist: found from the normal matrix, proved by moving.

The eigenvectors of small eigenvalues are only suspects, since a tessellated cylinder has facets and a real one is not
round: each suspect is tried by moving the scan along its screw and measuring again. What costs nothing is free.
"""

import numpy as np

from kernels.arrays import Float64s
from kernels.registration.icp import Refined, Surroundings, measured, stiffness
from kernels.registration.motion import UnconstrainedMotion, screw, unconstrained

SUSPECT = 0.03
"""Of the largest eigenvalue."""
TRIED = (-0.1, -0.05, 0.05, 0.1)
"""Of the lever: how far the scan is moved along a suspect."""
COST = 1.15
POINTS = 20_000


def unconstrained_motions(around: Surroundings, points: Float64s, found: Refined) -> tuple[UnconstrainedMotion, ...]:
    """The free motions of the first pose, the freest first."""
    step = max(1, len(points) // POINTS)
    some = np.ascontiguousarray(points[::step])
    transform = found.poses.transforms[0]
    here = measured(around, some, transform[None])
    matrices, _ = stiffness(around, some, here, found.cutoffs[:1])
    values, vectors = np.linalg.eigh(matrices[0])
    suspects = [vectors[:, k] for k in range(6) if values[k] < SUSPECT * values[-1]]
    cap = 3.0 * float(found.cutoffs[0])
    cost_here = _cost(here.distances[0], cap)
    free = []
    for suspect in suspects:
        twist = suspect.copy()
        twist[:3] /= around.lever
        if _is_free(around, some, transform, twist, cap, cost_here):
            free.append(unconstrained(twist, around.center, around.lever))
    return tuple(free)


def _is_free(
    around: Surroundings, points: Float64s, transform: Float64s, twist: Float64s, cap: float, cost_here: float
) -> bool:
    moves = np.array([screw(twist * share * around.lever, around.center) @ transform for share in TRIED])
    poses = measured(around, points, moves)
    worst = max(_cost(distances, cap) for distances in poses.distances)
    return worst <= COST * cost_here + 1e-7 * around.lever


def _cost(distances: Float64s, cap: float) -> float:
    return float(np.minimum(np.abs(distances), cap).mean())
