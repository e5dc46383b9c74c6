"""Whole jobs, from an upload to a verdict or a quarantine, on the real store and database."""

import asyncio
import dataclasses
import io
import re
from typing import Any

import aiohttp
import numpy as np
import pytest
from sqlalchemy import func, select

from db.tables.inspection import AlignmentRow, InspectionRow
from db.tables.jobs import JobRow
from db.tables.twin import TwinVersionRow
from kernels.errors import InvalidParameter
from subgraphs.serving.global_ids import key_of
from tests.subgraphs.inspection.conftest import promise
from tests.subgraphs.inspection.measured import worker
from tests.workers.conftest import Works
from tests.workers.shop import bracket, cube_stl, laz, ply, scanned, stl
from workers import comparing, inspection
from workers.actor import Handler, Run, act
from workers.errors import FileTruncated

TOLERANCE = {"lowerMm": -0.1, "upperMm": 0.1}
BRACKET = stl(*bracket())


async def a_scan(works: Works, serial: str, body: bytes, **more: Any) -> Any:
    """A scan of the bracket, processed: as the graph shows it, with its id."""
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset(serial)
    given = {"tolerance": TOLERANCE, **more}
    done = await works.floor.scan(asset, cad["id"], body, f"scan-{serial}", **given)
    await works.work_off()
    return {"id": done["scan"]["id"], **(await works.scan(done["scan"]["id"]))}


async def test_a_bulge_is_measured_judged_drawn_and_followed_by_the_twin(works: Works) -> None:
    scan = await a_scan(works, "bulged", ply(scanned(bulge_mm=0.3)))
    found = scan["inspection"]
    assert (scan["status"], scan["job"]["status"], found["verdict"]) == ("PROCESSED", "SUCCEEDED", "FAIL")
    assert found["deviationMap"]["profileUpperMm"] == pytest.approx(0.3, abs=0.02)
    (worst,) = found["deviationMap"]["worstPoints"]
    assert np.linalg.norm(np.array(worst["positionMm"]) - [19.0, 20.0, 14.3]) < 5.0
    heads = {"heatMapUrl": b"\x89PNG", "histogramUrl": b"\x89PNG", "reportUrl": b"%PDF"}
    async with aiohttp.ClientSession() as session:
        for name, head in heads.items():
            async with session.get(found["deviationMap"][name]) as answer:
                body = await answer.read()
                assert (answer.status, body[:4]) == (200, head)
    # The report, read last, names its maker.
    assert re.search(rb"/Author \(([^)]*)\)", body)[1] == b"Acme quality_engineer <quality_engineer@acme.example>"  # type: ignore[index]
    asker = works.floor.asker("twin")
    response = await asker.entities("... on Scan { twinVersion { message } }", {"__typename": "Scan", "id": scan["id"]})
    assert response["data"]["_entities"][0]["twinVersion"]["message"] == "Inspection decided: FAIL"


async def test_each_face_is_measured_and_the_bulge_is_on_one_of_them(works: Works) -> None:
    scan = await a_scan(works, "faces", ply(scanned(bulge_mm=0.3)))
    found = scan["inspection"]
    faces = found["deviationMap"]["regions"]["nodes"]
    assert [face["shape"] for face in faces].count("CYLINDER") == 3
    assert {face["shape"] for face in faces} == {"PLANE", "CYLINDER"}
    (bulged,) = (face for face in faces if face["verdict"] == "FAIL")
    assert bulged["form"] == "flatness"
    assert bulged["formMm"] == pytest.approx(0.3, abs=0.03)
    sound = [face for face in faces if face["verdict"] == "PASS"]
    assert len(sound) >= 8
    assert all(face["formMm"] is None or face["formMm"] < 0.03 for face in sound)
    assert all(0.95 < face["coverage"] <= 1 for face in sound if face["areaMm2"] > 50)
    told = {each["characteristic"]: each["value"] for each in found["measurements"]["nodes"]}
    assert told["profile.minimum_zone"] == pytest.approx(0.3, abs=0.03)
    assert sum(face["positionMm"] is not None for face in faces) == 3


async def test_a_good_part_passes_and_the_alignment_takes_the_scan_to_the_part(works: Works) -> None:
    points = scanned(seed=5)
    scan = await a_scan(works, "good", ply(points))
    found = scan["inspection"]
    assert (found["verdict"], scan["points"]) == ("PASS", "60000")
    pose = np.array(found["alignment"]["transform"]).reshape(4, 4)
    placed = points @ pose[:3, :3].T + pose[:3, 3]
    assert np.abs(placed.min(axis=0)).max() < 0.1
    assert np.abs(placed.max(axis=0) - [40.0, 26.0, 14.0]).max() < 0.1


COMPARE = """mutation($input: CompareScansInput!) { compareScans(input: $input) { __typename
  ... on ScanComparisonBegun { comparison { id status } } ... on Problem { code } } }"""
COMPARISON = """query($id: ID!) { scanComparison(id: $id) { status problem { code remedy } job { status } changes {
  registrationErrorMm corePoints comparedPoints significantPoints medianMm detectableMm sceneUrl changesUrl
  places(first: 3) { positionMm distanceMm detectableMm } } } }"""


async def test_what_changed_between_two_scans_is_found_and_placed(works: Works) -> None:
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset("changed")
    scans = []
    for name, points in (("before", scanned(seed=11)), ("after", scanned(bulge_mm=0.1, seed=12))):
        done = await works.floor.scan(asset, cad["id"], ply(points), f"scan-{name}", tolerance=TOLERANCE)
        scans.append(done["scan"]["id"])
    given = {"firstScanId": scans[0], "secondScanId": scans[1], "radiusMm": 0.8, "idempotencyKey": "compare-1"}
    early = await works.floor.mutate(COMPARE, given)
    assert early == {"__typename": "ScansNotComparable", "code": "SCANS_NOT_COMPARABLE"}
    await works.work_off()
    begun = await works.floor.mutate(COMPARE, given)
    assert await works.floor.mutate(COMPARE, given) == begun
    await works.work_off()
    id = begun["comparison"]["id"]
    found = (await works.floor.asker("inspection").data_of(COMPARISON, {"id": id}))["scanComparison"]
    assert (found["status"], found["job"]["status"], found["problem"]) == ("PROCESSED", "SUCCEEDED", None)
    changes = found["changes"]
    assert int(changes["comparedPoints"]) > 0.99 * int(changes["corePoints"])
    assert 0 < changes["registrationErrorMm"] < 0.01
    assert changes["detectableMm"] < 0.03
    assert changes["medianMm"] == pytest.approx(0.0, abs=0.005)
    top = changes["places"][0]
    assert top["distanceMm"] == pytest.approx(0.1, abs=0.02)
    assert np.linalg.norm(np.array(top["positionMm"]) - [19.0, 20.0, 14.0]) < 5.0
    async with aiohttp.ClientSession() as session:
        async with session.get(changes["changesUrl"]) as answer, asyncio.timeout(30):
            arrays = np.load(io.BytesIO(await answer.read()), allow_pickle=False)
        async with session.get(changes["sceneUrl"]) as answer:
            assert (await answer.read())[:4] == b"glTF"
    assert len(arrays["distance_mm"]) == int(changes["corePoints"])


async def two_scans(works: Works, serial: str) -> list[str]:
    """Of one asset, processed."""
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset(serial)
    scans = []
    for seed in (21, 22):
        body = ply(scanned(count=8000, seed=seed))
        done = await works.floor.scan(asset, cad["id"], body, f"scan-{serial}-{seed}", tolerance=TOLERANCE)
        scans.append(done["scan"]["id"])
    await works.work_off()
    return scans


@pytest.mark.parametrize(
    ("broken", "error", "code"),
    [
        ("compare", InvalidParameter("radius", 0.8, "another one"), "INVALID_PARAMETER"),
        ("read_scan", FileTruncated("scan.ply", "no points"), "FILE_TRUNCATED"),
    ],
)
async def test_what_a_comparison_refuses_ends_it_at_once_with_its_own_remedy(
    works: Works, monkeypatch: pytest.MonkeyPatch, broken: str, error: Exception, code: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    scans = await two_scans(works, f"refused-{broken}")
    monkeypatch.setattr(comparing, broken, fails)
    given = {"firstScanId": scans[0], "secondScanId": scans[1], "idempotencyKey": f"refused-{broken}"}
    id = (await works.floor.mutate(COMPARE, given))["comparison"]["id"]
    (text,) = await works.wakeups()
    await act(works.place, text)
    found = (await works.floor.asker("inspection").data_of(COMPARISON, {"id": id}))["scanComparison"]
    assert (found["status"], found["job"]["status"], found["problem"]["code"]) == ("QUARANTINED", "FAILED", code)
    assert "ompare" in found["problem"]["remedy"]


CASES: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "empty": (ply(np.empty((0, 3))), {}, "CLOUD_EMPTY"),
    "nan": (ply(np.where(np.arange(3000).reshape(1000, 3) % 4 == 0, np.nan, 1.0)), {}, "CLOUD_NOT_FINITE"),
    "huge": (ply(scanned(scale=1000.0, count=5000)), {}, "SCALE_IMPLAUSIBLE"),
    "metres": (ply(scanned(count=5000)), {"unit": "METRE"}, "SCALE_IMPLAUSIBLE"),
    "corrupt": (laz(scanned(count=20000))[:-9000], {"format": "LAZ"}, "FILE_TRUNCATED"),
    "unitless": (ply(scanned(count=5000)), {"unit": None}, "UNIT_UNKNOWN"),
    "other": (ply(np.random.default_rng(3).normal(size=(20000, 3)) * 12), {}, "REGISTRATION_FAILED"),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_cannot_be_measured_is_quarantined_with_its_reason(works: Works, name: str) -> None:
    body, more, code = CASES[name]
    scan = await a_scan(works, f"bad-{name}", body, **more)
    assert (scan["status"], scan["job"]["status"]) == ("QUARANTINED", "FAILED")
    assert scan["problem"]["code"] == scan["job"]["error"]["code"] == code
    assert scan["problem"]["remedy"]
    async with works.place.database.begin(worker(works.floor.house.acme.id)) as work:
        id = key_of(scan["id"], "Scan")
        written = await work.session.scalar(
            select(func.count()).select_from(AlignmentRow).where(AlignmentRow.scan_id == id)
        )
    assert (scan["inspection"], written) == (None, 0)


async def test_a_file_that_is_not_what_was_promised_as_a_whole_is_quarantined(works: Works) -> None:
    body = ply(scanned(count=1000))
    wrong = {**promise("scan.ply", body), "sha256": "0" * 64}
    scan = await a_scan(works, "bad-hash", body, file=wrong)
    assert (scan["status"], scan["problem"]["code"]) == ("QUARANTINED", "CHECKSUM_MISMATCH")


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("no-triangles", stl(np.zeros((3, 3)), np.empty((0, 3), np.int32)), "MESH_WITHOUT_TRIANGLES"),
        ("open", stl(*[bracket()[0], bracket()[1][4:]]), "MESH_NOT_WATERTIGHT"),
        ("not-a-mesh", b"hello, this is no mesh at all, but it is long enough" * 4, "FORMAT_MISMATCH"),
    ],
)
async def test_a_shape_that_cannot_be_measured_against_is_quarantined(
    works: Works, name: str, body: bytes, code: str
) -> None:
    cad = await works.cad(body, f"cad-{name}")
    assert (cad["status"], cad["problem"]["code"], cad["mesh"]) == ("QUARANTINED", code, None)


async def test_flaws_that_were_accepted_are_warnings(works: Works) -> None:
    vertices, triangles = bracket()
    cad = await works.cad(stl(vertices, triangles[4:]), "cad-flawed", acceptFlaws=True)
    assert (cad["status"], cad["mesh"]["watertight"], len(cad["warnings"]) > 0) == ("PROCESSED", False, True)


async def test_an_imported_shape_shows_its_facts(works: Works) -> None:
    cad = await works.cad(cube_stl(10.0), "cad-cube")
    assert cad["mesh"] == {"triangles": "12", "watertight": True, "areaMm2": pytest.approx(600.0)}


async def test_two_workers_and_a_repeated_wakeup_make_one_result(works: Works) -> None:
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset("raced")
    done = await works.floor.scan(asset, cad["id"], ply(scanned(count=8000)), "scan-raced", tolerance=TOLERANCE)
    (text,) = await works.wakeups()
    await asyncio.gather(act(works.place, text), act(works.place, text))
    await act(works.place, text)
    await works.work_off()
    id = key_of(done["scan"]["id"], "Scan")
    async with works.place.database.begin(worker(works.floor.house.acme.id)) as work:
        count = select(func.count())
        inspections = await work.session.scalar(count.select_from(InspectionRow).where(InspectionRow.scan_id == id))
        versions = await work.session.scalar(count.select_from(TwinVersionRow).where(TwinVersionRow.scan_id == id))
        attempts = await work.session.scalar(select(JobRow.attempts).where(JobRow.subject_id == id))
    assert (inspections, versions, attempts) == (1, 1, 1)


async def test_a_worker_that_dies_in_the_middle_is_followed_by_another(works: Works) -> None:
    """The first worker is cut off after everything is in the store and before it commits: its lease has to run out."""
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset("killed")
    done = await works.floor.scan(asset, cad["id"], ply(scanned(count=8000)), "scan-killed", tolerance=TOLERANCE)
    stored = asyncio.Event()

    async def dies(run: Run) -> None:
        class Stops(type(run.blobs)):  # type: ignore[misc]
            async def put(self, *given: Any) -> None:
                await run.blobs.put(*given)
                stored.set()
                await asyncio.Event().wait()

        stops = Stops.__new__(Stops)
        stops.__dict__ = run.blobs.__dict__
        await inspection.process_scan(dataclasses.replace(run, blobs=stops))

    mortal = dataclasses.replace(
        works.place,
        lease_s=1.0,
        handlers={**works.place.handlers, inspection.PROCESS_SCAN: Handler(dies, inspection.give_up_scan)},
    )
    (text,) = await works.wakeups()
    dying = asyncio.ensure_future(act(mortal, text))
    await asyncio.wait_for(stored.wait(), 60)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await act(works.place, text)
    assert (await works.scan(done["scan"]["id"]))["status"] == "PROCESSING"
    await asyncio.sleep(1.2)
    await act(works.place, text)
    scan = await works.scan(done["scan"]["id"])
    assert (scan["status"], scan["inspection"]["verdict"]) == ("PROCESSED", "PASS")


def test_the_deviations_object_is_plain_numbers() -> None:
    body = inspection._npy(np.array([0.1, -0.2]))
    assert np.load(io.BytesIO(body), allow_pickle=False).dtype == np.float32
