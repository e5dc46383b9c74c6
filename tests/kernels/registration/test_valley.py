"""A place of the same valley is told from another pose: a small motion leads there, or none does."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from kernels.registration.comparison import Likeness, likeness, noise_of
from kernels.registration.icp import Surroundings, measured
from kernels.registration.motion import screw
from kernels.registration.result import REACH
from kernels.registration.valley import brought_to
from tests.kernels.registration.scans import indexed, scanned

POCKET = indexed(Manifold.cube((50, 30, 20)) - Manifold.cube((6, 6, 3)).translate((3, 3, 18)))
HALF_TURN = np.array([[-1.0, 0, 0, 50], [0, -1, 0, 30], [0, 0, 1, 0], [0, 0, 0, 1]])


def told(moved: np.ndarray) -> tuple[Likeness, Likeness | None]:
    """How a pose that is moved against the true one compares with it, before and after it is brought there."""
    around = Surroundings.of(POCKET)
    points, true = scanned(POCKET, 10, count=5000)
    reach = REACH * around.lever
    here, there = (row for row in measured(around, points, np.array([true, moved @ true])).distances)
    noise = noise_of(here, around.lever)
    brought = brought_to(around, points, moved @ true, here, reach, None)
    after = None if brought is None else likeness(here, brought.distances[0], noise, reach)
    return likeness(here, there, noise, reach), after


def test_a_place_in_the_same_valley_is_brought_to_measure_alike() -> None:
    before, after = told(screw(np.array([0.002, -0.001, 0.003, 0.05, 0.04, -0.06]), np.zeros(3)))
    assert before is not Likeness.SAME
    assert after is Likeness.SAME


def test_no_small_motion_brings_a_pocket_to_the_other_end() -> None:
    before, after = told(HALF_TURN)
    assert before is Likeness.FIRST
    assert after is not Likeness.SAME


def test_what_lies_farther_off_than_the_reach_is_no_place_of_the_valley() -> None:
    assert told(screw(np.array([0.0, 0.0, 0.05, 1.5, 0.0, 0.0]), np.zeros(3)))[1] is None
