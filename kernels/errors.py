"""Every reason for which a kernel refuses its input.

KernelError
  InvalidArray (also a ValueError)
    WrongShape            an array has other axes or another type than the kernel measures
    NotFinite             NaN or infinity among the coordinates
    IndexOutOfRange       a triangle names a vertex that is not there
    EmptyMesh             no triangle with an area is left
    PointsOutOfRange      points so far away that their distance says nothing about the part
    InvalidParameter      a number outside the range that the kernel accepts
  DeviceMissing           the device that was asked for is not there
  TooFewPoints            a scan too small to have a pose
  RegistrationFailed      the scan does not fit the part in any pose
  AmbiguousRegistration   two poses fit alike and measure differently
  UndecidedMotion         the scan may slide or turn, and its deviations would change
  ScanTooSmall            a scan so small beside the part that it fits anywhere
  WrongScale              the scan fits, but only if it were larger or smaller
  DegenerateReference     reference points or datums that leave a motion undecided
  ScanMissing             the scan shows too little around a reference point or on a datum
  FeatureNotFound         the points are no plane, cylinder or sphere, or too few
"""

from collections.abc import Sequence


class KernelError(Exception):
    """A kernel cannot measure what it was given."""


class InvalidArray(KernelError, ValueError):
    """The caller gave an array that is not what the kernel takes."""


class WrongShape(InvalidArray):
    def __init__(self, name: str, wanted: str, found: Sequence[int], dtype: str) -> None:
        super().__init__(f"{name} must be {wanted}; it has the shape {tuple(found)} of {dtype}.")
        self.name, self.wanted, self.found, self.dtype = name, wanted, tuple(found), dtype


class NotFinite(InvalidArray):
    def __init__(self, name: str, count: int, first: int) -> None:
        super().__init__(f"{name} holds {count} rows with NaN or infinity, the first at row {first}; remove them.")
        self.name, self.count, self.first = name, count, first


class IndexOutOfRange(InvalidArray):
    def __init__(self, triangle: int, vertex: int, vertex_count: int) -> None:
        super().__init__(f"Triangle {triangle} names vertex {vertex}, but there are {vertex_count} vertices.")
        self.triangle, self.vertex, self.vertex_count = triangle, vertex, vertex_count


class EmptyMesh(InvalidArray):
    def __init__(self, triangles: int) -> None:
        super().__init__(
            f"None of the {triangles} triangles of the mesh has an area; there is no surface to measure to."
        )
        self.triangles = triangles


class PointsOutOfRange(InvalidArray):
    def __init__(self, count: int, first: int, limit: float) -> None:
        super().__init__(
            f"{count} points lie more than {limit:.3g} away from the mesh, the first at row {first}; "
            "check the unit, or remove the strays."
        )
        self.count, self.first, self.limit = count, first, limit


class InvalidParameter(InvalidArray):
    def __init__(self, name: str, value: object, wanted: str) -> None:
        super().__init__(f"{name} is {value!r}; it must be {wanted}.")
        self.name, self.value, self.wanted = name, value, wanted


class DeviceMissing(KernelError):
    def __init__(self, wanted: str, reason: str) -> None:
        super().__init__(f"D2R_DEVICE asks for {wanted!r}: {reason}.")
        self.wanted, self.reason = wanted, reason


class RegistrationFailed(KernelError):
    def __init__(self, fitness: float, least: float, distance: float) -> None:
        super().__init__(
            f"In the best pose found only {fitness:.0%} of the scan lies within {distance:.3g} of the CAD surface "
            f"({least:.0%} are needed). Check that scan and CAD are the same part in the same unit, cut away fixtures "
            "and table, or give a start pose."
        )
        self.fitness, self.least, self.distance = fitness, least, distance


class TooFewPoints(KernelError):
    def __init__(self, found: int, needed: int) -> None:
        super().__init__(f"The scan has {found} points; a pose cannot be found from fewer than {needed}.")
        self.found, self.needed = found, needed


class AmbiguousRegistration(KernelError):
    def __init__(self, poses: int, angle_degrees: float, disagreement: float) -> None:
        super().__init__(
            f"{poses} poses fit the scan equally well, {angle_degrees:.0f} degrees apart, yet measure differently "
            f"(by up to {disagreement:.3g} on one point in twenty). Scan more of what tells them apart, or give a "
            "start pose."
        )
        self.poses, self.angle_degrees, self.disagreement = poses, angle_degrees, disagreement


class UndecidedMotion(KernelError):
    def __init__(self, motion: str, changed: float) -> None:
        super().__init__(
            f"The scan hardly resists the {motion}, yet its deviations change with it (by {changed:.3g} on one point "
            "in twenty). Scan more of what holds it, or lock it."
        )
        self.motion, self.changed = motion, changed


class WrongScale(KernelError):
    def __init__(self, factor: float, uncertainty: float) -> None:
        super().__init__(
            f"The scan fits the CAD best when multiplied by {factor:.4g} (standard uncertainty {uncertainty:.1g}). "
            "Check the units of both, and the scanner's calibration; the part itself may have shrunk or grown."
        )
        self.factor, self.uncertainty = factor, uncertainty


class DegenerateReference(KernelError):
    def __init__(self, what: str, motions: Sequence[str]) -> None:
        super().__init__(
            f"The {what} leave undecided: {'; '.join(motions)}. Name more reference points or datums that hold "
            "it, or align by best fit, which takes none."
        )
        self.what, self.motions = what, tuple(motions)


class FeatureNotFound(KernelError):
    def __init__(self, wanted: str, why: str) -> None:
        super().__init__(f"No {wanted} could be fitted: {why}.")
        self.wanted, self.why = wanted, why


class ScanMissing(KernelError):
    def __init__(self, name: str, found: int, needed: int, radius: float | None = None) -> None:
        where = f"within {radius:.3g} of {name}" if radius is not None else f"on {name}"
        super().__init__(f"The scan has {found} points {where}; {needed} are needed. Scan more there.")
        self.name, self.found, self.needed, self.radius = name, found, needed, radius


class ScanTooSmall(KernelError):
    def __init__(self, size: float, part: float) -> None:
        super().__init__(
            f"The scan is {size:.3g} across, the part {part:.3g}: so small a piece fits anywhere. Check the units of "
            "both, or scan more of the part."
        )
        self.size, self.part = size, part
