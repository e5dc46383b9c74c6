"""Who is measured: our kernel, Open3D (a dependency of ours), and the peers that are installed.

Each takes a mesh and gives a function from float32 points to distances, signed where it can. Peers are no dependencies:
FCPW (MIT), libigl (MPL 2.0) and Warp (Apache 2.0) are measured where `./dev kernel-peers` put them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.distance import MeshIndex
from tests.bench.kernels.meshes import Mesh
from tests.bench.libraries import open3d

Points = NDArray[np.float32]
Search = Callable[[Points], NDArray[Any]]
INSTALL = "./dev kernel-peers"


@dataclass(frozen=True)
class Peer:
    name: str
    module: str
    prepare: Callable[[Mesh], Search]

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None


def ours(mesh: Mesh) -> MeshIndex:
    return MeshIndex.build(mesh.vertices_mm, mesh.triangles)


def open3d_scene(mesh: Mesh, threads: int) -> Any:
    """Open3D builds Embree's tree when it is first asked."""
    scene = open3d().t.geometry.RaycastingScene(nthreads=threads)
    vertices, triangles = mesh.vertices_mm.astype(np.float32), mesh.triangles.astype(np.uint32)
    scene.add_triangles(open3d().core.Tensor(vertices), open3d().core.Tensor(triangles))
    scene.compute_distance(open3d().core.Tensor(vertices[:1]), nthreads=threads)
    return scene


def open3d_search(scene: Any, threads: int) -> Search:
    def search(points: Points) -> NDArray[Any]:
        found: NDArray[Any] = scene.compute_signed_distance(open3d().core.Tensor(points), nthreads=threads).numpy()
        return found

    return search


def fcpw_search(mesh: Mesh) -> Search:
    """Unsigned."""
    import fcpw

    scene = fcpw.scene_3D()
    scene.set_object_count(1)
    scene.set_object_vertices(np.asfortranarray(mesh.vertices_mm, np.float32), 0)
    scene.set_object_triangles(np.asfortranarray(mesh.triangles, np.int32), 0)
    scene.build(fcpw.aggregate_type.bvh_surface_area, True)

    def search(points: Points) -> NDArray[Any]:
        found = fcpw.interaction_3D_list()
        scene.find_closest_points(np.asfortranarray(points), np.full(len(points), np.inf, np.float32), found)
        return np.array([each.d for each in found]) if len(points) < 1000 else np.empty(0)

    return search


def igl_search(mesh: Mesh) -> Search:
    """libigl builds its tree in every call; with enough points that is a small part of it."""
    import igl

    triangles = mesh.triangles.astype(np.int64)
    kind = igl.SignedDistanceType.SIGNED_DISTANCE_TYPE_PSEUDONORMAL

    def search(points: Points) -> NDArray[Any]:
        found: NDArray[Any] = igl.signed_distance(points.astype(np.float64), mesh.vertices_mm, triangles, kind)[0]
        return found

    return search


def warp_search(mesh: Mesh) -> Search:
    """One thread: Warp has no more of them on a CPU."""
    import warp

    from tests.bench.kernels.warp_kernel import launch

    warp.config.quiet = True
    vertices = warp.array(mesh.vertices_mm.astype(np.float32), dtype=warp.vec3, device="cpu")
    made = warp.Mesh(vertices, warp.array(mesh.triangles.ravel(), dtype=warp.int32, device="cpu"))
    return lambda points: launch(made, points)


PEERS = (
    Peer("FCPW, unsigned", "fcpw", fcpw_search),
    Peer("libigl, pseudonormal", "igl", igl_search),
    Peer("Warp, 1 thread", "warp", warp_search),
)
