"""Read a part to measure against: STL, PLY, OBJ, glTF or STEP in, one clean surface in millimetres out.

Refuses (workers/errors.py says how each answers) what cannot be read, a part without a unit, and a surface with holes
or one that passes through itself: the sign of a deviation, too much or too little material, means nothing there. With
`accept_flaws` these last two become warnings, and the magnitude of deviations still holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workers.errors import (
    FileCorrupt,
    FileProblem,
    FileTooLarge,
    MeshNotFinite,
    MeshNotWatertight,
    MeshSelfIntersecting,
    MeshWithoutTriangles,
)
from workers.readers.crossings import Crossings, crossings_of
from workers.readers.formats import CAD_FORMATS, Format, format_of
from workers.readers.gltf import read_gltf
from workers.readers.obj import read_obj
from workers.readers.ply import read_ply_mesh
from workers.readers.step import read_step
from workers.readers.stl import read_stl
from workers.readers.surface import Surface, surface_of
from workers.readers.units import LengthUnit, decide_unit
from workers.readers.values import MAX_TRIANGLES, CadMesh, Finding, Mask, RawMesh

_READERS: dict[Format, Callable[[Path], RawMesh]] = {
    Format.STL: read_stl,
    Format.PLY: read_ply_mesh,
    Format.OBJ: read_obj,
    Format.GLB: read_gltf,
    Format.GLTF: read_gltf,
    Format.STEP: read_step,
}


def read_cad(path: Path, unit: LengthUnit | None = None, *, accept_flaws: bool = False) -> CadMesh:
    """The part in `path`. `unit` is needed where the file states none."""
    raw = _READERS[format_of(path, "part", CAD_FORMATS)](path)
    _check(path.name, raw)
    decided = decide_unit(path.name, raw.stated, unit, raw.unit_reason, raw.unit_binding)
    surface = surface_of(raw.vertices * decided.unit.mm, raw.triangles)
    if not len(surface.triangles):
        raise MeshWithoutTriangles(path.name, "all of them are without area")
    crossings = crossings_of(surface.vertices, surface.triangles)
    flaws = _flaws(path.name, surface, crossings)
    if flaws and not accept_flaws:
        raise flaws[0]
    said = (Finding("UNIT_CONTRADICTED", decided.warning),) if decided.warning else ()
    warned = tuple(Finding(flaw.code, flaw.message) for flaw in flaws)
    return CadMesh(
        vertices_mm=surface.vertices,
        triangles=surface.triangles.astype(np.int32),
        unit=decided.unit,
        watertight=not len(surface.open_edges),
        open_edges=len(surface.open_edges),
        crossings=crossings.count,
        warnings=raw.warnings + said + surface.findings + warned,
        faces=None if raw.faces is None else raw.faces[surface.sources].astype(np.int32),
    )


def _check(name: str, raw: RawMesh) -> None:
    if not len(raw.triangles):
        raise MeshWithoutTriangles(name, "it declares none")
    if len(raw.triangles) > MAX_TRIANGLES:
        raise FileTooLarge(name, "triangles", len(raw.triangles), MAX_TRIANGLES)
    if raw.triangles.min() < 0 or raw.triangles.max() >= len(raw.vertices):
        raise FileCorrupt(name, f"a triangle names a corner that is not among its {len(raw.vertices):,}")
    bad: Mask = ~np.all(np.isfinite(raw.vertices), axis=1)
    if bad.any() and (count := int(np.count_nonzero(bad[np.unique(raw.triangles)]))):
        raise MeshNotFinite(name, count)


def _flaws(name: str, surface: Surface, crossings: Crossings) -> list[FileProblem]:
    flaws: list[FileProblem] = []
    if len(surface.open_edges):
        ends = surface.vertices[surface.open_edges]
        longest = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).max())
        flaws.append(MeshNotWatertight(name, len(surface.open_edges), longest))
    if crossings.first is not None:
        flaws.append(MeshSelfIntersecting(name, crossings.count, crossings.first))
    return flaws
