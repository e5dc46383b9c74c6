"""Cuts of known solids, and deviations that were put in along them."""

import numpy as np
import pytest

from kernels.errors import InvalidParameter
from kernels.sections import cut, deviations_along


def solid() -> tuple[np.ndarray, np.ndarray]:
    """A block of 40 by 26 by 14 with a hole of radius 4 upright through its middle."""
    from manifold3d import Manifold

    block = Manifold.cube((40.0, 26.0, 14.0))
    mesh = (block - Manifold.cylinder(40.0, 4.0, circular_segments=96).translate((20.0, 13.0, -10.0))).to_mesh()
    return np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32)


def lengths(lines: list[np.ndarray]) -> list[float]:
    return sorted(float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum()) for line in lines)


def test_a_level_cut_is_the_outline_and_the_hole() -> None:
    lines = cut(*solid(), [0, 0, 5], [0, 0, 1])
    assert lengths(lines) == [pytest.approx(2 * np.pi * 4, rel=1e-3), pytest.approx(2 * (40 + 26))]
    assert all(np.array_equal(line[0], line[-1]) for line in lines)
    assert all(np.allclose(line[:, 2], 5) for line in lines)


def test_a_cut_along_the_hole_is_two_rectangles() -> None:
    assert lengths(cut(*solid(), [20, 13, 0], [0, 1, 0])) == [pytest.approx(2 * (16 + 14), rel=1e-3)] * 2


@pytest.mark.parametrize("height", [0.0, 14.0])
def test_a_plane_in_a_face_makes_no_loose_ends(height: float) -> None:
    lines = cut(*solid(), [0, 0, height], [0, 0, 1])
    assert all(np.array_equal(line[0], line[-1]) for line in lines)
    assert lengths(lines) in ([], lengths(cut(*solid(), [0, 0, 7], [0, 0, 1])))


def test_a_slanting_cut_has_the_length_of_its_plane_geometry() -> None:
    """From (0, 7) to (7, 14) in x and z, over all of y, beside the hole."""
    lines = cut(*solid(), [0, 0, 7], [1, 0, -1])
    assert lengths(lines) == [pytest.approx(2 * (26 + 7 * np.sqrt(2)))]


def test_a_plane_beside_the_part_cuts_nothing() -> None:
    assert cut(*solid(), [0, 0, 15], [0, 0, 1]) == []
    assert deviations_along([], np.zeros((3, 3)), np.zeros(3), [0, 0, 0], [0, 0, 1], 1.0, 1.0) == []


def test_an_open_surface_is_cut_to_an_open_line() -> None:
    square = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0.0]])
    (line,) = cut(square, [[0, 1, 2], [0, 2, 3]], [0, 4, 0], [0, 1, 0])
    assert sorted([tuple(line[0]), tuple(line[-1])]) == [(0, 4, 0), (10, 4, 0)]


def top_scan(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The top of the block, raised by 0.2 where x is above 30, unseen where it is below 10."""
    random = np.random.default_rng(seed)
    points = np.column_stack([random.uniform(0, 40, 40_000), random.uniform(0, 26, 40_000), np.full(40_000, 14.0)])
    points = points[points[:, 0] > 10]
    distances = 0.2 * (points[:, 0] > 30) + random.normal(0, 0.01, len(points))
    return points + distances[:, None] * [0, 0, 1], distances


def test_deviations_along_a_cut_are_those_of_the_points_beside_it() -> None:
    points, distances = top_scan()
    lines = cut(*solid(), [0, 4, 0], [0, 1, 0])
    (found,) = deviations_along(lines, points, distances, [0, 4, 0], [0, 1, 0], 1.0, 0.5)
    x, on_top = found.places[:, 0], found.places[:, 2] > 13.9
    assert np.allclose(found.places[:, 1], 4)
    assert found.deviations[on_top & (x > 31) & (x < 39)] == pytest.approx(0.2, abs=0.01)
    assert found.deviations[on_top & (x > 11.5) & (x < 29)] == pytest.approx(0.0, abs=0.01)
    assert np.isnan(found.deviations[on_top & (x < 8.5)]).all()
    assert np.isnan(found.deviations[found.places[:, 2] < 11]).all()
    near = np.abs(points[:, 1] - 4) <= 1.0
    assert found.points.sum() == pytest.approx(near.sum(), rel=0.01)


def test_lengths_that_are_none_are_refused() -> None:
    lines = cut(*solid(), [0, 4, 0], [0, 1, 0])
    with pytest.raises(InvalidParameter):
        deviations_along(lines, *top_scan(), [0, 4, 0], [0, 1, 0], 0.0, 0.5)
    with pytest.raises(InvalidParameter):
        cut(*solid(), [0, 4, 0], [0, 0, 0])
