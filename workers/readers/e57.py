"""Read every scan of an E57 file into one cloud, each turned and moved by its pose. The unit is the metre.

Points that the file flags as invalid are left out, as are scans without points.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workers.errors import CloudEmpty, FileCorrupt, FileProblem, FileTooLarge, FileTruncated
from workers.readers.units import LengthUnit
from workers.readers.values import MAX_POINTS, Finding, Floats, RawCloud

if TYPE_CHECKING:
    import pye57

_PHYSICAL_LENGTH_AT = 16
_PLACES = ({"cartesianX", "cartesianY", "cartesianZ"}, {"sphericalRange", "sphericalAzimuth", "sphericalElevation"})
_COLOURS = ("colorRed", "colorGreen", "colorBlue")


def read_e57(path: Path) -> RawCloud:
    import pye57
    from pye57.exception import PyE57Exception

    _check_length(path)
    try:
        with pye57.E57(str(path)) as file:
            return _read(path.name, file)
    except FileProblem:
        raise
    # The C++ reader checks every page's checksum; its binding derives its own error from BaseException.
    except (Exception, PyE57Exception) as failure:
        said = (str(failure).splitlines() or [""])[0][:160]
        raise FileCorrupt(path.name, f"its pages do not read ({type(failure).__name__}: {said})") from failure


def _check_length(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_PHYSICAL_LENGTH_AT + 8)
    declared = int.from_bytes(head[_PHYSICAL_LENGTH_AT:], "little")
    if len(head) < _PHYSICAL_LENGTH_AT + 8 or declared > size:
        raise FileTruncated(path.name, f"{size:,} bytes of the {declared:,} that its header promises")


def _read(name: str, file: pye57.E57) -> RawCloud:
    headers = [file.get_header(index) for index in range(file.scan_count)]
    total = sum(int(header.point_count) for header in headers)
    if total == 0:
        raise CloudEmpty(name)
    if total > MAX_POINTS:
        raise FileTooLarge(name, "points", total, MAX_POINTS)
    coloured = all(set(_COLOURS) <= set(header.point_fields) for header in headers if header.point_count)
    places: list[Floats] = []
    colours: list[NDArray[np.uint8]] = []
    for index, header in enumerate(headers):
        if not header.point_count:
            continue
        if not any(fields <= set(header.point_fields) for fields in _PLACES):
            raise FileCorrupt(name, f"scan {index} has neither cartesian nor spherical coordinates")
        data = file.read_scan(index, colors=coloured, transform=True, ignore_missing_fields=True)
        places.append(np.column_stack([data[f"cartesian{axis}"] for axis in "XYZ"]).astype(np.float64))
        if coloured:
            colours.append(np.column_stack([data[field] for field in _COLOURS]).astype(np.uint8))
    points = np.concatenate(places)
    invalid = total - len(points)
    found = f"{invalid:,} points that the file flags as invalid were left out."
    warnings = (Finding("INVALID_POINTS", found),) if invalid else ()
    if not len(points):
        raise CloudEmpty(name, f"all {invalid:,} are flagged as invalid")
    return RawCloud(points, np.concatenate(colours) if colours else None, LengthUnit.METRE, warnings=warnings)
