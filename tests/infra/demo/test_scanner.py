from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from infra.demo.part import THICKNESS_MM, DemoPart, demo_part, freeform_height_mm, write_stl
from infra.demo.scanner import Bulge, DemoScan, scan_part, write_laz, write_ply
from workers.readers.read_cad import read_cad
from workers.readers.read_scan import read_scan
from workers.readers.units import LengthUnit


@pytest.fixture(scope="module")
def part() -> DemoPart:
    return demo_part()


def in_part_frame(scan: DemoScan) -> np.ndarray:
    return (scan.points_mm - scan.scan_from_part[:3, 3]) @ scan.scan_from_part[:3, :3]


def deviations_mm(part: DemoPart, scan: DemoScan) -> np.ndarray:
    """By Open3D, which shares no code with the scanner's bulge nor with our own kernel."""
    import open3d as o3d

    tensor = o3d.core.Tensor.from_numpy
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(tensor(part.vertices_mm.astype(np.float32)), tensor(part.triangles.astype(np.uint32)))
    return scene.compute_signed_distance(tensor(in_part_frame(scan).astype(np.float32)), nthreads=1).numpy()


def test_the_part_is_one_closed_surface_with_its_unit_in_the_file(part: DemoPart, tmp_path: Path) -> None:
    write_stl(part, tmp_path / "part.stl")
    mesh = read_cad(tmp_path / "part.stl")
    assert (mesh.unit, mesh.watertight, mesh.warnings) == (LengthUnit.MILLIMETRE, True, ())
    assert 20_000 <= len(mesh.triangles) <= 40_000
    np.testing.assert_allclose(np.ptp(mesh.vertices_mm, axis=0), [120.0, 80.0, 26.0], atol=1e-3)


def test_the_part_and_a_scan_are_the_same_on_every_run(part: DemoPart) -> None:
    np.testing.assert_array_equal(demo_part().vertices_mm, part.vertices_mm)
    first, second, other = (scan_part(part, serial).points_mm for serial in ("A-1", "A-1", "A-2"))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[:100], other[:100])


def test_a_good_piece_differs_from_the_part_by_noise_and_strays_only(part: DemoPart) -> None:
    scan = scan_part(part, "A-1")
    away = deviations_mm(part, scan)
    near = away[np.abs(away) < 0.2]
    assert 150_000 <= len(away) <= 300_000
    assert abs(np.mean(near)) < 0.001
    assert 0.012 < np.std(near) < 0.03
    assert 0.003 < np.mean(np.abs(away) > 0.2) < 0.008


def test_a_bulge_stands_out_by_its_height_and_only_where_it_is(part: DemoPart) -> None:
    bulge = Bulge()
    scan = scan_part(part, "A-1", bulge)
    away, off = deviations_mm(part, scan), np.linalg.norm(in_part_frame(scan) - np.array(bulge.centre_mm), axis=1)
    plateau = away[(off < bulge.plateau_mm - 0.5) & (np.abs(away) < 0.5)]
    assert len(plateau) > 300
    assert np.mean(plateau) == pytest.approx(0.30, abs=0.003)
    outside = away[(off > bulge.reach_mm + 0.5) & (np.abs(away) < 0.2)]
    assert abs(np.mean(outside)) < 0.001


def test_the_bulge_lies_on_the_freeform_top() -> None:
    x, y, z = Bulge().centre_mm
    surface = THICKNESS_MM + freeform_height_mm(np.array([x]), np.array([y]))[0]
    assert z == pytest.approx(surface, abs=0.05)


def test_deep_holes_and_the_underside_slot_are_seen_badly(part: DemoPart) -> None:
    points = in_part_frame(scan_part(part, "A-1"))
    in_bore = (np.hypot(points[:, 0] - 30.0, points[:, 1] - 34.0) < 6.2) & (points[:, 2] > 8) & (points[:, 2] < 16)
    on_wall = (np.abs(points[:, 0]) < 0.2) & (points[:, 2] > 4) & (points[:, 2] < 8)
    bore_area, wall_area = 2 * np.pi * 6.0 * 8.0, 56.0 * 4.0
    assert in_bore.sum() / bore_area < 0.5 * on_wall.sum() / wall_area


def test_a_scan_written_as_laz_or_ply_comes_back_in_millimetres(part: DemoPart, tmp_path: Path) -> None:
    scan = scan_part(part, "A-1")
    write_laz(scan, tmp_path / "scan.laz", date(2026, 1, 1))
    write_ply(scan, tmp_path / "scan.ply")
    for name in ("scan.laz", "scan.ply"):
        read = read_scan(tmp_path / name)
        assert (read.unit, read.warnings) == (LengthUnit.MILLIMETRE, ())
        np.testing.assert_allclose(read.points_mm + read.origin_shift_mm, scan.points_mm, atol=0.6e-4)
