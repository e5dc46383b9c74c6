"""Registration against known poses: where the scan was, how exact, and when it refuses."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from manifold3d import Manifold

from infra.demo.part import demo_part
from kernels.distance import MeshIndex
from kernels.errors import AmbiguousRegistration, InvalidParameter, RegistrationFailed, TooFewPoints
from kernels.registration import MotionKind, register, scale_suspicion
from kernels.registration.motion import even_rotations
from kernels.registration.starts import surface_sample

CHECKOUT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("D2R_SHARED") or CHECKOUT.parent / "shared") / "data"


def indexed(solid: Manifold) -> MeshIndex:
    mesh = solid.to_mesh()
    return MeshIndex.build(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))


@cache
def bracket() -> MeshIndex:
    part = demo_part()
    return MeshIndex.build(part.vertices_mm, part.triangles)


@cache
def angle_iron() -> MeshIndex:
    solid = Manifold.cube((60, 40, 6)) + Manifold.cube((6, 40, 30))
    return indexed(solid - Manifold.cylinder(20, 4, circular_segments=48).translate((45, 12, -5)))


@cache
def stepped_block() -> MeshIndex:
    return indexed(Manifold.cube((50, 30, 20)) + Manifold.cube((20, 15, 12)).translate((5, 3, 19)))


def scanned(index: MeshIndex, turn: int, noise: float = 0.02, strays: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """A scan of the whole surface in a pose of its own, and the transform back."""
    random = np.random.default_rng(turn)
    points = surface_sample(index, 30_000, seed=turn) + random.normal(0, noise, (30_000, 3))
    lost = random.random(len(points)) < strays
    points[lost] += random.uniform(-10, 10, (np.count_nonzero(lost), 3))
    pose = np.eye(4)
    pose[:3, :3] = even_rotations(40)[turn * 7 % 40]
    pose[:3, 3] = random.uniform(-500, 500, 3)
    return points @ pose[:3, :3].T + pose[:3, 3], np.linalg.inv(pose)


def worst_corner(index: MeshIndex, found: np.ndarray, true: np.ndarray) -> float:
    """How far the found pose misplaces the corner of the part's box that it misplaces most."""
    low, high = index.low, index.high
    corners = np.array([[(low, high)[k >> a & 1][a] for a in range(3)] + [1.0] for k in range(8)])
    return float(np.linalg.norm((corners @ (found @ np.linalg.inv(true)).T - corners)[:, :3], axis=1).max())


@pytest.mark.parametrize("part", [bracket, angle_iron, stepped_block])
@pytest.mark.parametrize("turn", [1, 2])
def test_a_scan_is_found_in_any_pose(part: object, turn: int) -> None:
    index = part()  # type: ignore[operator]
    points, true = scanned(index, turn)
    found = register(index, points, seed=turn)
    assert worst_corner(index, found.transform, true) < 0.005
    assert found.fitness > 0.98
    assert (found.unconstrained, found.ambiguous) == ((), False)


def test_one_side_of_a_part_is_enough() -> None:
    index = bracket()
    points, true = scanned(index, 3)
    seen = (points @ true[:3, :3].T + true[:3, 3])[:, 2] > 11.0
    found = register(index, points[seen])
    assert worst_corner(index, found.transform, true) < 0.02


def test_the_same_scan_and_seed_give_the_same_pose() -> None:
    points, _ = scanned(angle_iron(), 4)
    np.testing.assert_array_equal(register(angle_iron(), points).transform, register(angle_iron(), points).transform)


def test_a_given_start_that_fits_is_kept() -> None:
    index = stepped_block()
    points, true = scanned(index, 5)
    nudged = true.copy()
    nudged[:3, 3] += 0.5
    found = register(index, points, start=nudged)
    assert found.method == "given start"
    assert worst_corner(index, found.transform, true) < 0.005


def test_a_scan_of_another_part_is_refused_with_what_to_do() -> None:
    points, _ = scanned(bracket(), 1)
    with pytest.raises(RegistrationFailed, match="same part"):
        register(stepped_block(), points)


def test_a_shaft_may_turn_and_says_so() -> None:
    shaft = indexed(Manifold.cylinder(40, 10, circular_segments=256) + Manifold.cylinder(60, 6, circular_segments=256))
    points, true = scanned(shaft, 6)
    found = register(shaft, points)
    (motion,) = found.unconstrained
    assert motion.kind is MotionKind.ROTATION
    assert abs(motion.direction[2]) > 0.999
    assert "rotation about" in motion.describe()
    moved = points @ found.transform[:3, :3].T + found.transform[:3, 3]
    assert np.median(np.abs(shaft.signed_distance(moved).distance)) < 0.03
    assert np.linalg.norm((found.transform @ np.linalg.inv(true))[2, 2]) > 0.999


def test_a_cube_fits_in_many_poses_and_measures_alike_in_all() -> None:
    points, _ = scanned(indexed(Manifold.cube((20, 20, 20))), 7)
    found = register(indexed(Manifold.cube((20, 20, 20))), points)
    assert found.ambiguous
    assert found.alternatives > 0


def test_two_poses_that_measure_differently_are_refused() -> None:
    """Both halves of the plate's evidence fit either way round, with the dent here or a bump of noise there."""
    dent = Manifold.cube((14, 14, 0.3))
    plate = indexed(Manifold.cube((60, 40, 10)) - dent.translate((4, 4, 9.85)))
    # The scanned piece has half of the dent at either place: neither pose fits better.
    piece = indexed(Manifold.cube((60, 40, 10)) - dent.translate((4, 4, 9.925)) - dent.translate((42, 22, 9.925)))
    with pytest.raises(AmbiguousRegistration, match="start pose"):
        register(plate, surface_sample(piece, 30_000, seed=8))


def test_too_few_points_and_a_start_that_scales_are_refused() -> None:
    with pytest.raises(TooFewPoints):
        register(stepped_block(), np.zeros((10, 3)))
    points, _ = scanned(stepped_block(), 1)
    with pytest.raises(InvalidParameter, match="rotation"):
        register(stepped_block(), points, start=np.diag([2.0, 2.0, 2.0, 1.0]))


@pytest.mark.parametrize("factor", [1000.0, 25.4, 1 / 25.4])
def test_a_scan_in_another_unit_is_suspected(factor: float) -> None:
    points, _ = scanned(bracket(), 1)
    vertices = bracket().surface.vertices
    assert scale_suspicion(points, vertices) is None
    assert scale_suspicion(points * factor, vertices) == pytest.approx(1 / factor)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside the checkout")
def test_the_real_ring_of_the_pawn_lies_on_its_base_and_may_turn() -> None:
    from workers.readers.read_cad import read_cad
    from workers.readers.read_scan import read_scan
    from workers.readers.units import LengthUnit

    pawn = read_cad(SHARED / "scanner-sim" / "PawnTargetv6.step")
    ring = read_scan(SHARED / "scanner-sim" / "pawn_ring.ply", LengthUnit.MILLIMETRE)
    index = MeshIndex.build(pawn.vertices_mm, pawn.triangles)
    found = register(index, ring.points_mm)
    assert found.fitness > 0.95
    assert [motion.kind for motion in found.unconstrained] == [MotionKind.ROTATION]
    assert abs(found.unconstrained[0].direction[2]) > 0.999
