"""Read a scan piece by piece, for scans that no memory holds: LAS and LAZ by chunks, binary PLY by rows.

In: a path. Out: `Pieces`, or None for a scan that only `read_scan` reads: E57 and PCD (their readers take a scan
whole), text, PLY as text or with lists, LAS without bounds in its header. Refuses what
`read_scan` refuses of the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers.readers.formats import SCAN_FORMATS, Format, format_of
from workers.readers.las import las_pieces
from workers.readers.ply import ply_pieces
from workers.readers.units import LengthUnit, decide_unit
from workers.readers.values import Floats


class Rows(Protocol):
    """A file whose records can be read from any place."""

    @property
    def count(self) -> int: ...

    @property
    def low(self) -> Floats: ...

    @property
    def high(self) -> Floats: ...

    @property
    def stated(self) -> LengthUnit | None: ...

    @property
    def unit_reason(self) -> str: ...

    def read(self, start: int, count: int) -> Iterator[Floats]:
        """(n, 3) points of the file's own unit; records that the format calls deleted are left out."""
        ...


@dataclass(frozen=True, eq=False)
class Pieces:
    """A scan by pieces. `low` and `high` hold all finite points, in the file's own unit."""

    name: str
    unit: LengthUnit
    rows: Rows


def open_pieces(path: Path, unit: LengthUnit | None = None) -> Pieces | None:
    """The scan in `path`, if its format can be read by pieces. `unit` is needed where the file states none."""
    match format_of(path, "scan", SCAN_FORMATS):
        case Format.LAS:
            rows: Rows | None = las_pieces(path)
        case Format.PLY:
            rows = ply_pieces(path)
        case _:
            rows = None
    if rows is None:
        return None
    return Pieces(path.name, decide_unit(path.name, rows.stated, unit, rows.unit_reason).unit, rows)
