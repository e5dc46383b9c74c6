"""Sections of a measured part: along the three middle planes, and through the worst place.

In: a mesh, points with deviations (strays left out), the worst place, how far a neighbourhood reaches. Out: planes with
their lines and the deviations along them, and the same as JSON (docs/deviation-tiles.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.sections import Stations, cut, deviations_along
from workers.meshes import NominalMesh
from workers.pictures.zone import Zone

Floats = NDArray[np.float64]
_STATIONS = 500.0
"""To the diagonal."""


@dataclass(frozen=True)
class Section:
    name: str
    point_mm: Floats
    normal: Floats
    lines: tuple[Stations, ...]


def sections_of(
    mesh: NominalMesh, points_mm: Floats, deviations_mm: Floats, worst_mm: Floats | None, half_width_mm: float
) -> tuple[Section, ...]:
    """Those planes that cut the part."""
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    middle, step = (low + high) / 2, float(np.linalg.norm(high - low)) / _STATIONS
    planes = [(f"middle {name}", middle, axis) for name, axis in zip("xyz", np.eye(3), strict=True)]
    if worst_mm is not None:
        # Across the part's longest side, where a cut is smallest and shows most.
        planes.append(("worst place", worst_mm, np.eye(3)[int(np.argmax(high - low))]))
    found = []
    for name, point, normal in planes:
        lines = cut(mesh.vertices_mm, mesh.triangles, point, normal)
        stations = deviations_along(lines, points_mm, deviations_mm, point, normal, half_width_mm, step)
        if stations:
            found.append(Section(name, point, normal, tuple(stations)))
    return tuple(found)


def sections_json(sections: tuple[Section, ...], zone: Zone) -> bytes:
    document = {
        "format": "d2r-sections",
        "version": 1,
        "unit": "mm",
        "tolerance": [zone.lower_mm, zone.upper_mm],
        "sections": [
            {
                "name": section.name,
                "point": section.point_mm.tolist(),
                "normal": section.normal.tolist(),
                "lines": [_line(line) for line in section.lines],
            }
            for section in sections
        ],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _line(line: Stations) -> dict[str, object]:
    """Four decimals: a tenth of a micrometre."""
    told = [None if np.isnan(value) else round(float(value), 4) for value in line.deviations]
    return {"places": np.round(line.places, 4).tolist(), "deviations": told, "points": line.points.tolist()}
