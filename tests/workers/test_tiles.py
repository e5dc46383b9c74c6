"""Tiles read back by their documentation alone: every point once, where it was, with its deviation."""

import json

import numpy as np
import pytest
from scipy.spatial import cKDTree

from workers.pictures.zone import Zone
from workers.tiles import tiles_of

ZONE = Zone(-0.2, 0.2)


def sheet(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, y = random.uniform(-30, 90, (2, count))
    return np.column_stack([x, y, 5 * np.sin(x / 20)]), random.normal(0, 0.05, count)


def read(body: bytes, index: bytes) -> dict[str, np.ndarray]:
    """For each tile by name rows of x, y, z and deviation."""
    told = json.loads(index)
    found = {}
    for name, offset, count in told["tiles"]:
        records = np.frombuffer(body[offset : offset + 8 * count], "<u2").reshape(-1, 4)
        side, corner = told["side"] / 2 ** (len(name) - 1), np.array(told["origin"])
        for place, digit in enumerate(name[1:], 1):
            upper = np.array([int(digit) >> 2 & 1, int(digit) >> 1 & 1, int(digit) & 1])
            corner = corner + upper * told["side"] / 2**place
        deviations = records[:, 3].view("<i2") * told["deviationStep"]
        found[name] = np.column_stack([corner + records[:, :3] / 65535 * side, deviations])
    return found


def test_every_point_is_in_one_tile_where_it_was() -> None:
    points, deviations = sheet(60_000)
    tiles = tiles_of(points, deviations, ZONE)
    found = np.concatenate(list(read(tiles.body, tiles.index).values()))
    told = json.loads(tiles.index)
    assert len(found) == 60_000 == told["points"] == told["measuredPoints"] == len(tiles.body) // 8
    assert json.loads(tiles_of(points, deviations, ZONE, 70_000).index)["measuredPoints"] == 70_000
    away, near = cKDTree(found[:, :3]).query(points)
    assert away.max() < 120 / 65535
    assert np.abs(np.sort(found[:, 3]) - np.sort(deviations)).max() < 1e-4
    assert np.median(np.abs(found[near, 3] - deviations)) < 1e-4


def test_a_tile_never_lacks_its_parent_and_no_tile_is_crowded() -> None:
    tiles = tiles_of(*sheet(200_000), ZONE)
    names = {name: count for name, _, count in json.loads(tiles.index)["tiles"]}
    assert "r" in names
    assert all(name[:-1] in names for name in names if name != "r")
    assert max(map(len, names)) >= 3
    assert max(names.values()) < 3 * 4096


def test_the_root_is_a_view_of_the_whole() -> None:
    points, deviations = sheet(200_000)
    tiles = tiles_of(points, deviations, ZONE)
    root = read(tiles.body, tiles.index)["r"]
    assert len(root) < 12_000
    assert cKDTree(root[:, :3]).query(points)[0].max() < 120 / 64 * np.sqrt(3)


def test_points_on_one_spot_and_wild_deviations_are_kept_within_bounds() -> None:
    points = np.concatenate([np.zeros((9_000, 3)), np.ones((5, 3))])
    deviations = np.concatenate([np.full(9_004, 0.1), [800.0]])
    tiles = tiles_of(points, deviations, ZONE)
    found = np.concatenate(list(read(tiles.body, tiles.index).values()))
    assert len(found) == 9_005
    assert np.sort(found[:, 3])[:-1] == pytest.approx(0.1, abs=1e-4)
    assert found[:, 3].max() == pytest.approx(json.loads(tiles.index)["deviationStep"] * 32_767)


def test_the_same_scan_gives_the_same_tiles() -> None:
    assert tiles_of(*sheet(20_000), ZONE) == tiles_of(*sheet(20_000), ZONE)
