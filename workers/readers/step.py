"""Read STEP (AP203, AP214, AP242) through OpenCASCADE, as triangles no further than a chord from the true surface.

OpenCASCADE is a C++ library that can end its process on a bad file, or grow without end; so a child process does it,
with limits on memory and time. The unit is the one that the file assigns to its geometry, and cannot be overruled.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from workers.errors import FileCorrupt, FileTruncated, FormatUnsupported, MeshWithoutTriangles
from workers.readers.gltf import read_gltf
from workers.readers.units import LengthUnit
from workers.readers.values import RawMesh

_CHILD = Path(__file__).with_name("step_child.py")
_TIME_LIMIT_S = 300.0
_ASSIGNED = re.compile(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\s*\(\s*\(([^)]*)\)")
_PREFIXED_METRES = {
    b".MILLI.": LengthUnit.MILLIMETRE,
    b".CENTI.": LengthUnit.CENTIMETRE,
    b".MICRO.": LengthUnit.MICROMETRE,
    b"$": LengthUnit.METRE,
}
_SI_UNIT = re.compile(rb"SI_UNIT\s*\(\s*([^,\s]+)\s*,\s*\.METRE\.\s*\)")
_NAMED_UNIT = re.compile(rb"CONVERSION_BASED_UNIT\s*\(\s*'([^']*)'")


def read_step(path: Path, chord_mm: float = 0.01) -> RawMesh:
    content = path.read_bytes()
    if b"END-ISO-10303-21" not in content[-4096:]:
        raise FileTruncated(path.name, "it does not end with END-ISO-10303-21")
    with tempfile.TemporaryDirectory(prefix="d2r-step-") as folder:
        out = Path(folder) / "part.glb"
        _tessellate(path, out, chord_mm)
        try:
            mesh = read_gltf(out)
        except MeshWithoutTriangles as problem:
            raise MeshWithoutTriangles(path.name, "no solid or surface in it") from problem
        except FileCorrupt as problem:
            raise FileCorrupt(path.name, "its geometry could not be made into triangles") from problem
    # OpenCASCADE has turned the file's unit into metres, whatever it was: scale back, so that units have one path.
    unit = step_unit(content)
    if unit is None:
        return replace(mesh, vertices=mesh.vertices * 1000.0, stated=None, unit_reason="it assigns no length unit")
    return replace(mesh, vertices=mesh.vertices * (1000.0 / unit.mm), stated=unit, unit_binding=True)


def step_unit(content: bytes) -> LengthUnit | None:
    """The length unit that the file's geometry is assigned to; None without one, or with several."""
    found: set[LengthUnit | None] = set()
    for assigned in _ASSIGNED.findall(content):
        for number in re.findall(rb"#\d+", assigned):
            entity = re.search(rb"(?:^|[;\s])" + number + rb"\s*=\s*(\([^;]*LENGTH_UNIT[^;]*);", content)
            if entity:
                found.add(_unit_of(entity[1]))
    return found.pop() if len(found) == 1 else None


def _unit_of(entity: bytes) -> LengthUnit | None:
    if si := _SI_UNIT.search(entity):
        return _PREFIXED_METRES.get(si[1])
    named = _NAMED_UNIT.search(entity)
    return LengthUnit.named(named[1].decode("latin-1")) if named else None


def _tessellate(path: Path, out: Path, chord_mm: float) -> None:
    command = [sys.executable, str(_CHILD), str(path), str(out), repr(chord_mm)]
    try:
        child = subprocess.run(command, capture_output=True, timeout=_TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as failure:
        supported = ("STL or GLB made in the CAD system",)
        raise FormatUnsupported(
            path.name, "part", f"a STEP that takes over {_TIME_LIMIT_S:g} s", supported
        ) from failure
    if child.returncode or not out.exists():
        said = re.sub(rb"\x1b\[[0-9;]*m|\*{2,}", b"", child.stdout + child.stderr).decode("latin-1").strip()
        last = said.splitlines()[-1].strip()[:200] if said else f"exit status {child.returncode}"
        raise FileCorrupt(path.name, f"OpenCASCADE cannot read it ({last})")
