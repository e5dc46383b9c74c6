"""3-2-1 and RPS: exact on six points, honest about what they leave, unmoved by a bulge elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.errors import DegenerateReference, ScanMissing
from kernels.registration import register
from kernels.registration.motion import even_rotations, rotations
from kernels.registration.reference_points import ReferencePoint, align_to_points, solve_reference_points
from tests.kernels.registration.scans import angle_iron, scanned, worst_corner

SIX = (
    ("A1", (20, 8, 0), (0, 0, -1)),
    ("A2", (52, 8, 0), (0, 0, -1)),
    ("A3", (30, 34, 0), (0, 0, -1)),
    ("B1", (12, 0, 3), (0, -1, 0)),
    ("B2", (50, 0, 3), (0, -1, 0)),
    ("C1", (0, 20, 15), (-1, 0, 0)),
)


def named(*rows: tuple[str, tuple[float, ...], tuple[float, ...]]) -> list[ReferencePoint]:
    return [ReferencePoint(name, np.array(place, float), np.array(way, float)) for name, place, way in rows]


@given(st.integers(0, 39), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_six_points_are_met_exactly_from_any_pose(turn: int, seed: int) -> None:
    """The places lie off across their directions as well, which must not matter."""
    random = np.random.default_rng(seed)
    points = named(*SIX)
    there = np.array([point.place for point in points]) + random.uniform(-1, 1, (6, 3))
    places = there @ even_rotations(40)[turn].T + random.uniform(-300, 300, 3)
    transform, fits = solve_reference_points(points, places)
    np.testing.assert_allclose(transform[:3, :3] @ transform[:3, :3].T, np.eye(3), atol=1e-12)
    met = places @ transform[:3, :3].T + transform[:3, 3]
    along = [(met[k] - point.place) @ point.direction for k, point in enumerate(points)]
    np.testing.assert_allclose(along, 0, atol=1e-9)
    np.testing.assert_allclose([fit.residual for fit in fits], along, atol=1e-9)


def test_points_that_leave_a_slide_are_refused_with_its_name() -> None:
    points = named(*SIX[:5], ("C1", (30, 20, 0), (0, 0, 1)))
    with pytest.raises(DegenerateReference, match=r"translation along \(1.00, 0.00, 0.00\)"):
        solve_reference_points(points, np.array([point.place for point in points]))


def test_a_seventh_point_is_met_in_the_mean() -> None:
    points = named(*SIX, ("C2", (0, 30, 25), (-1, 0, 0)))
    places = np.array([point.place for point in points])
    places[6, 0] -= 0.1
    residuals = [fit.residual for fit in solve_reference_points(points, places)[1]]
    assert 0 < max(map(abs, residuals)) < 0.06


def test_a_scan_held_at_its_points_is_not_pulled_by_what_lies_elsewhere() -> None:
    """The wall leans to the side, by up to 0.072: best fit gives way to it, the six points do not."""
    index = angle_iron()
    points, true = scanned(index, 4, noise=0.02, strays=0.0, count=60_000)
    bent = points @ true[:3, :3].T + true[:3, 3]
    bent[:, 1] += 0.003 * np.maximum(bent[:, 2] - 6, 0)
    start = np.eye(4)
    start[:3, :3] = rotations(np.array([[0.01, 0.02, -0.01]]))[0]
    found = align_to_points(index, bent, named(*SIX), radius=3.0, start=start)
    best = register(index, bent, start=start)
    assert worst_corner(index, found.registration.transform, np.eye(4)) < 0.008
    foot = np.array([31.0, 0.0, 3.0, 1.0])
    assert abs((best.transform @ foot)[1]) > 2 * abs((found.registration.transform @ foot)[1])
    assert max(abs(fit.residual) for fit in found.points) < 1e-5
    assert found.registration.method == "reference points"


def test_the_points_covariance_is_that_of_many_scans() -> None:
    index = angle_iron()
    random = np.random.default_rng(5)
    clean, true = scanned(index, 4, noise=0.0, strays=0.0, count=20_000)
    places = clean @ true[:3, :3].T + true[:3, 3]
    off = []
    for _ in range(12):
        noisy = places + random.normal(0, 0.02, places.shape)
        told = align_to_points(index, noisy, named(*SIX), radius=3.0, start=np.eye(4)).registration
        off.append(worst_corner(index, told.transform, np.eye(4)))
    assert 0.4 < float(np.sqrt(np.mean(np.square(off)))) / told.corner_uncertainty < 2.0


def test_a_point_that_the_scan_does_not_show_is_named() -> None:
    index = angle_iron()
    points, true = scanned(index, 4)
    back = points @ true[:3, :3].T + true[:3, 3]
    with pytest.raises(ScanMissing, match="C1"):
        align_to_points(index, back[np.abs(back[:, 0]) > 0.5], named(*SIX), radius=3.0, start=np.eye(4))
