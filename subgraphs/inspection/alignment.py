"""What holds a scan to its CAD: what the uploader asked for, and what came of it, as frozen values.

In: nothing. Out: values that the model names and that are kept as JSON. Refuses to know tables, GraphQL or kernels.

Places and directions are of the CAD's frame; lengths are millimetres and end in `_mm`, angles of a covariance radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Transform = tuple[float, ...]  # sixteen numbers, row by row
Vector = tuple[float, float, float]


class DegreeOfFreedom(StrEnum):
    TRANSLATION_X = "TRANSLATION_X"
    TRANSLATION_Y = "TRANSLATION_Y"
    TRANSLATION_Z = "TRANSLATION_Z"
    ROTATION_X = "ROTATION_X"
    ROTATION_Y = "ROTATION_Y"
    ROTATION_Z = "ROTATION_Z"


@dataclass(frozen=True, slots=True)
class Datum:
    """A datum of ISO 5459: the plane, cylinder or sphere of the CAD at a place on it."""

    label: str
    place_mm: Vector


@dataclass(frozen=True, slots=True)
class ReferencePoint:
    """A place of the CAD at which the part is held, and which way (3-2-1, RPS)."""

    name: str
    place_mm: Vector
    direction: Vector


@dataclass(frozen=True, slots=True)
class AlignmentRequest:
    """One of three ways to hold a part; all else is best fit.

    `locked` degrees keep their value from the pose hint, or from the scan's own coordinates, along the axes of
    `lock_frame`, a rigid transform that places them in the CAD's frame. `datums` come in their order of precedence.
    """

    locked: tuple[DegreeOfFreedom, ...] = ()
    lock_frame: Transform | None = None
    datums: tuple[Datum, ...] = ()
    reference_points: tuple[ReferencePoint, ...] = ()
    reference_radius_mm: float | None = None
    """Of the scan's patch around each reference point; None: a hundredth of the part's diagonal."""


@dataclass(frozen=True, slots=True)
class DatumFit:
    """How the scan's feature lies on its datum. `held`: degrees that it takes of those left by the datums before it."""

    label: str
    points: int
    sigma_mm: float
    size_deviation_mm: float
    held: int


@dataclass(frozen=True, slots=True)
class ReferencePointFit:
    """What is left at a reference point along its direction, and the standard uncertainty of that (k = 1)."""

    name: str
    residual_mm: float
    uncertainty_mm: float


@dataclass(frozen=True, slots=True)
class AlternativePose:
    """Another pose that measures the same: its angle against the one taken, and its mean distance over that one's."""

    transform: Transform
    angle_degrees: float
    cost_ratio: float


@dataclass(frozen=True, slots=True)
class AlignmentReport:
    """How sure a pose is, and what holds it.

    `covariance` is 6 by 6, row by row, of a rotation vector and then a translation about `center_mm`; zero along what
    is locked or unconstrained. `by_best_fit` names motions that no datum holds.
    """

    converged: bool
    sigma_mm: float
    covariance: tuple[float, ...]
    center_mm: Vector
    corner_uncertainty_mm: float
    alternatives: tuple[AlternativePose, ...] = ()
    locked: tuple[DegreeOfFreedom, ...] = ()
    datums: tuple[DatumFit, ...] = ()
    by_best_fit: tuple[str, ...] = ()
    reference_points: tuple[ReferencePointFit, ...] = ()
