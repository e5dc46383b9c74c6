"""Read PLY (text, little and big endian) element by element; as a mesh, or as a cloud with its colours.

The unit is read from a comment or obj_info line ("comment unit: mm"). Refuses counts that the file cannot hold before
any memory is taken for them. `ply_pieces` reads the vertices of a binary file from any place on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.errors import CloudEmpty, FileCorrupt, FileTooLarge, FileTruncated, MeshWithoutTriangles
from workers.readers.ply_rows import ByteRows, Column, Element, NumberRows, Table
from workers.readers.polygons import fans
from workers.readers.units import LengthUnit, unit_stated_in
from workers.readers.values import FARTHEST, MAX_POINTS, Finding, Floats, RawCloud, RawMesh

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": ""}
_HEADER_LIMIT = 1 << 20
_ROWS_AT_ONCE = 1 << 20
_REASON = "no comment in its header states one"


@dataclass(frozen=True)
class _Header:
    order: str
    elements: tuple[Element, ...]
    unit: LengthUnit | None
    bytes_long: int


@dataclass
class _Draft:
    order: str | None = None
    elements: list[tuple[str, int, list[Column]]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_ply_mesh(path: Path) -> RawMesh:
    header, tables = _read(path, {"vertex", "face", "tristrips"})
    if "face" not in tables or not len(tables["face"].rows):
        raise MeshWithoutTriangles(path.name, f"{len(tables['vertex'].rows):,} points, no faces: a scan, not a part")
    faces = tables["face"]
    name = next((found for found in ("vertex_indices", "vertex_index") if found in faces.names), None)
    if name is None:
        raise FileCorrupt(path.name, "its faces have no vertex_indices")
    triangles, cut = fans(faces.lists(name))
    warnings = (Finding("POLYGONS_CUT", f"{cut:,} faces with more than four corners were cut as fans."),) if cut else ()
    return RawMesh(_positions(path.name, tables["vertex"]), triangles, header.unit, _REASON, warnings=warnings)


def read_ply_cloud(path: Path) -> RawCloud:
    header, tables = _read(path, {"vertex"})
    vertex = tables["vertex"]
    if not len(vertex.rows):
        raise CloudEmpty(path.name)
    return RawCloud(_positions(path.name, vertex), _colours(vertex), header.unit, _REASON)


@dataclass(frozen=True, eq=False)
class PlyPieces:
    """The vertices of a binary file, from any place on."""

    path: Path
    begin: int
    record: np.dtype[np.void]
    count: int
    low: Floats
    high: Floats
    stated: LengthUnit | None
    unit_reason: str = _REASON

    def read(self, start: int, count: int) -> Iterator[Floats]:
        yield from _vertices(self.path, self.begin, self.record, start, min(start + count, self.count))


def ply_pieces(path: Path) -> PlyPieces | None:
    """None for a file as text, or one whose vertices do not come first or hold lists. Reads it once, for its bounds."""
    with path.open("rb") as file:
        header = _header(path.name, file.read(_HEADER_LIMIT))
    vertex = header.elements[0] if header.elements else None
    if not header.order or vertex is None or vertex.name != "vertex" or not vertex.count:
        return None
    names = [column.name for column in vertex.columns]
    if any(column.length_kind for column in vertex.columns) or not {"x", "y", "z"} <= set(names):
        return None
    if len(set(names)) < len(names):
        raise FileCorrupt(path.name, "its header names a property of vertex twice")
    record = np.dtype([(column.name, header.order + column.kind) for column in vertex.columns])
    room = (path.stat().st_size - header.bytes_long) // record.itemsize
    if room < vertex.count:
        raise FileTruncated(path.name, f"{room:,} whole rows of the {vertex.count:,} of vertex")
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for points in _vertices(path, header.bytes_long, record, 0, vertex.count):
        finite = points[np.all(np.abs(points) < FARTHEST, axis=1)]
        if len(finite):
            low, high = np.minimum(low, finite.min(axis=0)), np.maximum(high, finite.max(axis=0))
    if not np.all(np.isfinite(low)):
        raise CloudEmpty(path.name, f"all {vertex.count:,} are NaN or infinite")
    return PlyPieces(path, header.bytes_long, record, vertex.count, low, high, header.unit)


def _vertices(path: Path, begin: int, record: np.dtype[np.void], start: int, stop: int) -> Iterator[Floats]:
    for row in range(start, stop, _ROWS_AT_ONCE):
        rows = np.fromfile(path, record, min(_ROWS_AT_ONCE, stop - row), offset=begin + row * record.itemsize)
        yield np.column_stack([rows[axis] for axis in "xyz"]).astype(np.float64)


def _read(path: Path, wanted: set[str]) -> tuple[_Header, dict[str, Table]]:
    content = path.read_bytes()
    header = _header(path.name, content)
    for element in header.elements:
        if element.count > MAX_POINTS:
            raise FileTooLarge(path.name, f"elements of {element.name}", element.count, MAX_POINTS)
    body = memoryview(content)[header.bytes_long :]
    rows = ByteRows(path.name, body, header.order) if header.order else NumberRows(path.name, bytes(body))
    tables: dict[str, Table] = {}
    for element in header.elements:
        if not wanted - set(tables):
            break
        tables[element.name] = rows.take(element)
    if "vertex" not in tables:
        raise FileCorrupt(path.name, "it declares no vertices")
    return header, tables


def _header(name: str, content: bytes) -> _Header:
    end = content.find(b"end_header", 0, _HEADER_LIMIT)
    line_end = content.find(b"\n", end)
    if end < 0 or line_end < 0:
        raise FileTruncated(name, "its header has no end_header")
    draft = _Draft()
    for line in content[:end].decode("latin-1").splitlines()[1:]:
        _note_line(name, draft, line.split())
    if draft.order is None:
        raise FileCorrupt(name, "its header states no format that is known")
    elements = tuple(Element(title, count, tuple(columns)) for title, count, columns in draft.elements)
    return _Header(draft.order, elements, unit_stated_in("\n".join(draft.comments)), line_end + 1)


def _note_line(name: str, draft: _Draft, words: list[str]) -> None:
    match words:
        case ["format", order, _] if order in _ORDERS:
            draft.order = _ORDERS[order]
        case ["comment" | "obj_info", *said]:
            draft.comments.append(" ".join(said))
        case ["element", title, count] if count.isdigit():
            draft.elements.append((title, int(count), []))
        case ["property", "list", length, item, title] if draft.elements and {length, item} <= set(_TYPES):
            draft.elements[-1][2].append(Column(title, _TYPES[item], _TYPES[length]))
        case ["property", kind, title] if draft.elements and kind in _TYPES:
            draft.elements[-1][2].append(Column(title, _TYPES[kind], None))
        case []:
            pass
        case _:
            raise FileCorrupt(name, f"its header has the line '{' '.join(words)[:60]}'")


def _positions(name: str, vertex: Table) -> Floats:
    if not {"x", "y", "z"} <= set(vertex.names):
        raise FileCorrupt(name, "its vertices have no x, y and z")
    return np.column_stack([vertex.column(axis) for axis in "xyz"]).astype(np.float64)


def _colours(vertex: Table) -> NDArray[np.uint8] | None:
    for names in (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b")):
        if set(names) <= set(vertex.names):
            values = np.column_stack([vertex.column(name) for name in names])
            return values if values.dtype == np.uint8 else _as_bytes(values.astype(np.float64))
    return None


def _as_bytes(values: Floats) -> NDArray[np.uint8]:
    """Colours given as text or floats: 0 to 1 or 0 to 255, told by their largest."""
    top = float(np.nanmax(values, initial=0.0))
    scale = 255.0 if top <= 1.0 else 255.0 / 65535.0 if top > 255.0 else 1.0
    return np.clip(np.nan_to_num(values * scale), 0, 255).astype(np.uint8)
