"""What lies around a tile, against every pair of points; and what a tile says, stored and read again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from kernels.deviation.pieces import FacePiece, PieceFigures
from kernels.deviation.tally import tally
from workers.clouds.figures import packed_figures, unpacked_figures
from workers.clouds.pieces import TileFacts
from workers.clouds.tiles import Surroundings, neighbours


@pytest.mark.parametrize("reach", [30, 40_000])
def test_whatever_lies_within_reach_is_around(reach: int) -> None:
    random = np.random.default_rng(2)
    own = random.integers(500_000, 700_000, (400, 3)).astype(np.int32)
    others = random.integers(0, 1_200_000, (20_000, 3)).astype(np.int32)
    others[:50] = own[:50] + random.integers(-reach, reach, (50, 3)).astype(np.int32)
    found = {tuple(cell) for cell in Surroundings.of(own, reach).among(others).tolist()}
    away = cKDTree(own).query(others, p=np.inf)[0]
    assert {tuple(cell) for cell in others[away <= reach].tolist()} <= found
    cube = max(reach, 2048)
    assert found <= {tuple(cell) for cell in others[away <= 2 * cube].tolist()}


def test_a_tile_at_the_edge_of_the_grid_has_its_neighbours() -> None:
    own, beside = np.zeros((1, 3), np.int32), np.array([[100, 0, 0], [2**30, 2**30, 2**30]], np.int32)
    assert Surroundings.of(own, 2**30 - 1).among(beside).tolist() == [[100, 0, 0]]
    assert Surroundings.of(beside[1:], 5).among(beside).tolist() == [[2**30] * 3]


def test_neighbours_are_those_whose_boxes_come_near() -> None:
    boxes = {0: (0, 10), 1: (15, 20), 2: (26, 30), 3: (31, 40)}
    tiles = {number: TileFacts(5, (low, 0, 0), (high, 5, 5), "") for number, (low, high) in boxes.items()}
    assert [neighbours(tiles, number, 5) for number in tiles] == [[1], [0], [3], [2]]


def test_what_a_tile_says_comes_back_bit_by_bit() -> None:
    random = np.random.default_rng(1)
    one, other = tally(random.normal(size=500), 3, -0.1, 0.2), tally(np.empty(0), 2, -0.1, 0.2)
    said = PieceFigures(
        (FacePiece(-1, one, -0.3, 0.4), FacePiece(7, other, np.inf, -np.inf)),
        np.array([4, 9]),
        random.random((2, 3)),
        np.array([0.4, -0.3]),
    )
    again = unpacked_figures(packed_figures(said), -0.1, 0.2)
    assert packed_figures(again) == packed_figures(said)
    assert [(each.face, each.lowest, each.highest) for each in again.faces] == [(-1, -0.3, 0.4), (7, np.inf, -np.inf)]
    assert (again.faces[0].tally.mean, again.faces[0].tally.strays) == (one.mean, 3)
    assert again.faces[0].tally.counts.tolist() == one.counts.tolist()
    assert (again.seen.tolist(), again.deviations.tolist()) == ([4, 9], [0.4, -0.3])
