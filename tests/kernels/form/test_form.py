"""Minimum zones against exact and naive ones, and against zones that were put in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from kernels.distance import MeshIndex
from kernels.errors import NotFinite, TooFewPoints
from kernels.faces import Cylinder
from kernels.form import circularity, cylindricity, flatness, position, profile, sphericity
from kernels.form.profile import corners_of, gradients
from tests.kernels.form import naive
from tests.workers.shop import bracket, on_surface

# Corners of some triangles are not where the index begins them.
_AROUND = "130 320 467 754 045 510 237 762 402 264 157 731"
CUBE = (
    np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]),
    np.array([[int(corner) for corner in each] for each in _AROUND.split()]),
)
NEAR_Z = Cylinder(np.zeros(3), np.array([0.0, 0.0, 1.0]), 10.0, 30.0)


def turned(points: np.ndarray, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    return points @ (turn * np.sign(np.linalg.det(turn))).T + random.uniform(-50, 50, 3)


def sheet(seed: int, count: int = 60) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(-30, 30, (count, 2)), random.uniform(-0.05, 0.05, count)])


def tube(seed: int, count: int = 60, noise: float = 0.02) -> np.ndarray:
    """Around an axis a little off z."""
    random = np.random.default_rng(seed)
    angle, height = random.uniform(0, 2 * np.pi, count), random.uniform(-15, 15, count)
    radius = 10 + random.uniform(-noise, noise, count)
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
    slopes = random.normal(0, 0.005, 2)
    return points + np.column_stack([slopes[0] * height + 0.1, slopes[1] * height - 0.2, 0 * height])


@pytest.mark.parametrize("seed", range(12))
def test_flatness_is_the_width_of_the_convex_hull(seed: int) -> None:
    points = turned(sheet(seed), seed)
    assert flatness(points).width == pytest.approx(naive.flatness(points), rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_cylindricity_is_no_wider_than_a_search_of_many_starts_finds(seed: int) -> None:
    points = tube(seed)
    ours = cylindricity(points, NEAR_Z).width
    theirs = naive.searched(naive.cylinder_width(points), np.zeros(4), np.array([0.1, 0.1, 0.005, 0.005]), 6, seed)
    assert ours <= theirs * (1 + 1e-6)
    assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_sphericity_and_circularity_agree_with_a_search_of_many_starts(seed: int) -> None:
    random = np.random.default_rng(seed)
    ball = random.normal(size=(80, 3))
    ball *= ((8 + random.uniform(-0.03, 0.03, 80)) / np.linalg.norm(ball, axis=1))[:, None]
    theirs = naive.searched(naive.sphere_width(ball), np.zeros(3), np.full(3, 0.02), 6, seed)
    assert sphericity(ball).width == pytest.approx(theirs, rel=1e-3)
    ring = tube(seed, 80)
    theirs = naive.searched(naive.circle_width(ring), np.zeros(2), np.full(2, 0.2), 6, seed)
    assert circularity(ring, [0, 0, 1]).width == pytest.approx(theirs, rel=1e-3)


def test_a_zone_is_never_wider_than_that_of_least_squares() -> None:
    points = sheet(3, 5000)
    middle = points.mean(axis=0)
    normal = np.linalg.eigh((points - middle).T @ (points - middle))[1][:, 0]
    assert flatness(points).width < np.ptp(points @ normal) - 1e-4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_moving_and_scaling_changes_a_zone_as_it_must(seed: int, scale: float) -> None:
    points = sheet(seed)
    assert flatness(turned(points, seed) * scale).width == pytest.approx(flatness(points).width * scale, rel=1e-5)


def test_a_large_part_costs_little_more_than_a_small_one() -> None:
    """Correct on many points: a dome of 0.04 on a plate, both ends known."""
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-20, 20, 400), np.linspace(-20, 20, 400)))
    dome = 0.04 * (1 - (x**2 + y**2) / 800)
    assert flatness(np.column_stack([x, y, dome + 0.01 * x])).width == pytest.approx(0.04 / np.hypot(1, 0.01), rel=1e-5)


def test_a_barrel_is_as_far_from_a_cylinder_as_it_bulges() -> None:
    angle, height = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 6.2, 90), np.linspace(-15, 15, 61)))
    radius = 10 + 0.05 * (1 - (height / 15) ** 2)
    barrel = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
    found = cylindricity(barrel, NEAR_Z)
    assert found.width == pytest.approx(0.05, rel=1e-3)
    assert found.cylinder.radius == pytest.approx(10.025, abs=1e-3)


def block() -> MeshIndex:
    from manifold3d import Manifold

    solid = Manifold.cube((40.0, 26.0, 14.0)) - Manifold.cube((15.0, 26.0, 6.0)).translate((0.0, 0.0, 8.0))
    mesh = solid.to_mesh()
    return MeshIndex.build(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))


# Axis and place of five faces of the block, and the box in which they are scanned, away from all edges.
FACES = (
    ((0, 0, -1), 0, (2, 38, 2, 24, 0, 0)),
    ((0, -1, 0), 0, (2, 38, 0, 0, 2, 6)),
    ((0, 1, 0), 26, (2, 38, 26, 26, 2, 6)),
    ((-1, 0, 0), 0, (0, 0, 2, 24, 2, 6)),
    ((1, 0, 0), 40, (40, 40, 2, 24, 2, 12)),
)


def on_block(seed: int, noise: float) -> np.ndarray:
    """(300, 3) points near five faces, 60 a face."""
    random = np.random.default_rng(seed)
    points = np.concatenate([random.uniform(box[::2], box[1::2], (60, 3)) for _, _, box in FACES])
    return points + random.uniform(-noise, noise, points.shape)


@pytest.mark.parametrize("seed", range(3))
def test_the_profile_is_no_wider_than_a_search_of_many_starts_finds(seed: int) -> None:
    points = on_block(seed, 0.02)
    outward = np.repeat([normal for normal, _, _ in FACES], 60, axis=0)
    places = np.repeat([place for _, place, _ in FACES], 60)

    def width(x: np.ndarray) -> float:
        turn = Rotation.from_rotvec(x[:3] / 20).as_matrix()
        moved = (points - 20) @ turn.T + 20 + x[3:]
        return 2 * float(np.abs((moved * outward).sum(axis=1) - places).max())

    theirs = naive.searched(width, np.zeros(6), np.full(6, 0.005), 6, seed)
    ours = profile(block(), points).width
    assert ours <= theirs * (1 + 1e-6)
    assert ours == pytest.approx(theirs, rel=0.05)


def test_the_profile_is_what_is_left_after_the_best_motion() -> None:
    index = block()
    clean = on_block(2, 0.0)
    assert profile(index, clean + np.array([0.05, -0.03, 0.04])).width < 1e-6
    dented = clean.copy()
    dented[5, 2] += 0.1
    assert 0.05 < profile(index, dented).width <= 0.2


def test_gradients_are_those_of_the_distance_beside_edges_and_corners_too() -> None:
    index = MeshIndex.build(*CUBE)
    points = np.random.default_rng(4).uniform(-2.0, 2.0, (400, 3))
    found = index.deviations(points)
    assert {int(each) for each in found.feature} == set(range(7))
    slopes = gradients(points, found, corners_of(index))
    step = 1e-6
    measured = [
        (index.signed_distance(points + shift).distance - index.signed_distance(points - shift).distance) / (2 * step)
        for shift in np.eye(3) * step
    ]
    # But where two sides are equally near, and a step changes which of them counts.
    close = np.abs(slopes - np.transpose(measured)).max(axis=1) < 1e-5
    assert close.mean() > 0.99


def test_a_profile_does_not_hang_on_the_last_digits_of_a_pose() -> None:
    vertices, triangles = bracket()
    index = MeshIndex.build(vertices, triangles)
    random = np.random.default_rng(1)
    clean, outward = on_surface(vertices, triangles, 6000, random)
    bulged = 0.3 * (np.linalg.norm(clean - [19.0, 20.0, 14.0], axis=1) < 4.0) * (outward[:, 2] > 0.5)
    start = random.normal(0.0, 0.01, 3)
    places = clean + outward * (bulged + random.normal(0.0, 0.003, 6000))[:, None] + start
    widths = [profile(index, places + shift).width for shift in random.normal(0.0, 5e-6, (3, 3))]
    assert np.ptp(widths) < 1e-5
    assert widths[0] == pytest.approx(0.3167, abs=1e-3)


def test_the_position_of_an_axis_is_twice_its_farthest_offset() -> None:
    nominal = Cylinder(np.zeros(3), np.array([0.0, 0.0, 1.0]), 4.0, 20.0)
    shifted = Cylinder(np.array([0.03, 0.04, 5.0]), np.array([0.0, 0.0, -1.0]), 4.0, 20.0)
    assert position(shifted, nominal) == pytest.approx(0.1)
    leaning = Cylinder(np.zeros(3), np.array([0.01, 0.0, 1.0]) / np.hypot(0.01, 1.0), 4.0, 20.0)
    assert position(leaning, nominal) == pytest.approx(0.2)


def test_what_has_no_zone_is_refused() -> None:
    with pytest.raises(TooFewPoints):
        flatness(sheet(1, 3))
    with pytest.raises(NotFinite):
        sphericity(np.where(np.arange(60)[:, None] == 7, np.nan, sheet(1)))


def test_exact_shapes_have_no_width() -> None:
    assert flatness(sheet(1) * [1, 1, 0]).width < 1e-12
    assert cylindricity(tube(1, noise=0.0) * [1, 1, 1], NEAR_Z).width < 1e-3
