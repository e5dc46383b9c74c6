"""Which format a file has: by its first bytes, checked against its name.

In: a path. Out: a Format. Refuses an empty file, a name that contradicts the bytes, and bytes that fit no format.
"""

from __future__ import annotations

import re
import struct
from enum import Enum
from pathlib import Path

from workers.errors import FileEmpty, FormatMismatch, FormatUnsupported

_HEAD_BYTES = 4096
_PCD = re.compile(rb"(?:\A|\n)\s*(?:# \.PCD|VERSION\s+\.?\d|FIELDS\s+\w)")
_OBJ = re.compile(rb"(?:\A|\n)\s*(?:v|vn|vt|o|g|mtllib|usemtl)\s+\S+")


class Format(Enum):
    """The value is the name that messages use."""

    STL = "STL"
    PLY = "PLY"
    OBJ = "OBJ"
    GLB = "GLB (binary glTF)"
    GLTF = "glTF"
    STEP = "STEP"
    PCD = "PCD"
    LAS = "LAS/LAZ"
    E57 = "E57"
    TEXT = "text (XYZ, CSV)"


_SUFFIXES = {
    ".stl": Format.STL,
    ".ply": Format.PLY,
    ".obj": Format.OBJ,
    ".glb": Format.GLB,
    ".gltf": Format.GLTF,
    ".step": Format.STEP,
    ".stp": Format.STEP,
    ".pcd": Format.PCD,
    ".las": Format.LAS,
    ".laz": Format.LAS,
    ".e57": Format.E57,
    ".xyz": Format.TEXT,
    ".csv": Format.TEXT,
    ".txt": Format.TEXT,
    ".asc": Format.TEXT,
    ".pts": Format.TEXT,
}
CAD_FORMATS = (Format.STL, Format.PLY, Format.OBJ, Format.GLB, Format.GLTF, Format.STEP)
SCAN_FORMATS = (Format.PLY, Format.PCD, Format.LAS, Format.E57, Format.TEXT)


def format_of(path: Path, purpose: str, supported: tuple[Format, ...]) -> Format:
    """The format of `path`, one of `supported`. `purpose` ("part", "scan") is for the message."""
    size = path.stat().st_size
    if size == 0:
        raise FileEmpty(path.name)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    named = _SUFFIXES.get(path.suffix.lower())
    found = _by_content(head, size, named)
    if found is None:
        if named is None or named in (Format.OBJ, Format.TEXT):
            raise _unsupported(path, purpose, "no format known here", supported)
        raise FormatMismatch(path.name, named.value, "something else (it does not begin like one)")
    if named is not None and found is not named:
        raise FormatMismatch(path.name, named.value, found.value)
    if found not in supported:
        raise _unsupported(path, purpose, f"a {found.value} file", supported)
    return found


def _by_content(head: bytes, size: int, named: Format | None) -> Format | None:
    by_magic = _by_magic(head)
    if by_magic is not None:
        return by_magic
    if _is_stl(head, size, named):
        return Format.STL
    if not is_text(head):
        return None
    if head.lstrip()[:1] == b"{":
        return Format.GLTF if b'"asset"' in head or named is Format.GLTF else None
    if named in (Format.OBJ, Format.TEXT):
        return named
    if _PCD.search(head):
        return Format.PCD
    if _OBJ.search(head):
        return Format.OBJ
    return Format.TEXT if re.search(rb"-?\d+\.?\d*[ ,;\t]+-?\d+\.?\d*[ ,;\t]+-?\d", head) else None


def _by_magic(head: bytes) -> Format | None:
    if head.startswith(b"LASF"):
        return Format.LAS
    if head.startswith(b"ASTM-E57"):
        return Format.E57
    if head.startswith(b"glTF"):
        return Format.GLB
    if re.match(rb"ply\s*\n|ply\r", head):
        return Format.PLY
    if head.lstrip().startswith(b"ISO-10303-21"):
        return Format.STEP
    return Format.PCD if head.startswith(b"# .PCD") else None


def _is_stl(head: bytes, size: int, named: Format | None) -> bool:
    if re.match(rb"\s*solid\b", head) and (b"facet" in head or b"endsolid" in head):
        return True
    if len(head) >= 84 and size == 84 + 50 * struct.unpack_from("<I", head, 80)[0]:
        return True
    # A binary STL has no magic: one that was cut short is known by its name alone.
    return named is Format.STL and (size < 84 or not is_text(head) or head.lstrip().startswith(b"solid"))


def is_text(head: bytes) -> bool:
    """Whether the bytes read as text: no zero bytes, few control characters, UTF-8 or Latin-1."""
    controls = sum(head.count(code) for code in range(32) if code not in (9, 10, 11, 12, 13))
    return b"\0" not in head and controls <= len(head) // 200


def _unsupported(path: Path, purpose: str, found: str, supported: tuple[Format, ...]) -> FormatUnsupported:
    return FormatUnsupported(path.name, purpose, found, [known.value for known in supported])
