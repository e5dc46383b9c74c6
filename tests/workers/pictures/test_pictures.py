from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from kernels.deviation import survey
from workers import reporting
from workers.pictures import scene
from workers.pictures.colours import NO_DATA, Scale, scale_for
from workers.pictures.heat_map import heat_map_png
from workers.pictures.histogram import histogram_png
from workers.pictures.painted import Painted
from workers.pictures.ray_scene import RayScene
from workers.pictures.report import ReportFacts, report_pdf
from workers.pictures.scene import divided, scene_glb
from workers.pictures.sections import sections_png
from workers.pictures.surface_values import SurfaceValues
from workers.pictures.view import close_view, draw, whole_view
from workers.pictures.zone import WorstPlace, Zone
from workers.sections import sections_json, sections_of

ZONE = Zone(-0.1, 0.1)
FIGURES = [("Points", "20,000")]
SIZE_MM = (40.0, 30.0, 20.0)
DENT_MM = np.array([30.0, 20.0, 20.0])
WORST = [WorstPlace((30.0, 20.0, 19.7), -0.3)]


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    vertices_mm: np.ndarray
    triangles: np.ndarray


@pytest.fixture(scope="module")
def block() -> Block:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64) * SIZE_MM
    triangles = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    triangles += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return Block(corners, np.array(triangles, dtype=np.int32))


@pytest.fixture(scope="module")
def scan() -> tuple[np.ndarray, np.ndarray]:
    """The block's top only, with a dent of 0.3 mm and one stray far above."""
    random = np.random.default_rng(4)
    points = np.column_stack([random.uniform(0, SIZE_MM[0], 20_000), random.uniform(0, SIZE_MM[1], 20_000)])
    away = np.linalg.norm(points - DENT_MM[:2], axis=1)
    deviation = random.normal(0, 0.01, len(points)) - 0.3 * (away < 2.5)
    deviation[7] = 12.0
    return np.column_stack([points, SIZE_MM[2] + deviation]), deviation


def values_of(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> SurfaceValues:
    return SurfaceValues(RayScene(block), *scan)


def test_the_colours_jump_at_the_tolerance_and_meet_nowhere_with_grey() -> None:
    scale = Scale(ZONE, 0.4)
    just_in, just_out = scale.colours(np.array([0.099, 0.102]))
    assert np.abs(just_in - just_out).max() > 0.3
    assert scale.colours(np.array([np.nan])).tolist() == [list(NO_DATA)]
    assert np.linalg.norm(scale.table() - np.array(NO_DATA), axis=1).min() > 0.1


def test_blue_means_too_little_and_red_too_much() -> None:
    low, high = Scale(ZONE, 0.4).colours(np.array([-0.3, 0.3]))
    assert low[2] > low[0]
    assert high[0] > high[2]


def test_the_scale_shows_the_tolerance_well_and_ends_at_four_of_it() -> None:
    assert scale_for(np.full(1000, 0.001), ZONE).limit_mm == pytest.approx(0.15)
    assert scale_for(np.full(1000, 9.0), ZONE).limit_mm == pytest.approx(0.4)


def test_a_lopsided_zone_is_shown_as_it_is_on_either_side() -> None:
    scale = Scale(Zone(-0.02, 0.2), 0.8)
    assert np.abs(np.diff(scale.colours(np.array([-0.03, -0.015])), axis=0)).max() > 0.3
    assert np.abs(np.diff(scale.colours(np.array([0.195, 0.21])), axis=0)).max() > 0.3
    assert np.abs(np.diff(scale.colours(np.array([0.095, 0.105])), axis=0)).max() < 0.1
    assert scale.colours(np.zeros(1))[0] == pytest.approx([1.0, 0.98, 0.80], abs=0.06)


@pytest.mark.parametrize(
    ("zone", "words"),
    [(ZONE, "within ±0.1 mm"), (Zone(-0.02, 0.2), "from −0.02 to +0.2 mm"), (Zone(0.0, 0.3), "from 0 to +0.3 mm")],
)
def test_a_zone_says_both_its_limits_where_they_differ(zone: Zone, words: str) -> None:
    assert zone.words() == words


def test_a_heat_map_differs_with_its_zone_and_needs_no_worst_place(
    block: Block, scan: tuple[np.ndarray, np.ndarray]
) -> None:
    pictures = {
        heat_map_png(Painted.of(block, *scan, zone), [], "Block", "")
        for zone in (ZONE, Zone(-0.1, 0.02), Zone(0.02, 0.1))
    }
    assert len(pictures) == 3


def test_places_without_points_have_no_value(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> None:
    middle_of_top, underside, side = [10.0, 10.0, 20.0], [10.0, 10.0, 0.0], [0.0, 15.0, 10.0]
    found = values_of(block, scan).at(np.array([middle_of_top, underside, side]))
    assert abs(found[0]) < 0.02
    assert np.isnan(found[1:]).all()


def test_a_stray_paints_nothing(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> None:
    points, deviation = scan
    assert deviation[7] == 12.0
    assert abs(values_of(block, scan).at(points[7:8] * [1.0, 1.0, 0.0] + [0.0, 0.0, SIZE_MM[2]])[0]) < 0.35


def test_a_view_from_above_paints_the_dent_where_it_is(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> None:
    scene = RayScene(block)
    view = whole_view(scene, "From above", np.array([0.0, 0.0, 1.0]), 300, 240)
    values, scale = values_of(block, scan), Scale(ZONE, 0.4)
    image = draw(view, scene, lambda places: scale.colours(values.at(places)))
    column, row = view.pixels_of(DENT_MM[None])[0].round().astype(int)
    assert image[row, column, 2] > image[row, column, 0] + 0.2
    away, down = view.pixels_of(np.array([[10.0, 10.0, 20.0]]))[0].round().astype(int)
    assert image[down, away, 0] > 0.75
    assert image[2, 2].tolist() == [1.0, 1.0, 1.0]


def test_a_place_behind_the_part_is_not_marked(block: Block) -> None:
    scene = RayScene(block)
    view = whole_view(scene, "From above", np.array([0.0, 0.0, 1.0]), 300, 240)
    assert view.is_visible(scene, np.array([10.0, 10.0, 20.0]))
    assert not view.is_visible(scene, np.array([10.0, 10.0, 0.0]))


def test_a_close_view_of_a_hidden_place_cuts_off_what_stands_before_it() -> None:
    one = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64) * 10.0
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    stacked = Block(
        np.concatenate([one, one + np.array([0, 0, 14.0])]), np.array(faces + (np.array(faces) + 8).tolist())
    )
    scene = RayScene(stacked)
    place = np.array([5.0, 4.0, 10.0])
    view = close_view(scene, "close", place, np.array([0.0, 0.0, 1.0]), 3.0, 60, 48)
    assert view.is_visible(scene, place)


def test_the_heat_map_is_a_picture_with_the_same_bytes_each_time(
    block: Block, scan: tuple[np.ndarray, np.ndarray]
) -> None:
    first, second = (
        heat_map_png(Painted.of(block, *scan, ZONE), WORST, "Block · serial 1", "20,000 points") for _ in range(2)
    )
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (1820, 1260)


def histogram(scan: tuple[np.ndarray, np.ndarray]) -> bytes:
    return histogram_png(survey(*scan), scale_for(scan[1], ZONE), FIGURES, "Block")


def test_the_histogram_has_the_same_bytes_each_time(scan: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (histogram(scan) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (1400, 700)


def test_strays_are_in_no_bar_and_not_beyond_the_scale(scan: tuple[np.ndarray, np.ndarray]) -> None:
    points, deviations = scan
    above = np.column_stack([np.linspace(5.0, 35.0, 20), np.full(20, 15.0), np.linspace(23.0, 60.0, 20)])
    stray = np.vstack([points, above]), np.append(deviations, above[:, 2] - SIZE_MM[2])
    assert survey(*stray).strays == survey(*scan).strays + 20
    assert histogram(stray) == histogram(scan)


def facts(**changes: object) -> ReportFacts:
    plain = ReportFacts(
        sampled_points=None,
        workspace="Plant 7 · Łódź",
        asset="Block & <b>frame</b>",
        serial="1",
        cad_revision="B",
        cad_sha256="ab" * 32,
        scan_name="scan.laz",
        scan_sha256="cd" * 32,
        points=20_000,
        held_by="best fit of the whole scan",
        alignment_fitness=0.99,
        alignment_rms_mm=0.01,
        unconstrained=(),
        zone=ZONE,
        decision_rule="ISO 14253-1",
        percent_in_tolerance=97.0,
        mean_mm=-0.001,
        sigma_mm=0.01,
        rms_mm=0.01,
        p95_mm=0.02,
        verdict="FAIL",
        reason="A dent.",
        operator="Anna Müller",
        decided_at=datetime(2026, 1, 14, 9, 30, tzinfo=UTC),
        report_id="0199",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_a_report_is_a_pdf_with_the_same_bytes_each_time(scan: tuple[np.ndarray, np.ndarray]) -> None:
    picture = histogram(scan)
    first, second = (report_pdf(facts(), picture, picture, WORST) for _ in range(2))
    assert first.startswith(b"%PDF-")
    assert first == second
    assert first != report_pdf(facts(verdict="PASS"), picture, picture, WORST)
    assert first != report_pdf(facts(held_by="datum A"), picture, picture, WORST)
    assert first != report_pdf(facts(sampled_points=1_000_000), picture, picture, WORST)


def glb_of(body: bytes) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The document, and positions, deviations, colours and triangles as a viewer reads them."""
    size = int.from_bytes(body[12:16], "little")
    document, rest = json.loads(body[20 : 20 + size]), body[28 + size :]
    kinds = {5126: "<f4", 5121: "u1", 5125: "<u4"}
    widths = {"VEC3": 3, "VEC4": 4, "SCALAR": 1}
    arrays = []
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        raw = np.frombuffer(rest[view["byteOffset"] :][: view["byteLength"]], kinds[accessor["componentType"]])
        arrays.append(raw.reshape(accessor["count"], widths[accessor["type"]]))
    return document, *arrays


def test_a_scene_carries_colours_and_deviations_at_its_corners(
    block: Block, scan: tuple[np.ndarray, np.ndarray]
) -> None:
    painted = Painted.of(block, *scan, ZONE)
    body = scene_glb(block, painted.values.at, painted.scale, "Block")
    assert body == scene_glb(block, painted.values.at, painted.scale, "Block")
    assert int.from_bytes(body[8:12], "little") == len(body)
    document, positions, deviations, colours, triangles = glb_of(body)
    places = positions + np.array(SIZE_MM) / 2
    deviations = deviations.ravel()
    top = places[:, 2] > SIZE_MM[2] - 0.01
    dent = top & (np.linalg.norm(places[:, :2] - DENT_MM[:2], axis=1) < 1.5)
    assert dent.sum() > 10
    assert deviations[dent] == pytest.approx(-0.3, abs=0.05)
    assert (colours[dent, 2] > colours[dent, 0]).all()
    below = places[:, 2] < 1
    assert (deviations[below] == document["meshes"][0]["extras"]["noData"]).all()
    assert len({tuple(colour) for colour in colours[below]}) == 1
    assert triangles.max() == len(positions) - 1
    accessor = document["accessors"][0]
    assert (accessor["min"], accessor["max"]) == (positions.min(axis=0).tolist(), positions.max(axis=0).tolist())


def test_a_part_of_too_many_triangles_gets_no_scene(
    block: Block, scan: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    painted = Painted.of(block, *scan, ZONE)
    assert [made.kind for made in reporting._scene(block, painted, "Block")] == ["SCENE"]
    monkeypatch.setattr(scene, "_MOST_TRIANGLES", len(block.triangles) - 1)
    assert reporting._scene(block, painted, "Block") == []


def test_a_scene_is_in_metres_with_its_top_up(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> None:
    import trimesh

    painted = Painted.of(block, *scan, ZONE)
    loaded = trimesh.load_scene(
        io.BytesIO(scene_glb(block, painted.values.at, painted.scale, "Block")), file_type="glb"
    )
    assert loaded.bounds[1] - loaded.bounds[0] == pytest.approx([0.04, 0.02, 0.03], abs=1e-6)
    assert loaded.bounds[0] == pytest.approx([0.0, 0.0, -0.03], abs=1e-6)


def test_dividing_keeps_the_surface_closed_and_its_area(block: Block) -> None:
    places, triangles = divided(block.vertices_mm, block.triangles, 2.0)
    corners = places[triangles]
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    assert lengths.max() <= 2.0
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert area == pytest.approx(2 * (40 * 30 + 40 * 20 + 30 * 20))
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_sections_are_drawn_the_same_each_time(block: Block, scan: tuple[np.ndarray, np.ndarray]) -> None:
    painted = Painted.of(block, *scan, ZONE)
    sections = sections_of(block, *scan, DENT_MM, 1.0)
    assert [section.name for section in sections] == ["middle x", "middle y", "middle z", "worst place"]
    first, second = (sections_png(sections, painted.scene, painted.scale, "Block") for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (1820, 1260)


def test_the_section_through_the_worst_place_shows_how_deep_it_is(
    block: Block, scan: tuple[np.ndarray, np.ndarray]
) -> None:
    document = json.loads(sections_json(sections_of(block, *scan, DENT_MM, 1.0), ZONE))
    worst = document["sections"][-1]
    (line,) = worst["lines"]
    assert worst["point"][0] == DENT_MM[0]
    known = [value for value in line["deviations"] if value is not None]
    assert min(known) == pytest.approx(-0.3, abs=0.03)
    assert len(known) < len(line["deviations"]) == len(line["places"]) == len(line["points"])
