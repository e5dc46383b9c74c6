"""Read the geometry of a Wavefront OBJ: `v` and `f` lines; materials and texture files are never opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workers.errors import FileCorrupt, FileTooLarge, MeshWithoutTriangles
from workers.readers.polygons import fans
from workers.readers.units import unit_stated_in
from workers.readers.values import MAX_TRIANGLES, Finding, Indices, RawMesh


def read_obj(path: Path) -> RawMesh:
    corners: list[list[bytes]] = []
    faces: list[Indices] = []
    comments: list[bytes] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.startswith((b"v ", b"v\t")):
                corners.append(line.split()[1:4])
            elif line.startswith((b"f ", b"f\t")):
                faces.append(_face(path.name, number, line, len(corners)))
            elif line.startswith(b"#"):
                comments.append(line)
    if not faces:
        raise MeshWithoutTriangles(path.name, f"{len(corners):,} points, no faces")
    if len(faces) > MAX_TRIANGLES:
        raise FileTooLarge(path.name, "faces", len(faces), MAX_TRIANGLES)
    try:
        vertices = np.array(corners, dtype="S32").astype(np.float64).reshape(len(corners), 3)
    except ValueError as failure:
        raise FileCorrupt(path.name, f"a vertex does not have three numbers ({failure})") from failure
    triangles, cut = fans(faces)
    warnings = (Finding("POLYGONS_CUT", f"{cut:,} faces with more than four corners were cut as fans."),) if cut else ()
    stated = unit_stated_in(b"\n".join(comments).decode("latin-1"))
    return RawMesh(vertices, triangles, stated, "no comment in it states one", warnings=warnings)


def _face(name: str, number: int, line: bytes, corners_so_far: int) -> Indices:
    """Corner numbers from zero. OBJ counts from one, and backwards from the last corner when negative."""
    try:
        numbers = np.array([int(corner.split(b"/", 1)[0]) for corner in line.split()[1:]], dtype=np.int64)
    except (ValueError, OverflowError) as failure:
        raise FileCorrupt(name, f"line {number:,} is not a face") from failure
    return np.where(numbers > 0, numbers - 1, numbers + corners_so_far)
