"""What lies near a tile, against every pair of points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from kernels.morton import morton_keys
from workers.clouds.grid import Cells, Grid
from workers.clouds.near import Surroundings, coarse_cubes, neighbours
from workers.clouds.pieces import TileFacts
from workers.readers.units import LengthUnit


def grid(key_shift: int) -> Grid:
    return Grid(LengthUnit.MILLIMETRE, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1e-4, key_shift)


def facts(on: Grid, cells: Cells) -> TileFacts:
    low, high = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    return TileFacts(len(cells), tuple(low), tuple(high), "", coarse_cubes(on, cells))


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


@pytest.mark.parametrize("key_shift", [0, 5])
@pytest.mark.parametrize("reach", [1, 3_000, 2**13, 2**13 + 1, 100_000, 2**26 - 1])
def test_every_tile_within_reach_is_a_neighbour_and_few_others_are(reach: int, key_shift: int) -> None:
    random, on, side = np.random.default_rng(reach), grid(key_shift), 2 ** (13 + key_shift)
    # Of a bowl, as scans are surfaces: 20 stretches of the curve, whose boxes meet far more often than they do.
    flat = random.integers(0, 2 ** (21 + key_shift), (4_000, 2))
    depth = ((flat / 2 ** (20 + key_shift) - 1) ** 2).sum(axis=1) * 2 ** (20 + key_shift) - 1
    cells = np.column_stack([flat, np.maximum(depth, 0)]).astype(np.int32)
    pieces = np.array_split(cells[np.argsort(morton_keys(cells, key_shift))], 20)
    tiles = {number: facts(on, piece) for number, piece in enumerate(pieces)}
    trees = [cKDTree(piece) for piece in pieces]
    for number, piece in enumerate(pieces):
        found = neighbours(on, tiles, number, reach)
        away = [tree.query(piece, p=np.inf)[0].min() for tree in trees]
        within = {other for other, far in enumerate(away) if far <= reach and other != number}
        assert found == sorted(found)
        assert within <= set(found)
        cube = max(side, 2 * reach)
        assert set(found) <= {other for other, far in enumerate(away) if far <= 2 * cube}


def test_boxes_that_meet_are_not_enough() -> None:
    on, corner = grid(0), 2**20
    bent = np.array([[corner, 0, 0], [0, corner, 0]], np.int32)
    within = np.array([[corner // 2] * 2 + [0]], np.int32)
    tiles = {0: facts(on, bent), 1: facts(on, within), 2: facts(on, bent + np.int32(4))}
    assert [neighbours(on, tiles, number, 5) for number in tiles] == [[2], [], [0]]


def test_of_tiles_without_cubes_the_boxes_are_enough() -> None:
    on, boxes = grid(0), {0: (0, 10), 1: (15, 20), 2: (26, 30), 3: (31, 40)}
    tiles = {number: TileFacts(5, (low, 0, 0), (high, 5, 5), "") for number, (low, high) in boxes.items()}
    assert [neighbours(on, tiles, number, 5) for number in tiles] == [[1], [0], [3], [2]]
    tiles[2] = facts(on, np.array([[2**20, 0, 0], [26, 2**20, 0]], np.int32))
    assert neighbours(on, tiles, 2, 5) == [3]
