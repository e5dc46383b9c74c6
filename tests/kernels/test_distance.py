"""The distance kernel against the plain loop, on good meshes and on bad ones."""

import math
import os

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.distance import MeshIndex
from kernels.errors import EmptyMesh, IndexOutOfRange, InvalidParameter, NotFinite, PointsOutOfRange, WrongShape
from tests.kernels import naive

Floats = NDArray[np.float64]
SHARE = 10 if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0" else 1
"""The simulator of CUDA takes a tenth of a second for a point: a share of the points and examples must do there."""
TOLERANCE = 1e-9
"""Of the extent of mesh and points."""
CLEAR_SIDE = 1e-6
"""Cosine below which a point lies on the border between inside and outside of its closest feature."""


def assert_like_oracle(
    vertices: Floats, triangles: NDArray[np.int32], points: Floats, check_sides: bool = True
) -> None:
    index = MeshIndex.build(vertices, triangles)
    found = index.signed_distance(points)
    kept = triangles[index.surface.sources]
    oracle = naive.signed_distance(vertices, kept, points)
    extent = max(np.ptp(np.vstack([vertices[np.unique(kept)], points]), axis=0))
    error = np.abs(np.abs(found.distance) - oracle.distance.astype(np.float64))
    assert error.max() <= TOLERANCE * extent
    alone = naive_distance_to_each(vertices, triangles[found.triangle], points)
    assert np.abs(alone - oracle.distance.astype(np.float64)).max() <= TOLERANCE * extent
    if check_sides:
        clear = (np.abs(oracle.side) > CLEAR_SIDE) & (oracle.distance > TOLERANCE * extent)
        assert (np.signbit(found.distance) == (oracle.side < 0))[clear].all()


def naive_distance_to_each(vertices: Floats, triangles: NDArray[np.int32], points: Floats) -> Floats:
    """Distance of each point to the one triangle beside it."""
    one = np.array([[0, 1, 2]])
    pairs = zip(vertices[triangles], points, strict=True)
    return np.array([float(naive.signed_distance(t, one, p[None]).distance[0]) for t, p in pairs])


def around(mesh: trimesh.Trimesh, count: int, seed: int) -> Floats:
    """Points near the surface, on its corners and edges, inside, and far away."""
    rng, count = np.random.default_rng(seed), max(count // SHARE, 4)
    extent = float(mesh.extents.max())
    near = mesh.triangles_center[rng.integers(0, len(mesh.faces), count)] + rng.normal(size=(count, 3)) * extent * 0.01
    corners = mesh.vertices[rng.integers(0, len(mesh.vertices), 20)]
    middles = mesh.vertices[mesh.edges[rng.integers(0, len(mesh.edges), 20)]].mean(axis=1)
    inside = mesh.centroid + rng.uniform(-0.5, 0.5, (count, 3)) * mesh.extents
    far = rng.normal(size=(count, 3)) * 10 * extent
    return np.vstack([near, corners, middles, inside, far])


@pytest.mark.parametrize(
    "mesh",
    [
        trimesh.creation.box((30, 20, 10)),
        trimesh.creation.icosphere(subdivisions=2, radius=25),
        trimesh.creation.cylinder(radius=5, height=80, sections=200),
        trimesh.creation.cone(radius=20, height=0.01, sections=300),
        trimesh.creation.annulus(r_min=9.99, r_max=10, height=3, sections=120),
    ],
    ids=["box", "sphere", "rod of needles", "flat cone", "thin ring"],
)
def test_solids_are_measured_like_the_plain_loop(mesh: trimesh.Trimesh) -> None:
    assert_like_oracle(mesh.vertices, mesh.faces.astype(np.int32), around(mesh, 60, seed=1))


@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1e-3, 1e3, 1e9, 1e100])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_neither_unit_nor_place_of_the_mesh_matters(scale: float, shift: float) -> None:
    mesh = trimesh.creation.box((30, 20, 10))
    points = around(mesh, 40, seed=2)
    assert_like_oracle(mesh.vertices * scale + shift * scale, mesh.faces.astype(np.int32), (points + shift) * scale)


def test_the_middle_of_a_sphere_is_as_far_from_every_triangle() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=25)
    near_middle = np.random.default_rng(3).normal(size=(40, 3)) * 1e-7
    found = MeshIndex.build(mesh.vertices, mesh.faces).signed_distance(near_middle)
    oracle = naive.signed_distance(mesh.vertices, mesh.faces, near_middle[:10])
    assert np.abs(found.distance[:10] + oracle.distance.astype(float)).max() < TOLERANCE * 50
    assert (found.distance < 0).all()


coordinate = st.integers(-6, 6).map(float)
tiny = st.sampled_from([0.0, 0.0, 1e-3, 1e-6, 1e-9, -1e-7])
vertex = st.tuples(coordinate, coordinate, coordinate, tiny).map(lambda v: (v[0] + v[3], v[1], v[2] - v[3] / 3))


@st.composite
def soups(draw: st.DrawFn) -> tuple[Floats, NDArray[np.int32], Floats]:
    """Triangles in any arrangement: repeated corners, needles, folds, holes; and points about them."""
    vertices = np.array(draw(st.lists(vertex, min_size=3, max_size=24)))
    corner = st.integers(0, len(vertices) - 1)
    triangles = np.array(draw(st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=40)), np.int32)
    points = np.array(draw(st.lists(st.tuples(*[st.floats(-12, 12, width=32)] * 3), min_size=1, max_size=40)))
    return vertices, triangles, points


@settings(max_examples=150 // SHARE, deadline=None)
@given(soups())
def test_any_soup_of_triangles_is_measured_like_the_plain_loop(soup: tuple[Floats, NDArray[np.int32], Floats]) -> None:
    vertices, triangles, points = soup
    try:
        # A soup has no inside: where triangles cross or fold, several features with different sides are equally close.
        assert_like_oracle(vertices, triangles, points, check_sides=False)
    except EmptyMesh:
        corners = vertices[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert np.abs(normals).max() < 1e-10


def test_needles_do_not_lie_about_their_length() -> None:
    """In single precision a needle claims points beyond its tip; found on turned parts with long thin triangles."""
    rng = np.random.default_rng(4)
    start = rng.uniform(-1, 1, (400, 3)) * 50
    along = rng.normal(size=(400, 3)) * 20
    across = rng.normal(size=(400, 3)) * np.geomspace(1e-8, 1e-2, 400)[:, None]
    vertices = np.vstack([start, start + along, start + along * 0.4 + across])
    triangles = np.arange(1200, dtype=np.int32).reshape(3, 400).T.copy()
    tips = start + along * rng.uniform(1.0, 1.5, (400, 1))
    assert_like_oracle(vertices, triangles, tips[::3], check_sides=False)


@settings(max_examples=60 // SHARE, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-9, -1))
def test_points_on_a_needle_lie_on_it(seed: int, height_exponent: float) -> None:
    """Barycentric areas drown in rounding there: the needle seemed to end where it was thinner than its rounding."""
    rng = np.random.default_rng(seed)
    a, along = rng.uniform(-1, 1, (20, 3)), rng.normal(size=(20, 3))
    across = np.cross(along, rng.normal(size=(20, 3)))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    c = a + along * rng.uniform(0.1, 0.9, (20, 1)) + across * 10**height_exponent
    corners = np.stack([a, a + along, c], axis=1)
    vertices = np.roll(corners, rng.integers(0, 3), axis=1).reshape(-1, 3)
    shares = rng.dirichlet((1, 1, 1), 20)
    points = (corners * shares[:, :, None]).sum(axis=1)
    off = rng.normal(size=(20, 3)) * 10.0 ** rng.uniform(-12, 0, (20, 1))
    triangles = np.arange(60, dtype=np.int32).reshape(20, 3)
    assert_like_oracle(vertices, triangles, np.vstack([points, points + off]), check_sides=False)


def test_corners_given_twice_are_one_corner() -> None:
    mesh = trimesh.creation.box((30, 20, 10))
    loose = MeshIndex.build(mesh.triangles.reshape(-1, 3), np.arange(36).reshape(12, 3))
    assert loose.watertight
    points = around(mesh, 50, seed=5)
    expected = MeshIndex.build(mesh.vertices, mesh.faces).signed_distance(points).distance
    assert np.allclose(loose.signed_distance(points).distance, expected, rtol=0, atol=1e-12)


def test_triangles_without_area_are_dropped_and_counted() -> None:
    mesh = trimesh.creation.box((30, 20, 10))
    vertices = np.vstack([mesh.vertices, [[100.0, 0, 0], [200.0, 0, 0], [300.0, 0, 0]]])
    faces = np.vstack([[[8, 9, 10]], mesh.faces, [[0, 0, 1]]])
    index = MeshIndex.build(vertices, faces)
    assert (index.dropped, index.triangle_count, index.extent) == (2, 12, 30.0)
    assert index.signed_distance([[100.0, 0, 0]]).distance == pytest.approx([85.0])
    assert index.signed_distance([[16.0, 0, 0]]).triangle[0] in range(1, 13)


def test_a_mesh_turned_inside_out_is_measured_with_the_other_sign() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=25)
    points = around(mesh, 60, seed=10)
    assert_like_oracle(mesh.vertices, mesh.faces[:, ::-1].astype(np.int32), points)
    outwards = MeshIndex.build(mesh.vertices, mesh.faces).signed_distance(points).distance
    inwards = MeshIndex.build(mesh.vertices, mesh.faces[:, ::-1]).signed_distance(points).distance
    clear = np.abs(outwards) > TOLERANCE * 500
    assert np.allclose(inwards[clear], -outwards[clear], rtol=0, atol=1e-9)


def test_an_open_mesh_is_measured_and_says_that_it_is_open() -> None:
    mesh = trimesh.creation.box((30, 20, 10))
    index = MeshIndex.build(mesh.vertices, mesh.faces[:-1])
    assert not index.watertight
    assert_like_oracle(mesh.vertices, mesh.faces[:-1].astype(np.int32), around(mesh, 40, seed=6), check_sides=False)


def test_a_flipped_triangle_makes_the_mesh_not_watertight() -> None:
    mesh = trimesh.creation.box((30, 20, 10))
    faces = mesh.faces.copy()
    faces[3] = faces[3][::-1]
    assert not MeshIndex.build(mesh.vertices, faces).watertight


def test_order_of_points_and_their_precision_change_nothing() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=25)
    points = around(mesh, 9000, seed=7).astype(np.float32)
    index = MeshIndex.build(mesh.vertices, mesh.faces)
    as_double = index.signed_distance(points.astype(np.float64)).distance
    # Equally close triangles may differ in the last places.
    same = {"rtol": 0, "atol": 1e-12}
    assert np.allclose(index.signed_distance(points).distance, as_double, **same)
    assert np.allclose(index.signed_distance(points, presorted=True).distance, as_double, **same)
    shuffle = np.random.default_rng(8).permutation(len(points))
    assert np.allclose(index.signed_distance(points[shuffle]).distance, as_double[shuffle], **same)
    assert np.array_equal(index.signed_distance(points).distance, index.signed_distance(points).distance)


def test_points_without_any_order_are_measured_as_exactly() -> None:
    # A packet of points that lie anywhere has a thousand rivals on the way, and must not drop the right one.
    mesh, rng, count = trimesh.creation.icosphere(subdivisions=6), np.random.default_rng(7), 100_000 // SHARE**3
    directions = rng.normal(size=(count, 3))
    points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * rng.normal(1, 0.5, (count, 1))
    index = MeshIndex.build(mesh.vertices, mesh.faces)
    in_order, as_they_come = (index.signed_distance(points, presorted=said).distance for said in (False, True))
    assert np.abs(as_they_come - in_order).max() <= TOLERANCE * index.extent


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 8191, 8192, 8193])
def test_every_count_of_points_is_measured(count: int) -> None:
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=1)
    points = np.random.default_rng(count).normal(size=(count, 3))
    found = MeshIndex.build(mesh.vertices, mesh.faces).signed_distance(points)
    # An icosphere of this fineness lies within 0.02 of the sphere.
    assert np.abs(found.distance - (np.linalg.norm(points, axis=1) - 1)).max() < 0.02 + 1e-12


def test_points_beyond_the_limit_have_no_distance() -> None:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=25)
    points = around(mesh, 300, seed=9)
    index = MeshIndex.build(mesh.vertices, mesh.faces)
    everywhere, limited = index.signed_distance(points), index.signed_distance(points, max_distance=3.0)
    near = np.abs(everywhere.distance) <= 3.0
    assert 0 < near.sum() < len(points)
    assert np.allclose(limited.distance[near], everywhere.distance[near], rtol=0, atol=1e-12)
    assert np.isnan(limited.distance[~near]).all()
    assert (limited.triangle[~near] == -1).all()


@pytest.mark.parametrize("presorted", [False, True])
def test_no_points_have_no_distances(presorted: bool) -> None:
    # Farther from the origin than a point may be.
    mesh = trimesh.creation.box((1, 1, 1))
    index = MeshIndex.build(mesh.vertices + 1e10, mesh.faces)
    assert len(index.signed_distance(np.empty((0, 3)), presorted=presorted)) == 0


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("presorted", [False, True])
def test_a_number_that_is_none_is_found_wherever_it_stands(odd: float, presorted: bool) -> None:
    mesh = trimesh.creation.box((1, 1, 1))
    index, points = MeshIndex.build(mesh.vertices, mesh.faces), np.random.default_rng(11).normal(size=(20_000, 3))
    for row in (0, 9_999, 10_000, 19_999):
        spoilt = points.astype(np.float32)
        spoilt[row, row % 3] = odd
        with pytest.raises(NotFinite, match=f"1 rows with NaN or infinity, the first at row {row}"):
            index.signed_distance(spoilt, presorted=presorted)


def test_what_cannot_be_measured_is_refused_with_the_reason() -> None:
    mesh = trimesh.creation.box((1, 1, 1))
    index = MeshIndex.build(mesh.vertices, mesh.faces)
    with pytest.raises(NotFinite, match="1 rows with NaN or infinity, the first at row 1"):
        index.signed_distance([[0.0, 0, 0], [math.nan, 0, 0]])
    with pytest.raises(NotFinite):
        index.signed_distance(np.array([[math.inf, 0, 0], [-math.inf, 0, 0]], np.float32))
    with pytest.raises(PointsOutOfRange, match="check the unit"):
        index.signed_distance([[1e12, 0, 0]])
    with pytest.raises(WrongShape, match=r"\(n, 3\)"):
        index.signed_distance([1.0, 2.0, 3.0])
    with pytest.raises(InvalidParameter, match="max_distance"):
        index.signed_distance([[0.0, 0, 0]], max_distance=math.nan)
    with pytest.raises(IndexOutOfRange, match="vertex 8"):
        MeshIndex.build(mesh.vertices, [[0, 1, 8]])
    with pytest.raises(EmptyMesh):
        MeshIndex.build(mesh.vertices, [[0, 0, 1]])
    with pytest.raises(NotFinite, match="vertices"):
        MeshIndex.build([[0, 0, math.nan], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
