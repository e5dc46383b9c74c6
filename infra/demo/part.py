"""The part that the demo inspects: a bracket with an arm, holes of different sizes, a filleted boss and a freeform top.

Out: a closed surface in millimetres, the same on every machine and every run, and its STL file. No symmetry is left
in it on purpose, so that a scan fits in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from manifold3d import Manifold

Floats = NDArray[np.float64]

THICKNESS_MM = 12.0
# The outline, counter-clockwise: a plate with one arm, no two corners alike.
_OUTLINE_MM = ((0, 0), (120, 0), (120, 46), (84, 52), (76, 80), (18, 80), (0, 62))
_CORNER_RADIUS_MM = 6.0
_EDGE_MM = 1.1
# Centre x, y and radius of the through holes.
_HOLES_MM = ((12.0, 12.0, 4.0), (108.0, 11.0, 5.5), (106.0, 36.0, 3.25), (28.0, 68.0, 6.0), (62.0, 68.0, 2.5))
_BOSS_MM = (30.0, 34.0)
_BOSS_RADIUS_MM, _BOSS_TOP_MM, _FILLET_MM = 11.0, 26.0, 5.0
_BORE_MM = 6.0
_SEGMENTS = 96


@dataclass(frozen=True, eq=False)
class DemoPart:
    vertices_mm: Floats
    triangles: NDArray[np.int32]


def demo_part() -> DemoPart:
    """Plate, boss and holes, united and cut; 20,000 to 40,000 triangles."""
    from manifold3d import Manifold

    solid = _plate() + _boss()
    for x, y, radius in _HOLES_MM:
        solid -= Manifold.cylinder(60.0, radius, circular_segments=_SEGMENTS).translate((x, y, -10.0))
    solid -= Manifold.cylinder(60.0, _BORE_MM, circular_segments=_SEGMENTS).translate((*_BOSS_MM, -10.0))
    solid -= Manifold.cube((30.0, 7.0, 5.0)).translate((88.0, 20.0, -1.0))  # a blind slot in the underside
    # What float32 STL cannot tell apart must not stay apart: such triangles would have no area there.
    mesh = solid.simplify(2e-4).to_mesh()
    return DemoPart(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))


def freeform_height_mm(x_mm: Floats, y_mm: Floats) -> Floats:
    """How far the top rises above the plate: two waves of different lengths that fade out towards the left."""
    fade = np.clip((x_mm - 44.0) / 20.0, 0.0, 1.0)
    smooth = fade * fade * (3.0 - 2.0 * fade)
    waves = np.sin(x_mm / 13.0 + 0.4) * np.cos(y_mm / 17.0) + 0.5 * np.sin((x_mm + 2.0 * y_mm) / 29.0)
    result: Floats = smooth * (1.6 + 1.5 * waves)
    return result


def write_stl(part: DemoPart, path: Path) -> None:
    """Binary STL with its unit in the header, where the format leaves room for words."""
    records = np.zeros(len(part.triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    corners = part.vertices_mm[part.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    records["normal"] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    records["corners"] = corners
    header = b"demo bracket, unit: mm".ljust(80)
    path.write_bytes(header + len(records).to_bytes(4, "little") + records.tobytes())


def _plate() -> Manifold:
    from manifold3d import CrossSection, JoinType

    outline = CrossSection([_OUTLINE_MM]).offset(-_CORNER_RADIUS_MM, JoinType.Miter)
    rounded = outline.offset(_CORNER_RADIUS_MM, JoinType.Round, circular_segments=_SEGMENTS)
    return rounded.extrude(THICKNESS_MM).refine_to_length(_EDGE_MM).warp_batch(_raise_top)


def _raise_top(corners: Floats) -> Floats:
    share = np.clip(corners[:, 2] / THICKNESS_MM, 0.0, 1.0)
    raised = corners.copy()
    raised[:, 2] += share * freeform_height_mm(corners[:, 0], corners[:, 1])
    return raised


def _boss() -> Manifold:
    """A cylinder that meets the plate in a round fillet, turned about its axis."""
    from manifold3d import CrossSection, Manifold

    turn = np.linspace(0.0, np.pi / 2.0, 13)
    # The fillet, from the plate upwards to the wall of the cylinder.
    radii = _BOSS_RADIUS_MM + _FILLET_MM * (1.0 - np.sin(turn))
    heights = THICKNESS_MM + _FILLET_MM * (1.0 - np.cos(turn))
    fillet = list(zip(radii.tolist(), heights.tolist(), strict=True))
    foot = [(0.0, 1.0), (_BOSS_RADIUS_MM + _FILLET_MM, 1.0)]
    top = [(_BOSS_RADIUS_MM, _BOSS_TOP_MM - 1.0), (_BOSS_RADIUS_MM - 1.0, _BOSS_TOP_MM), (0.0, _BOSS_TOP_MM)]
    profile = CrossSection([[*foot, *fillet, *top]])
    return Manifold.revolve(profile, circular_segments=_SEGMENTS).translate((*_BOSS_MM, 0.0))
