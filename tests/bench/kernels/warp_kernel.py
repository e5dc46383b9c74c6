"""Warp's closest point on a mesh; a module of its own, since Warp compiles kernels from their source."""

from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray


@wp.kernel
def signed(mesh: wp.uint64, points: wp.array(dtype=wp.vec3), distances: wp.array(dtype=wp.float32)):  # type: ignore
    i = wp.tid()
    found = wp.mesh_query_point_sign_normal(mesh, points[i], 1.0e6)
    nearest = wp.mesh_eval_position(mesh, found.face, found.u, found.v)
    distances[i] = found.sign * wp.length(points[i] - nearest)


def launch(mesh: wp.Mesh, points: NDArray[np.float32]) -> NDArray[Any]:
    given = wp.array(points, dtype=wp.vec3, device="cpu")
    distances = wp.empty(len(points), dtype=wp.float32, device="cpu")
    wp.launch(signed, dim=len(points), inputs=[mesh.id, given], outputs=[distances], device="cpu")
    found: NDArray[Any] = distances.numpy()
    return found
