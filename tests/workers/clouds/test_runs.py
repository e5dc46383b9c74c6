"""The external sort: runs of any stretch, merged into tiles, against one sort of everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.morton import morton_keys
from workers.clouds import runs
from workers.clouds.grid import Cells, Floats, Grid, grid_for
from workers.clouds.pieces import Plan, Sizes
from workers.readers.pieces import Pieces
from workers.readers.units import LengthUnit


@dataclass(frozen=True, eq=False)
class Held:
    """Rows in memory."""

    points: Floats
    stated: LengthUnit | None = LengthUnit.MILLIMETRE
    unit_reason: str = ""

    @property
    def count(self) -> int:
        return len(self.points)

    @property
    def low(self) -> Floats:
        return np.nanmin(self.points, axis=0)

    @property
    def high(self) -> Floats:
        return np.nanmax(self.points, axis=0)

    def read(self, start: int, count: int) -> Iterator[Floats]:
        for row in range(start, start + count, 37):
            yield self.points[row : min(row + 37, start + count)]


def tiles_of(points: Floats, sizes: Sizes) -> tuple[Plan, list[Cells]]:
    rows = Held(points)
    plan = Plan("scan", grid_for(Pieces("scan", LengthUnit.MILLIMETRE, rows)), rows.count, sizes)
    made = [runs.read_run(rows, plan, number) for number in range(plan.runs)]
    indices = [runs.run_index(run.index) for run in made]
    tiles = []
    for low, high in pairwise(runs.borders(indices, sizes)):
        parts = []
        for run, index in zip(made, indices, strict=True):
            blocks = index.blocks_between(low, high)
            parts.append((index, blocks, run.blocks[index.offsets[blocks.start] : index.offsets[blocks.stop]]))
        tiles.append(runs.merged_tile(parts, plan.grid, low, high))
    return plan, tiles


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(20, 200), st.integers(1, 30), st.integers(1, 120))
def test_tiles_are_one_sort_of_everything(seed: int, count: int, run: int, block: int, tile: int) -> None:
    # Few places for many points: some of them fall together, at the borders of blocks and tiles as well.
    points = np.random.default_rng(seed).integers(1, 9, (count, 3)).astype(np.float64)
    plan, tiles = tiles_of(points, Sizes(run=run, block=block, tile=tile, sample=10))
    cells = np.concatenate(tiles)
    keys = plan.grid.keys(cells)
    assert (np.diff(keys.astype(np.int64)) >= 0).all()
    assert sorted(map(tuple, cells.tolist())) == sorted(map(tuple, plan.grid.cells_of(points).tolist()))
    places = [set(plan.grid.keys(tile).tolist()) for tile in tiles]
    assert sum(map(len, places)) == len(set().union(*places)), "a place was cut in two"


def test_a_key_interleaves_the_bits_of_its_cell() -> None:
    cells = np.random.default_rng(0).integers(0, 2**31 - 1, (500, 3)).astype(np.int32)
    for shift in (0, 10):
        naive = [
            sum((int(cell[axis]) >> shift >> bit & 1) << (3 * bit + axis) for bit in range(21) for axis in range(3))
            for cell in cells
        ]
        assert morton_keys(cells, shift).tolist() == naive


@pytest.mark.parametrize(("extent", "step"), [(100.0, 1e-4), (100_000.0, 1e-4), (5_000_000.0, 1e-2)])
def test_a_stored_coordinate_is_within_half_a_step(extent: float, step: float) -> None:
    points = np.random.default_rng(1).random((2000, 3)) * extent + 3e6
    rows = Held(points)
    grid: Grid = grid_for(Pieces("scan", LengthUnit.MILLIMETRE, rows))
    again = grid.points_mm(grid.cells_of(points)) + np.array(grid.shift_mm)
    assert grid.step_mm == pytest.approx(step)
    assert np.abs(again - points).max() <= step / 2 * 1.0001 + 1e-9


def test_what_is_no_place_is_counted_and_left_out() -> None:
    points = np.random.default_rng(2).random((500, 3)) + 1.0
    points[::10], points[5::50] = np.nan, 0.0
    rows = Held(points)
    plan = Plan("scan", grid_for(Pieces("scan", LengthUnit.MILLIMETRE, rows)), 500, Sizes(run=500))
    facts = runs.read_run(rows, plan, 0).facts
    assert (facts.points, facts.not_finite, facts.zeros) == (440, 50, 10)


def test_the_sample_is_even_and_the_same_each_time() -> None:
    points = np.random.default_rng(3).random((20_000, 3)) + 1.0
    rows = Held(points)
    plan = Plan(
        "scan", grid_for(Pieces("scan", LengthUnit.MILLIMETRE, rows)), 20_000, Sizes(run=10_000, sample=4_000)
    )  # fmt: skip
    one, again = runs.read_run(rows, plan, 1).sample, runs.read_run(rows, plan, 1).sample
    assert one == again
    assert len(runs.unpacked_cells(one)) == pytest.approx(2000, abs=200)
