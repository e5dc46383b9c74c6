"""Effective n against fields whose correlation is known."""

import numpy as np
import pytest

from kernels.deviation.autocorrelation import effective_count


def plate(count: int, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(0, 60, (count, 2)), np.zeros(count)]), random


def test_independent_points_count_all() -> None:
    points, random = plate(20_000, 1)
    assert effective_count(points, random.normal(size=20_000)) > 0.9 * 20_000


@pytest.mark.parametrize("side", [1.0, 4.0, 10.0])
def test_points_that_share_a_patch_count_about_once(side: float) -> None:
    found = []
    for seed in range(5):
        points, random = plate(20_000, seed)
        cells = np.floor(points[:, :2] / side).astype(int)
        field = random.normal(size=(60, 60))
        found.append(effective_count(points, field[cells[:, 0], cells[:, 1]]))
    patches = (60 / side) ** 2
    assert 0.5 * patches < np.median(found) < 2.0 * patches


def test_it_is_the_number_by_which_the_mean_scatters() -> None:
    """Half noise, half waves of 3 mm: sigma / sqrt(n') against the scatter of the mean over many fields."""
    means, told = [], []
    for seed in range(40):
        points, random = plate(2_000, seed)
        peaks = random.uniform(-6, 66, (300, 2))
        heights = random.normal(size=300)
        squared = ((points[:, None, :2] - peaks) ** 2).sum(axis=2)
        values = np.exp(-squared / 18) @ heights
        values = values / 1.4 + random.normal(size=2_000)
        means.append(values.mean())
        told.append(values.std() / np.sqrt(effective_count(points, values)))
    assert np.median(told) == pytest.approx(np.std(means), rel=0.4)


def test_a_constant_field_has_no_correlation_to_speak_of() -> None:
    points, _ = plate(500, 1)
    assert effective_count(points, np.full(500, 0.1)) == 500
