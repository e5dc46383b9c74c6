"""What holds a part, from the request through the graph to what is told of the pose, on the real store and database."""

from typing import Any

import numpy as np
import pytest
from manifold3d import Manifold

from kernels.registration.motion import rotation_vector, rotations
from tests.workers.conftest import Works
from tests.workers.shop import Floats, bracket, cube_stl, on_surface, ply, stl

TOLERANCE = {"lowerMm": -0.1, "upperMm": 0.1}
BRACKET = stl(*bracket())
POSE = """query($id: ID!) { scan(id: $id) { status problem { code message remedy } inspection { verdict
  decision { record }
  alignment { transform method ambiguous unconstrained fitness rmsMm report {
    converged sigmaMm covariance centerMm cornerUncertaintyMm alternatives { transform angleDegrees costRatio }
    lockedDegrees datums { label points sigmaMm sizeDeviationMm heldDegrees } fittedMotions
    referencePoints { name residualMm uncertaintyMm } } } } } }"""
BOTTOM, FRONT, RIGHT = ([20.0, 13.0, 0.0], [20.0, 0.0, 4.0], [40.0, 13.0, 7.0])
SIX = [
    {"name": name, "placeMm": place, "direction": direction}
    for name, place, direction in (
        ("A1", [4.0, 20.0, 0.0], [0.0, 0.0, -1.0]),
        ("A2", [36.0, 4.0, 0.0], [0.0, 0.0, -1.0]),
        ("A3", [20.0, 22.0, 0.0], [0.0, 0.0, -2.0]),
        ("B1", [5.0, 0.0, 4.0], [0.0, -1.0, 0.0]),
        ("B2", [35.0, 0.0, 4.0], [0.0, -1.0, 0.0]),
        ("C1", [40.0, 13.0, 5.0], [1.0, 0.0, 0.0]),
    )
]


def on_part(count: int = 12_000, seed: int = 1) -> Floats:
    """Points on the bracket where the CAD has it."""
    vertices, triangles = bracket()
    random = np.random.default_rng(seed)
    points, normals = on_surface(vertices, triangles, count, random)
    found: Floats = points + normals * random.normal(0.0, 0.01, count)[:, None]
    return found


def turned(vector: list[float], shift: list[float]) -> Floats:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotations(np.array([vector]))[0], shift
    return pose


async def pose_of(works: Works, serial: str, points: Floats, asked: dict[str, Any] | None, **more: Any) -> Any:
    """The scan as the graph shows it after its job."""
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset(serial)
    given = {"tolerance": TOLERANCE, "alignment": asked, **more}
    done = await works.floor.scan(asset, cad["id"], ply(points), f"scan-{serial}", **given)
    await works.work_off()
    return (await works.floor.asker("inspection").data_of(POSE, {"id": done["scan"]["id"]}))["scan"]


async def test_locked_degrees_stay_as_the_file_has_them_and_the_rest_is_fitted(works: Works) -> None:
    """The part stands 0.15 mm too high, and lies 2 mm and some degrees aside."""
    lies = turned([0.0, 0.0, 0.08], [2.0, -1.0, 0.15])
    points = on_part() @ lies[:3, :3].T + lies[:3, 3]
    found = await pose_of(works, "locked", points, {"lockedDegrees": ["TRANSLATION_Z", "ROTATION_X", "ROTATION_Y"]})
    alignment = found["inspection"]["alignment"]
    transform = np.array(alignment["transform"]).reshape(4, 4)
    moved = np.concatenate([rotation_vector(transform[:3, :3]), transform[:3, 3]])
    np.testing.assert_allclose(moved[[0, 1, 5]], 0.0, atol=1e-9)
    assert moved[2] == pytest.approx(-0.08, abs=1e-3)
    assert alignment["method"].startswith("locked degrees")
    report = alignment["report"]
    assert report["lockedDegrees"] == ["TRANSLATION_Z", "ROTATION_X", "ROTATION_Y"]
    covariance = np.array(report["covariance"]).reshape(6, 6)
    np.testing.assert_allclose(covariance[[0, 1, 5]], 0.0, atol=1e-15)
    assert (np.diag(covariance)[[2, 3, 4]] > 0).all()
    assert found["inspection"]["verdict"] == "FAIL"
    assert '"heldBy":{' in found["inspection"]["decision"]["record"]


async def test_locks_are_seen_from_the_pose_hint_and_in_their_own_frame(works: Works) -> None:
    """Free are only the slide along the leaning first axis of the frame and the turn about it."""
    frame = turned([0.0, 0.6, 0.0], [10.0, 5.0, 0.0])
    off = frame @ turned([0.05, 0.0, 0.0], [1.5, 0.0, 0.0]) @ np.linalg.inv(frame)
    away = turned([0.4, 1.0, -0.3], [500.0, -200.0, 90.0])
    points = on_part() @ away[:3, :3].T + away[:3, 3]
    found = await pose_of(
        works,
        "framed",
        points,
        {
            "lockedDegrees": ["TRANSLATION_Y", "TRANSLATION_Z", "ROTATION_Y", "ROTATION_Z"],
            "lockFrame": frame.ravel().tolist(),
        },
        poseHint=(off @ np.linalg.inv(away)).ravel().tolist(),
    )
    transform = np.array(found["inspection"]["alignment"]["transform"]).reshape(4, 4)
    np.testing.assert_allclose(transform @ away, np.eye(4), atol=5e-3)
    seen = np.linalg.inv(frame) @ transform @ away @ np.linalg.inv(off) @ frame
    np.testing.assert_allclose(seen[1:3, 3], 0.0, atol=1e-9)
    assert found["inspection"]["verdict"] == "PASS"


async def test_reference_points_hold_the_part_and_a_bent_wall_does_not_pull_it(works: Works) -> None:
    points = on_part(20_000)
    points[:, 1] += 0.05 * np.clip(points[:, 2] - 8.0, 0.0, None)
    away = turned([0.2, -1.1, 0.5], [60.0, 20.0, -30.0])
    placed = points @ away[:3, :3].T + away[:3, 3]
    asked = {"referencePoints": SIX, "referenceRadiusMm": 2.0}
    found = await pose_of(works, "rps", placed, asked)
    alignment = found["inspection"]["alignment"]
    transform = np.array(alignment["transform"]).reshape(4, 4)
    np.testing.assert_allclose(transform @ away, np.eye(4), atol=0.01)
    fits = alignment["report"]["referencePoints"]
    assert [fit["name"] for fit in fits] == [point["name"] for point in SIX]
    assert max(abs(fit["residualMm"]) for fit in fits) < 1e-4
    assert all(0 < fit["uncertaintyMm"] < 0.01 for fit in fits)
    assert alignment["method"].startswith("reference points")
    assert 0 < alignment["report"]["cornerUncertaintyMm"] < 0.02
    assert alignment["report"]["converged"]


async def test_datums_hold_the_part_in_their_order_and_tell_how_they_fit(works: Works) -> None:
    points = on_part()
    points[:, 1] += 0.01 * points[:, 2]
    away = turned([0.2, -1.1, 0.5], [60.0, 20.0, -30.0])
    placed = points @ away[:3, :3].T + away[:3, 3]
    faces = [{"label": label, "placeMm": place} for label, place in (("A", BOTTOM), ("B", FRONT), ("C", RIGHT))]
    found = await pose_of(works, "datums", placed, {"datums": faces})
    report = found["inspection"]["alignment"]["report"]
    assert [(fit["label"], fit["heldDegrees"]) for fit in report["datums"]] == [("A", 3), ("B", 2), ("C", 1)]
    assert all(int(fit["points"]) > 500 and fit["sigmaMm"] < 0.05 for fit in report["datums"])
    transform = np.array(found["inspection"]["alignment"]["transform"]).reshape(4, 4) @ away
    bottom = points[np.abs(points[:, 2]) < 0.05] @ transform[:3, :3].T + transform[:3, 3]
    assert np.abs(np.polyfit(bottom[:, 1], bottom[:, 2], 1)[0]) < 2e-4
    assert report["fittedMotions"] == []


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "loose": (
        {"referencePoints": [*SIX[:5], {"name": "C1", "placeMm": [20.0, 10.0, 0.0], "direction": [0.0, 0.0, 1.0]}]},
        "DEGENERATE_REFERENCE",
        "translation along (1.00, 0.00, 0.00)",
    ),
    "off": ({"datums": [{"label": "A", "placeMm": [20.0, 13.0, -9.0]}]}, "FEATURE_NOT_FOUND", "datum A"),
    "twice": (
        {"datums": [{"label": "A", "placeMm": BOTTOM}, {"label": "B", "placeMm": [21.0, 13.0, 0.0]}]},
        "DEGENERATE_REFERENCE",
        "B holds nothing",
    ),
    "unseen": ({"referencePoints": SIX, "referenceRadiusMm": 0.01}, "SCAN_MISSING", "A1"),
}


async def test_what_cannot_hold_the_part_is_refused_with_what_to_do(works: Works) -> None:
    for name, (asked, code, said) in CASES.items():
        found = await pose_of(works, f"refused-{name}", on_part(8000), asked)
        assert (found["status"], found["problem"]["code"]) == ("QUARANTINED", code)
        assert said in found["problem"]["message"]
        assert "alignment" in found["problem"]["remedy"]


async def test_the_best_fit_tells_how_sure_it_is_and_which_poses_measure_alike(works: Works) -> None:

    mesh = Manifold.cube((10.0, 10.0, 10.0)).to_mesh()
    corners = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    points, _ = on_surface(corners, np.asarray(mesh.tri_verts, np.int32), 8000, np.random.default_rng(3))
    cad = await works.cad(cube_stl(10.0), "cube")
    asset = await works.floor.asset("cube")
    noisy = points + np.random.default_rng(4).normal(0, 0.01, points.shape)
    done = await works.floor.scan(asset, cad["id"], ply(noisy), "scan-cube", tolerance=TOLERANCE)
    await works.work_off()
    found = (await works.floor.asker("inspection").data_of(POSE, {"id": done["scan"]["id"]}))["scan"]
    alignment, report = found["inspection"]["alignment"], found["inspection"]["alignment"]["report"]
    assert alignment["ambiguous"]
    assert {round(other["angleDegrees"]) for other in report["alternatives"]} <= {90, 120, 180}
    for other in report["alternatives"]:
        there = noisy @ np.array(other["transform"]).reshape(4, 4)[:3, :3].T
        there += np.array(other["transform"]).reshape(4, 4)[:3, 3]
        assert np.abs(np.abs(there - 5.0).max(axis=1) - 5.0).max() < 0.1
    covariance = np.array(report["covariance"]).reshape(6, 6)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-15)
    assert 0 < report["cornerUncertaintyMm"] < 0.01
    assert (report["converged"], report["lockedDegrees"], report["datums"]) == (True, [], [])
