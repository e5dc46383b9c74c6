"""Read LAS, LAZ and COPC, in pieces, so that memory follows what was really unpacked and not what a header says.

`read_las` gives the whole, `las_pieces` the records from any place on.

Points flagged as withheld are left out: the format says to treat them as deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workers.errors import FileCorrupt, FileProblem, FileTruncated
from workers.readers.las_header import check_las_header
from workers.readers.las_unit import unit_of_las
from workers.readers.units import LengthUnit
from workers.readers.values import MAX_STREAMED_POINTS, Finding, Floats, Mask, RawCloud

if TYPE_CHECKING:
    import laspy

# A damaged header may call one point 65 kB long: the piece is bounded in bytes, not in points.
_PIECE_BYTES = 48_000_000
# Writers round their bounds to whole steps of the scale, not always to the same side.
_SLACK_STEPS = 2.0


def read_las(path: Path) -> RawCloud:
    import laspy

    check_las_header(path)
    with _decoding(path.name), laspy.open(path, read_evlrs=False) as reader:
        count = int(reader.header.point_count)
        _check(path.name, reader.header)
        unit = unit_of_las(path.name, reader.header)
        points, colours, withheld = _points(reader, count)
        _check_bounds(path.name, points, reader.header)
    if len(points) < count - withheld:
        raise FileTruncated(path.name, f"{len(points) + withheld:,} points of the {count:,} that its header promises")
    found = f"{withheld:,} points that the file flags as withheld were left out."
    warnings = (Finding("WITHHELD_POINTS", found),) if withheld else ()
    return RawCloud(points, colours, unit.unit, unit.reason, warnings=warnings)


@dataclass(frozen=True, eq=False)
class LasPieces:
    """The records of a file, from any place on. Bounds as its header states them, with what writers round."""

    path: Path
    count: int
    low: Floats
    high: Floats
    stated: LengthUnit | None
    unit_reason: str

    def read(self, start: int, count: int) -> Iterator[Floats]:
        import laspy

        with _decoding(self.path.name), laspy.open(self.path, read_evlrs=False) as reader:
            reader.seek(start)
            left = min(count, self.count - start)
            while left > 0:
                piece = reader.read_points(min(left, max(1, _PIECE_BYTES // reader.header.point_format.size)))
                if not len(piece):
                    raise FileTruncated(self.path.name, f"{left:,} points fewer than its header promises")
                left -= len(piece)
                points = _places(reader, piece, _kept(piece))
                _check_bounds(self.path.name, points, reader.header)
                yield points


def las_pieces(path: Path) -> LasPieces | None:
    """None where the header states no bounds."""
    import laspy

    check_las_header(path, MAX_STREAMED_POINTS)
    with _decoding(path.name), laspy.open(path, read_evlrs=False) as reader:
        header = reader.header
        _check(path.name, header)
        low, high = np.asarray(header.mins, np.float64), np.asarray(header.maxs, np.float64)
        if not np.all(np.isfinite(low) & np.isfinite(high) & (low <= high)) or np.all(low == high):
            return None
        slack = _slack(header)
        unit = unit_of_las(path.name, header)
        return LasPieces(path, int(header.point_count), low - slack, high + slack, unit.unit, unit.reason)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """laspy and its Rust decoder raise whatever broke: struct.error, LazrsError, ValueError."""
    try:
        yield
    except (FileProblem, GeneratorExit):
        raise
    except BaseException as failure:
        # A panic of the Rust decoder arrives outside of Exception, in a class that only its name gives away.
        if not isinstance(failure, Exception) and type(failure).__name__ != "PanicException":
            raise
        raise FileCorrupt(name, f"its points do not unpack ({type(failure).__name__}: {failure})") from failure


def _check(name: str, header: laspy.LasHeader) -> None:
    if not np.all(np.isfinite(header.scales) & (header.scales != 0) & np.isfinite(header.offsets)):
        raise FileCorrupt(name, f"its scales {header.scales} cannot be used")


def _check_bounds(name: str, points: Floats, header: laspy.LasHeader) -> None:
    """LAZ has no checksum: damaged bytes unpack to points, but hardly to points within the bounds that it states."""
    low, high = np.asarray(header.mins), np.asarray(header.maxs)
    if not np.all(np.isfinite(low) & np.isfinite(high)) or np.all(low == high):
        return
    slack = _slack(header)
    outside = int(np.count_nonzero(np.any((points < low - slack) | (points > high + slack), axis=1)))
    if outside:
        raise FileCorrupt(name, f"{outside:,} of its points lie outside the bounds that its header states")


def _slack(header: laspy.LasHeader) -> Floats:
    extent = np.asarray(header.maxs) - np.asarray(header.mins)
    slack: Floats = np.abs(header.scales) * _SLACK_STEPS + 1e-9 * extent
    return slack


def _kept(piece: laspy.ScaleAwarePointRecord) -> Mask:
    """Which records the file does not call deleted."""
    return ~np.asarray(piece["withheld"]).astype(bool)


def _places(reader: laspy.LasReader, piece: laspy.ScaleAwarePointRecord, kept: Mask) -> Floats:
    raw = np.column_stack([np.asarray(piece[axis])[kept] for axis in "XYZ"]).astype(np.float64)
    places: Floats = raw * np.asarray(reader.header.scales) + np.asarray(reader.header.offsets)
    return places


def _points(reader: laspy.LasReader, count: int) -> tuple[Floats, NDArray[np.uint8] | None, int]:
    places, colours, withheld = [], [], 0
    coloured = "red" in reader.header.point_format.dimension_names
    for piece in reader.chunk_iterator(max(1, min(count, _PIECE_BYTES // reader.header.point_format.size))):
        kept = _kept(piece)
        withheld += int(np.count_nonzero(~kept))
        places.append(_places(reader, piece, kept))
        if coloured:
            colours.append(np.column_stack([np.asarray(piece[name])[kept] for name in ("red", "green", "blue")]))
    points = np.concatenate(places) if places else np.empty((0, 3))
    return points, _as_bytes(np.concatenate(colours)) if colours else None, withheld


def _as_bytes(colours: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """LAS means 16 bits a channel; many writers put 8 bits there."""
    return (colours >> 8 if colours.max(initial=0) > 255 else colours).astype(np.uint8)
