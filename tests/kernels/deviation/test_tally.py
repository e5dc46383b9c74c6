"""Tallies of pieces, merged, against one pass over the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.deviation.tally import Distribution, Tally, histogram_of, merged, resolution, tally

LOWER, UPPER = -0.1, 0.2
ZONE = UPPER - LOWER
SOME = arrays(np.float64, st.integers(1, 300), elements=st.floats(-50.0, 50.0))
CUTS = st.lists(st.integers(0, 300), max_size=6)


def cut(values: np.ndarray, places: list[int]) -> list[np.ndarray]:
    return np.split(values, sorted(min(place, len(values)) for place in places))


def tallied(pieces: list[np.ndarray]) -> Tally:
    return merged((tally(piece, number, LOWER, UPPER) for number, piece in enumerate(pieces)), LOWER, UPPER)


@settings(max_examples=150, deadline=None)
@given(SOME, CUTS)
def test_however_values_are_cut_the_tally_is_that_of_one_pass(values: np.ndarray, places: list[int]) -> None:
    pieces = cut(values, places)
    whole = tallied(pieces)
    assert (whole.points, whole.strays) == (len(values), sum(range(len(pieces))))
    assert (whole.minimum, whole.maximum) == (values.min(), values.max())
    assert whole.inside == np.count_nonzero((values >= LOWER) & (values <= UPPER))
    once = tally(values, 0, LOWER, UPPER)
    assert (whole.rows.tolist(), whole.counts.tolist()) == (once.rows.tolist(), once.counts.tolist())
    assert whole.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
    assert whole.sigma == pytest.approx(values.std(ddof=1) if len(values) > 1 else 0.0, rel=1e-9, abs=1e-9)
    assert whole.rms == pytest.approx(np.sqrt(np.mean(values**2)), rel=1e-9, abs=1e-9)
    assert sum(count for _, _, count in whole.banded) == histogram_of(whole)[1].sum() == len(values)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 3.0), CUTS)
def test_percentiles_are_as_near_as_is_promised(seed: int, spread: float, places: list[int]) -> None:
    values = np.random.default_rng(seed).normal(0.02, spread, 5000)
    told = Distribution(tallied(cut(values, places)))
    # A percentile is anywhere between two of the values: their gap comes on top.
    ordered = np.sort(values)
    for share, found in ((0.025, told.at(0.025)), (0.975, told.at(0.975))):
        row = int(share * len(values))
        assert ordered[row - 2] - resolution(found, ZONE) <= found <= ordered[row + 2] + resolution(found, ZONE)
    assert told.p95 == pytest.approx(np.percentile(abs(values), 95), abs=0.01 * spread + 2 * resolution(told.p95, ZONE))
    robust = 1.4826 * np.median(abs(values - np.median(values)))
    assert told.robust_sigma == pytest.approx(robust, abs=0.01 * spread + 3 * resolution(robust, ZONE))


def test_the_histogram_is_that_of_the_values() -> None:
    random = np.random.default_rng(4)
    values = np.concatenate([random.normal(0.01, 0.03, 300_000), random.uniform(0.2, 0.5, 2_000)])
    edges, counts = histogram_of(tallied(np.array_split(values, 17)))
    direct, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    assert np.abs(counts - direct).max() <= 0.001 * len(values)


def test_a_tally_of_nothing_changes_nothing() -> None:
    values = np.linspace(-1.0, 1.0, 50)
    some = tally(values, 2, LOWER, UPPER)
    both = merged([tally(np.empty(0), 3, LOWER, UPPER), some, tally(np.empty(0), 0, LOWER, UPPER)], LOWER, UPPER)
    assert (both.points, both.strays, both.mean, both.squares) == (50, 5, some.mean, some.squares)
