"""What processing found, as the graph shows it: verdicts, decisions, sums, places, and their cost in statements."""

import hashlib
import json
import re
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine import Database, open_engine
from db.statements import counting
from subgraphs.inspection.errors import IllegalMove
from tests.subgraphs.inspection.conftest import Floor
from tests.subgraphs.inspection.documents import DECIDE
from tests.subgraphs.inspection.measured import accept_cad, judge, quarantine, worker

INSPECTION = """{ id verdict asset { id serialNumber } scan { id status points } cadRevision { name }
  alignment { transform fitness rmsMm ambiguous unconstrained }
  deviationMap { percentInTolerance profileUpperMm heatMapUrl reportUrl bands { lowerMm upperMm points }
    histogram { edgesMm counts } worstPoints(first: 2) { rank positionMm deviationMm } }
  decision { id verdict decidedBy recordHash record reason operator { id } }
  decisions { verdict } }"""


class Shop:
    """One CAD revision, and assets with judged scans."""

    def __init__(self, floor: Floor, database: Database, cad: str) -> None:
        self.floor, self.database, self.cad, self.tenant = floor, database, cad, floor.house.acme.id
        self.ask = floor.asker("inspection")

    async def judged(self, serial: str, verdict: str) -> tuple[str, str]:
        """The asset and the scan, judged."""
        asset = await self.floor.asset(serial)
        scan = (await self.floor.scan(asset, self.cad, serial.encode(), f"scan-{serial}"))["scan"]["id"]
        await judge(self.database, self.tenant, scan, verdict)
        return asset, scan


@pytest.fixture
async def shop(floor: Floor) -> Any:
    async with Database(floor.house.settings.database_settings()) as database:
        cad = await floor.cad(b"solid results", "cad-results")
        if cad["cadRevision"]["status"] == "PROCESSING":
            await accept_cad(database, floor.house.acme.id, cad["cadRevision"]["id"])
        yield Shop(floor, database, cad["cadRevision"]["id"])


async def test_a_judged_scan_shows_all_that_was_found(shop: Shop) -> None:
    asset, scan = await shop.judged("R-1", "FAIL")
    data = await shop.ask.data_of(f"query($id: ID!) {{ scan(id: $id) {{ inspection {INSPECTION} }} }}", {"id": scan})
    found = data["scan"]["inspection"]
    assert found["asset"] == {"id": asset, "serialNumber": "R-1"}
    assert (found["verdict"], found["decision"]["decidedBy"]) == ("FAIL", "RULE")
    assert found["scan"] == {"id": scan, "status": "PROCESSED", "points": "1000"}
    assert found["deviationMap"]["bands"][2] == {"lowerMm": 0.2, "upperMm": None, "points": "15"}
    assert [point["rank"] for point in found["deviationMap"]["worstPoints"]] == [1, 2]
    assert "heat-map.png?" in found["deviationMap"]["heatMapUrl"]
    record = found["decision"]["record"]
    assert hashlib.sha256(record.encode()).hexdigest() == found["decision"]["recordHash"]
    assert json.loads(record)["verdict"] == "FAIL"


async def test_worst_points_are_found_within_a_box(shop: Shop) -> None:
    _, scan = await shop.judged("R-box", "FAIL")
    document = """query($id: ID!, $box: BoxInput!) { scan(id: $id) { inspection { deviationMap {
        worstPoints(box: $box) { rank positionMm } } } } }"""
    box = {"minimumMm": [1.5, 0, 0], "maximumMm": [3.5, 9, 9]}
    data = await shop.ask.data_of(document, {"id": scan, "box": box})
    points = data["scan"]["inspection"]["deviationMap"]["worstPoints"]
    assert points == [{"rank": 2, "positionMm": [2.0, 5.0, 5.0]}, {"rank": 3, "positionMm": [3.0, 5.0, 5.0]}]


async def test_a_deviation_map_shows_its_faces_a_page_at_a_time(shop: Shop) -> None:
    _, scan = await shop.judged("R-faces", "PASS")
    document = """query($id: ID!, $after: String) { scan(id: $id) { inspection { deviationMap {
      strays robustSigmaMm p025Mm p975Mm effectivePoints
      regions(first: 2, after: $after) { pageInfo { hasNextPage endCursor } nodes { face shape areaMm2 coverage points
        middleMm figures { meanMm p025Mm profileUpperMm } verdict form formMm positionMm
        formUncertaintyMm } } } } } }"""
    first = (await shop.ask.data_of(document, {"id": scan}))["scan"]["inspection"]["deviationMap"]
    assert [first[name] for name in ("strays", "robustSigmaMm", "p025Mm", "p975Mm", "effectivePoints")] == [
        "7",
        0.019,
        -0.038,
        0.041,
        420.5,
    ]
    page = first["regions"]
    assert [
        (each["face"], each["shape"], each["form"], each["formMm"], each["positionMm"]) for each in page["nodes"]
    ] == [
        (0, "PLANE", "flatness", 0.013, None),
        (1, "CYLINDER", "cylindricity", 0.017, 0.05),
    ]
    assert page["nodes"][1]["figures"] == {"meanMm": 0.001, "p025Mm": -0.038, "profileUpperMm": 0.04}
    assert page["nodes"][1]["middleMm"] == [4.0, 5.0, 6.0]
    assert page["pageInfo"]["hasNextPage"]
    rest = (await shop.ask.data_of(document, {"id": scan, "after": page["pageInfo"]["endCursor"]}))["scan"][
        "inspection"
    ]
    (unseen,) = rest["deviationMap"]["regions"]["nodes"]
    assert (unseen["coverage"], unseen["points"], unseen["figures"], unseen["verdict"]) == (0.0, "0", None, None)
    assert not rest["deviationMap"]["regions"]["pageInfo"]["hasNextPage"]
    strange = await shop.ask.ask(document, {"id": scan, "after": "WyJ4Il0"})
    assert strange["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_deviation_map_links_what_was_made_of_it(shop: Shop) -> None:
    _, scan = await shop.judged("R-made", "PASS")
    document = """query($id: ID!) { scan(id: $id) { inspection { deviationMap {
      products { kind mediaType sizeBytes sha256 url } } } } }"""
    (made,) = (await shop.ask.data_of(document, {"id": scan}))["scan"]["inspection"]["deviationMap"]["products"]
    assert "scene.glb?" in made.pop("url")
    assert made == {"kind": "SCENE", "mediaType": "model/gltf-binary", "sizeBytes": "1234", "sha256": "e" * 64}


async def test_an_inspection_lists_its_measurements_by_name(shop: Shop) -> None:
    _, scan = await shop.judged("R-named", "PASS")
    document = """query($id: ID!, $after: String) { scan(id: $id) { inspection { measurements(first: 5, after: $after) {
      pageInfo { hasNextPage endCursor } nodes { characteristic value unit verdict } } } } }"""
    names, after = [], None
    while True:
        data = await shop.ask.data_of(document, {"id": scan, "after": after})
        page = data["scan"]["inspection"]["measurements"]
        names += [(node["characteristic"], node["value"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [name for name, _ in names] == sorted(name for name, _ in names)
    told = dict(names)
    assert len(names) == len(told) == 8
    assert (told["profile.minimum_zone"], told["profile.upper"]) == (0.07, 0.04)


@pytest.mark.parametrize(
    ("verdict", "zone"), [("PASS", "ACCEPTANCE"), ("INCONCLUSIVE", "UNCERTAINTY"), ("FAIL", "REJECTION")]
)
async def test_an_inspection_shows_in_which_zone_its_profile_lies(shop: Shop, verdict: str, zone: str) -> None:
    _, scan = await shop.judged(f"R-zone-{verdict}", verdict)
    document = """query($id: ID!) { scan(id: $id) { inspection { tolerance { upperMm } conformity {
      zone guardBandMm acceptanceLowerMm acceptanceUpperMm rejectionBelowMm rejectionAboveMm } } } }"""
    found = (await shop.ask.data_of(document, {"id": scan}))["scan"]["inspection"]
    upper = found["tolerance"]["upperMm"]
    assert found["conformity"] == {
        "zone": zone,
        "guardBandMm": 0.01,
        "acceptanceLowerMm": pytest.approx(-upper + 0.01),
        "acceptanceUpperMm": pytest.approx(upper - 0.01),
        "rejectionBelowMm": pytest.approx(-upper - 0.01),
        "rejectionAboveMm": pytest.approx(upper + 0.01),
    }


async def test_a_scan_is_judged_once(shop: Shop) -> None:
    _, scan = await shop.judged("R-once", "PASS")
    with pytest.raises(IllegalMove):
        await judge(shop.database, shop.tenant, scan, "FAIL")
    with pytest.raises(IllegalMove):
        await quarantine(shop.database, shop.tenant, scan)


async def test_a_quarantined_scan_says_why_and_what_to_do(shop: Shop) -> None:
    asset = await shop.floor.asset("R-bad")
    scan = (await shop.floor.scan(asset, shop.cad, b"bad", "scan-bad"))["scan"]["id"]
    await quarantine(shop.database, shop.tenant, scan)
    document = "query($id: ID!) { scan(id: $id) { status problem { code message remedy } inspection { id } } }"
    data = await shop.ask.data_of(document, {"id": scan})
    problem = {"code": "CLOUD_EMPTY", "message": "No points.", "remedy": "Scan again."}
    assert data["scan"] == {"status": "QUARANTINED", "problem": problem, "inspection": None}


async def test_an_operator_decides_what_the_rule_could_not_and_only_once(shop: Shop) -> None:
    _, scan = await shop.judged("R-dec", "INCONCLUSIVE")
    document = f"query($id: ID!) {{ scan(id: $id) {{ inspection {INSPECTION} }} }}"
    before = (await shop.ask.data_of(document, {"id": scan}))["scan"]["inspection"]
    given = {
        "inspectionId": before["id"],
        "verdict": "PASS",
        "reason": "Measured by hand: 0.19 mm.",
        "expectedDecisionId": before["decision"]["id"],
    }
    assert (await shop.floor.mutate(DECIDE, given, "viewer"))["__typename"] == "NotAllowed"
    decided = await shop.floor.mutate(DECIDE, given)
    assert decided["decision"]["decidedBy"] == "OPERATOR"
    again = await shop.floor.mutate(DECIDE, given)
    assert (again["__typename"], again["code"]) == ("DecisionStands", "DECISION_STANDS")
    after = (await shop.ask.data_of(document, {"id": scan}))["scan"]["inspection"]
    assert (after["verdict"], [each["verdict"] for each in after["decisions"]]) == ("PASS", ["PASS", "INCONCLUSIVE"])


async def test_a_decision_cannot_be_bound_to_another_scans_alignment(shop: Shop) -> None:
    """The database refuses it, whatever the code above does."""
    await shop.judged("R-fk1", "PASS")
    await shop.judged("R-fk2", "PASS")
    async with shop.database.begin(worker(shop.tenant)) as work:
        pairs = (await work.session.execute(text("select id, scan_id, alignment_id from inspection limit 2"))).all()
    (first, scan, _), (_, _, alignment) = pairs
    statement = text(
        "insert into qc_decision (tenant_id, id, inspection_id, scan_id, alignment_id, operator_id, verdict, "
        "decided_by, reason, record, record_hash, supersedes_id, decided_at) select tenant_id, gen_random_uuid(), :i, "
        ":s, :a, operator_id, verdict, decided_by, '', '', record_hash, id, now() from qc_decision "
        "where inspection_id = :i"
    )
    with pytest.raises(IntegrityError, match="fk_qc_decision"):
        async with shop.database.begin(worker(shop.tenant)) as work:
            await work.session.execute(statement, {"i": first, "s": scan, "a": alignment})


async def test_the_workspace_is_summed_up(shop: Shop) -> None:
    await shop.judged("Q-1", "FAIL")
    await shop.judged("Q-2", "PASS")
    from subgraphs.serving.global_ids import global_id

    own = {"__typename": "Workspace", "id": global_id("Workspace", shop.tenant)}
    selection = """... on Workspace { qualitySummary(first: 100) { inspections passed failed failingSerialNumbers }
      characteristicSummary(characteristic: "profile.upper") { count mean maximum failed } }"""
    (found,) = (await shop.ask.entities(selection, own))["data"]["_entities"]
    summary = found["qualitySummary"]
    assert summary["inspections"] >= summary["passed"] + summary["failed"] >= 2
    assert "Q-1" in summary["failingSerialNumbers"]
    assert "Q-2" not in summary["failingSerialNumbers"]
    assert found["characteristicSummary"]["count"] == summary["inspections"]
    assert found["characteristicSummary"]["failed"] == summary["failed"]
    foreign = {"__typename": "Workspace", "id": global_id("Workspace", shop.floor.house.rival.id)}
    assert (await shop.ask.entities(selection, foreign))["data"]["_entities"] == [None]


async def test_a_page_of_assets_costs_the_same_statements_whatever_its_length(shop: Shop) -> None:
    for number in range(4):
        await shop.judged(f"N-{number}", "PASS")
    document = f"""query($n: Int!) {{ assets(first: $n) {{ nodes {{ id serialNumber
        scans(first: 2) {{ nodes {{ id status }} }} latestInspection {INSPECTION} }} }} }}"""
    counts = []
    for length in (1, 5):
        with counting() as statements:
            await shop.ask.data_of(document, {"n": length})
        counts.append(statements.count)
    # The tenant; assets; scans; inspections; scan, CAD, alignment, map, decisions, bands, worst points.
    assert counts[0] == counts[1] <= 12, statements.texts


async def test_pages_of_inspections_follow_one_another(shop: Shop) -> None:
    for number in range(3):
        await shop.judged(f"P-{number}", "PASS")
    document = """query($after: String, $filter: InspectionFilter) {
      inspections(first: 2, after: $after, filter: $filter) {
        nodes { asset { serialNumber } } pageInfo { hasNextPage endCursor } } }"""
    wanted = {"serialNumbers": ["P-0", "P-1", "P-2"], "verdicts": ["PASS"]}
    first = (await shop.ask.data_of(document, {"filter": wanted}))["inspections"]
    rest = (await shop.ask.data_of(document, {"filter": wanted, "after": first["pageInfo"]["endCursor"]}))[
        "inspections"
    ]
    serials = [node["asset"]["serialNumber"] for node in first["nodes"] + rest["nodes"]]
    assert (serials, rest["pageInfo"]["hasNextPage"]) == (["P-2", "P-1", "P-0"], False)


async def test_assets_near_a_place_come_nearest_first_and_only_ones_own(shop: Shop) -> None:
    pune, mumbai = {"longitude": 73.8567, "latitude": 18.5204}, {"longitude": 72.8777, "latitude": 19.076}
    near, far = await shop.floor.asset("G-1", place=pune), await shop.floor.asset("G-2", place=mumbai)
    document = "{ assetsNear(longitude: 73.86, latitude: 18.52, radiusM: 200000) { asset { id } distanceM } }"
    found = (await shop.ask.data_of(document))["assetsNear"]
    assert [each["asset"]["id"] for each in found] == [near, far]
    assert 100 < found[0]["distanceM"] < 1000 < 100_000 < found[1]["distanceM"] < 130_000
    assert (await shop.floor.asker("inspection", "rival").data_of(document))["assetsNear"] == []


NEAR = """explain select asset.id from asset where asset.tenant_id = (select app.tenant_id())
  and st_dwithin(asset.location, st_point(73.86, 18.52, 4326)::geography, 1000)"""


async def test_the_search_for_places_uses_its_index_only_as_the_owner(shop: Shop) -> None:
    """Under row security the index is left at the tenant: the reason why there is a function at all."""
    settings = shop.floor.house.settings
    async with shop.database.begin(worker(shop.tenant)) as work:
        await work.session.execute(text("set local enable_seqscan = off"))
        as_app = "\n".join(await work.session.scalars(text(NEAR)))
    engine = open_engine(settings.admin_database_url, pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(text("set local role d2r_owner"))
        await connection.execute(text("set local enable_seqscan = off"))
        as_owner = "\n".join(await connection.scalars(text(NEAR)))
    await engine.dispose()
    conditions = [re.search(r"Index Cond: .*", plan) for plan in (as_app, as_owner)]
    assert "ix_asset_location" in as_owner, as_owner
    assert [found is not None and "location &&" in found[0] for found in conditions] == [False, True]
