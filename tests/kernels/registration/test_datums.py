"""Datum reference frames: precedence, what each datum holds, what is left."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold

from kernels.distance import MeshIndex
from kernels.errors import DegenerateReference, ScanMissing
from kernels.features import feature_at
from kernels.features.shapes import distances
from kernels.registration.datums import Datum, align_to_datums
from kernels.registration.motion import MotionKind, rotations
from kernels.registration.starts import surface_sample
from tests.kernels.registration.scans import indexed, stepped_block


def datum(index: MeshIndex, name: str, place: tuple[float, float, float]) -> Datum:
    picked = feature_at(index.surface.vertices, index.surface.triangles, place)
    return Datum(name, picked.shape, index.surface.sources[picked.triangles])


def skewed(index: MeshIndex) -> np.ndarray:
    """A scan of a block whose long side leans: x grows by 0.01 for each unit of z, so A and B are not square."""
    points = surface_sample(index, 40_000, seed=1) + np.random.default_rng(1).normal(0, 0.005, (40_000, 3))
    points[:, 1] += 0.01 * points[:, 2]
    return points


def on(index: MeshIndex, points: np.ndarray, own: Datum) -> np.ndarray:
    """Distances of the scan's points from the datum whose triangles are nearest to them."""
    rows = np.isin(index.signed_distance(points).triangle, own.triangles)
    return distances(own.shape, points[rows])


def tilt(index: MeshIndex, points: np.ndarray, own: Datum, along: int, across_axis: int) -> float:
    """Slope of the datum's own points against their nominal plane."""
    rows = np.isin(index.signed_distance(points).triangle, own.triangles)
    return float(np.polyfit(points[rows][:, along], distances(own.shape, points[rows]), 1)[0])


def test_the_primary_is_met_first_and_the_secondary_with_what_is_left() -> None:
    index = stepped_block()
    bottom, front, left = (datum(index, *row) for row in (("A", (25, 15, 0)), ("B", (25, 0, 9)), ("C", (0, 15, 10))))
    scan = skewed(index)
    first = align_to_datums(index, scan, (bottom, front, left), start=np.eye(4))
    second = align_to_datums(index, scan, (front, bottom, left), start=np.eye(4))
    for found, level, leaning, along in ((first, bottom, front, 2), (second, front, bottom, 1)):
        turn, shift = found.registration.transform[:3, :3], found.registration.transform[:3, 3]
        placed = scan @ turn.T + shift
        assert abs(tilt(index, placed, level, 1 if along == 2 else 2, 0)) < 2e-4
        assert abs(tilt(index, placed, leaning, along, 0)) == pytest.approx(0.01, abs=5e-4)
        assert [fit.held for fit in found.datums] == [3, 2, 1]
        assert found.left_free == ()


def test_a_hole_and_a_face_leave_the_turn_about_the_hole_to_the_best_fit() -> None:
    plate = Manifold.cube((60, 40, 10)) - Manifold.cylinder(20, 8, circular_segments=128).translate((30, 20, -5))
    index = indexed(plate - Manifold.cube((10, 10, 20)).translate((0, 0, -5)))
    face, hole = datum(index, "A", (10, 30, 10)), datum(index, "B", (38, 20, 5))
    scan = surface_sample(index, 40_000, seed=2) + np.random.default_rng(2).normal(0, 0.005, (40_000, 3))
    # The hole is 0.2 to the right of its place and 0.05 larger: the rest of the plate must follow the hole.
    wall = np.isin(index.signed_distance(scan).triangle, hole.triangles)
    away = scan[wall][:, :2] - (30, 20)
    scan[wall, :2] += 0.05 * away / np.linalg.norm(away, axis=1)[:, None] + (0.2, 0)
    start = np.eye(4)
    start[:3, :3] = rotations(np.array([[0.0, 0.0, 0.03]]))[0]
    found = align_to_datums(index, scan, (face, hole), start=start)
    (motion,) = found.left_free
    assert motion.kind is MotionKind.ROTATION
    assert abs(motion.direction[2]) > 0.999
    assert found.datums[1].size_deviation == pytest.approx(0.05, abs=0.005)
    turn, shift = found.registration.transform[:3, :3], found.registration.transform[:3, 3]
    np.testing.assert_allclose((turn @ (30.2, 20, 0) + shift)[:2], (30, 20), atol=0.003)
    assert abs(turn[0, 1]) < 1e-3


def test_what_one_face_leaves_is_told_as_slides_and_a_turn() -> None:
    index = stepped_block()
    found = align_to_datums(index, skewed(index), (datum(index, "A", (25, 15, 0)),), start=np.eye(4))
    *slides, turn = sorted(found.left_free, key=lambda motion: motion.kind.value, reverse=True)
    assert [motion.kind for motion in (*slides, turn)] == [*[MotionKind.TRANSLATION] * 2, MotionKind.ROTATION]
    assert turn.describe() == "rotation about (0.00, 0.00, 1.00) through (25.0, 15.0, 15.5)"
    assert all(abs(motion.direction[2]) < 1e-9 for motion in slides)


def test_a_datum_that_adds_nothing_is_refused() -> None:
    index = stepped_block()
    bottom = datum(index, "A", (25, 15, 0))
    again = Datum("B", bottom.shape, bottom.triangles)
    with pytest.raises(DegenerateReference, match="B holds nothing"):
        align_to_datums(index, skewed(index), (bottom, again), start=np.eye(4))


def test_a_datum_that_the_scan_does_not_show_is_named() -> None:
    index = stepped_block()
    bottom = datum(index, "A", (25, 15, 0))
    scan = skewed(index)
    with pytest.raises(ScanMissing, match="datum A"):
        align_to_datums(index, scan[scan[:, 2] > 0.5], (bottom,), start=np.eye(4))
