"""Figures of single faces: what lies on them, how much of them was seen, and that nothing is said where nothing was."""

import numpy as np
import pytest

from kernels.deviation import summarise_regions, survey

VERTICES = np.array([[0, 0, 0], [60, 0, 0], [60, 60, 0], [0, 60, 0], [60, 0, 40], [60, 60, 40.0]])
# A floor of 60 by 60 and a wall of 60 by 40 that stands on its edge.
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]], np.int32)
FACES = np.array([0, 0, 1, 1], np.int32)


def scanned(seed: int = 1, wall: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, distances and closest triangles; the wall is 0.1 too far out."""
    random = np.random.default_rng(seed)
    floor = np.column_stack([random.uniform(0, 60, (30_000, 2)), np.zeros(30_000)])
    side = np.column_stack([np.full(wall, 60.0), random.uniform(0, 60, wall), random.uniform(0, 40, wall)])
    distances = np.concatenate([random.normal(0, 0.02, 30_000), random.normal(0.1, 0.02, wall)])
    return np.concatenate([floor, side]), distances, np.repeat([0, 2], [30_000, wall]).astype(np.int32)


def regions(points: np.ndarray, distances: np.ndarray, near: np.ndarray) -> tuple:
    seen = survey(points, distances)
    return summarise_regions(seen, near[seen.rows], FACES, VERTICES, TRIANGLES, -0.05, 0.05)


def test_each_face_has_its_own_figures() -> None:
    floor, wall = regions(*scanned())
    assert (floor.area, wall.area) == (3600.0, 2400.0)
    assert (floor.points, wall.points) == (pytest.approx(30_000, abs=40), pytest.approx(20_000, abs=40))
    assert floor.figures.mean == pytest.approx(0.0, abs=0.001)
    assert wall.figures.mean == pytest.approx(0.1, abs=0.001)
    assert wall.figures.robust_sigma == pytest.approx(0.02, rel=0.05)
    assert (wall.figures.p2_5, wall.figures.p97_5) == (
        pytest.approx(0.1 - 0.0392, abs=0.002),
        pytest.approx(0.1392, abs=0.002),
    )
    assert floor.figures.percent_in_tolerance == pytest.approx(98.8, abs=0.5)
    assert wall.figures.percent_in_tolerance < 2


def test_coverage_is_the_share_of_the_face_that_was_seen() -> None:
    points, distances, near = scanned()
    floor, wall = regions(points, distances, near)
    assert (floor.coverage, wall.coverage) == (pytest.approx(1.0, abs=0.005), pytest.approx(1.0, abs=0.005))
    seen = ~((points[:, 2] == 0) & (points[:, 0] < 30))
    floor, wall = regions(points[seen], distances[seen], near[seen])
    assert floor.coverage == pytest.approx(0.5, abs=0.02)
    assert wall.coverage == pytest.approx(1.0, abs=0.005)


def test_a_deviation_does_not_count_as_a_gap() -> None:
    points, distances, near = scanned()
    wall = near == 2
    points[wall, 0] += 8.0
    distances[wall] += 7.9
    assert regions(points, distances, near)[1].coverage == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("count", [0, 20])
def test_a_face_without_data_has_no_figures(count: int) -> None:
    _, wall = regions(*scanned(wall=count))
    assert wall.figures is None
    assert wall.coverage < 0.1
    assert wall.area == 2400.0


def test_a_point_of_another_face_covers_nothing() -> None:
    """A scan of the floor alone runs along the wall's foot."""
    points, distances, near = scanned(wall=0)
    assert regions(points, distances, near)[1].coverage == 0.0
