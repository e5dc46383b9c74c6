"""Read PCD, the Point Cloud Library's format: text, binary and binary_compressed.

A cloud of more than one row is organised: pixels of a sensor, where NaN marks a drop-out.
Refuses counts that the file cannot hold before any memory is taken for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.errors import CloudEmpty, FileCorrupt, FileTooLarge, FileTruncated
from workers.readers.number_text import numbers_in
from workers.readers.units import LengthUnit, unit_stated_in
from workers.readers.values import MAX_POINTS, Floats, RawCloud

_HEADER_LIMIT = 1 << 16
# What LZF can save at most: 264 bytes from 3.
_LZF_BEST = 88


@dataclass(frozen=True)
class _Header:
    row: np.dtype[np.void]
    points: int
    organised: bool
    encoding: str
    unit: LengthUnit | None
    bytes_long: int


def read_pcd(path: Path) -> RawCloud:
    content = path.read_bytes()
    header = _header(path.name, content)
    if header.points == 0:
        raise CloudEmpty(path.name)
    if header.points > MAX_POINTS:
        raise FileTooLarge(path.name, "points", header.points, MAX_POINTS)
    reason = "no comment in its header states one"
    if header.encoding == "binary_compressed":
        _check_compressed(path.name, content, header)
        points, colours = _by_open3d(path, header)
    else:
        rows = (
            _text_rows(path.name, content, header) if header.encoding == "ascii" else _rows(path.name, content, header)
        )
        points = np.column_stack([rows[axis] for axis in "xyz"]).astype(np.float64)
        colours = _colours(rows)
    return RawCloud(points, colours, header.unit, reason, header.organised)


def _header(name: str, content: bytes) -> _Header:
    fields: dict[str, list[str]] = {}
    comments: list[str] = []
    at = 0
    while "DATA" not in fields:
        end = content.find(b"\n", at, _HEADER_LIMIT)
        if end < 0:
            raise FileTruncated(name, "its header has no DATA line")
        line = content[at:end].decode("latin-1").strip()
        at = end + 1
        if line.startswith("#"):
            comments.append(line)
        elif line:
            key, *values = line.split()
            fields[key.upper()] = values
    try:
        return _assembled(fields, unit_stated_in("\n".join(comments)), at)
    except (KeyError, IndexError, ValueError, TypeError) as failure:
        raise FileCorrupt(name, f"its header does not read ({type(failure).__name__}: {failure})") from failure


def _assembled(fields: dict[str, list[str]], unit: LengthUnit | None, bytes_long: int) -> _Header:
    names = fields["FIELDS"]
    counts = [int(count) for count in fields.get("COUNT", ["1"] * len(names))]
    columns: list[tuple[str, str, tuple[int, ...]]] = []
    for place, (title, size, kind, count) in enumerate(zip(names, fields["SIZE"], fields["TYPE"], counts, strict=True)):
        # "_" is padding and may come often; a record needs different names.
        shape = () if count == 1 else (count,)
        columns.append((f"_{place}" if title == "_" else title.lower(), "<" + kind.lower() + str(int(size)), shape))
    row = np.dtype(columns)
    if not {"x", "y", "z"} <= set(row.names or ()):
        raise ValueError("no fields x, y and z")
    width, height = int(fields["WIDTH"][0]), int(fields["HEIGHT"][0])
    points = int(fields.get("POINTS", [str(width * height)])[0])
    if points < 0 or points != width * height:
        raise ValueError(f"{points} points in {width} x {height}")
    encoding = fields["DATA"][0].lower()
    if encoding not in {"ascii", "binary", "binary_compressed"}:
        raise ValueError(f"DATA {encoding}")
    return _Header(row, points, height > 1, encoding, unit, bytes_long)


def _rows(name: str, content: bytes, header: _Header) -> NDArray[np.void]:
    room = (len(content) - header.bytes_long) // header.row.itemsize
    if room < header.points:
        raise FileTruncated(name, f"{room:,} whole points of the {header.points:,} that its header promises")
    return np.frombuffer(content, header.row, header.points, header.bytes_long)


def _text_rows(name: str, content: bytes, header: _Header) -> NDArray[np.void]:
    numbers = numbers_in(name, content[header.bytes_long :])
    places = [(title, _width(header.row[title])) for title in header.row.names or ()]
    width = sum(count for _, count in places)
    if len(numbers) < header.points * width:
        raise FileTruncated(
            name, f"{len(numbers) // width:,} whole points of the {header.points:,} that its header promises"
        )
    table = numbers[: header.points * width].reshape(header.points, width)
    rows = np.zeros(header.points, header.row)
    at = 0
    for title, count in places:
        kind = header.row[title].base
        # Text holds a packed colour as the float or integer that its type says; -nan or inf fit floats only.
        values = table[:, at] if count == 1 else table[:, at : at + count]
        rows[title] = values if kind.kind == "f" else np.nan_to_num(values).astype(np.int64).astype(kind)
        at += count
    return rows


def _width(kind: np.dtype[np.generic]) -> int:
    return int(np.prod(kind.shape)) if kind.shape else 1


def _colours(rows: NDArray[np.void]) -> NDArray[np.uint8] | None:
    """PCL packs 0xAARRGGBB into four bytes, often called a float."""
    name = next((name for name in ("rgb", "rgba") if name in (rows.dtype.names or ())), None)
    if name is None or rows.dtype[name].itemsize != 4:
        return None
    packed = np.ascontiguousarray(rows[name]).view(np.uint32)
    return np.column_stack([(packed >> shift) & 255 for shift in (16, 8, 0)]).astype(np.uint8)


def _check_compressed(name: str, content: bytes, header: _Header) -> None:
    sizes = np.frombuffer(content[header.bytes_long : header.bytes_long + 8], "<u4")
    if len(sizes) < 2 or int(sizes[0]) > len(content) - header.bytes_long - 8:
        raise FileTruncated(name, "less than its compressed block's declared size")
    packed, unpacked = int(sizes[0]), int(sizes[1])
    if unpacked != header.points * header.row.itemsize or unpacked > max(packed, 1) * _LZF_BEST:
        raise FileCorrupt(name, f"a compressed block of {packed:,} bytes cannot hold {header.points:,} points")


def _by_open3d(path: Path, header: _Header) -> tuple[Floats, NDArray[np.uint8] | None]:
    import open3d as o3d  # 1.1 s; only compressed files pay for it

    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        cloud = o3d.t.io.read_point_cloud(path, format="pcd", remove_nan_points=False, remove_infinite_points=False)
    if "positions" not in cloud.point or len(cloud.point.positions) != header.points:
        raise FileCorrupt(path.name, "its compressed block does not unpack")
    colours = cloud.point.colors.numpy() if "colors" in cloud.point else None
    points = cloud.point.positions.numpy().astype(np.float64)
    return points, colours.astype(np.uint8) if colours is not None and colours.dtype == np.uint8 else None
