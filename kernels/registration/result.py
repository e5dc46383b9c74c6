"""What is told of a registered scan: the pose, how it fits, how sure it is, and what it leaves open.

In: a refined pose on the final sample. Out: a `Registration`. Refuses a pose that would fit only at another scale.
"""

from dataclasses import dataclass, replace

import numpy as np

from kernels.arrays import Float64s
from kernels.errors import WrongScale
from kernels.registration.covariance import covariance, point_uncertainty
from kernels.registration.freedom import Freedom
from kernels.registration.icp import Allowed, Poses, Refined, Surroundings, sigmas
from kernels.registration.motion import UnconstrainedMotion

REACH = 0.01
"""Of the lever: how near the surface a point must lie to count as fitting."""
SCALE_OFF = 0.01
"""Told from the points that fit, it is less than the true one: of a scan 3 % too large it says 1.3 %."""
SURE = 5.0
"""Standard uncertainties by which the scale must differ from 1 to be believed."""

CLEARLY = 4.0
"""How many times as much an offset all over must leave unexplained as another size, for the size to be the cause."""
SIZED = 0.1
"""Of the lever: how far off a point may lie and still tell of another size."""
LEAST_SHARE = 0.05
"""And how much more of what the two explain together: a cube that is larger all over has another size, too."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """Another pose that fits as well and measures the same."""

    transform: Float64s
    angle_degrees: float
    """By how much it is turned against the pose given."""
    cost_ratio: float
    """Its mean distance (capped at the reach) over that of the pose given."""


@dataclass(frozen=True, eq=False)
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
    covariance: Float64s
    """(6, 6) of the twist about `center`: rotation vector in radians, then displacement in the mesh's unit, along the
    CAD's axes. Zero along what is locked or unconstrained."""
    center: tuple[float, float, float]
    """The middle of the part's box."""
    corner_uncertainty: float
    """Standard uncertainty (k = 1) of the place of that corner of the part's box that is least sure."""
    scale: float
    """The factor for the scan's size that would fit best; NaN where the scan does not show it."""
    scale_uncertainty: float
    """From noise alone. The scale itself leans toward 1, as it is told from the points that fit."""
    unconstrained: tuple[UnconstrainedMotion, ...]
    """Motions that change no deviation: the pose along them is arbitrary."""
    alternatives: tuple[Alternative, ...]
    """Other poses that fit as well and measure the same: the part is symmetric as far as the scan can tell. The best of
    those that the search met; a cube has more."""
    converged: bool
    method: str

    @property
    def ambiguous(self) -> bool:
        return bool(self.alternatives)

    def held_by(self, covariance: Float64s, around: Surroundings) -> "Registration":
        """The same pose with the covariance of what decided it, when that was not the best fit of all points."""
        corner_uncertainty = float(point_uncertainty(covariance, _corners(around), around.center).max())
        return replace(self, covariance=covariance, corner_uncertainty=corner_uncertainty)

    def like(self, alternatives: tuple[Alternative, ...]) -> "Registration":
        return replace(self, alternatives=alternatives)


def fitness_of(poses: Poses, around: Surroundings) -> float:
    """Share of the first pose's points that lie near the surface."""
    return float(np.mean(np.abs(poses.distances[0]) < REACH * around.lever))


def account(
    around: Surroundings, found: Refined, freedom: Freedom, allowed: Allowed | None, method: str
) -> Registration:
    """Tell all there is to tell of the first pose. Raises WrongScale."""
    poses = found.poses
    distances, cutoff = poses.distances[0], float(found.cutoffs[0])
    inside = distances[np.abs(distances) < cutoff]
    scale, scale_uncertainty = scale_of(around, poses, cutoff)
    if abs(scale - 1) > max(SCALE_OFF, SURE * scale_uncertainty) and _is_no_offset(around, poses):
        raise WrongScale(scale, scale_uncertainty)
    matrix = covariance(around, poses, found.cutoffs, allowed)
    x, y, z = (float(value) for value in around.center)
    return Registration(
        transform=poses.transforms[0],
        fitness=fitness_of(poses, around),
        rms=float(np.sqrt(np.mean(inside**2))) if len(inside) else float("nan"),
        sigma=float(sigmas(poses)[0]),
        covariance=matrix,
        center=(x, y, z),
        corner_uncertainty=float(point_uncertainty(matrix, _corners(around), around.center).max()),
        scale=scale,
        scale_uncertainty=scale_uncertainty,
        unconstrained=freedom.motions,
        alternatives=(),
        converged=found.converged,
        method=method,
    )


def _corners(around: Surroundings) -> Float64s:
    """(8, 3) of the part's box."""
    low, high = around.index.low, around.index.high
    return np.array([np.where([k & 1, k & 2, k & 4], high, low) for k in range(8)])


def scale_of(around: Surroundings, poses: Poses, cutoff: float) -> tuple[float, float]:
    """The scan's best scale with pose and scale free, and its standard uncertainty; NaN where nothing shows it."""
    residual, slopes, _ = _linear(around, poses, cutoff)
    used = len(residual)
    values, vectors = np.linalg.eigh(slopes.T @ slopes / max(1, used))
    kept = values > 1e-5 * values[-1]
    # A direction left out that has a share of the scale says that the scale cannot be told from a motion.
    if used < 20 or np.abs(vectors[6, ~kept]).max(initial=0.0) > 0.01:
        return float("nan"), float("inf")
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T / used
    change = -(inverse @ (slopes.T @ residual))
    left = residual + slopes @ change
    spread = float(np.sqrt(inverse[6, 6]) * left.std())
    return 1.0 + float(change[6]) / around.lever, spread / around.lever


def _is_no_offset(around: Surroundings, poses: Poses) -> bool:
    """Whether another size explains the distances clearly better than material that is too much, or too little, all
    over: a thin plate with 0.4 mm on every face is no scan in another unit.

    What the fit left out is asked, too: at another size the far ends are what does not fit.
    """
    residual, slopes, ones = _linear(around, poses, SIZED * around.lever)
    motions = slopes[:, :6]
    moved, sized, offset, both = (
        _left_of_squares(residual, np.column_stack(columns))
        for columns in ((motions,), (slopes,), (motions, ones), (slopes, ones))
    )
    return offset - both > CLEARLY * (sized - both) + LEAST_SHARE * (moved - both)


def _left_of_squares(residual: Float64s, columns: Float64s) -> float:
    change = np.linalg.lstsq(columns, residual, rcond=1e-3)[0]
    return float(((residual - columns @ change) ** 2).sum())


def _linear(around: Surroundings, poses: Poses, cutoff: float) -> tuple[Float64s, Float64s, Float64s]:
    """(n,) distances from the faces' planes, (n, 7) how they grow with each motion and with the size, (n,) ones."""
    used = np.flatnonzero(np.abs(poses.distances[0]) < cutoff)
    used = used[:: max(1, len(used) // 20_000)]
    points = poses.points[0][used]
    plane = around.planes[poses.triangles[0][used]]
    arms = (points - around.center) / around.lever
    residual = (points * plane[:, :3]).sum(axis=1) - plane[:, 3]
    slopes = np.column_stack([np.cross(arms, plane[:, :3]), plane[:, :3], (arms * plane[:, :3]).sum(axis=1)])
    return residual, slopes, np.ones(len(used))
