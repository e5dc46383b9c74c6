"""Uploads through the graph: what is promised, what arrives, what is refused."""

import os

from tests.subgraphs.inspection.conftest import PART_BYTES, Floor, put
from tests.subgraphs.inspection.documents import COMPLETE_CAD, COMPLETE_SCAN, CREATE_ASSET


async def test_an_asset_is_made_once_for_one_idempotency_key(floor: Floor) -> None:
    given = {"kind": "MACHINE", "name": "Press", "serialNumber": "P-1", "idempotencyKey": "press"}
    first = await floor.mutate(CREATE_ASSET, given)
    again = await floor.mutate(CREATE_ASSET, given)
    assert (first["asset"]["__typename"], first["asset"]["id"]) == ("Machine", again["asset"]["id"])
    other = await floor.mutate(CREATE_ASSET, {**given, "idempotencyKey": "another"})
    assert (other["__typename"], other["code"]) == ("SerialNumberTaken", "SERIAL_NUMBER_TAKEN")
    reused = await floor.mutate(CREATE_ASSET, {**given, "serialNumber": "P-2"})
    assert reused["__typename"] == "ConflictProblem"


async def test_a_viewer_may_not_make_an_asset(floor: Floor) -> None:
    given = {"kind": "PART", "name": "Cap", "serialNumber": "C-1", "idempotencyKey": "cap"}
    assert (await floor.mutate(CREATE_ASSET, given, "viewer"))["__typename"] == "NotAllowed"


async def test_an_upload_in_two_parts_is_resumed_and_completed_once(floor: Floor) -> None:
    body = os.urandom(PART_BYTES + 1000)
    begun = await floor.begin_cad(body, "two-parts")
    (first, second) = begun["upload"]["parts"]
    assert [first["arrived"], second["arrived"], second["sizeBytes"]] == [False, False, "1000"]
    await put({"parts": [first]}, body)
    again = await floor.begin_cad(body, "two-parts")
    assert again["cadRevision"]["id"] == begun["cadRevision"]["id"]
    assert [part["arrived"] for part in again["upload"]["parts"]] == [True, False]
    id = begun["cadRevision"]["id"]
    named = [{"number": part["number"], "sha256": part["sha256"]} for part in begun["upload"]["parts"]]
    early = await floor.mutate(COMPLETE_CAD, {"cadRevisionId": id, "parts": named})
    assert (early["__typename"], early["missing"], early["retryable"]) == ("PartsMissing", [2], True)
    await put({"parts": [again["upload"]["parts"][1]]}, body)
    done = await floor.mutate(COMPLETE_CAD, {"cadRevisionId": id, "parts": named})
    assert done["job"]["kind"] == "inspection.import_cad"
    repeated = await floor.mutate(COMPLETE_CAD, {"cadRevisionId": id, "parts": named})
    assert repeated["job"]["id"] == done["job"]["id"]


async def test_a_promise_that_does_not_add_up_is_refused(floor: Floor) -> None:
    body = b"x" * 100
    from tests.subgraphs.inspection.conftest import promise

    short = {**promise("a.stl", body), "partSha256s": []}
    assert (await floor.begin_cad(body, "short", file=short))["__typename"] == "PartsMismatch"
    empty = {**promise("a.stl", body), "sizeBytes": 0}
    assert (await floor.begin_cad(body, "empty", file=empty))["__typename"] == "InvalidInput"


async def test_a_key_cannot_begin_another_file(floor: Floor) -> None:
    assert (await floor.begin_cad(b"one", "same"))["__typename"] == "CadUploadBegun"
    assert (await floor.begin_cad(b"two", "same"))["__typename"] == "ConflictProblem"


async def test_a_scan_waits_for_a_cad_file_and_binds_its_operator(floor: Floor) -> None:
    asset = await floor.asset("S-1")
    begun = await floor.begin_cad(b"solid", "for-scan")
    cad = begun["cadRevision"]["id"]
    early = await floor.begin_scan(asset, cad, b"ply", "early")
    assert (early["__typename"], early["retryable"]) == ("CadNotReady", True)
    await floor.cad(b"solid", "for-scan")
    scanned = await floor.scan(asset, cad, b"ply", "scan-1")
    assert scanned["scan"]["status"] == "PROCESSING"
    assert scanned["scan"]["operator"] is not None
    tilted = [2.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert (await floor.begin_scan(asset, cad, b"ply", "tilt", poseHint=tilted))["__typename"] == "InvalidInput"
    loose = await floor.begin_scan(asset, cad, b"ply", "loose", alignment={"datums": []})
    assert (loose["__typename"], loose["path"]) == ("InvalidInput", ["input", "alignment"])
    inverted = {"lowerMm": 0.2, "upperMm": -0.2}
    assert (await floor.begin_scan(asset, cad, b"ply", "inv", tolerance=inverted))["__typename"] == "InvalidInput"


async def test_ids_of_another_workspace_are_ids_of_nothing(floor: Floor) -> None:
    asset = await floor.asset("S-2")
    cad = (await floor.cad(b"solid", "foreign"))["cadRevision"]["id"]
    scan = (await floor.scan(asset, cad, b"ply", "foreign-scan"))["scan"]["id"]
    rival = floor.asker("inspection", "rival")
    for field, id in (("asset", asset), ("cadRevision", cad), ("scan", scan)):
        answer = await rival.ask(f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": id})
        assert answer["data"][field] is None
    stolen = await floor.mutate(COMPLETE_SCAN, {"scanId": scan, "parts": []}, "rival")
    assert stolen["__typename"] == "NotFoundProblem"
    theirs = await rival.data_of(
        "{ assets { nodes { id } } inspections { nodes { id } } cadRevisions { nodes { id } } }"
    )
    assert all(connection["nodes"] == [] for connection in theirs.values())
