"""Registration against known poses: where the scan was, how exact, and when it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from manifold3d import Manifold

from kernels.distance import MeshIndex
from kernels.errors import (
    AmbiguousRegistration,
    InvalidParameter,
    RegistrationFailed,
    ScanTooSmall,
    TooFewPoints,
    WrongScale,
)
from kernels.registration import MotionKind, register, scale_suspicion
from kernels.registration.icp import Surroundings, measured
from kernels.registration.motion import rotations, screw_twist
from kernels.registration.register import Sampled, best_of
from kernels.registration.starts import surface_sample
from tests.kernels.registration.scans import angle_iron, bracket, indexed, scanned, stepped_block, worst_corner

CHECKOUT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("D2R_SHARED") or CHECKOUT.parent / "shared") / "data"


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


def a_piece(
    index: MeshIndex, turn: int, way: tuple[float, float, float], share: float
) -> tuple[np.ndarray, np.ndarray]:
    """That share of a scan which lies farthest along a direction of the part, and the transform back."""
    points, true = scanned(index, turn, count=20_000)
    along = (points @ true[:3, :3].T + true[:3, 3]) @ way
    return points[along > np.quantile(along, 1 - share)], true


def test_a_pose_that_fits_most_of_a_piece_is_not_taken_for_the_one_that_fits_all() -> None:
    """After half a turn 91 % of it lie near the surface, too."""
    points, true = a_piece(angle_iron(), 2, (0.273, -0.755, -0.596), 0.25)
    found = register(angle_iron(), points)
    assert found.fitness > 0.98
    assert worst_corner(angle_iron(), found.transform, true) < 0.02


def test_a_piece_without_what_tells_two_poses_apart_names_its_twin() -> None:
    """Scanned from below the block looks the same after half a turn: the step is on its upper side."""
    points, true = a_piece(stepped_block(), 6, (0.321, 0.541, -0.778), 0.25)
    found = register(stepped_block(), points)
    poses = [found.transform, *(other.transform for other in found.alternatives)]
    assert found.ambiguous
    assert min(worst_corner(stepped_block(), pose, true) for pose in poses) < 0.05


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


def test_a_free_turn_keeps_no_pose_from_its_end_and_has_no_part_in_its_uncertainty() -> None:
    """A round shaft turns on for ever against the facets of its CAD; all else comes to rest."""
    round_one, faceted = (
        indexed(Manifold.cylinder(40, 10, circular_segments=n) + Manifold.cylinder(60, 6, circular_segments=n))
        for n in (1024, 96)
    )
    points, true = scanned(round_one, 6, noise=0.05)
    found = register(faceted, points, start=true)
    assert [motion.kind for motion in found.unconstrained] == [MotionKind.ROTATION]
    assert found.converged
    assert found.corner_uncertainty < 0.005


def test_a_cube_fits_in_many_poses_and_measures_alike_in_all() -> None:
    points, _ = scanned(indexed(Manifold.cube((20, 20, 20))), 7)
    found = register(indexed(Manifold.cube((20, 20, 20))), points)
    assert found.ambiguous
    assert {round(other.angle_degrees) for other in found.alternatives} <= {90, 120, 180}


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
    assert found.converged


def test_a_large_scan_near_its_place_is_found_to_less_than_a_micrometre() -> None:
    index = bracket()
    points, true = scanned(index, 3, count=400_000)
    off = np.eye(4)
    off[:3, :3] = rotations(np.deg2rad([[3.0, -3.0, 2.6]]))[0]
    off[:3, 3] = (30, -30, 26)
    found = register(index, points, start=off @ true)
    assert found.converged
    assert worst_corner(index, found.transform, true) < 0.001


def test_a_keyway_far_from_the_first_pose_is_found_by_turning() -> None:
    shaft = Manifold.cylinder(60, 10, circular_segments=256) + Manifold.cylinder(80, 6, circular_segments=256)
    index = indexed(shaft - Manifold.cube((4, 3, 12)).translate((8, -1.5, 20)))
    points, true = scanned(index, 6)
    turned = np.eye(4)
    turned[:3, :3] = rotations(np.array([[0, 0, 2.0]]))[0]
    found = register(index, points, start=turned @ true)
    assert found.unconstrained == ()
    assert worst_corner(index, found.transform, true) < 0.02


def test_a_block_fits_after_half_a_turn_and_says_so() -> None:
    """Three half turns put a plain block onto itself; what it measures does not change."""
    block = indexed(Manifold.cube((50, 30, 20)))
    points, _ = scanned(block, 9)
    found = register(block, points)
    assert [round(other.angle_degrees) for other in found.alternatives] == [180, 180, 180]
    assert all(abs(other.cost_ratio - 1) < 0.05 for other in found.alternatives)


def test_a_small_feature_that_tells_two_poses_apart_is_enough() -> None:
    """Half a turn costs a hundredth of the points: decisive, though the mean distance hardly knows."""
    index = indexed(Manifold.cube((50, 30, 20)) - Manifold.cube((6, 6, 3)).translate((3, 3, 18)))
    points, true = scanned(index, 10, noise=0.05)
    found = register(index, points)
    assert not found.ambiguous
    assert worst_corner(index, found.transform, true) < 0.02


def test_a_candidate_that_is_better_beyond_doubt_is_taken() -> None:
    """The search's first candidate has the pocket at the wrong end; the second one is right."""
    index = indexed(Manifold.cube((50, 30, 20)) - Manifold.cube((6, 6, 3)).translate((3, 3, 18)))
    points, true = scanned(index, 10, noise=0.05)
    around, scan = Surroundings.of(index), Sampled.of(points, 0)
    half = np.array([[-1.0, 0, 0, 50], [0, -1, 0, 30], [0, 0, 1, 0], [0, 0, 0, 1]])
    candidates = measured(around, scan.fine, np.array([half @ true, true]))
    found = best_of(around, scan, candidates, None, "global search")
    assert worst_corner(index, found.transform, true) < 0.02


def test_a_small_piece_is_measured_where_a_start_says_and_refused_without_one() -> None:
    """2 of 67 across, amid a face."""
    index = stepped_block()
    random = np.random.default_rng(2)
    piece = np.column_stack([random.uniform(30, 31.4, (5000, 2)) - (0, 15), random.normal(20, 0.01, 5000)])
    assert register(index, piece, start=np.eye(4)).method == "given start"
    with pytest.raises(ScanTooSmall):
        register(index, piece)


def test_a_plate_that_is_oversize_all_over_is_measured() -> None:
    plate = indexed(Manifold.cube((100, 100, 10)))
    points, true = scanned(indexed(Manifold.cube((100.8, 100.8, 10.8)).translate((-0.4, -0.4, -0.4))), 3)
    found = register(plate, points, start=true)
    assert abs(found.scale - 1) > 0.01
    assert found.rms == pytest.approx(0.4, abs=0.03)


def test_another_size_is_no_offset_even_from_a_start() -> None:
    points, true = scanned(angle_iron(), 1)
    start = true.copy()
    start[:3, 3] *= 1.03
    with pytest.raises(WrongScale):
        register(angle_iron(), points * 1.03, start=start)


def test_a_mirrored_part_is_refused() -> None:
    """Its arms fit only where they do not belong, in several poses about equally ill."""
    arms = indexed(Manifold.cube((50, 6, 6)) + Manifold.cube((6, 45, 6)) + Manifold.cube((6, 6, 40)))
    points, _ = scanned(arms, 2)
    assert register(arms, points).fitness > 0.98
    with pytest.raises((RegistrationFailed, AmbiguousRegistration)):
        register(arms, points * (1, 1, -1))


@pytest.mark.parametrize("factor", [0.001, 1 / 25.4, 0.5, 0.97])
def test_a_scan_of_the_wrong_size_is_refused(factor: float) -> None:
    points, _ = scanned(angle_iron(), 1)
    with pytest.raises((WrongScale, RegistrationFailed, ScanTooSmall)):
        register(angle_iron(), points * factor)


def test_a_scan_a_little_too_large_is_measured_and_its_scale_told() -> None:
    points, _ = scanned(angle_iron(), 1)
    found = register(angle_iron(), points * 1.002)
    assert found.scale == pytest.approx(1 / 1.002, abs=2e-4)


def test_the_whole_of_a_face_is_held_by_its_rim() -> None:
    plate = indexed(Manifold.cube((60, 40, 10)))
    random = np.random.default_rng(1)
    top = np.column_stack([random.uniform(0, 1, (20_000, 2)) * (60, 40), random.normal(10, 0.02, 20_000)])
    found = register(plate, top, start=np.eye(4))
    assert worst_corner(plate, found.transform, np.eye(4)) < 0.05


def test_a_patch_amid_a_face_may_slide_as_it_measures_the_same() -> None:
    plate = indexed(Manifold.cube((60, 40, 10)))
    random = np.random.default_rng(1)
    patch = np.column_stack([random.uniform(20, 40, (20_000, 2)) - (0, 10), random.normal(10, 0.02, 20_000)])
    found = register(plate, patch, start=np.eye(4))
    assert sorted(motion.kind.value for motion in found.unconstrained) == ["rotation", "translation", "translation"]


def test_the_covariance_is_that_of_many_scans() -> None:
    """Sixty scans, each with noise of its own: the poses scatter as the covariance says (a chi-squared of six)."""
    index = stepped_block()
    clean, true = scanned(index, 0, noise=0.0, strays=0.0, count=4000)
    places = clean @ true[:3, :3].T + true[:3, 3]
    random = np.random.default_rng(4)
    squares = []
    for _ in range(60):
        found = register(index, places + random.normal(0, 0.02, places.shape), start=np.eye(4))
        twist = screw_twist(found.transform, np.array(found.center))
        squares.append(twist @ np.linalg.solve(found.covariance, twist))
    assert 4.5 < float(np.mean(squares)) < 8.5
