"""A part made ready to be painted: its surface, the scan's deviations spread over it, and the scale of colours.

In: mesh, points, deviations, tolerance zone. Out: one value that every picture of a scan is drawn from, so that the
work is done once and all pictures agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from workers.pictures.colours import Floats, Scale, scale_for
from workers.pictures.ray_scene import Mesh, RayScene
from workers.pictures.surface_values import SurfaceValues
from workers.pictures.zone import Zone


@dataclass(frozen=True, eq=False)
class Painted:
    scene: RayScene
    values: SurfaceValues
    scale: Scale

    @classmethod
    def of(cls, mesh: Mesh, points_mm: Floats, deviation_mm: Floats, zone: Zone) -> Painted:
        scene = RayScene(mesh)
        return cls(scene, SurfaceValues(scene, points_mm, deviation_mm), scale_for(deviation_mm, zone))
