"""Parts, and scans of them in poses that are known."""

from __future__ import annotations

from functools import cache

import numpy as np
from manifold3d import Manifold

from infra.demo.part import demo_part
from kernels.distance import MeshIndex
from kernels.registration.motion import even_rotations
from kernels.registration.starts import surface_sample


def indexed(solid: Manifold) -> MeshIndex:
    mesh = solid.to_mesh()
    return MeshIndex.build(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))


@cache
def bracket() -> MeshIndex:
    part = demo_part()
    return MeshIndex.build(part.vertices_mm, part.triangles)


@cache
def angle_iron() -> MeshIndex:
    solid = Manifold.cube((60, 40, 6)) + Manifold.cube((6, 40, 30))
    return indexed(solid - Manifold.cylinder(20, 4, circular_segments=48).translate((45, 12, -5)))


@cache
def stepped_block() -> MeshIndex:
    return indexed(Manifold.cube((50, 30, 20)) + Manifold.cube((20, 15, 12)).translate((5, 3, 19)))


def scanned(
    index: MeshIndex, turn: int, noise: float = 0.02, strays: float = 0.01, count: int = 30_000
) -> tuple[np.ndarray, np.ndarray]:
    """A scan of the whole surface in a pose of its own, and the transform back."""
    random = np.random.default_rng(turn)
    points = surface_sample(index, count, seed=turn) + random.normal(0, noise, (count, 3))
    lost = random.random(len(points)) < strays
    points[lost] += random.uniform(-10, 10, (np.count_nonzero(lost), 3))
    pose = np.eye(4)
    pose[:3, :3] = even_rotations(40)[turn * 7 % 40]
    pose[:3, 3] = random.uniform(-500, 500, 3)
    return points @ pose[:3, :3].T + pose[:3, 3], np.linalg.inv(pose)


def worst_corner(index: MeshIndex, found: np.ndarray, true: np.ndarray) -> float:
    """How far the found pose misplaces the corner of the part's box that it misplaces most."""
    low, high = index.low, index.high
    corners = np.array([[(low, high)[k >> a & 1][a] for a in range(3)] + [1.0] for k in range(8)])
    return float(np.linalg.norm((corners @ (found @ np.linalg.inv(true)).T - corners)[:, :3], axis=1).max())
