"""The demo: a bad batch at plant 7. Six parts are scanned, three of them with a bulge of 0.30 mm.

In: a running platform. Out: the pictures and reports in a folder, a summary on the terminal, and a list of what had to
hold and did not. Everything goes through the graph as a stranger's client would.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.demo import operations
from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import Inspector, ScanOrder, sign_in
from infra.demo.part import demo_part, write_stl
from infra.demo.people import Account, quality_engineer, stranger
from infra.demo.scanner import Bulge, scan_part, write_laz
from infra.demo.terminal import SummaryRow, Terminal
from infra.local.platform import Running

BULGE_MM = 0.30
BULGE_TOLERANCE_MM = 0.02
TOLERANCE_MM = 0.20
SERIALS = ("P7-001", "P7-002", "P7-003", "P7-004", "P7-005", "P7-006")
BULGED = frozenset({"P7-002", "P7-004", "P7-005"})
FOUR = ("tenancy", "inspection", "twin", "audit")
_FILES = {
    "SCENE": "heat-map.glb",
    "TILES": "tiles.bin",
    "TILE_INDEX": "tiles.json",
    "SECTIONS": "sections.json",
    "SECTIONS_PICTURE": "sections.png",
}
_TWIN_PATIENCE_S = 20.0
_LIVE_PATIENCE_S = 10.0


@dataclass
class Checks:
    """What had to hold. `failed` stays empty when all of it did."""

    terminal: Terminal
    failed: list[str] = field(default_factory=list)

    def that(self, claim: str, holds: bool, seen: object = "") -> None:
        """Note whether `claim` holds; `seen` is shown where it does not."""
        if holds:
            self.terminal.say(f"[green]✓[/] {claim}")
        else:
            self.failed.append(claim)
            self.terminal.say(f"[bold red]✗ {claim}[/] {seen}")


@dataclass(frozen=True)
class Result:
    """One part of the batch, through to the end."""

    serial: str
    asset: str
    scan_id: str
    scan: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The inspection's verdict, or that there is none."""
        inspection = self.scan["inspection"]
        return str(inspection["verdict"]) if inspection else "QUARANTINED"


async def tell(running: Running, out: Path, terminal: Terminal) -> list[str]:
    """Play the story; what did not hold."""
    checks = Checks(terminal)
    engineer, other = await quality_engineer(running), await stranger(running)
    with terminal.step("a part and six scans are made"):
        cad, scans = await asyncio.to_thread(_generate, out)
    async with _signed_in(running, engineer) as client:
        results, live = await _inspected(client, cad, scans, terminal)
        await _save_pictures(client, results, out)
        terminal.summary("Batch of plant 7", [row_of(result.serial, result.scan) for result in results])
        _check_verdicts(results, checks)
        checks.that(f"{len(live)} live events came for {len(results)} scans", len(live) == len(results), live)
        await _check_graph(client, results, checks)
        await _check_isolation(running, other, results[0], checks)
    terminal.say(f"\npictures and reports: {out}")
    terminal.link("explorer:", f"{running.url}/?example=bad%20batch")
    terminal.link("viewer:", viewer_link(running, shown_first(results).scan_id))
    terminal.link("sign in there as", f"{engineer.email}, workspace {engineer.workspace}, password {engineer.password}")
    return checks.failed


def viewer_link(running: Running, scan_id: str) -> str:
    """The page that shows a scan's heat map."""
    return f"{running.url}/viewer/?{urlencode({'scan': scan_id})}"


def shown_first(results: list[Result]) -> Result:
    """One that failed, where one did: there is something to see."""
    return next((result for result in results if result.verdict == "FAIL"), results[0])


def row_of(name: str, scan: dict[str, Any]) -> SummaryRow:
    """A scan as a line of the summary table."""
    inspection = scan["inspection"]
    if inspection is None:
        return SummaryRow(name, "QUARANTINED", None, None, None, None, scan["problem"]["message"])
    found, alignment = inspection["deviationMap"], inspection["alignment"]
    worst = found["worstPoints"][0]["deviationMm"] if found["worstPoints"] else None
    notes = [*(f"free: {motion}" for motion in alignment["unconstrained"]), *(["ambiguous"] * alignment["ambiguous"])]
    return SummaryRow(
        name,
        inspection["verdict"],
        found["percentInTolerance"],
        found["rmsMm"],
        worst,
        alignment["rmsMm"],
        "; ".join(notes),
    )


async def save_pictures(inspector: Inspector, name: str, scan: dict[str, Any], out: Path) -> list[Path]:
    """Heat map, histogram and report of one scan, into `out`."""
    inspection = scan["inspection"]
    if inspection is None:
        return []
    found = inspection["deviationMap"]
    wanted = {
        f"{name}-heat-map.png": found["heatMapUrl"],
        f"{name}-histogram.png": found["histogramUrl"],
        f"{name}-report.pdf": found["reportUrl"],
        **{f"{name}-{_FILES[product['kind']]}": product["url"] for product in found["products"]},
    }
    return [await inspector.fetch(url, out / file) for file, url in wanted.items()]


async def save_changes(inspector: Inspector, name: str, changes: dict[str, Any], out: Path) -> list[Path]:
    """What changed between two scans, as a scene (where the part is not too large for one) and as numbers."""
    wanted = {f"{name}-changes.glb": changes["sceneUrl"], f"{name}-changes.npz": changes["changesUrl"]}
    return [await inspector.fetch(url, out / file) for file, url in wanted.items() if url is not None]


def _generate(out: Path) -> tuple[Path, dict[str, Path]]:
    """The part's CAD and a scan for each serial number, as files."""
    out.mkdir(parents=True, exist_ok=True)
    part = demo_part()
    write_stl(part, out / "bracket.stl")
    scans = {serial: out / f"{serial}.laz" for serial in SERIALS}
    for serial, path in scans.items():
        bulge = Bulge(height_mm=BULGE_MM) if serial in BULGED else None
        write_laz(scan_part(part, serial, bulge), path, datetime.date(2026, 1, 1))
    return out / "bracket.stl", scans


@asynccontextmanager
async def _signed_in(running: Running, account: Account) -> AsyncIterator[GraphClient]:
    async with GraphClient(running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        yield client


async def _inspected(
    client: GraphClient, cad_file: Path, scans: dict[str, Path], terminal: Terminal
) -> tuple[list[Result], list[dict[str, Any]]]:
    """All scans at once, each followed live; the results and the events that came over the subscription."""
    live: list[dict[str, Any]] = []
    with terminal.bars() as bars:
        inspector = Inspector(client, bars.show)
        cad, _ = await inspector.cad(cad_file, "MILLIMETRE", accept_flaws=False)
        assets = {serial: await inspector.asset(serial, f"Bracket {serial}") for serial in scans}
        listeners = [asyncio.create_task(_listen(client, asset, live)) for asset in assets.values()]
        await asyncio.sleep(0.5)  # the subscriptions open; what comes before them is not "live"

        async def one(serial: str) -> Result:
            order = ScanOrder(serial, scans[serial], TOLERANCE_MM)
            scan_id, scan = await inspector.scan(order, assets[serial], cad)
            return Result(serial, assets[serial], scan_id, scan)

        results = await asyncio.gather(*map(one, scans))
        await asyncio.wait(listeners, timeout=_LIVE_PATIENCE_S)
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    return results, live


async def _listen(client: GraphClient, asset: str, live: list[dict[str, Any]]) -> None:
    """The first event of an asset's subscription."""
    async for event in client.subscribe(operations.WATCH_ASSET, {"assetId": asset}):
        live.append(event["scanProcessed"])
        return


async def _save_pictures(client: GraphClient, results: list[Result], out: Path) -> None:
    inspector = Inspector(client, lambda *_: None)
    for result in results:
        await save_pictures(inspector, result.serial, result.scan, out)


def _check_verdicts(results: list[Result], checks: Checks) -> None:
    failed = {result.serial for result in results if result.verdict == "FAIL"}
    passed = {result.serial for result in results if result.verdict == "PASS"}
    checks.that(f"exactly the bulged parts failed: {', '.join(sorted(BULGED))}", failed == BULGED, sorted(failed))
    checks.that("the other parts passed", passed == set(SERIALS) - BULGED, sorted(passed))
    for result in results:
        if result.serial in BULGED and result.scan["inspection"]:
            height = result.scan["inspection"]["deviationMap"]["profileUpperMm"]
            claim = f"{result.serial}: bulge of {BULGE_MM:.2f} mm measured as {height:.3f} mm"
            checks.that(claim, abs(height - BULGE_MM) <= BULGE_TOLERANCE_MM)


async def _check_graph(client: GraphClient, results: list[Result], checks: Checks) -> None:
    heads = await _twin_heads(client)
    missing = [result.serial for result in results if heads.get(result.serial) != result.scan_id]
    checks.that("each inspection made a twin version", missing == [], missing)
    answer = await client.answer(operations.BAD_BATCH, operation="BadBatch", headers={"x-query-plan": "1"})
    checks.that("the federated query was answered without errors", "errors" not in answer, answer.get("errors"))
    plan = str((answer.get("extensions") or {}).get("queryPlan", ""))
    asked = [name for name in FOUR if name in plan]
    checks.that(f"over four subgraphs: {', '.join(FOUR)}", asked == list(FOUR), plan)
    verdict = (await client.ask(operations.VERIFY))["verifyAuditLog"]
    claim = f"the audit log of {verdict['size']} entries verifies as {verdict['status']}"
    checks.that(claim, verdict["status"] == "INTACT" and verdict["size"] > 0, verdict)


async def _twin_heads(client: GraphClient) -> dict[str, str]:
    """Which scan made each asset's newest twin version; waits, since the twin follows the inspection."""
    deadline = time.monotonic() + _TWIN_PATIENCE_S
    while True:
        nodes = (await client.ask(operations.TWIN_HEADS))["assets"]["nodes"]
        heads = {node["serialNumber"]: (node["twin"] or {}).get("head") for node in nodes}
        if all(heads.get(serial) for serial in SERIALS) or time.monotonic() > deadline:
            return {serial: head["scan"]["id"] for serial, head in heads.items() if head and head["scan"]}
        await asyncio.sleep(0.3)


async def _check_isolation(running: Running, other: Account, result: Result, checks: Checks) -> None:
    async with _signed_in(running, other) as client:
        answer = await client.answer(operations.FOREIGN, {"assetId": result.asset, "scanId": result.scan_id})
    data = answer.get("data") or {}
    seen = [data.get("asset"), data.get("scan"), *((data.get("inspections") or {}).get("nodes") or [])]
    checks.that("another company, with the right ids, sees nothing", not any(seen), answer)
