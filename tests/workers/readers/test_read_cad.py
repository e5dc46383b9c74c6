from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workers import errors
from workers.readers.read_cad import read_cad
from workers.readers.surface import signed_volume
from workers.readers.units import LengthUnit
from workers.readers.values import CadMesh

Box = tuple[np.ndarray, np.ndarray]
Stl = Callable[..., bytes]
MM = LengthUnit.MILLIMETRE
BOX_VOLUME = 6000.0


def volume_of(mesh: CadMesh) -> float:
    return signed_volume(mesh.vertices_mm, mesh.triangles.astype(np.int64))


def text_ply(corners: np.ndarray, faces: list[list[int]], comment: str = "made by hand") -> bytes:
    lines = ["ply", "format ascii 1.0", f"comment {comment}", f"element vertex {len(corners)}"]
    lines += ["property float x", "property float y", "property float z"]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    lines += [" ".join(map(str, corner)) for corner in corners]
    lines += [" ".join(map(str, [len(face), *face])) for face in faces]
    return "\n".join(lines).encode() + b"\n"


def glb_bytes(corners: np.ndarray, triangles: np.ndarray, **changes: object) -> bytes:
    places, numbers = corners.astype("<f4").tobytes(), triangles.astype("<u2").tobytes()
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "translation": [1.0, 0.0, 0.0]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(corners), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": triangles.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(places)},
            {"buffer": 0, "byteOffset": len(places), "byteLength": len(numbers)},
        ],
        "buffers": [{"byteLength": len(places) + len(numbers)}],
    } | changes
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = places + numbers
    total = 12 + 8 + len(text) + 8 + len(body)
    return (
        struct.pack("<4sII", b"glTF", 2, total)
        + struct.pack("<I4s", len(text), b"JSON") + text
        + struct.pack("<I4s", len(body), b"BIN\0") + body
    )  # fmt: skip


def test_a_binary_stl_becomes_one_closed_surface(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box))
    mesh = read_cad(path, MM)
    assert (len(mesh.vertices_mm), len(mesh.triangles), mesh.watertight, mesh.warnings) == (8, 12, True, ())
    assert volume_of(mesh) == pytest.approx(BOX_VOLUME)


def test_a_binary_stl_that_begins_with_solid_is_still_binary(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box, header=b"solid facet"))
    assert len(read_cad(path, MM).triangles) == 12


def test_a_text_stl_reads_the_same(tmp_path: Path, box: Box) -> None:
    facets = "".join(
        "facet normal 0 0 0\n outer loop\n"
        + "".join(f"  vertex {x} {y} {z}\n" for x, y, z in box[0][triangle])
        + " endloop\nendfacet\n"
        for triangle in box[1]
    )
    path = tmp_path / "box.stl"
    path.write_text(f"solid box unit: mm\n{facets}endsolid box\n")
    mesh = read_cad(path)
    assert (mesh.unit, len(mesh.triangles), volume_of(mesh)) == (MM, 12, pytest.approx(BOX_VOLUME))


def test_a_ply_with_quadrangles_is_cut_into_triangles(tmp_path: Path, box: Box) -> None:
    quadrangles = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    path = tmp_path / "box.ply"
    path.write_bytes(text_ply(box[0], quadrangles, "unit: cm"))
    mesh = read_cad(path)
    assert (mesh.unit, volume_of(mesh)) == (LengthUnit.CENTIMETRE, pytest.approx(BOX_VOLUME * 1000))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_binary_ply_with_faces_of_mixed_length_reads_row_by_row(tmp_path: Path, box: Box, order: str) -> None:
    faces = [[0, 1, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    kind = "binary_little_endian" if order == "<" else "binary_big_endian"
    head = text_ply(box[0], faces).split(b"end_header\n")[0].replace(b"ascii", kind.encode()) + b"end_header\n"
    rows = b"".join(struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in faces)
    path = tmp_path / "box.ply"
    path.write_bytes(head + box[0].astype(order + "f4").tobytes() + rows)
    assert volume_of(read_cad(path, MM)) == pytest.approx(BOX_VOLUME)


def test_an_obj_reads_with_normals_and_negative_numbers(tmp_path: Path, box: Box) -> None:
    corners = "".join(f"v {x} {y} {z}\n" for x, y, z in box[0])
    faces = "".join("f " + " ".join(f"{corner - 8}//1" for corner in triangle) + "\n" for triangle in box[1])
    path = tmp_path / "box.obj"
    path.write_text(f"# units: inches\nmtllib elsewhere.mtl\n{corners}vn 0 0 1\n{faces}")
    mesh = read_cad(path)
    assert (mesh.unit, volume_of(mesh)) == (LengthUnit.INCH, pytest.approx(BOX_VOLUME * 25.4**3))


def test_a_glb_is_in_metres_and_its_nodes_are_placed(tmp_path: Path, box: Box) -> None:
    path = tmp_path / "box.glb"
    path.write_bytes(glb_bytes(*box))
    mesh = read_cad(path)
    assert (mesh.unit, volume_of(mesh)) == (LengthUnit.METRE, pytest.approx(BOX_VOLUME * 1e9))
    assert mesh.vertices_mm[:, 0].min() == pytest.approx(1000.0)


def test_a_glb_that_declares_a_billion_values_is_refused_before_memory_is_taken(tmp_path: Path, box: Box) -> None:
    path = tmp_path / "box.glb"
    path.write_bytes(glb_bytes(*box, accessors=[{"componentType": 5126, "count": 10**12, "type": "VEC3"}] * 2))
    with pytest.raises(errors.FileCorrupt):
        read_cad(path)


def test_a_gltf_may_not_make_the_reader_open_other_files(tmp_path: Path) -> None:
    path = tmp_path / "box.gltf"
    path.write_text('{"asset": {"version": "2.0"}, "buffers": [{"uri": "../../etc/passwd", "byteLength": 100}]}')
    with pytest.raises(errors.FormatUnsupported, match="other files"):
        read_cad(path)


def test_a_unit_is_never_guessed(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box))
    with pytest.raises(errors.UnitUnknown, match="--unit mm"):
        read_cad(path)


def test_a_given_unit_wins_over_a_stated_one_and_says_so(tmp_path: Path, box: Box) -> None:
    path = tmp_path / "box.glb"
    path.write_bytes(glb_bytes(*box))
    mesh = read_cad(path, MM)
    assert mesh.unit is MM
    assert [warning.code for warning in mesh.warnings] == ["UNIT_CONTRADICTED"]


def test_a_missing_triangle_is_a_hole_and_refused(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(box[0], box[1][:-1]))
    with pytest.raises(errors.MeshNotWatertight) as caught:
        read_cad(path, MM)
    assert caught.value.open_edges == 3


def test_a_hole_that_is_accepted_becomes_a_warning(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(box[0], box[1][:-1]))
    mesh = read_cad(path, MM, accept_flaws=True)
    assert (mesh.watertight, mesh.open_edges) == (False, 3)
    assert [warning.code for warning in mesh.warnings] == ["MESH_NOT_WATERTIGHT"]


def test_two_boxes_through_each_other_are_refused(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    corners = np.concatenate([box[0], box[0] + [3.0, 4.0, 5.0]])
    path = tmp_path / "boxes.stl"
    path.write_bytes(stl_bytes(corners, np.concatenate([box[1], box[1] + 8])))
    with pytest.raises(errors.MeshSelfIntersecting) as caught:
        read_cad(path, MM)
    assert caught.value.crossings >= 6


def test_two_boxes_that_only_touch_are_not_crossing(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    corners = np.concatenate([box[0], box[0] + [10.0, 4.0, 5.0]])
    path = tmp_path / "boxes.stl"
    path.write_bytes(stl_bytes(corners, np.concatenate([box[1], box[1] + 8])))
    assert read_cad(path, MM).crossings == 0


def test_triangles_that_face_inwards_are_turned(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    box[1][[2, 5]] = box[1][[2, 5]][:, ::-1]
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box))
    mesh = read_cad(path, MM)
    assert volume_of(mesh) == pytest.approx(BOX_VOLUME)
    assert [warning.message for warning in mesh.warnings] == ["2 triangles faced the wrong way and were turned."]


def test_a_part_that_is_inside_out_is_turned(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(box[0], box[1][:, ::-1]))
    mesh = read_cad(path, MM)
    assert (volume_of(mesh), mesh.warnings[0].code) == (pytest.approx(BOX_VOLUME), "INSIDE_OUT")


def test_a_cavity_keeps_facing_its_inside(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    corners = np.concatenate([box[0], box[0] / 2 + [2.0, 4.0, 6.0]])
    path = tmp_path / "hollow.stl"
    path.write_bytes(stl_bytes(corners, np.concatenate([box[1], box[1][:, ::-1] + 8])))
    assert volume_of(read_cad(path, MM)) == pytest.approx(BOX_VOLUME * 7 / 8)


def test_seams_that_rounding_opened_are_closed(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    seam = np.concatenate([box[0], box[0] + [0.0, 0.0, 4e-6]])
    triangles = np.concatenate([box[1][:6], box[1][6:] + 8])
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(seam, triangles))
    assert read_cad(path, MM).watertight


def test_no_triangles_is_a_problem_of_its_own(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "empty.stl"
    path.write_bytes(stl_bytes(box[0], box[1][:0]))
    with pytest.raises(errors.MeshWithoutTriangles):
        read_cad(path, MM)


def test_only_triangles_without_area_is_the_same_problem(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    path = tmp_path / "flat.stl"
    path.write_bytes(stl_bytes(box[0], np.array([[1, 1, 2], [3, 4, 4]])))
    with pytest.raises(errors.MeshWithoutTriangles, match="without area"):
        read_cad(path, MM)


def test_a_corner_that_is_not_a_number_is_refused(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    box[0][3, 1] = np.nan
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box))
    with pytest.raises(errors.MeshNotFinite):
        read_cad(path, MM)


def test_a_triangle_that_names_a_missing_corner_is_refused(tmp_path: Path, box: Box) -> None:
    path = tmp_path / "box.ply"
    path.write_bytes(text_ply(box[0], [[0, 1, 99]]))
    with pytest.raises(errors.FileCorrupt, match="not among its 8"):
        read_cad(path, MM)


@pytest.mark.parametrize("kept", [30, 84, 100, 400])
def test_a_stl_cut_short_is_truncated(tmp_path: Path, box: Box, stl_bytes: Stl, kept: int) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(stl_bytes(*box)[:kept])
    with pytest.raises(errors.FileTruncated):
        read_cad(path, MM)


def test_a_step_cut_short_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "part.step"
    path.write_text("ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\n")
    with pytest.raises(errors.FileTruncated, match="END-ISO"):
        read_cad(path)


def test_a_step_that_opencascade_cannot_read_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "part.step"
    path.write_text("ISO-10303-21;\nHEADER;\nthis is no header\nENDSEC;\nEND-ISO-10303-21;\n")
    with pytest.raises(errors.FileCorrupt, match="OpenCASCADE"):
        read_cad(path)


def test_an_empty_file_and_a_wrong_name_have_their_own_problems(tmp_path: Path) -> None:
    (tmp_path / "nothing.stl").touch()
    (tmp_path / "part.stl").write_bytes(b"glTF" + bytes(100))
    (tmp_path / "part.dwg").write_bytes(b"AC1027" + bytes(100))
    for name, problem in [
        ("nothing.stl", errors.FileEmpty),
        ("part.stl", errors.FormatMismatch),
        ("part.dwg", errors.FormatUnsupported),
    ]:
        with pytest.raises(problem):
            read_cad(tmp_path / name, MM)


def test_a_scan_given_as_the_part_is_told_so(tmp_path: Path, box: Box) -> None:
    path = tmp_path / "scan.ply"
    path.write_bytes(text_ply(box[0], []))
    with pytest.raises(errors.MeshWithoutTriangles, match="a scan, not a part"):
        read_cad(path, MM)


def test_random_damage_never_surfaces_as_anything_but_a_problem(tmp_path: Path, box: Box, stl_bytes: Stl) -> None:
    random = np.random.default_rng(11)
    codes: set[str] = set()
    originals = {".stl": stl_bytes(*box), ".glb": glb_bytes(*box), ".ply": text_ply(*map(list, box))}
    for suffix, original in originals.items():
        for _ in range(60):
            damaged = bytearray(original[: random.integers(1, len(original) + 1)])
            for place in random.integers(0, len(damaged), 4):
                damaged[place] = random.integers(0, 256)
            path = tmp_path / f"part{suffix}"
            path.write_bytes(damaged)
            try:
                read_cad(path, MM, accept_flaws=True)
            except errors.FileProblem as problem:
                codes.add(problem.code)
    assert {"FILE_CORRUPT", "FILE_TRUNCATED"} <= codes


def test_real_step_parts_come_in_their_own_unit_and_closed(shared_data: Path) -> None:
    found = {}
    for name in ("scanner-sim/PawnTargetv6.step", "scanner-sim/ShapesTargetv4.step", "trimesh/featuretype.STEP"):
        mesh = read_cad(shared_data / name)
        found[name] = (mesh.unit, mesh.watertight, np.ptp(mesh.vertices_mm, axis=0).round(1).tolist())
    assert found == {
        "scanner-sim/PawnTargetv6.step": (LengthUnit.INCH, True, [91.4, 91.4, 152.4]),
        "scanner-sim/ShapesTargetv4.step": (MM, True, [150.0, 150.0, 36.0]),
        "trimesh/featuretype.STEP": (LengthUnit.INCH, True, [127.0, 63.5, 34.9]),
    }
