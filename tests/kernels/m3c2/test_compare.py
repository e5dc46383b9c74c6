"""M3C2 against a plain loop, against changes that were put in, and against py4dgeo where it is installed."""

import numpy as np
import pytest

from kernels.errors import InvalidParameter, WrongShape
from kernels.m3c2 import compare


def plate(count: int, seed: int, height: float = 0.0, noise: float = 0.02) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(0, 40, (count, 2)), height + random.normal(0, noise, count)])


def cores(count: int = 300, seed: int = 9) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(2, 38, (count, 2)), np.zeros(count)]), np.tile([0, 0, 1.0], (count, 1))


def naive(cloud: np.ndarray, core: np.ndarray, normal: np.ndarray, radius: float, depth: float) -> np.ndarray:
    """Places along the axis of the points in the cylinder."""
    along = (cloud - core) @ normal
    across = np.linalg.norm(cloud - core - along[:, None] * normal, axis=1)
    return along[(np.abs(along) <= depth) & (across <= radius)]


@pytest.mark.parametrize(("radius", "depth"), [(0.7, 0.3), (0.7, 4.0), (2.0, 9.5), (5.0, 1.0)])
def test_every_cylinder_holds_what_a_plain_loop_finds(radius: float, depth: float) -> None:
    random = np.random.default_rng(3)
    clouds = [random.uniform(-6, 6, (4000, 3)) + 1000.0 for _ in range(2)]
    places = random.uniform(-7, 7, (200, 3)) + 1000.0
    normals = random.normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    found = compare(*clouds, places, normals, radius, depth, 0.01)
    for row, (place, normal) in enumerate(zip(places, normals, strict=True)):
        one, other = (naive(cloud, place, normal, radius, depth) for cloud in clouds)
        assert (found.first_points[row], found.second_points[row]) == (len(one), len(other))
        if min(len(one), len(other)) < 4:
            assert np.isnan(found.distance[row])
            assert not found.is_significant[row]
            continue
        assert found.distance[row] == pytest.approx(other.mean() - one.mean(), abs=1e-9)
        error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
        assert found.detectable[row] == pytest.approx(1.96 * (error + 0.01), abs=1e-9)


def test_a_step_is_found_and_told_from_noise() -> None:
    second = plate(40_000, 2)
    second[second[:, 0] > 20, 2] += 0.05
    places, normals = cores()
    found = compare(plate(40_000, 1), second, places, normals, 1.0, 1.0)
    raised, flat = places[:, 0] > 21.5, places[:, 0] < 18.5
    assert found.distance[raised] == pytest.approx(0.05, abs=0.02)
    assert found.is_significant[raised].all()
    assert found.is_significant[flat].mean() < 0.12


def test_the_level_of_detection_holds_nineteen_of_twenty_times() -> None:
    places, normals = cores(2000)
    found = compare(plate(60_000, 1), plate(60_000, 2), places, normals, 0.8, 1.0)
    assert 0.03 < found.is_significant.mean() < 0.08


def test_the_registration_error_raises_the_level_of_detection() -> None:
    places, normals = cores(50)
    clouds = plate(20_000, 1), plate(20_000, 2)
    low, high = (compare(*clouds, places, normals, 1.0, 1.0, error) for error in (0.0, 0.03))
    assert high.detectable - low.detectable == pytest.approx(1.96 * 0.03)


def test_what_cannot_be_compared_is_refused_or_unknown() -> None:
    places, normals = cores(5)
    empty = compare(plate(1000, 1), np.empty((0, 3)), places, normals, 1.0, 1.0)
    assert np.isnan(empty.distance).all()
    assert not empty.is_significant.any()
    with pytest.raises(InvalidParameter):
        compare(plate(10, 1), plate(10, 2), places, normals, 0.0, 1.0)
    with pytest.raises(InvalidParameter):
        compare(plate(10, 1), plate(10, 2), places, normals * 2, 1.0, 1.0)
    with pytest.raises(WrongShape):
        compare(plate(10, 1), plate(10, 2), places, normals[:-1], 1.0, 1.0)


def test_distances_and_levels_are_those_of_py4dgeo() -> None:
    py4dgeo = pytest.importorskip("py4dgeo", reason="py4dgeo is not installed: ./dev kernel-peers")
    second = plate(40_000, 2)
    second[second[:, 0] > 20, 2] += 0.05
    places, normals = cores()
    ours = compare(plate(40_000, 1), second, places, normals, 1.0, 2.0, 0.01)
    theirs = py4dgeo.M3C2(
        epochs=(py4dgeo.Epoch(plate(40_000, 1)), py4dgeo.Epoch(second)),
        corepoints=places,
        corepoint_normals=normals,
        cyl_radius=1.0,
        max_distance=2.0,
        registration_error=0.01,
    )
    distances, uncertainties = theirs.run()
    assert ours.distance == pytest.approx(distances, abs=1e-9)
    assert ours.detectable == pytest.approx(uncertainties["lodetection"], rel=1e-2)
