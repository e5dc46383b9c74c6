"""Points left out of a cloud: never too many of a cell, all of a sparse one."""

import numpy as np

from workers.thinning import thinned


def test_a_dense_cell_is_thinned_evenly_and_a_sparse_one_is_kept() -> None:
    random = np.random.default_rng(1)
    dense, sparse = random.uniform(0, 1, (1000, 3)), random.uniform(5.2, 5.9, (7, 3))
    rows = thinned(np.concatenate([[[0, 0, 0]], dense, sparse]), 1.0, 10)
    assert (rows[-7:] == np.arange(1001, 1008)).all()
    assert len(rows) == 17
    assert np.abs(np.diff(rows[:10]) - 100).max() <= 1


def test_points_that_are_few_enough_are_all_kept() -> None:
    points = np.random.default_rng(2).normal(size=(500, 3))
    assert (thinned(points, 100.0, 500) == np.arange(500)).all()
    assert (thinned(points, 1e-12, 1) == np.arange(500)).all()


def test_no_cell_holds_more_than_asked() -> None:
    points = np.random.default_rng(3).normal(size=(20_000, 3))
    kept = points[thinned(points, 0.5, 12)]
    cells = np.floor((kept - points.min(axis=0)) / 0.5)
    assert np.unique(cells, axis=0, return_counts=True)[1].max() == 12
