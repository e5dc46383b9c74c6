"""What may be compared, as the graph answers it: scans in one pose on one CAD, by lengths that fit the part."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from db.engine import Database
from subgraphs.inspection.service.results import Registered
from tests.subgraphs.inspection.conftest import Floor
from tests.subgraphs.inspection.measured import REGISTERED, accept_cad, judge

COMPARE = """mutation($input: CompareScansInput!) { compareScans(input: $input) { __typename
  ... on ScanComparisonBegun { comparison { id } } ... on Problem { code message path } } }"""
OTHER_FRAMES = "The scans are of different assets or CAD revisions, and so in different frames."
AMBIGUOUS = replace(REGISTERED, ambiguous=True)
FREE = replace(REGISTERED, unconstrained=("rotation about z",))


@dataclass(frozen=True)
class Bench:
    """Scans of a part with a diagonal of 37.4 mm, judged without a worker."""

    floor: Floor
    database: Database
    cad: str

    async def another_cad(self, key: str) -> str:
        cad = (await self.floor.cad(key.encode(), key))["cadRevision"]
        if cad["status"] == "PROCESSING":
            await accept_cad(self.database, self.floor.house.acme.id, cad["id"])
        return cad["id"]

    async def scan(self, asset: str, key: str, registered: Registered = REGISTERED, cad: str = "", **more: Any) -> str:
        scan = (await self.floor.scan(asset, cad or self.cad, key.encode(), key, **more))["scan"]["id"]
        await judge(self.database, self.floor.house.acme.id, scan, "PASS", registered=registered)
        return scan

    async def compared(self, first: str, second: str, key: str, **more: Any) -> dict[str, Any]:
        given = {"firstScanId": first, "secondScanId": second, "idempotencyKey": key, **more}
        return await self.floor.mutate(COMPARE, given)


@pytest.fixture
async def bench(floor: Floor) -> AsyncIterator[Bench]:
    async with Database(floor.house.settings.database_settings()) as database:
        cad = await Bench(floor, database, "").another_cad("compared solid")
        yield Bench(floor, database, cad)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("poor", "words"),
    [(AMBIGUOUS, ("several poses", "start pose (poseHint)")), (FREE, ("rotation about z", "Scan more of the part"))],
    ids=["ambiguous", "free"],
)
async def test_a_scan_that_lies_on_its_part_in_many_ways_is_not_compared(
    bench: Bench, poor: Registered, words: tuple[str, ...], place: int, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    asset = await bench.floor.asset(f"poses {name}")
    scans = [await bench.scan(asset, f"{name}-good"), await bench.scan(asset, f"{name}-poor", poor)]
    answer = await bench.compared(scans[1 - place], scans[place], f"poses-{name}")
    assert (answer["__typename"], answer["code"]) == ("ScansNotComparable", "SCANS_NOT_COMPARABLE")
    assert all(word in answer["message"] for word in words)


async def test_scans_of_two_assets_or_of_two_revisions_are_not_compared(bench: Bench) -> None:
    assets = [await bench.floor.asset(f"frames {name}") for name in "ab"]
    scan = await bench.scan(assets[0], "frames-1")
    other_asset = await bench.scan(assets[1], "frames-2")
    other_cad = await bench.scan(assets[0], "frames-3", cad=await bench.another_cad("another solid"))
    for other in (other_asset, other_cad):
        answer = await bench.compared(scan, other, "frames")
        assert (answer["code"], answer["message"]) == ("SCANS_NOT_COMPARABLE", OTHER_FRAMES)


async def test_scans_that_are_held_by_different_things_are_not_compared(bench: Bench) -> None:
    asset = await bench.floor.asset("held")
    by_bottom, by_bottom_too, by_top = [
        await bench.scan(asset, f"held-{k}", alignment={"datums": [{"label": "A", "placeMm": [10.0, 10.0, z]}]})
        for k, z in enumerate((0.0, 0.0, 10.0))
    ]
    fitted = await bench.scan(asset, "held-by-nothing")
    for other in (by_top, fitted):
        answer = await bench.compared(by_bottom, other, "held")
        assert (answer["code"], "same alignment" in answer["message"]) == ("SCANS_NOT_COMPARABLE", True)
    assert (await bench.compared(by_bottom, by_bottom_too, "held"))["__typename"] == "ScanComparisonBegun"


async def test_a_scan_is_not_compared_with_itself(bench: Bench) -> None:
    scan = await bench.scan(await bench.floor.asset("itself"), "itself")
    answer = await bench.compared(scan, scan, "itself")
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", "secondScanId"])


@pytest.mark.parametrize(
    ("lengths", "field", "words"),
    [
        ({"radiusMm": 0.0}, "radiusMm", "more than 0"),
        ({"radiusMm": 3.75}, "radiusMm", "3.742 mm"),
        ({"radiusMm": 50_000.0}, "radiusMm", "3.742 mm"),
        ({"radiusMm": 1.0, "depthMm": 50.1}, "depthMm", "50 radii"),
        ({"registrationErrorMm": 1e6}, "registrationErrorMm", "100000 mm"),
        ({"registrationErrorMm": -0.1}, "registrationErrorMm", "from 0"),
    ],
)
async def test_a_length_that_does_not_fit_the_part_is_refused_with_its_bound(
    bench: Bench, lengths: dict[str, float], field: str, words: str, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    asset = await bench.floor.asset(f"lengths {name}")
    scans = [await bench.scan(asset, f"{name}-{place}") for place in "ab"]
    answer = await bench.compared(*scans, f"lengths-{name}", **lengths)
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", field])
    assert words in answer["message"]


async def test_a_key_answers_the_same_request_only(bench: Bench) -> None:
    asset = await bench.floor.asset("one key")
    scans = [await bench.scan(asset, f"one-key-{place}") for place in "ab"]
    lengths = {"radiusMm": 3.7, "depthMm": 100.0, "registrationErrorMm": 0.01}
    begun = await bench.compared(*scans, "one-key", **lengths)
    assert begun["__typename"] == "ScanComparisonBegun"
    assert await bench.compared(*scans, "one-key", **lengths) == begun
    for change in ({"radiusMm": 3.6}, {"depthMm": 99.0}, {"registrationErrorMm": 0.02}, {"registrationErrorMm": None}):
        answer = await bench.compared(*scans, "one-key", **{**lengths, **change})
        assert (answer["__typename"], answer["path"]) == ("ConflictProblem", ["input", "idempotencyKey"])
    answer = await bench.compared(scans[1], scans[0], "one-key", **lengths)
    assert answer["__typename"] == "ConflictProblem"
