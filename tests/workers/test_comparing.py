"""What a comparison makes of two scans that lie on their CAD."""

import datetime
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from kernels.m3c2 import Change, compare
from subgraphs.inspection.model import ComparisonId, ScanComparison, ScanId, UploadState
from workers import comparing
from workers.comparing import Placed
from workers.meshes import NominalMesh
from workers.pictures import scene

ASKED = ScanComparison(
    id=ComparisonId(uuid4()),
    first_scan_id=ScanId(uuid4()),
    second_scan_id=ScanId(uuid4()),
    radius_mm=0.8,
    depth_mm=2.0,
    registration_error_mm=None,
    state=UploadState.PROCESSING,
    fault=None,
    changes=None,
    job_id=None,
    created_at=datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC),
)


def a_block() -> NominalMesh:
    vertices = np.array([[x, y, z] for x in (0, 10) for y in (0, 10) for z in (0, 10)], np.float64)
    triangles = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    triangles += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return NominalMesh(vertices, np.array(triangles, np.int32), np.repeat(np.arange(6, dtype=np.int32), 2))


@pytest.fixture(scope="module")
def block() -> NominalMesh:
    return a_block()


def on_top(count: int, height: float = 10.0, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(0, 10, (count, 2)), np.full(count, height)])


def test_scans_without_noise_are_compared(block: NominalMesh) -> None:
    asked = replace(ASKED, registration_error_mm=0.0)
    found = comparing._compared(asked, block, Placed(on_top(4000), 0.0), Placed(on_top(4000, 10.05, 2), 0.0))
    assert found.figures.detectable_mm == 0.0
    assert found.figures.median_mm == pytest.approx(0.05)
    assert found.scene[:4] == b"glTF"


def test_a_part_too_fine_for_a_scene_is_compared_without(block: NominalMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "_MOST_TRIANGLES", 11)
    found = comparing._compared(ASKED, block, Placed(on_top(4000), 0.001), Placed(on_top(4000, 10.05, 2), 0.001))
    assert (found.scene, found.changes(None, "key").scene_key) == (None, None)


def test_what_a_comparison_costs_is_bounded_however_dense_the_scans_are(
    block: NominalMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bounded(first: np.ndarray, second: np.ndarray, cores: np.ndarray, *rest: Any) -> Change:
        # The top has 36 cells as wide as the radius.
        assert max(len(first), len(second)) <= 36 * comparing.POINTS_IN_CELL
        assert len(cores) <= 36 * comparing.CORES_IN_CELL
        return compare(first, second, cores, *rest)

    monkeypatch.setattr(comparing, "compare", bounded)
    asked = replace(ASKED, radius_mm=1.73, depth_mm=86.0)
    found = comparing._compared(asked, block, Placed(on_top(400_000), 0.0), Placed(on_top(400_000, 10.05, 2), 0.0))
    assert found.figures.median_mm == pytest.approx(0.05)
