"""Statistics of a deviation map against what was put into it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.deviation import summarise
from kernels.errors import InvalidParameter, NotFinite, TooFewPoints, WrongShape


def plate(count: int = 40_000, noise: float = 0.02, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A flat plate of 60 by 60 and its noisy distances."""
    random = np.random.default_rng(seed)
    points = np.column_stack([random.uniform(0, 60, (count, 2)), np.zeros(count)])
    return points, random.normal(0, noise, count)


def test_plain_statistics_are_those_of_the_distances() -> None:
    points, distances = plate()
    found = summarise(points, distances, -0.05, 0.05)
    assert found.mean == pytest.approx(distances.mean(), abs=1e-4)
    assert found.sigma == pytest.approx(0.02, rel=0.03)
    assert found.robust_sigma == pytest.approx(0.02, rel=0.03)
    assert found.rms == pytest.approx(0.02, rel=0.03)
    assert found.percent_in_tolerance == pytest.approx(98.76, abs=0.3)
    assert sum(count for _, _, count in found.bands) == found.points == found.histogram_counts.sum()


@pytest.mark.parametrize("height", [0.3, -0.3, 0.1])
def test_a_small_bulge_is_measured_and_placed(height: float) -> None:
    points, distances = plate()
    distances[np.linalg.norm(points[:, :2] - (20, 35), axis=1) < 5] += height
    found = summarise(points, distances, -0.2, 0.2)
    profile = found.profile_upper if height > 0 else found.profile_lower
    assert profile == pytest.approx(height, abs=0.015)
    assert np.linalg.norm(np.array(found.worst[0].position) - (20, 35, 0)) < 5
    assert found.worst[0].deviation == pytest.approx(height, abs=0.015)


def test_strays_decide_nothing_and_are_counted() -> None:
    points, distances = plate()
    random = np.random.default_rng(2)
    stray = random.choice(len(points), 200, replace=False)
    distances[stray] += random.choice([-5.0, 5.0], 200)
    found = summarise(points, distances, -0.2, 0.2)
    assert 195 <= found.strays <= 230
    assert -0.03 < found.profile_lower < found.profile_upper < 0.03
    assert found.rms == pytest.approx(0.02, rel=0.05)


def test_each_bulge_is_one_worst_place_however_wide() -> None:
    points, distances = plate()
    bulges = {(10, 10): 0.25, (50, 10): -0.2, (30, 50): 0.15}
    for centre, height in bulges.items():
        distances[np.linalg.norm(points[:, :2] - centre, axis=1) < 6] += height
    worst = summarise(points, distances, -0.2, 0.2).worst[:3]
    for place, (centre, height) in zip(worst, bulges.items(), strict=True):
        assert np.linalg.norm(np.subtract(place.position[:2], centre)) < 6
        assert place.deviation == pytest.approx(height, abs=0.02)


def test_two_bulges_side_by_side_are_two_places() -> None:
    points, distances = plate()
    for centre in ((20, 30), (36, 30)):
        apart = np.linalg.norm(points[:, :2] - centre, axis=1)
        distances += 0.2 * np.exp(-((apart / 5) ** 2))
    worst = summarise(points, distances, -0.2, 0.2).worst[:2]
    assert sorted(round(place.position[0] / 16) for place in worst) == [1, 2]


def test_a_plate_without_a_flaw_has_few_worst_places() -> None:
    assert 1 <= len(summarise(*plate(), -0.2, 0.2).worst) <= 3


def test_the_uncertainty_grows_with_the_noise() -> None:
    quiet, loud = (summarise(*plate(noise=noise), -0.2, 0.2).uncertainty for noise in (0.01, 0.04))
    assert loud == pytest.approx(4 * quiet, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-0.1, 0.1), scale=st.floats(0.001, 0.1))
def test_shifting_all_deviations_shifts_the_profile(shift: float, scale: float) -> None:
    points, distances = plate(4000, noise=scale)
    base, moved = (summarise(points, distances + by, -0.5, 0.5) for by in (0.0, shift))
    assert moved.mean - base.mean == pytest.approx(shift, abs=1e-9)
    assert moved.profile_upper - base.profile_upper == pytest.approx(shift, abs=1e-9)


def test_what_cannot_be_summarised_is_refused() -> None:
    points, distances = plate(1000)
    with pytest.raises(WrongShape):
        summarise(points, distances[:-1], -0.2, 0.2)
    with pytest.raises(NotFinite):
        summarise(points, np.where(np.arange(1000) == 3, np.nan, distances), -0.2, 0.2)
    with pytest.raises(InvalidParameter):
        summarise(points, distances, 0.2, -0.2)
    with pytest.raises(TooFewPoints):
        summarise(points[:10], distances[:10], -0.2, 0.2)
