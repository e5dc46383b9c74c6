from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from workers import errors
from workers.readers.read_scan import read_scan
from workers.readers.units import LengthUnit

MM = LengthUnit.MILLIMETRE


def binary_ply(points: np.ndarray, comment: str = "unit: mm") -> bytes:
    head = f"ply\nformat binary_little_endian 1.0\ncomment {comment}\nelement vertex {len(points)}\n"
    head += "property float x\nproperty float y\nproperty float z\nend_header\n"
    return head.encode() + points.astype("<f4").tobytes()


def pcd_bytes(points: np.ndarray, encoding: str, height: int = 1) -> bytes:
    head = "# .PCD v0.7\n# unit: mm\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\n"
    head += f"WIDTH {len(points) // height}\nHEIGHT {height}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\n"
    head += f"DATA {encoding}\n"
    if encoding == "ascii":
        return head.encode() + "".join(f"{x!r} {y!r} {z!r} 66051\n" for x, y, z in points.tolist()).encode()
    rows = np.zeros(len(points), [("place", "<f4", 3), ("rgb", "<u4")])
    rows["place"], rows["rgb"] = points, 0x010203
    return head.encode() + rows.tobytes()


def write_las(path: Path, points: np.ndarray, wkt: str | None = None, scale: float = 1e-4) -> None:
    import laspy
    from laspy.vlrs.known import WktCoordinateSystemVlr

    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = np.full(3, scale), points.min(axis=0)
    if wkt:
        header.vlrs.append(WktCoordinateSystemVlr(wkt))
        header.global_encoding.wkt = True
    las = laspy.LasData(header)
    las.x, las.y, las.z = points.T
    las.red = las.green = np.full(len(points), 256 * 200, np.uint16)
    las.write(str(path))


LOCAL_MM = 'LOCAL_CS["part",LOCAL_DATUM["scanner",0],UNIT["millimetre",0.001]]'


def test_a_ply_keeps_its_points_and_states_its_unit(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud))
    scan = read_scan(path)
    assert (scan.unit, scan.warnings, scan.origin_shift_mm.tolist()) == (MM, (), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(scan.points_mm, cloud)


def test_points_in_inches_become_millimetres(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud, "no unit here"))
    np.testing.assert_allclose(read_scan(path, LengthUnit.INCH).points_mm, cloud * 25.4, rtol=1e-15)


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_a_pcd_reads_with_its_packed_colours(tmp_path: Path, cloud: np.ndarray, encoding: str) -> None:
    path = tmp_path / "scan.pcd"
    path.write_bytes(pcd_bytes(cloud, encoding))
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.points_mm, cloud)
    assert scan.colours is not None
    assert np.unique(scan.colours, axis=0).tolist() == [[1, 2, 3]]


def test_a_compressed_pcd_reads_the_same(tmp_path: Path, cloud: np.ndarray) -> None:
    import open3d as o3d

    path = tmp_path / "scan.pcd"
    written = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud))
    assert o3d.io.write_point_cloud(str(path), written, write_ascii=False, compressed=True)
    assert b"DATA binary_compressed" in path.read_bytes()[:400]
    np.testing.assert_array_equal(read_scan(path, MM).points_mm, cloud)


def test_a_compressed_pcd_cut_short_is_truncated(tmp_path: Path, cloud: np.ndarray) -> None:
    import open3d as o3d

    path = tmp_path / "scan.pcd"
    o3d.io.write_point_cloud(str(path), o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud)), compressed=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(errors.FileTruncated):
        read_scan(path, MM)


def test_drop_outs_of_an_organised_cloud_are_left_out_and_counted(tmp_path: Path, cloud: np.ndarray) -> None:
    cloud[::2] = np.nan
    path = tmp_path / "scan.pcd"
    path.write_bytes(pcd_bytes(cloud, "binary", height=10))
    scan = read_scan(path)
    assert len(scan.points_mm) == 500
    assert [warning.message for warning in scan.warnings] == ["500 of 1,000 points were NaN or infinite and left out."]


def test_a_few_bad_points_are_left_out_anywhere(tmp_path: Path, cloud: np.ndarray) -> None:
    cloud[:3], cloud[3] = np.nan, np.inf
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud))
    scan = read_scan(path)
    assert (len(scan.points_mm), scan.warnings[0].code) == (996, "NOT_FINITE_POINTS")


def test_many_bad_points_outside_a_grid_are_refused(tmp_path: Path, cloud: np.ndarray) -> None:
    cloud[:60] = np.nan
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud))
    with pytest.raises(errors.CloudNotFinite, match="60 of 1,000"):
        read_scan(path)


def test_a_cloud_of_nothing_but_nan_has_no_points(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.pcd"
    path.write_bytes(pcd_bytes(cloud * np.nan, "binary", height=10))
    with pytest.raises(errors.CloudEmpty):
        read_scan(path)


def test_drop_outs_written_as_zeros_are_left_out(tmp_path: Path, cloud: np.ndarray) -> None:
    cloud[:5] = 0.0
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud))
    scan = read_scan(path)
    assert (len(scan.points_mm), scan.warnings[0].code) == (995, "ZERO_POINTS")


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_las_and_laz_state_millimetres_in_well_known_text(tmp_path: Path, cloud: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"scan{suffix}"
    write_las(path, cloud, LOCAL_MM)
    scan = read_scan(path)
    assert scan.unit is MM
    np.testing.assert_allclose(scan.points_mm, cloud, atol=0.6e-4)
    assert scan.colours is not None
    assert scan.colours[0].tolist() == [200, 200, 0]


def test_degrees_are_refused(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.las"
    write_las(path, cloud, 'GEOGCS["WGS 84",DATUM["WGS_1984"],UNIT["degree",0.0174532925199433]]')
    with pytest.raises(errors.CoordinatesAngular):
        read_scan(path)


def test_a_las_without_a_system_needs_a_unit(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.las"
    write_las(path, cloud)
    with pytest.raises(errors.UnitUnknown, match="no coordinate system"):
        read_scan(path)


def test_large_coordinates_are_shifted_without_losing_a_tenth_of_a_micron(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.las"
    placed = cloud / 1000.0 + [512_345.0, 5_403_000.0, 300.0]
    write_las(path, placed, scale=1e-6)
    scan = read_scan(path, LengthUnit.METRE)
    assert np.abs(scan.points_mm).max() < 2000.0
    assert (scan.origin_shift_mm % 1000.0).tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(np.ptp(scan.points_mm, axis=0), np.ptp(placed, axis=0) * 1000.0, atol=2e-3)
    whole = scan.points_mm + scan.origin_shift_mm
    np.testing.assert_allclose(whole, placed * 1000.0, rtol=0, atol=1e-3)


def test_withheld_points_count_as_deleted(tmp_path: Path, cloud: np.ndarray) -> None:
    import laspy

    path = tmp_path / "scan.las"
    write_las(path, cloud, LOCAL_MM)
    las = laspy.read(path)
    las.withheld[:10] = 1
    las.write(str(path))
    scan = read_scan(path)
    assert (len(scan.points_mm), scan.warnings[0].code) == (990, "WITHHELD_POINTS")


def test_a_laz_with_damaged_points_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "scan.laz"
    write_las(path, np.random.default_rng(3).uniform(0, 100, (60_000, 3)), LOCAL_MM)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle - 20_000 : middle + 20_000] = b"\xff" * 40_000
    path.write_bytes(content)
    with pytest.raises(errors.FileCorrupt):
        read_scan(path)


@pytest.mark.parametrize("kept", [4, 100, 227, 300, 700, 5000])
@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_a_las_cut_short_is_truncated(tmp_path: Path, cloud: np.ndarray, suffix: str, kept: int) -> None:
    path = tmp_path / f"scan{suffix}"
    write_las(path, cloud, LOCAL_MM)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(errors.FileTruncated):
        read_scan(path)


def write_e57(path: Path, points: np.ndarray) -> None:
    import pye57

    with pye57.E57(str(path), mode="w") as file:
        data = dict(zip(("cartesianX", "cartesianY", "cartesianZ"), points.T.copy(), strict=True))
        half = len(points) // 2
        for part, move in ((slice(None, half), [0.0, 0.0, 0.0]), (slice(half, None), [1.0, 0.0, 0.0])):
            file.write_scan_raw(
                {name: values[part].copy() for name, values in data.items()},
                rotation=np.array([1.0, 0.0, 0.0, 0.0]),
                translation=np.array(move),
            )


def test_the_scans_of_an_e57_are_placed_and_joined_in_metres(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.e57"
    write_e57(path, cloud / 100.0)
    scan = read_scan(path)
    expected = cloud * 10.0
    expected[500:, 0] += 1000.0
    assert scan.unit is LengthUnit.METRE
    np.testing.assert_allclose(scan.points_mm, expected, atol=1e-3)


def test_a_damaged_and_a_cut_e57_have_their_own_problems(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.e57"
    write_e57(path, cloud)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1024])
    with pytest.raises(errors.FileTruncated):
        read_scan(path)
    damaged = bytearray(whole)
    damaged[2000] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(errors.FileCorrupt):
        read_scan(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", "# unit: mm\n1 2 3\n4.5 5 6e0\n"),
        ("a.csv", "x_mm,y_mm,z_mm\n1,2,3\n4.5,5,6\n"),
        ("a.csv", "intensity;X [mm];Y [mm];Z [mm]\n9;1,0;2,0;3,0\n9;4,5;5,0;6,0\n"),
        ("a.txt", "// units = mm\r\n1\t2\t3\r\n4.5\t5\t6\r\n\r\n"),
        ("a.pts", "# unit mm\n2\n1 2 3 7\n4.5 5 6 7\n"),
        ("noname", "# unit: mm\n1.0, 2.0, 3.0\n4.5, 5.0, 6.0\n"),
    ],
)
def test_text_reads_with_any_delimiter_and_header(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    scan = read_scan(path)
    assert (scan.unit, scan.points_mm.tolist()) == (MM, [[1.0, 2.0, 3.0], [4.5, 5.0, 6.0]])


def test_text_colours_are_found_and_normals_are_not_taken_for_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text("1 2 3 255 128 0\n4 5 6 255 128 0\n")
    coloured = read_scan(path, MM)
    path.write_text("1 2 3 0.6 -0.8 0\n4 5 6 0.6 0.8 0\n")
    assert coloured.colours is not None
    assert coloured.colours.tolist() == [[255, 128, 0], [255, 128, 0]]
    assert read_scan(path, MM).colours is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 2 3\n4 5\n6 7 8 9\n", "row 2, '4 5', is not 3 numbers"),
        ("1,2,3\n4,,6\n", "row 2"),
        ("1 2 3\n4 five 6\n", "row 2, '4 five 6'"),
        ("a,b,c\n1,2,3\n", "names no x, y and z"),
        ("1 2\n3 4\n", "three are needed"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(errors.FileCorrupt, match=found):
        read_scan(path, MM)


def test_declared_points_without_bytes_take_no_memory(tmp_path: Path, cloud: np.ndarray) -> None:
    ply = binary_ply(cloud[:1]).replace(b"vertex 1\n", b"vertex 90000000\n")
    pcd = pcd_bytes(cloud[:1], "binary").replace(b" 1\nVIEW", b" 9000\nVIEW")
    for name, content in (("scan.ply", ply), ("scan.pcd", pcd.replace(b"POINTS 1\n", b"POINTS 9000\n"))):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(errors.FileTruncated):
            read_scan(path, MM)


def test_more_points_than_a_job_may_hold_are_refused(tmp_path: Path, cloud: np.ndarray) -> None:
    path = tmp_path / "scan.ply"
    path.write_bytes(binary_ply(cloud[:1]).replace(b"vertex 1\n", b"vertex 900000000000\n"))
    with pytest.raises(errors.FileTooLarge):
        read_scan(path, MM)


def test_no_points_at_all_is_a_problem_of_its_own(tmp_path: Path, cloud: np.ndarray) -> None:
    write_las(tmp_path / "scan.laz", cloud[:1], LOCAL_MM)
    content = bytearray((tmp_path / "scan.laz").read_bytes())
    content[247:255] = struct.pack("<Q", 0)
    content[107:111] = bytes(4)
    (tmp_path / "scan.laz").write_bytes(content)
    (tmp_path / "scan.ply").write_bytes(binary_ply(cloud[:0]))
    (tmp_path / "scan.pcd").write_bytes(pcd_bytes(cloud[:0], "binary"))
    (tmp_path / "scan.xyz").write_text("# unit: mm\n")
    for name in ("scan.laz", "scan.ply", "scan.pcd", "scan.xyz"):
        with pytest.raises(errors.CloudEmpty):
            read_scan(tmp_path / name)


def test_random_damage_never_surfaces_as_anything_but_a_problem(tmp_path: Path, cloud: np.ndarray) -> None:
    random = np.random.default_rng(5)
    codes: set[str] = set()
    write_las(tmp_path / "whole.laz", cloud, LOCAL_MM)
    write_las(tmp_path / "whole.las", cloud, LOCAL_MM)
    write_e57(tmp_path / "whole.e57", cloud)
    (tmp_path / "whole.ply").write_bytes(binary_ply(cloud))
    (tmp_path / "whole.pcd").write_bytes(pcd_bytes(cloud, "binary"))
    (tmp_path / "whole.xyz").write_text("\n".join(f"{x} {y} {z}" for x, y, z in cloud))
    for whole in sorted(tmp_path.glob("whole.*")):
        original = whole.read_bytes()
        for _ in range(40):
            damaged = bytearray(original[: random.integers(1, len(original) + 1)])
            for place in random.integers(0, min(len(damaged), 1500), 4):
                damaged[place] = random.integers(0, 256)
            path = tmp_path / f"scan{whole.suffix}"
            path.write_bytes(damaged)
            try:
                read_scan(path, MM)
            except errors.FileProblem as problem:
                codes.add(problem.code)
    assert {"FILE_CORRUPT", "FILE_TRUNCATED"} <= codes


def test_real_scans_read_whole(shared_data: Path) -> None:
    metre = LengthUnit.METRE
    ring = read_scan(shared_data / "scanner-sim/pawn_ring.ply", MM)
    laz = read_scan(shared_data / "lidar/lone-star.laz", metre)
    copc = read_scan(shared_data / "lidar/lone-star.copc.laz", metre)
    pump = read_scan(shared_data / "lidar/pumpAVisualReferenceImage.e57")
    assert [len(scan.points_mm) for scan in (ring, laz, copc, pump)] == [204_162, 518_862, 518_862, 155_201]
    # The two keep different offsets, so that float64 differs in its last bits; the files' own step is 0.25 mm.
    rounded = [np.round(scan.points_mm / 0.25).astype(np.int64) for scan in (laz, copc)]
    np.testing.assert_array_equal(*[steps[np.lexsort(steps.T)] for steps in rounded])
    assert pump.colours is not None
