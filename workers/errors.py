"""What can be wrong with a file that a person gave us, each with a stable code and a sentence that says what to do.

    FileProblem                      the root; `code`, `message`, `file_name`
    ├── FileEmpty                    FILE_EMPTY              nothing in it
    ├── FileTooLarge                 FILE_TOO_LARGE          more points or triangles than one job may hold
    ├── FileTruncated                FILE_TRUNCATED          ends before what its header promises
    ├── FileCorrupt                  FILE_CORRUPT            its bytes contradict its format
    ├── FormatUnsupported            FORMAT_UNSUPPORTED      a format that is not read here
    ├── FormatMismatch               FORMAT_MISMATCH         the name says one format, the bytes another
    ├── UnitUnknown                  UNIT_UNKNOWN            nobody said which unit; never guessed
    ├── CoordinatesAngular           COORDINATES_ANGULAR     degrees, where lengths are needed
    ├── CloudEmpty                   CLOUD_EMPTY             a scan without points
    ├── CloudNotFinite               CLOUD_NOT_FINITE        too many points are NaN or infinite
    ├── ScaleImplausible             SCALE_IMPLAUSIBLE       scan and part differ in size by a large factor
    ├── MeshWithoutTriangles         MESH_WITHOUT_TRIANGLES  nothing to measure against
    ├── MeshNotFinite                MESH_NOT_FINITE         a corner of a triangle is NaN or infinite
    ├── MeshNotWatertight            MESH_NOT_WATERTIGHT     open edges: inside and outside are not defined
    └── MeshSelfIntersecting         MESH_SELF_INTERSECTING  the surface passes through itself

None of them goes away by trying again: the person has to give another file or say more about this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class FileProblem(Exception):
    """A file that cannot be used as it is. `str()` of it is the sentence for the person."""

    code: ClassVar[str] = "FILE_PROBLEM"
    retryable: ClassVar[bool] = False

    def __init__(self, file_name: str, message: str) -> None:
        super().__init__(message)
        self.file_name = file_name
        self.message = message


class FileEmpty(FileProblem):
    code = "FILE_EMPTY"

    def __init__(self, file_name: str) -> None:
        super().__init__(file_name, f"{file_name} is empty (0 bytes). Export it again and check the copy.")


class FileTooLarge(FileProblem):
    code = "FILE_TOO_LARGE"

    def __init__(self, file_name: str, noun: str, count: int, limit: int) -> None:
        super().__init__(
            file_name,
            f"{file_name} declares {count:,} {noun}; one job holds at most {limit:,}. Thin it out or split it.",
        )
        self.noun, self.count, self.limit = noun, count, limit


class FileTruncated(FileProblem):
    code = "FILE_TRUNCATED"

    def __init__(self, file_name: str, found: str) -> None:
        super().__init__(
            file_name, f"{file_name} ends too early: {found}. The copy was cut short; export or upload it again."
        )
        self.found = found


class FileCorrupt(FileProblem):
    code = "FILE_CORRUPT"

    def __init__(self, file_name: str, found: str) -> None:
        super().__init__(
            file_name,
            f"{file_name} is damaged: {found}. Compare its checksum with the original's, or export it again.",
        )
        self.found = found


class FormatUnsupported(FileProblem):
    code = "FORMAT_UNSUPPORTED"

    def __init__(self, file_name: str, purpose: str, found: str, supported: Sequence[str]) -> None:
        super().__init__(
            file_name,
            f"{file_name} is {found}, which is not read as a {purpose}. Give one of: {', '.join(supported)}.",
        )
        self.purpose, self.found, self.supported = purpose, found, tuple(supported)


class FormatMismatch(FileProblem):
    code = "FORMAT_MISMATCH"

    def __init__(self, file_name: str, named: str, found: str) -> None:
        super().__init__(
            file_name,
            f"{file_name} is named like {named}, but its content is {found}. "
            "Rename it, or give the file that was meant.",
        )
        self.named, self.found = named, found


class UnitUnknown(FileProblem):
    code = "UNIT_UNKNOWN"

    def __init__(self, file_name: str, reason: str, units: Sequence[str]) -> None:
        super().__init__(
            file_name,
            f"The unit of {file_name} is unknown: {reason}. "
            f"State it, for example --unit mm (one of: {', '.join(units)}).",
        )
        self.reason = reason


class CoordinatesAngular(FileProblem):
    code = "COORDINATES_ANGULAR"

    def __init__(self, file_name: str) -> None:
        super().__init__(
            file_name,
            f"{file_name} holds degrees of longitude and latitude, not lengths. "
            "Project it to a metric system (UTM) first.",
        )


class CloudEmpty(FileProblem):
    code = "CLOUD_EMPTY"

    def __init__(self, file_name: str, reason: str = "it declares none") -> None:
        super().__init__(file_name, f"{file_name} has no points ({reason}). Check the scanner's export settings.")
        self.reason = reason


class CloudNotFinite(FileProblem):
    code = "CLOUD_NOT_FINITE"

    def __init__(self, file_name: str, bad: int, total: int, allowed_percent: float) -> None:
        super().__init__(
            file_name,
            f"{bad:,} of {total:,} points of {file_name} are NaN or infinite; up to {allowed_percent:g} % is taken as "
            "drop-outs. The export went wrong: write the cloud again without invalid points.",
        )
        self.bad, self.total = bad, total


class ScaleImplausible(FileProblem):
    code = "SCALE_IMPLAUSIBLE"

    def __init__(self, file_name: str, scan_mm: float, part_mm: float, advice: str) -> None:
        super().__init__(
            file_name,
            f"The scan {file_name} measures {scan_mm:.4g} mm across and the part {part_mm:.4g} mm, "
            f"{scan_mm / part_mm:.3g} times as much. {advice}",
        )
        self.scan_mm, self.part_mm = scan_mm, part_mm


class MeshWithoutTriangles(FileProblem):
    code = "MESH_WITHOUT_TRIANGLES"

    def __init__(self, file_name: str, reason: str) -> None:
        super().__init__(
            file_name, f"{file_name} has no triangles ({reason}). Give the part as a surface or solid, not as points."
        )
        self.reason = reason


class MeshNotFinite(FileProblem):
    code = "MESH_NOT_FINITE"

    def __init__(self, file_name: str, bad: int) -> None:
        super().__init__(
            file_name, f"{bad:,} corners of {file_name} are NaN or infinite. Export the part again from the CAD system."
        )
        self.bad = bad


class MeshNotWatertight(FileProblem):
    code = "MESH_NOT_WATERTIGHT"

    def __init__(self, file_name: str, open_edges: int, longest_gap_mm: float) -> None:
        super().__init__(
            file_name,
            f"{file_name} is not watertight: {open_edges:,} open edges, the longest {longest_gap_mm:.3g} mm, so too "
            "much and too little material cannot be told apart near them. Close it in the CAD system, or accept "
            "the flaws (--accept-flaws) and judge the sign of deviations near open edges with care.",
        )
        self.open_edges, self.longest_gap_mm = open_edges, longest_gap_mm


class MeshSelfIntersecting(FileProblem):
    code = "MESH_SELF_INTERSECTING"

    def __init__(self, file_name: str, crossings: int, at_mm: tuple[float, float, float]) -> None:
        x, y, z = at_mm
        super().__init__(
            file_name,
            f"The surface of {file_name} passes through itself {crossings:,} times, first at ({x:.2f}, {y:.2f}, "
            f"{z:.2f}) mm, so the sign of deviations there means nothing. Unite the bodies in the CAD system, or "
            "accept the flaws (--accept-flaws).",
        )
        self.crossings, self.at_mm = crossings, at_mm
