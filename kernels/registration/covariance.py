"""How sure a pose is: the covariance of its six parameters, and of any point that it moves.

In: points at the final pose and Tukey's cutoff. Out: a (6, 6) covariance of the twist about the part's middle, rotation
vector in radians first, then the displacement in the mesh's unit.

Neighbouring points are not independent: form errors and a scanner's own waves move them together. So the spread of the
gradient is taken between blocks of neighbours (in Morton order), not between points, and what is correlated within a
block counts in full. Correlation longer than a block does not; nor does the scanner's own calibration.
"""

import numpy as np

from kernels.arrays import Float64s
from kernels.device import cores_for
from kernels.registration.icp import CHEAP, RESISTED, Allowed, Poses, Surroundings, normal_equations, symmetric

BLOCKS = 256


def covariance(around: Surroundings, poses: Poses, cutoffs: Float64s, allowed: Allowed | None) -> Float64s:
    """(6, 6) covariance of the first pose; zero along motions that are locked or that the scan does not resist."""
    size = max(1, -(-poses.distances.shape[1] // BLOCKS))
    with cores_for(poses.distances.shape[1], CHEAP):
        sums = normal_equations(
            poses.points[:1], poses.distances[:1], poses.triangles[:1], around.planes, cutoffs[:1], around.center, size
        )[0]
    scale = np.repeat([1.0 / around.lever, 1.0], 3)
    weighted = symmetric(sums.sum(axis=0)[None, :21])[0] * scale[:, None] * scale
    gradients = sums[:, 21:27] * scale
    basis = np.eye(6)
    if allowed is not None:
        basis = allowed.directions(poses.transforms[0], around.center) / scale[:, None]
        basis = np.linalg.qr(basis)[0]
    # Tukey's slope against its weight: the response of the estimate to a small change of the distances.
    share = np.clip(np.abs(poses.distances[0]) / cutoffs[0], 0, 1) ** 2
    slope = float(((1 - share) * (1 - 5 * share)).sum() / np.maximum(((1 - share) ** 2).sum(), 1e-300))
    values, vectors = np.linalg.eigh(basis.T @ weighted @ basis)
    kept = values > RESISTED * values[-1] if len(values) else np.zeros(0, bool)
    directions = basis @ vectors[:, kept] / (max(slope, 0.1) * values[kept])
    pushed = gradients @ (basis @ vectors[:, kept])
    blocks = max(2, len(gradients))
    found = directions @ (pushed.T @ pushed * blocks / (blocks - 1)) @ directions.T
    result: Float64s = found * scale[:, None] * scale
    return result


def point_uncertainty(matrix: Float64s, points: Float64s, center: Float64s) -> Float64s:
    """(n,) standard uncertainty (k = 1) of where a pose with this covariance places (n, 3) points of the CAD."""
    arms = points - center
    jacobian = np.zeros((len(points), 3, 6))
    jacobian[:, 0, 1], jacobian[:, 0, 2], jacobian[:, 1, 2] = arms[:, 2], -arms[:, 1], arms[:, 0]
    jacobian[:, 1, 0], jacobian[:, 2, 0], jacobian[:, 2, 1] = -arms[:, 2], arms[:, 1], -arms[:, 0]
    jacobian[:, (0, 1, 2), (3, 4, 5)] = 1.0
    return np.asarray(np.sqrt(np.einsum("nij,jk,nik->n", jacobian, matrix, jacobian)), np.float64)
