"""Planes, cylinders and spheres against known ones: exactness, uncertainty, strays, and what is no such shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifold3d import Manifold

from kernels.errors import FeatureNotFound
from kernels.faces.shapes import perpendiculars
from kernels.features import Cylinder, Plane, Sphere, feature_at, find_features, fit_cylinder, fit_plane, fit_sphere
from kernels.features.find import normals_of
from kernels.features.fit import fit
from kernels.features.shapes import Shape, distances, moved, slopes
from kernels.registration.starts import surface_sample
from tests.kernels.registration.scans import indexed

NOISE = 0.01


def points_on(shape: Shape, random: np.random.Generator, count: int = 2000, arc: float = 2 * np.pi) -> np.ndarray:
    """Points of a 20 long piece of the shape, around an arc of it."""
    match shape:
        case Plane():
            u, v = perpendiculars(shape.normal)
            return shape.point + random.uniform(-10, 10, (count, 1)) * u + random.uniform(-10, 10, (count, 1)) * v
        case Cylinder():
            u, v = perpendiculars(shape.axis)
            angle = random.uniform(0, arc, (count, 1))
            around = shape.radius * (np.cos(angle) * u + np.sin(angle) * v)
            return shape.point + around + random.uniform(-10, 10, (count, 1)) * shape.axis
        case Sphere():
            way = random.normal(size=(count, 3))
            return shape.center + shape.radius * way / np.linalg.norm(way, axis=1)[:, None]


def drawn(kind: str, random: np.random.Generator) -> Shape:
    place, way = random.uniform(-100, 100, 3), random.normal(size=3)
    way /= np.linalg.norm(way)
    radius = float(random.uniform(2, 30))
    return {"plane": Plane(place, way), "cylinder": Cylinder(place, way, radius), "sphere": Sphere(place, radius)}[kind]


FITS = {"plane": fit_plane, "cylinder": fit_cylinder, "sphere": fit_sphere}


@given(st.sampled_from(sorted(FITS)), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_shape_is_found_without_a_guess_despite_strays(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = drawn(kind, random)
    points = points_on(shape, random) + random.normal(0, NOISE, (2000, 3))
    points[:300] += random.normal(0, 3, (300, 3))
    fitted = FITS[kind](points).shape
    clean = points_on(shape, random, 200, arc=1.0 if kind == "cylinder" else 2 * np.pi)
    assert np.abs(distances(fitted, clean)).max() < 0.3 * NOISE


@pytest.mark.parametrize("kind", sorted(FITS))
def test_the_covariance_is_that_of_many_fits(kind: str) -> None:
    """The parameters of 300 fits scatter as one fit's covariance says: their mean chi-squared is their number."""
    random = np.random.default_rng(2)
    shape = drawn(kind, random)
    clean = points_on(shape, random, 400)
    reference = fit(clean, shape).shape
    squares = []
    for _ in range(300):
        fitted = fit(clean + random.normal(0, NOISE, clean.shape), shape)
        # The change that leads from the reference to this fit: the distances of the clean points answer by it.
        change = np.linalg.lstsq(
            slopes(reference, clean), distances(fitted.shape, clean) - distances(reference, clean), rcond=None
        )[0]
        squares.append(change @ np.linalg.solve(fitted.covariance, change))
    assert float(np.mean(squares)) == pytest.approx(len(change), rel=0.2)


@pytest.mark.parametrize("kind", sorted(FITS))
def test_slopes_are_the_derivatives_of_the_distances(kind: str) -> None:
    random = np.random.default_rng(3)
    shape = drawn(kind, random)
    points = points_on(shape, random, 50) + random.normal(0, 1, (50, 3))
    slope = slopes(shape, points)
    for column in range(slope.shape[1]):
        small = np.zeros(slope.shape[1])
        small[column] = 1e-6
        measured = (distances(moved(shape, small), points) - distances(moved(shape, -small), points)) / 2e-6
        np.testing.assert_allclose(slope[:, column], measured, atol=1e-5)


def test_a_sixth_of_a_cylinder_tells_its_radius_with_more_doubt() -> None:
    random = np.random.default_rng(4)
    shape = Cylinder(np.zeros(3), np.array([0, 0, 1.0]), 20.0)
    whole = fit_cylinder(points_on(shape, random) + random.normal(0, NOISE, (2000, 3)))
    piece = fit_cylinder(points_on(shape, random, arc=np.pi / 3) + random.normal(0, NOISE, (2000, 3)))
    assert abs(whole.shape.radius - 20) < 5 * whole.uncertainty[4]
    assert abs(piece.shape.radius - 20) < 5 * piece.uncertainty[4]
    assert piece.uncertainty[4] > 5 * whole.uncertainty[4]


def test_points_that_show_no_such_shape_are_refused() -> None:
    random = np.random.default_rng(5)
    flat = points_on(Plane(np.zeros(3), np.array([0, 0, 1.0])), random)
    with pytest.raises(FeatureNotFound, match="sphere"):
        fit_sphere(flat)
    with pytest.raises(FeatureNotFound, match="cylinder"):
        fit_cylinder(flat)
    with pytest.raises(FeatureNotFound, match="too few"):
        fit_plane(flat[:4])
    with pytest.raises(FeatureNotFound, match="plane"):
        fit_plane(np.linspace(0, 1, 50)[:, None] * (1, 2, 3))


def test_the_features_of_a_part_are_found_in_its_scan() -> None:
    part = Manifold.cube((60, 40, 10)) + Manifold.cylinder(30, 9, circular_segments=128).translate((20, 20, 9))
    part += Manifold.sphere(12, 128).translate((48, 20, 18))
    index = indexed(part)
    points = surface_sample(index, 6000, seed=1) + np.random.default_rng(1).normal(0, NOISE, (6000, 3))
    directions, flatness = normals_of(points)
    found = find_features(points, directions, 4 * flatness, seed=1)
    # The largest of each kind; edges, where normals are mixed, may leave a small one more.
    largest = {type(feature.shape).__name__: feature.shape for feature in reversed(found)}
    assert set(largest) == {"Plane", "Cylinder", "Sphere"}
    assert largest["Cylinder"].radius == pytest.approx(9, abs=0.02)
    assert abs(largest["Cylinder"].axis[2]) > 0.9999
    assert largest["Sphere"].radius == pytest.approx(12, abs=0.02)
    np.testing.assert_allclose(largest["Sphere"].center, (48, 20, 18), atol=0.02)


@pytest.mark.parametrize(
    ("place", "expected"),
    [((30, 20, 0), Plane), ((5, 35, 10), Plane), ((29, 20, 30), Cylinder), ((48, 20, 30), Sphere)],
)
def test_a_place_on_the_cad_picks_its_face(place: tuple[float, ...], expected: type[Shape]) -> None:
    part = Manifold.cube((60, 40, 10)) + Manifold.cylinder(30, 9, circular_segments=128).translate((20, 20, 9))
    part += Manifold.sphere(12, 128).translate((48, 20, 18))
    mesh = part.to_mesh()
    vertices = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    picked = feature_at(vertices, np.asarray(mesh.tri_verts, np.int32), place)
    assert isinstance(picked.shape, expected)
    corners = vertices[np.asarray(mesh.tri_verts)[picked.triangles]].reshape(-1, 3)
    assert np.abs(distances(picked.shape, corners)).max() < 0.02
    if isinstance(picked.shape, Plane):
        # Away from the material: down from the bottom, up from the top.
        assert picked.shape.normal[2] == pytest.approx(-1 if place[2] == 0 else 1)
