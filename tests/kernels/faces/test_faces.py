"""Faces of a part by its sharp edges, and the shapes that they are."""

import numpy as np
import pytest

from kernels.faces import ELSEWHERE, Cylinder, Plane, Sphere, faces_of, numbered, shape_of


def solid(sides: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A block of 40 by 26 by 14 with a hole of radius 4 through it."""
    from manifold3d import Manifold

    block = Manifold.cube((40.0, 26.0, 14.0))
    mesh = (block - Manifold.cylinder(40.0, 4.0, circular_segments=sides).translate((20.0, 13.0, -10.0))).to_mesh()
    return np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32)


def shapes(vertices: np.ndarray, triangles: np.ndarray) -> list[object]:
    faces = faces_of(vertices, triangles)
    normals = np.cross(*(vertices[triangles[:, k]] - vertices[triangles[:, 0]] for k in (1, 2)))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    return [
        shape_of(vertices[np.unique(triangles[faces == face])], normals[faces == face], 1e-3)
        for face in range(faces.max() + 1)
    ]


def test_a_block_with_a_hole_has_six_planes_and_a_cylinder() -> None:
    found = shapes(*solid())
    (hole,) = (shape for shape in found if isinstance(shape, Cylinder))
    assert sum(isinstance(shape, Plane) for shape in found) == 6
    assert (hole.radius, hole.length) == (pytest.approx(4.0, abs=1e-4), pytest.approx(14.0, abs=1e-4))
    assert np.abs(hole.axis[2]) == pytest.approx(1.0, abs=1e-6)
    assert hole.point == pytest.approx([20.0, 13.0, 7.0], abs=1e-4)


def test_faces_are_numbered_by_area() -> None:
    vertices, triangles = solid()
    faces = faces_of(vertices, triangles)
    areas = np.linalg.norm(np.cross(*(vertices[triangles[:, k]] - vertices[triangles[:, 0]] for k in (1, 2))), axis=1)
    totals = [areas[faces == face].sum() for face in range(faces.max() + 1)]
    assert totals == sorted(totals, reverse=True)
    assert len(totals) == 7


def test_a_ball_is_one_sphere() -> None:
    from manifold3d import Manifold

    mesh = Manifold.sphere(9.0, 64).to_mesh()
    points = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    (ball,) = shapes(points, np.asarray(mesh.tri_verts, np.int32))
    assert isinstance(ball, Sphere)
    assert ball.radius == pytest.approx(9.0, abs=1e-4)


def test_a_wavy_sheet_is_of_no_plain_shape() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 30, 31), np.linspace(0, 30, 31)))
    points = np.column_stack([x, y, np.sin(x / 4) * np.cos(y / 5)])
    normals = np.column_stack([-np.cos(x / 4) / 4, np.sin(y / 5) / 5, np.ones(len(x))])
    assert shape_of(points, normals, 1e-3) is None


def test_a_shallow_arc_is_not_taken_for_a_cylinder() -> None:
    angle = np.linspace(-0.05, 0.05, 20)
    arc = np.concatenate([np.column_stack([100 * np.sin(angle), 100 * np.cos(angle), np.full(20, z)]) for z in (0, 9)])
    normals = np.column_stack([np.sin(angle), np.cos(angle), np.zeros(20)])
    assert shape_of(arc, normals, 1e-4) is None


def test_a_chamfer_is_not_taken_for_a_ball() -> None:
    """Two rings lie on a sphere as well as on their cone."""
    from manifold3d import Manifold

    mesh = (
        Manifold.cylinder(10.0, 8.0, 8.0, 64) + Manifold.cylinder(1.0, 8.0, 7.0, 64).translate((0, 0, 10))
    ).to_mesh()
    found = shapes(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))
    assert [type(shape) for shape in found] == [Cylinder, Plane, Plane, type(None)]


def test_an_open_groove_says_how_far_it_goes_round() -> None:
    angle = np.radians(np.repeat(np.arange(0, 121, 5.0), 2))
    ends = np.tile([0.0, 9.0], 25)
    points = np.column_stack([5 * np.cos(angle), 5 * np.sin(angle), ends])
    groove = shape_of(points, np.column_stack([np.cos(angle), np.sin(angle), np.zeros(50)]), 1e-6)
    assert isinstance(groove, Cylinder)
    assert (groove.turn, groove.radius) == (pytest.approx(np.radians(120)), pytest.approx(5.0))


def test_crumbs_are_elsewhere_and_faces_of_the_file_keep_their_triangles() -> None:
    vertices, triangles = solid()
    label = np.full(len(triangles), 7)
    areas = np.linalg.norm(np.cross(*(vertices[triangles[:, k]] - vertices[triangles[:, 0]] for k in (1, 2))), axis=1)
    label[int(np.argmax(areas))] = 3
    assert set(numbered(vertices, triangles, label)) == {0, 1}
    tiny = np.concatenate([vertices, vertices[:1] + np.eye(3) * 1e-3])
    more = np.concatenate([triangles, [[len(vertices), len(vertices) + 1, len(vertices) + 2]]]).astype(np.int32)
    assert faces_of(tiny, more)[-1] == ELSEWHERE
