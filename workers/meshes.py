"""Nominal shapes in the object store: written once by the import, read by every scan that is measured against them.

In: a mesh in millimetres. Out: an .npz object, and back again. Never pickled: a stored file must not run code.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.faces import faces_of, numbered
from subgraphs.inspection.model import MeshFacts
from workers.readers.values import CadMesh


@dataclass(frozen=True, eq=False)
class NominalMesh:
    vertices_mm: NDArray[np.float64]
    triangles: NDArray[np.int32]
    faces: NDArray[np.int32]
    """(m,) the face of each triangle, the largest is 0: the CAD's own, or by sharp edges. -1: too small to tell."""


def nominal(mesh: CadMesh) -> NominalMesh:
    """A part as it was read, with its faces."""
    faces = (
        faces_of(mesh.vertices_mm, mesh.triangles)
        if mesh.faces is None
        else numbered(mesh.vertices_mm, mesh.triangles, mesh.faces)
    )
    return NominalMesh(mesh.vertices_mm, mesh.triangles, faces)


def packed(mesh: NominalMesh) -> bytes:
    file = io.BytesIO()
    np.savez(file, vertices_mm=mesh.vertices_mm, triangles=mesh.triangles, faces=mesh.faces)
    return file.getvalue()


def unpacked(body: bytes) -> NominalMesh:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        vertices = np.ascontiguousarray(arrays["vertices_mm"], np.float64)
        triangles = np.ascontiguousarray(arrays["triangles"], np.int32)
        # Shapes that were imported before faces were kept have none in the store.
        faces = arrays["faces"].astype(np.int32) if "faces" in arrays else faces_of(vertices, triangles)
        return NominalMesh(vertices, triangles, faces)


def facts_of(mesh: CadMesh) -> MeshFacts:
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, corner]] for corner in range(3))
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    return MeshFacts(
        triangles=len(mesh.triangles),
        vertices=len(mesh.vertices_mm),
        watertight=mesh.watertight,
        area_mm2=float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2),
        minimum_mm=(float(low[0]), float(low[1]), float(low[2])),
        maximum_mm=(float(high[0]), float(high[1]), float(high[2])),
    )
