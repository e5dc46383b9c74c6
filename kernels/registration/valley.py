"""Whether two poses are places of one valley: a small motion leads from the one to what the other measures.

In: a pose and the distances that the same points have in another. Out: the pose moved until it measures as much like
the other as it can. A scan with a weak motion (a ring that may hardly tilt) creeps along a flat valley and stops where
its steps end, a little elsewhere from each start. Fitting one pose to the other's distances needs no optimum of
either: it takes a few steps where reaching the floor takes hundreds. What tells two real poses apart (a pocket at the
other end) no small motion can undo.
"""

import numpy as np

from kernels.arrays import Float64s
from kernels.registration.icp import Allowed, Poses, Surroundings, measured
from kernels.registration.motion import steps

STEPS = 10
RESISTED = 1e-4
"""Of the stiffest direction: a turn of a tessellated ring is left where it is."""


def brought_to(
    around: Surroundings, points: Float64s, transform: Float64s, wanted: Float64s, reach: float, allowed: Allowed | None
) -> Poses | None:
    """One pose near `transform` in which the points measure as `wanted`; None if most move by more than `reach`."""
    pose = before = measured(around, points, transform[None])
    for _ in range(STEPS):
        pose = measured(around, points, _nearer(around, pose, wanted, reach, allowed)[None])
    moved = np.abs(pose.distances[0] - before.distances[0])
    return pose if float(np.percentile(moved, 95)) <= reach else None


def _nearer(around: Surroundings, pose: Poses, wanted: Float64s, reach: float, allowed: Allowed | None) -> Float64s:
    """(4, 4) pose after one step of least squares between the distances and the wanted ones."""
    distances = pose.distances[0]
    transform: Float64s = pose.transforms[0]
    near = (np.abs(distances) < reach) & (np.abs(wanted) < reach)
    normals = around.planes[pose.triangles[0][near], :3]
    arms = pose.points[0][near] - around.center
    slopes = np.column_stack([np.cross(arms, normals), normals])
    by_lever = np.diag(np.repeat([1.0 / around.lever, 1.0], 3))
    basis = by_lever if allowed is None else allowed.directions(transform, around.center)
    if not basis.shape[1] or not near.any():
        return transform
    amounts = np.linalg.lstsq(slopes @ basis, (wanted - distances)[near], rcond=np.sqrt(RESISTED))[0]
    if allowed is not None:
        return allowed.stepped(transform, amounts, around.center)
    moved: Float64s = steps((basis @ amounts)[None], around.center)[0] @ transform
    return moved
