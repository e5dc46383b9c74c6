"""What is measured: meshes, and clouds of points about them.

The rook is a machined part with many needles, tessellated from the STEP file of `../shared/data` and kept under `.d2r`;
where the file is absent, a generated solid of as many triangles stands in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHECKOUT = Path(__file__).resolve().parents[3]
ROOK = CHECKOUT.parent / "shared" / "data" / "scanner-sim" / "RookTargetv12.step"
KEPT = CHECKOUT / ".d2r" / "bench" / "rook.npz"
CHORD_MM, ANGLE_RAD = 0.01, 0.1
NOISE_MM, STRAYS = 0.3, 0.02

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    name: str
    vertices_mm: Floats
    triangles: NDArray[np.int32]

    @property
    def low_mm(self) -> Floats:
        return np.asarray(self.vertices_mm.min(axis=0))

    @property
    def high_mm(self) -> Floats:
        return np.asarray(self.vertices_mm.max(axis=0))


def ring(name: str, around: int, across: int) -> Mesh:
    """A closed ring with bumps, 150 mm wide, of 2 * around * across triangles of like size."""
    u = np.linspace(0, 2 * np.pi, around, endpoint=False)[:, None]
    v = np.linspace(0, 2 * np.pi, across, endpoint=False)[None]
    radius = 20 * (1 + 0.2 * np.sin(7 * u) * np.cos(5 * v))
    reach = 50 + radius * np.cos(v)
    vertices = np.stack([reach * np.cos(u), reach * np.sin(u), radius * np.sin(v)], axis=-1).reshape(-1, 3)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(around), np.arange(across), indexing="ij"))
    right, up = (i + 1) % around, (j + 1) % across
    a, b, c, d = i * across + j, right * across + j, right * across + up, i * across + up
    return Mesh(name, vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32))


def rook() -> Mesh:
    if not ROOK.exists():
        return ring("ring 490k", 700, 350)
    if not KEPT.exists():
        tessellate()
    with np.load(KEPT) as kept:
        return Mesh("rook 490k", kept["vertices_mm"], kept["triangles"])


def tessellate() -> None:
    import cascadio
    import trimesh

    KEPT.parent.mkdir(parents=True, exist_ok=True)
    glb = KEPT.with_suffix(".glb")
    cascadio.step_to_glb(str(ROOK), str(glb), CHORD_MM, ANGLE_RAD)
    mesh = trimesh.load(glb, force="mesh")
    np.savez(KEPT, vertices_mm=mesh.vertices * 1000.0, triangles=mesh.faces.astype(np.int32))
    glb.unlink()


def scan(mesh: Mesh, count: int, seed: int) -> NDArray[np.float32]:
    """Points in any order: evenly on the surface with noise, and strays in the box around it."""
    rng = np.random.default_rng(seed)
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, k]] for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    picked = np.searchsorted(np.cumsum(areas), rng.random(count) * areas.sum(), side="right").clip(max=len(a) - 1)
    shares = rng.random((count, 2))
    shares = np.where(shares.sum(axis=1, keepdims=True) > 1, 1 - shares, shares)
    points = a[picked] + shares[:, :1] * (b - a)[picked] + shares[:, 1:] * (c - a)[picked]
    points += rng.normal(size=(count, 3)) * NOISE_MM
    strays = rng.random(count) < STRAYS
    points[strays] = rng.uniform(mesh.low_mm - 5, mesh.high_mm + 5, (int(strays.sum()), 3))
    return points.astype(np.float32)


def far(mesh: Mesh, count: int, seed: int) -> NDArray[np.float32]:
    """Points anywhere in a box twice as wide as the mesh's."""
    middle, size = (mesh.low_mm + mesh.high_mm) / 2, mesh.high_mm - mesh.low_mm
    return np.random.default_rng(seed).uniform(middle - size, middle + size, (count, 3)).astype(np.float32)
