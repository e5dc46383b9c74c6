"""Read LAS, LAZ and COPC, in pieces, so that memory follows what was really unpacked and not what a header says.

Points flagged as withheld are left out: the format says to treat them as deleted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workers.errors import FileCorrupt, FileProblem, FileTruncated
from workers.readers.las_header import check_las_header
from workers.readers.las_unit import unit_of_las
from workers.readers.values import Finding, Floats, RawCloud

if TYPE_CHECKING:
    import laspy

# A damaged header may call one point 65 kB long: the piece is bounded in bytes, not in points.
_PIECE_BYTES = 48_000_000
# Writers round their bounds to whole steps of the scale, not always to the same side.
_SLACK_STEPS = 2.0


def read_las(path: Path) -> RawCloud:
    import laspy

    check_las_header(path)
    try:
        with laspy.open(path, read_evlrs=False) as reader:
            count = int(reader.header.point_count)
            _check(path.name, reader.header)
            unit = unit_of_las(path.name, reader.header)
            points, colours, withheld = _points(reader, count)
            _check_bounds(path.name, points, reader.header)
    except FileProblem:
        raise
    # laspy and its Rust decoder raise whatever broke: struct.error, LazrsError, ValueError.
    except BaseException as failure:
        # A panic of the Rust decoder arrives outside of Exception, in a class that only its name gives away.
        if not isinstance(failure, Exception) and type(failure).__name__ != "PanicException":
            raise
        raise FileCorrupt(path.name, f"its points do not unpack ({type(failure).__name__}: {failure})") from failure
    if len(points) < count - withheld:
        raise FileTruncated(path.name, f"{len(points) + withheld:,} points of the {count:,} that its header promises")
    found = f"{withheld:,} points that the file flags as withheld were left out."
    warnings = (Finding("WITHHELD_POINTS", found),) if withheld else ()
    return RawCloud(points, colours, unit.unit, unit.reason, warnings=warnings)


def _check(name: str, header: laspy.LasHeader) -> None:
    if not np.all(np.isfinite(header.scales) & (header.scales != 0) & np.isfinite(header.offsets)):
        raise FileCorrupt(name, f"its scales {header.scales} cannot be used")


def _check_bounds(name: str, points: Floats, header: laspy.LasHeader) -> None:
    """LAZ has no checksum: damaged bytes unpack to points, but hardly to points within the bounds that it states."""
    low, high = np.asarray(header.mins), np.asarray(header.maxs)
    if not np.all(np.isfinite(low) & np.isfinite(high)) or np.all(low == high):
        return
    slack = np.abs(header.scales) * _SLACK_STEPS + 1e-9 * (high - low)
    outside = int(np.count_nonzero(np.any((points < low - slack) | (points > high + slack), axis=1)))
    if outside:
        raise FileCorrupt(name, f"{outside:,} of its points lie outside the bounds that its header states")


def _points(reader: laspy.LasReader, count: int) -> tuple[Floats, NDArray[np.uint8] | None, int]:
    places, colours, withheld = [], [], 0
    coloured = "red" in reader.header.point_format.dimension_names
    for piece in reader.chunk_iterator(max(1, min(count, _PIECE_BYTES // reader.header.point_format.size))):
        kept = ~np.asarray(piece["withheld"]).astype(bool)
        withheld += int(np.count_nonzero(~kept))
        raw = np.column_stack([np.asarray(piece[axis])[kept] for axis in "XYZ"]).astype(np.float64)
        places.append(raw * np.asarray(reader.header.scales) + np.asarray(reader.header.offsets))
        if coloured:
            colours.append(np.column_stack([np.asarray(piece[name])[kept] for name in ("red", "green", "blue")]))
    points = np.concatenate(places) if places else np.empty((0, 3))
    return points, _as_bytes(np.concatenate(colours)) if colours else None, withheld


def _as_bytes(colours: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """LAS means 16 bits a channel; many writers put 8 bits there."""
    return (colours >> 8 if colours.max(initial=0) > 255 else colours).astype(np.uint8)
