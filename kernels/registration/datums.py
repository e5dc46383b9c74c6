"""Align by a datum reference frame: primary, secondary, tertiary (ISO 5459).

In: up to three datum features of the CAD, in their order of precedence, and a scan. Out: the pose in which the scan's
features lie on the CAD's as that order demands. The primary takes all the motions that its plane, axis or centre can
hold; the secondary is fitted with the primary's held already, and takes what it can hold of the rest; so the tertiary.
A cylinder's or sphere's radius is fitted with it and holds nothing. Association is Gaussian (least squares, robust
against strays), not contacting.

What the datums leave free is settled by the best fit of the whole scan and named in `left_free`. Refused: a datum that
adds nothing to those before it, a datum that the scan hardly shows, and what `register` refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float64s, Int64s, Points, as_points
from kernels.distance import MeshIndex
from kernels.errors import DegenerateReference, InvalidParameter, ScanMissing
from kernels.features.shapes import Shape, borne_motions, distances, normals
from kernels.registration.freedom import Freedom, separated
from kernels.registration.icp import Refined, Surroundings, measured, refined, sigmas
from kernels.registration.locks import WithinGroup
from kernels.registration.motion import UnconstrainedMotion, unconstrained
from kernels.registration.register import Sampled, register, require_fit, settled
from kernels.registration.result import Registration, account

MOST = 3
FEWEST_POINTS = 50
ROUNDS = 60
TUKEY = 4.685
SIGMA_OF_MEDIAN = 1.4826
HELD = 1e-6
"""Singular value, rotations measured over the lever, above which a motion counts as held by a datum."""
REACH = 0.02
"""Of the lever: points farther from their datum feature are strays or another surface."""


@dataclass(frozen=True, eq=False)
class Datum:
    """A feature of the CAD that holds the part; `kernels.features.feature_at` picks one."""

    name: str
    shape: Shape
    """Nominal, in CAD coordinates."""
    triangles: Int64s
    """Rows of the CAD's triangles that belong to it."""


@dataclass(frozen=True, eq=False)
class DatumFit:
    """How the scan's feature fits its datum."""

    name: str
    points: int
    sigma: float
    size_deviation: float
    """The scan's radius less the nominal one; 0 for a plane."""
    held: int
    """How many of the six degrees this datum holds, after those before it."""


@dataclass(frozen=True, eq=False)
class DatumAlignment:
    registration: Registration
    datums: tuple[DatumFit, ...]
    left_free: tuple[UnconstrainedMotion, ...]
    """What the datums do not hold: settled by best fit."""


def align_to_datums(
    index: MeshIndex, points: ArrayLike, datums: Sequence[Datum], *, start: ArrayLike | None = None, seed: int = 0
) -> DatumAlignment:
    """Align the scan by its datums, the primary first. `start` is a (4, 4) guess, as for `register`."""
    if not 1 <= len(datums) <= MOST:
        raise InvalidParameter("datums", len(datums), f"1 to {MOST}")
    checked = as_points(points)
    around = Surroundings.of(index)
    stages = _precedence(datums, around)
    transform = register(index, checked, start=start, seed=seed).transform
    rows = _members(around, checked, transform, datums)
    fits = []
    for datum, own, (group, held) in zip(datums, rows, stages[:-1], strict=True):
        transform, sigma, size = _laid(around, np.asarray(checked[own], np.float64), transform, datum.shape, group)
        fits.append(DatumFit(datum.name, len(own), sigma, size, held))
    registration, free = _rest(around, Sampled.of(checked, seed), transform, stages[-1][0])
    return DatumAlignment(registration, tuple(fits), free)


def _precedence(datums: Sequence[Datum], around: Surroundings) -> list[tuple[WithinGroup, int]]:
    """For each datum the motions left to it and how many it holds; at the end those that none holds."""
    basis = np.eye(6)
    stages = []
    for datum in datums:
        borne, origin = borne_motions(datum.shape)
        carried = WithinGroup(borne, origin).directions(np.eye(4), around.center)
        left = _common(basis, carried, around)
        held = basis.shape[1] - left.shape[1]
        if held == 0:
            raise DegenerateReference("datums", [f"{datum.name} holds nothing that those before it leave"])
        stages.append((WithinGroup(basis, around.center), held))
        basis = left
    return [*stages, (WithinGroup(basis, around.center), 0)]


def _common(first: Float64s, second: Float64s, around: Surroundings) -> Float64s:
    """(6, m) orthonormal twists (rotations over the lever) that lie in both spans."""
    scale = np.repeat([around.lever, 1.0], 3)[:, None]
    a, b = (np.linalg.qr(basis * scale)[0] for basis in (first, second))
    outside = a - b @ (b.T @ a)
    # Near zero: the direction lies in the second span too. Datums of a CAD file are exact to many digits.
    _, values, right = np.linalg.svd(outside, full_matrices=True)
    values = np.concatenate([values, np.zeros(a.shape[1] - len(values))])
    common: Float64s = a @ right[values < 1e-4].T / scale
    return common


def _members(
    around: Surroundings, points: Points, transform: Float64s, datums: Sequence[Datum]
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """For each datum the rows of the scan that lie on its triangles."""
    poses = measured(around, np.ascontiguousarray(points, np.float64), transform[None])
    near = np.abs(poses.distances[0]) < REACH * around.lever
    found = []
    for datum in datums:
        own = np.zeros(len(around.planes), bool)
        own[datum.triangles] = True
        rows = np.flatnonzero(near & own[poses.triangles[0]])
        if len(rows) < FEWEST_POINTS:
            raise ScanMissing(f"datum {datum.name}", len(rows), FEWEST_POINTS)
        found.append(rows)
    return found


def _laid(
    around: Surroundings, points: Float64s, transform: Float64s, shape: Shape, group: WithinGroup
) -> tuple[Float64s, float, float]:
    """The pose that lays the points on the nominal shape within the group, the noise, and how much larger they are."""
    basis = group.directions(transform, around.center)
    scale = np.repeat([around.lever, 1.0], 3)[:, None]
    sized = hasattr(shape, "radius")
    size, sigma = 0.0, 0.0
    for _ in range(ROUNDS):
        placed = points @ transform[:3, :3].T + transform[:3, 3]
        off, facing = distances(shape, placed), normals(shape, placed)
        size = float(np.median(off)) if sized and sigma == 0.0 else size
        sigma = SIGMA_OF_MEDIAN * float(np.median(np.abs(off - size)))
        share = np.clip(np.abs(off - size) / max(TUKEY * sigma, 1e-12 * around.lever), 0, 1) ** 2
        weights = (1 - share) ** 2
        slopes = np.column_stack([np.cross(placed - around.center, facing), facing]) @ basis
        columns = [slopes, -np.ones((len(points), 1))] if sized else [slopes]
        matrix = np.column_stack(columns)
        norms = np.ones(matrix.shape[1])
        norms[: basis.shape[1]] = np.linalg.norm(basis * scale, axis=0)
        left = (matrix / norms) * np.sqrt(weights)[:, None]
        change = -np.linalg.lstsq(left, (off - size) * np.sqrt(weights), rcond=HELD)[0] / norms
        size += float(change[-1]) if sized else 0.0
        amounts = change[: basis.shape[1]]
        transform = group.stepped(transform, amounts, around.center)
        if np.abs((basis * scale) @ amounts).max(initial=0.0) < 1e-10 * around.lever:
            break
    return transform, sigma, size


def _rest(
    around: Surroundings, scan: Sampled, transform: Float64s, group: WithinGroup
) -> tuple[Registration, tuple[UnconstrainedMotion, ...]]:
    """Settle what no datum holds, and tell of the pose."""
    scale = np.repeat([around.lever, 1.0], 3)
    twists = separated(np.linalg.qr(group.basis * scale[:, None])[0]) / scale if group.basis.shape[1] else ()
    free = tuple(unconstrained(twist, around.center, around.lever) for twist in twists)
    if free:
        found = refined(around, scan.final, transform[None], 1.0, 30, 1e-7 * around.lever, group)
        require_fit(around, found)
        return settled(around, scan, found, group, "datums, the rest by best fit"), free
    poses = measured(around, scan.final, transform[None])
    found = Refined(poses, True, np.maximum(TUKEY * sigmas(poses), 1e-7 * around.lever))
    require_fit(around, found)
    return account(around, found, Freedom((), np.empty((0, 6))), None, "datums"), free
