"""Medians of the nearest points: the same as by looking at all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.arrays import Float64s
from kernels.cells import first_at_least, first_at_least_near
from kernels.deviation import nearest as module
from kernels.deviation.nearest import Nearest


def by_looking_at_all(
    points: Float64s, values: Float64s, places: Float64s, count: int, own: bool
) -> tuple[Float64s, Float64s]:
    """`own`: the places are the points, and none is its own neighbour."""
    squared = ((places[:, None] - points[None]) ** 2).sum(axis=2)
    if own:
        np.fill_diagonal(squared, np.inf)
    rows = np.argsort(squared, axis=1, kind="stable")[:, :count]
    return np.median(values[rows], axis=1), np.sqrt(np.take_along_axis(squared, rows, axis=1)[:, -1])


def surface(random: np.random.Generator, count: int) -> Float64s:
    """A bent sheet with a little noise, so that no two distances are equal."""
    x, y = random.uniform(0, 10, (2, count))
    return np.column_stack([x, y, np.sin(x) + 0.01 * random.normal(size=count)])


@pytest.mark.parametrize("count", [1, 8, 9, 100])
@pytest.mark.parametrize("own", [True, False])
def test_they_are_those_of_all_points(count: int, own: bool) -> None:
    random = np.random.default_rng(count)
    points = surface(random, 1500)
    # Strays, a place where points lie hundreds of times as close, and one far from all others.
    points[:40] = random.uniform(-5, 15, (40, 3))
    points[40:440] = points[500] + 0.02 * random.normal(size=(400, 3))
    points[440] = 1000.0
    values = random.normal(size=len(points))
    found = Nearest.among(points, values, count)
    places = points if own else np.vstack([points[::7] + 0.05, random.uniform(-50, 50, (50, 3))])
    medians, reaches = found.around_each() if own else found.around(places)
    expected = by_looking_at_all(points, values, places, count, own)
    np.testing.assert_array_equal(medians, expected[0])
    np.testing.assert_allclose(reaches, expected[1], rtol=1e-12)


@pytest.mark.parametrize("count", [1, 8, 100])
@pytest.mark.parametrize("times_apart", [0.5, 3.0, 10.0])
def test_who_stands_alone_is_told_as_by_all_medians(count: int, times_apart: float) -> None:
    random = np.random.default_rng(count)
    points = surface(random, 4000)
    points[:40] = random.uniform(-5, 15, (40, 3))
    points[40:440] = points[500] + 0.02 * random.normal(size=(400, 3))
    points[440:460] = points[460:480]
    points[480] = 1000.0
    values = 0.02 * random.normal(size=len(points))
    values[::50] += random.uniform(-0.5, 0.5, 80)
    found = Nearest.among(points, values, count)
    medians, reaches = found.around_each()
    against, apart = np.abs(values - medians), times_apart * float(np.median(reaches))
    for differing in (0.0, 8 * 1.4826 * float(np.median(against)), float(against[123]), np.inf):
        expected = (against > differing) | (reaches > apart)
        np.testing.assert_array_equal(found.alone(differing, apart), expected)
    assert 0 < np.count_nonzero((against > 0.2) | (reaches > apart)) < len(points)


def test_cells_tell_nearly_all_who_do_not_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    points, asked = surface(random, 20_000), []
    by_median = Nearest._found

    def counted(self: Nearest, places: Float64s, own: np.ndarray) -> tuple[Float64s, Float64s]:
        asked.append(len(places))
        return by_median(self, places, own)

    found = Nearest.among(points, 0.02 * random.normal(size=len(points)), 8)
    apart = 10.0 * float(np.median(found.around_each()[1]))
    monkeypatch.setattr(module.Nearest, "_found", counted)
    found.alone(0.16, apart)
    assert asked[0] < 4000


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(-2, 33), st.integers(0, 40))
def test_a_row_is_found_from_anywhere(keys: list[int], wanted: int, near: int) -> None:
    ordered = np.array(sorted(keys), np.int64)
    found = first_at_least_near(ordered, wanted, min(near, len(keys)))
    assert found == np.searchsorted(ordered, wanted) == first_at_least(ordered, wanted)


def test_cells_tell_nearly_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    points = surface(np.random.default_rng(3), 20_000)
    asked: list[int] = []
    by_tree = Nearest._by_tree

    def counted(self: Nearest, places: Float64s, own: np.ndarray) -> tuple[Float64s, Float64s]:
        asked.append(len(places))
        return by_tree(self, places, own)

    monkeypatch.setattr(module.Nearest, "_by_tree", counted)
    Nearest.among(points, points[:, 0], 8).around_each()
    assert sum(asked) < 0.02 * len(points)


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=2, max_size=40),
    scale=st.sampled_from([1e-9, 1.0, 1e6]),
    share=st.floats(0.01, 1.0),
)
def test_equal_distances_and_equal_points_do_no_harm(
    places: list[tuple[int, int, int]], scale: float, share: float
) -> None:
    points = np.array(places, np.float64) * scale
    count = max(1, int(share * (len(points) - 1)))
    found = Nearest.among(points, np.ones(len(points)), count)
    for own, (medians, reaches) in ((True, found.around_each()), (False, found.around(points))):
        assert (medians == 1.0).all()
        expected = by_looking_at_all(points, np.ones(len(points)), points, count, own)[1]
        np.testing.assert_allclose(reaches, expected, rtol=1e-9, atol=1e-12 * scale)


def test_as_many_as_there_are() -> None:
    points = surface(np.random.default_rng(5), 12)
    medians, _ = Nearest.among(points, points[:, 0], 12).around(points[:3])
    np.testing.assert_array_equal(medians, np.median(points[:, 0]))
