"""Motions that a registration may not make: locked degrees of freedom, and what datums have already decided.

In: which degrees are locked, in which frame, from which start; or a group of motions that stay free. Out: an `Allowed`
for `kernels.registration.icp`. What is locked is kept exactly, not nearly: it is no parameter of the fit.
"""

import enum
from dataclasses import dataclass, field

import numpy as np

from kernels.arrays import Float64s, as_transform
from kernels.registration.icp import Allowed
from kernels.registration.motion import cross_matrices, even_rotations, rotation_vector, rotations, screw
from kernels.registration.starts import without_strays

TURNS = 24
"""Starts about one free axis: every 15 degrees."""
SPREAD = 300
"""Starts over two or three free rotations."""


class Degree(enum.Enum):
    """A degree of freedom in a frame; the order is that of the parameters."""

    ABOUT_X = "rx"
    ABOUT_Y = "ry"
    ABOUT_Z = "rz"
    ALONG_X = "x"
    ALONG_Y = "y"
    ALONG_Z = "z"


DEGREES = tuple(Degree)


@dataclass(frozen=True, eq=False)
class Locks:
    """Locked degrees of the motion that leads from the start pose to the found one, as seen in a frame of the CAD.

    The motion is written as a rotation vector and the displacement of the frame's origin, both along the frame's axes;
    those of the locked degrees are zero. `frame` is a (4, 4) rigid transform whose columns are axes and origin.
    """

    locked: frozenset[Degree]
    frame: Float64s = field(default_factory=lambda: np.eye(4))

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", as_transform(self.frame))

    def of(self, start: Float64s) -> "WithinLocks":
        """The motions allowed from this start pose (scan to CAD)."""
        free = np.array([k for k, degree in enumerate(DEGREES) if degree not in self.locked], np.intp)
        return WithinLocks(self.frame, start, free)


@dataclass(frozen=True, eq=False)
class WithinLocks:
    frame: Float64s
    start: Float64s
    free: np.ndarray[tuple[int], np.dtype[np.intp]]

    def directions(self, transform: Float64s, center: Float64s) -> Float64s:
        """(6, m): turning a rotation vector by a little turns the body by its left Jacobian."""
        given = self.parameters(transform)
        axes = self.frame[:3, :3]
        turns = axes @ _left_jacobian(given[:3])
        origin = self.frame[:3, 3] + axes @ given[3:]
        basis = np.zeros((6, 6))
        basis[:3, :3] = turns
        basis[3:, :3] = np.cross(turns.T, center - origin).T
        basis[3:, 3:] = axes
        taken: Float64s = basis[:, self.free]
        return taken

    def stepped(self, transform: Float64s, amounts: Float64s, center: Float64s) -> Float64s:
        given = self.parameters(transform)
        given[self.free] += amounts
        return self.pose(given)

    def parameters(self, transform: Float64s) -> Float64s:
        """(6,) rotation vector and displacement in the frame; exactly zero where locked."""
        motion = np.linalg.inv(self.frame) @ transform @ np.linalg.inv(self.start) @ self.frame
        found = np.concatenate([rotation_vector(motion[:3, :3]), motion[:3, 3]])
        kept = np.zeros(6)
        kept[self.free] = found[self.free]
        return kept

    def pose(self, parameters: Float64s) -> Float64s:
        """The pose that these parameters lead to."""
        motion = np.eye(4)
        motion[:3, :3] = rotations(parameters[None, :3])[0]
        motion[:3, 3] = parameters[3:]
        found: Float64s = self.frame @ motion @ np.linalg.inv(self.frame) @ self.start
        return found

    def starts(self, scan: Float64s, surface: Float64s) -> Float64s:
        """(k, 4, 4) poses spread over the free degrees: turned about the free axes, the middles brought together.

        Means serve a piece, boxes a scan that is denser on one side. A median would be off on any angular part.
        """
        found = [self.start]
        turning, moving = self.free[self.free < 3], self.free[self.free >= 3]
        back = np.linalg.inv(self.frame)
        kept = without_strays(scan)
        for turn in _spread_turns(turning):
            parameters = np.concatenate([turn, np.zeros(3)])
            pose = self.pose(parameters)
            found.append(pose)
            placed = kept @ pose[:3, :3].T + pose[:3, 3]
            for target, source in ((surface.mean(axis=0), placed.mean(axis=0)), (_middle(surface), _middle(placed))):
                parameters[moving] = (back[:3, :3] @ (target - source))[moving - 3]
                found.append(self.pose(parameters))
        return np.array(found)


@dataclass(frozen=True, eq=False)
class WithinGroup:
    """Motions that leave something in place, as what datums leave free: `basis` is (6, m) twists about `origin`.

    The twists must span a group's algebra (turns about one axis, slides in one plane), so that any number of such
    motions still leaves it in place.
    """

    basis: Float64s
    origin: Float64s

    def directions(self, transform: Float64s, center: Float64s) -> Float64s:
        moved = self.basis.copy()
        moved[3:] += np.cross(self.basis[:3].T, center - self.origin).T
        return moved

    def stepped(self, transform: Float64s, amounts: Float64s, center: Float64s) -> Float64s:
        found: Float64s = screw(self.basis @ amounts, self.origin) @ transform
        return found


@dataclass(frozen=True, eq=False)
class Without:
    """All that is allowed, less some motions: (m, 6) orthonormal twists about the part's middle, over the lever.

    Along a motion that the scan does not resist a step means nothing: it would wander for ever, and keep from its end
    what creeps along a valley beside it.
    """

    twists: Float64s
    lever: float
    within: Allowed | None

    def directions(self, transform: Float64s, center: Float64s) -> Float64s:
        basis = self._basis(transform, center)
        kept: Float64s = basis @ self._kept(basis)
        return kept

    def stepped(self, transform: Float64s, amounts: Float64s, center: Float64s) -> Float64s:
        basis = self._basis(transform, center)
        inner = self._kept(basis) @ amounts
        if self.within is not None:
            return self.within.stepped(transform, inner, center)
        found: Float64s = screw(basis @ inner, center) @ transform
        return found

    def _basis(self, transform: Float64s, center: Float64s) -> Float64s:
        return np.eye(6) if self.within is None else self.within.directions(transform, center)

    def _kept(self, basis: Float64s) -> Float64s:
        """(p, q) those mixtures of the p directions that have no share of the motions left out."""
        shares = self.twists @ (basis * np.repeat([self.lever, 1.0], 3)[:, None])
        _, values, right = np.linalg.svd(shares, full_matrices=True)
        kept: Float64s = right[np.count_nonzero(values > 1e-9 * self.lever) :].T
        return kept


def _middle(points: Float64s) -> Float64s:
    """Of the box."""
    middle: Float64s = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle


def _left_jacobian(vector: Float64s) -> Float64s:
    angle = float(np.linalg.norm(vector))
    cross = cross_matrices(vector[None])[0]
    if angle < 1e-6:
        first: Float64s = np.eye(3) + cross / 2
        return first
    found: Float64s = (
        np.eye(3) + 2 * (np.sin(angle / 2) / angle) ** 2 * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
    )
    return found


def _spread_turns(turning: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Float64s:
    """(k, 3) rotation vectors over the free axes."""
    vectors = np.zeros((1, 3))
    if len(turning) == 1:
        vectors = np.zeros((TURNS, 3))
        vectors[:, turning[0]] = np.linspace(-np.pi, np.pi, TURNS, endpoint=False)
    elif len(turning) == 2:
        # A sunflower: evenly over the disc of rotation vectors up to half a turn.
        k = np.arange(SPREAD) + 0.5
        radius, angle = np.pi * np.sqrt(k / SPREAD), k * np.pi * (3 - np.sqrt(5))
        vectors = np.zeros((SPREAD, 3))
        vectors[:, turning] = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    elif len(turning) == 3:
        vectors = np.array([rotation_vector(turn) for turn in even_rotations(SPREAD)])
    return vectors
