"""Read STL, binary and text, into a RawMesh. Refuses files cut short and numbers that are none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from workers.errors import FileCorrupt, FileTooLarge, FileTruncated
from workers.readers.units import unit_stated_in
from workers.readers.values import MAX_TRIANGLES, Finding, Floats, RawMesh

_HEADER_BYTES = 84
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_CORNER = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)


def read_stl(path: Path) -> RawMesh:
    content = path.read_bytes()
    declared = int.from_bytes(content[80:84], "little") if len(content) >= _HEADER_BYTES else 0
    if len(content) == _HEADER_BYTES + declared * _RECORD.itemsize or not _reads_as_text(content):
        return _read_binary(path.name, content, declared)
    return _read_text(path.name, content)


def _reads_as_text(content: bytes) -> bool:
    head = content[:1000]
    return head.lstrip().startswith(b"solid") and b"\0" not in head


def _read_binary(name: str, content: bytes, declared: int) -> RawMesh:
    if len(content) < _HEADER_BYTES:
        raise FileTruncated(name, f"{len(content)} bytes, but the header of a binary STL alone takes {_HEADER_BYTES}")
    room = (len(content) - _HEADER_BYTES) // _RECORD.itemsize
    if declared > room:
        raise FileTruncated(name, f"{room:,} whole triangles of the {declared:,} that its header promises")
    if declared > MAX_TRIANGLES:
        raise FileTooLarge(name, "triangles", declared, MAX_TRIANGLES)
    records = np.frombuffer(content, _RECORD, declared, _HEADER_BYTES)
    extra = len(content) - _HEADER_BYTES - declared * _RECORD.itemsize
    warnings = (Finding("TRAILING_BYTES", f"{extra:,} bytes after the last triangle were ignored."),) if extra else ()
    header = content[:80].decode("latin-1")
    return _as_mesh(records["corners"].reshape(-1, 3).astype(np.float64), header, warnings)


def _read_text(name: str, content: bytes) -> RawMesh:
    found = _CORNER.findall(content)
    if b"endsolid" not in content[-400:].lower() or len(found) % 3:
        raise FileTruncated(name, f"{len(found) // 3:,} whole triangles and no endsolid after them")
    if len(found) // 3 > MAX_TRIANGLES:
        raise FileTooLarge(name, "triangles", len(found) // 3, MAX_TRIANGLES)
    try:
        corners = np.array(found, dtype="S32").astype(np.float64).reshape(-1, 3)
    except ValueError as failure:
        raise FileCorrupt(name, f"a corner is not a number ({failure})") from failure
    return _as_mesh(corners, content.split(b"\n", 1)[0].decode("latin-1"), ())


def _as_mesh(corners: Floats, header: str, warnings: tuple[Finding, ...]) -> RawMesh:
    triangles = np.arange(len(corners), dtype=np.int64).reshape(-1, 3)
    return RawMesh(corners, triangles, unit_stated_in(header), "STL does not carry one", warnings=warnings)
