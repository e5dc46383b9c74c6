"""Rigid motions: twists, their transforms, and the axis about which a motion turns.

A twist is six numbers about a centre: rotation vector (radians), then translation of the centre. A transform is (4, 4),
float64, applied as `rotation @ point + translation`. Stacks of them have the motions along the first axis.
"""

import enum
from dataclasses import dataclass

import numpy as np

from kernels.arrays import Float64s

STRAIGHT = 1e-9
"""Rotation in radians over a lever of 1 below which a motion is a translation."""


class MotionKind(enum.Enum):
    ROTATION = "rotation"
    TRANSLATION = "translation"
    SCREW = "screw"


def cross_matrices(vectors: Float64s) -> Float64s:
    """(k, 3, 3) matrices that take the cross product with each of (k, 3) vectors."""
    result = np.zeros((len(vectors), 3, 3))
    x, y, z = vectors.T
    result[:, 0, 1], result[:, 0, 2], result[:, 1, 2] = -z, y, -x
    result[:, 1, 0], result[:, 2, 0], result[:, 2, 1] = z, -y, x
    return result


def rotations(vectors: Float64s) -> Float64s:
    """(k, 3, 3) rotations of (k, 3) rotation vectors (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=1)
    safe = np.where(angle > 1e-12, angle, 1.0)
    sine = np.where(angle > 1e-12, np.sin(angle) / safe, 1.0)
    cosine = np.where(angle > 1e-12, 2 * (np.sin(angle / 2) / safe) ** 2, 0.5)
    cross = cross_matrices(vectors)
    turns: Float64s = np.eye(3) + sine[:, None, None] * cross + cosine[:, None, None] * (cross @ cross)
    return turns


def steps(twists: Float64s, center: Float64s) -> Float64s:
    """(k, 4, 4) transforms that rotate about `center`, then translate."""
    result = np.zeros((len(twists), 4, 4))
    turn = rotations(twists[:, :3])
    result[:, :3, :3] = turn
    result[:, :3, 3] = twists[:, 3:] + center - turn @ center
    result[:, 3, 3] = 1.0
    return result


def screw(twist: Float64s, center: Float64s) -> Float64s:
    """(4, 4) motion along one screw: unlike `steps`, turning and advancing at once, so that half twists compose."""
    rotation, advance = twist[:3], twist[3:]
    angle = float(np.linalg.norm(rotation))
    if angle < STRAIGHT:
        return np.asarray(steps(twist[None], center)[0], np.float64)
    along = rotation * (advance @ rotation) / angle**2
    pivot = np.cross(rotation, advance) / angle**2 + center
    return np.asarray(steps(np.concatenate([rotation, along])[None], pivot)[0], np.float64)


def screw_twist(transform: Float64s, center: Float64s) -> Float64s:
    """The twist whose `screw` is `transform`, with a rotation of at most half a turn."""
    rotation = rotation_vector(transform[:3, :3])
    moved = transform[:3, :3] @ center + transform[:3, 3] - center
    angle = float(np.linalg.norm(rotation))
    if angle < STRAIGHT:
        return np.concatenate([rotation, moved])
    axis = rotation / angle
    across = moved - axis * (moved @ axis)
    # A turn about a pivot displaces the centre across the axis; the pivot is found from that displacement.
    arm = (across + np.cross(axis, across) / np.tan(angle / 2)) / 2
    return np.concatenate([rotation, np.cross(arm, rotation) + axis * (moved @ axis)])


def rotation_vector(rotation: Float64s) -> Float64s:
    """Rotation vector of a (3, 3) rotation, through its quaternion, which is safe at half a turn."""
    gram = np.array(
        [
            [rotation[0, 0] - rotation[1, 1] - rotation[2, 2], 0, 0, 0],
            [rotation[0, 1] + rotation[1, 0], rotation[1, 1] - rotation[0, 0] - rotation[2, 2], 0, 0],
            [rotation[0, 2] + rotation[2, 0], rotation[1, 2] + rotation[2, 1],
             rotation[2, 2] - rotation[0, 0] - rotation[1, 1], 0],
            [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1],
             np.trace(rotation)],
        ]
    )  # fmt: skip
    x, y, z, w = np.linalg.eigh(gram, UPLO="L")[1][:, -1]
    if w < 0:
        x, y, z, w = -x, -y, -z, -w
    length = float(np.sqrt(x * x + y * y + z * z))
    if length < 1e-15:
        return np.zeros(3)
    vector: Float64s = np.array([x, y, z]) * (2 * np.arctan2(length, w) / length)
    return vector


def angles(transforms: Float64s, reference: Float64s) -> Float64s:
    """Radians by which each of (k, 4, 4) transforms is turned against the reference."""
    cosine = (np.einsum("kij,ij->k", transforms[:, :3, :3], reference[:3, :3]) - 1) / 2
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)), np.float64)


def cube_rotations() -> Float64s:
    """The 24 rotations that put a cube onto itself."""
    found = []
    for axes in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        for signs in np.ndindex(2, 2, 2):
            matrix = np.zeros((3, 3))
            matrix[(0, 1, 2), axes] = 1.0 - 2.0 * np.array(signs)
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return np.array(found)


def even_rotations(count: int) -> Float64s:
    """(count, 3, 3) rotations spread evenly over all of them. M. Alexa, Super-Fibonacci spirals, CVPR 2022."""
    phi, psi = np.sqrt(2.0), 1.533751168755204288118041
    s = np.arange(count) + 0.5
    small, large = np.sqrt(s / count), np.sqrt(1 - s / count)
    alpha, beta = 2 * np.pi * s / phi, 2 * np.pi * s / psi
    x, y, z, w = small * np.sin(alpha), small * np.cos(alpha), large * np.sin(beta), large * np.cos(beta)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
        ],
        axis=1,
    )


@dataclass(frozen=True)
class UnconstrainedMotion:
    """A motion that the scan does not resist: the pose along it is arbitrary."""

    kind: MotionKind
    point: tuple[float, float, float]
    """A point of the axis, in CAD coordinates; for a translation the centre of the part."""
    direction: tuple[float, float, float]
    """Unit vector of the axis, or of the translation."""
    pitch: float
    """Advance for each radian; 0 for a rotation, infinite for a translation."""

    def describe(self) -> str:
        """For people: `rotation about (0.00, 0.00, 1.00) through (0.0, 0.0, 76.2)`."""
        direction = _told(self.direction, 2)
        if self.kind is MotionKind.TRANSLATION:
            return f"translation along {direction}"
        return f"{self.kind.value} about {direction} through {_told(self.point, 1)}"


def _told(numbers: tuple[float, float, float], digits: int) -> str:
    """Rounded, with no minus before a zero."""
    return f"({', '.join(f'{round(number, digits) + 0.0:.{digits}f}' for number in numbers)})"


def unconstrained(twist: Float64s, center: Float64s, lever: float) -> UnconstrainedMotion:
    """The axis of a twist. Parts of it below 1 % over the lever (half the part) are taken for none."""
    rotation, advance = twist[:3], twist[3:]
    angle = float(np.linalg.norm(rotation))
    if angle * lever < 0.01 * float(np.linalg.norm(advance)):
        return UnconstrainedMotion(MotionKind.TRANSLATION, triple(center), triple(unit(advance)), np.inf)
    axis = rotation / angle
    pitch = float(advance @ axis) / angle
    point = center + np.cross(rotation, advance) / angle**2
    kind = MotionKind.ROTATION if abs(pitch) < 0.01 * lever else MotionKind.SCREW
    return UnconstrainedMotion(kind, triple(point), triple(axis), 0.0 if kind is MotionKind.ROTATION else pitch)


def unit(vector: Float64s) -> Float64s:
    """The direction of a vector, its largest part positive."""
    direction: Float64s = vector / np.linalg.norm(vector)
    signed: Float64s = direction * np.sign(direction[np.argmax(np.abs(direction))])
    return signed


def triple(vector: Float64s) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])
