"""Every reason for which a kernel refuses its input.

KernelError
  InvalidArray (also a ValueError)
    WrongShape            an array has other axes or another type than the kernel measures
    NotFinite             NaN or infinity among the coordinates
    IndexOutOfRange       a triangle names a vertex that is not there
    EmptyMesh             no triangle with an area is left
    PointsOutOfRange      points so far away that their distance says nothing about the part
    InvalidParameter      a number outside the range that the kernel accepts
  RegistrationFailed      the scan does not fit the part in any pose
  AmbiguousRegistration   two poses fit alike and measure differently
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
