"""The faces that a CAD kernel names beside its triangles."""

import numpy as np
import trimesh

from workers.readers.gltf import _faces


def box(*labels: int) -> trimesh.Trimesh:
    mesh = trimesh.creation.box()
    mesh.face_attributes["brep_index"] = np.array(labels)
    return mesh


SIDES = np.arange(12) // 2


def test_faces_are_numbered_through_all_meshes() -> None:
    found = _faces([box(*SIDES), box(*SIDES)])
    assert found is not None
    assert np.array_equal(found, [*SIDES, *(SIDES + 6)])


def test_a_mesh_that_names_none_leaves_all_to_their_edges() -> None:
    assert _faces([box(*SIDES), trimesh.creation.box()]) is None


def test_triangles_of_no_face_are_not_those_of_another_mesh() -> None:
    assert _faces([box(*SIDES), box(-1, *SIDES[1:])]) is None
