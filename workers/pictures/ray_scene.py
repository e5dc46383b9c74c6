"""A part's surface for rays and closest points: Open3D's Embree scene on the CPU, no screen and no OpenGL.

In and out are float64 millimetres; inside it is float32 about the part's middle: some nanometres at a decimetre.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.pictures.colours import Floats


class Mesh(Protocol):
    """What a picture needs of a part."""

    @property
    def vertices_mm(self) -> NDArray[np.float64]: ...

    @property
    def triangles(self) -> NDArray[np.int32]: ...


class Hits(NamedTuple):
    """`distance_mm` is infinite where a ray met nothing."""

    distance_mm: Floats
    normals: Floats


class RayScene:
    def __init__(self, mesh: Mesh) -> None:
        import open3d as o3d  # 1.1 s

        low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
        self.middle_mm: Floats = (low + high) / 2.0
        self.diagonal_mm = float(np.linalg.norm(high - low))
        self.corners_mm: Floats = mesh.vertices_mm
        self._tensor = o3d.core.Tensor.from_numpy
        self._scene = o3d.t.geometry.RaycastingScene()
        placed = (mesh.vertices_mm - self.middle_mm).astype(np.float32)
        self._scene.add_triangles(self._tensor(placed), self._tensor(mesh.triangles.astype(np.uint32)))

    def cast(self, start_mm: Floats, along: Floats) -> Hits:
        rays = np.empty((len(start_mm), 6), np.float32)
        np.subtract(start_mm, self.middle_mm, out=rays[:, :3], casting="same_kind")
        rays[:, 3:] = along
        found = self._scene.cast_rays(self._tensor(rays))
        return Hits(found["t_hit"].numpy().astype(np.float64), found["primitive_normals"].numpy().astype(np.float64))

    def feet(self, places_mm: Floats) -> Floats:
        """The nearest place of the surface for each."""
        found = self._scene.compute_closest_points(self._tensor((places_mm - self.middle_mm).astype(np.float32)))
        result: Floats = found["points"].numpy().astype(np.float64) + self.middle_mm
        return result

    def normals_at(self, places_mm: Floats) -> Floats:
        found = self._scene.compute_closest_points(self._tensor((places_mm - self.middle_mm).astype(np.float32)))
        result: Floats = found["primitive_normals"].numpy().astype(np.float64)
        return result
