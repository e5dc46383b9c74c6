"""Twins: a version for each decision, compare-and-set on a ref, and the graph that they make."""

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from db.engine import Database
from db.tables.jobs import JobRow
from subgraphs.twin.jobs import RecordInspection
from subgraphs.twin.service import record_inspection
from tests.subgraphs.inspection.conftest import Floor, floor
from tests.subgraphs.inspection.measured import NOW, accept_cad, judge, worker

__all__ = ["floor"]

COMMIT = """mutation($input: CommitTwinVersionInput!) { commitTwinVersion(input: $input) { __typename
  ... on TwinVersionCommitted { version { id contentHash parents { id } } } ... on HeadMoved { head }
  ... on Problem { code message } } }"""
TWIN = """... on Asset { twin { id refs { name } head { id contentHash message elements { path kind sha256 }
  parents { id } scan { id } inspection { id } author { id } } versions { nodes { id } } } }"""


@dataclass(frozen=True)
class Twins:
    floor: Floor
    database: Database

    @property
    def ask(self) -> Any:
        return self.floor.asker("twin")

    async def inspected(self, serial: str, verdict: str = "PASS", scans: int = 1) -> str:
        """An asset with as many judged scans, each recorded in its twin."""
        tenant = self.floor.house.acme.id
        cad = (await self.floor.cad(serial.encode(), f"cad-{serial}"))["cadRevision"]["id"]
        await accept_cad(self.database, tenant, cad)
        asset = await self.floor.asset(serial)
        for number in range(scans):
            scan = await self.floor.scan(asset, cad, f"{serial} {number}".encode(), f"{serial}-{number}")
            inspection = await judge(self.database, tenant, scan["scan"]["id"], verdict)
            async with self.database.begin(worker(tenant)) as work:
                payload = await work.session.scalar(select(JobRow.payload).where(JobRow.subject_id == inspection.id))
                told = msgspec.convert(payload, RecordInspection)
                assert await record_inspection(work, told, NOW + datetime.timedelta(minutes=number)) is not None
                assert await record_inspection(work, told, NOW) is None
        return asset

    async def twin_of(self, asset: str) -> Any:
        response = await self.ask.entities(TWIN, {"__typename": "Asset", "id": asset})
        assert "errors" not in response, response
        return response["data"]["_entities"][0]["twin"]

    async def twin_of_id(self, id: str) -> Any:
        return (await self.ask.data_of("query($id: ID!) { twin(id: $id) { refs { name } } }", {"id": id}))["twin"]

    async def commit(self, twin: str, head: str | None, key: str, sha256: str = "a" * 64, **more: Any) -> Any:
        given = {
            "twinId": twin,
            "expectedHead": head,
            "elements": [{"path": "notes/weld", "kind": "note", "sha256": sha256}],
            "message": "Welded",
            "idempotencyKey": key,
            **more,
        }
        return (await self.ask.data_of(COMMIT, {"input": given}))["commitTwinVersion"]


@pytest.fixture
async def twins(floor: Floor) -> AsyncIterator[Twins]:
    async with Database(floor.house.settings.database_settings()) as database:
        yield Twins(floor, database)


async def test_each_decision_makes_one_version_on_the_one_before(twins: Twins) -> None:
    asset = await twins.inspected("T-1", scans=2)
    twin = await twins.twin_of(asset)
    newest, oldest = (node["id"] for node in twin["versions"]["nodes"])
    assert (twin["head"]["id"], twin["head"]["parents"]) == (newest, [{"id": oldest}])
    paths = [element["path"] for element in twin["head"]["elements"]]
    assert paths == sorted(paths)
    assert {"nominal/cad", "measured/scan", "quality/decision"} <= set(paths)
    assert twin["head"]["author"] is not None


async def test_a_scan_knows_the_version_that_it_made(twins: Twins) -> None:
    twin = await twins.twin_of(await twins.inspected("T-2"))
    scan = {"__typename": "Scan", "id": twin["head"]["scan"]["id"]}
    response = await twins.ask.entities("... on Scan { twinVersion { id contentHash } }", scan)
    version = response["data"]["_entities"][0]["twinVersion"]
    assert version == {"id": twin["head"]["id"], "contentHash": twin["head"]["contentHash"]}


async def test_a_ref_moves_only_from_the_head_that_was_expected(twins: Twins) -> None:
    twin = await twins.twin_of(await twins.inspected("T-3"))
    first = await twins.commit(twin["id"], twin["head"]["id"], "first")
    assert first["version"]["parents"] == [{"id": twin["head"]["id"]}]
    late = await twins.commit(twin["id"], twin["head"]["id"], "late")
    assert (late["__typename"], late["head"]) == ("HeadMoved", first["version"]["id"])
    again = await twins.commit(twin["id"], twin["head"]["id"], "first")
    assert again["version"]["id"] == first["version"]["id"]
    other = await twins.commit(twin["id"], twin["head"]["id"], "first", "b" * 64)
    assert other["__typename"] == "ConflictProblem"


async def test_branches_meet_in_a_version_with_two_parents(twins: Twins) -> None:
    twin = await twins.twin_of(await twins.inspected("T-4"))
    branch = await twins.commit(twin["id"], None, "branch", "c" * 64, ref="repair")
    main = twin["head"]["id"]
    merged = await twins.commit(twin["id"], main, "merge", mergedParents=[branch["version"]["id"]])
    assert merged["version"]["parents"] == [{"id": main}, {"id": branch["version"]["id"]}]
    assert [ref["name"] for ref in (await twins.twin_of_id(twin["id"]))["refs"]] == ["main", "repair"]


async def test_equal_content_has_equal_hashes_whatever_its_order(twins: Twins) -> None:
    twin = await twins.twin_of(await twins.inspected("T-5"))
    elements = [{"path": path, "kind": "note", "sha256": "e" * 64} for path in ("b/two", "a/one")]
    one = await twins.commit(twin["id"], None, "one", ref="one", elements=elements)
    two = await twins.commit(twin["id"], None, "two", ref="two", elements=elements[::-1])
    assert one["version"]["contentHash"] == two["version"]["contentHash"]


async def test_a_parent_of_another_twin_is_no_parent(twins: Twins) -> None:
    one, two = [await twins.twin_of(await twins.inspected(serial)) for serial in ("T-6", "T-7")]
    answer = await twins.commit(one["id"], two["head"]["id"], "foreign parent")
    assert answer["__typename"] == "NotFoundProblem"


async def test_another_workspace_sees_and_moves_nothing(twins: Twins) -> None:
    asset = await twins.inspected("T-8")
    twin = await twins.twin_of(asset)
    rival = twins.floor.asker("twin", "rival")
    response = await rival.entities(TWIN, {"__typename": "Asset", "id": asset})
    assert response["data"]["_entities"][0]["twin"] is None
    for field, id in (("twin", twin["id"]), ("twinVersion", twin["head"]["id"])):
        answer = await rival.ask(f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": id})
        assert answer["data"][field] is None
    given = {"twinId": twin["id"], "elements": [{"path": "a", "kind": "b", "sha256": "0" * 64}]}
    stolen = await rival.data_of(COMMIT, {"input": {**given, "message": "Mine", "idempotencyKey": "mine"}})
    assert stolen["commitTwinVersion"]["__typename"] == "NotFoundProblem"
