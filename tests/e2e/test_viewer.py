"""The viewer as a person uses it: in a browser, against the whole platform, with a part that has a bulge of 0.30 mm."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import Inspector, ScanOrder, sign_in
from infra.demo.people import Account, quality_engineer
from infra.demo.story import viewer_link
from tests.e2e.chromium import NAMES, Page, chromium, opened
from tests.e2e.conftest import Batch, Whole

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(chromium() is None, reason=f"no browser: none of {', '.join(NAMES)} is on the PATH"),
]
_SOFTWARE = ("enable-unsafe-swiftshader",)
_LOADING_S = 180.0
_SCANS_OF = "query ScansOf($id: ID!) { asset(id: $id) { scans(first: 1) { nodes { id } } } }"


@dataclass(frozen=True)
class Measured:
    """One inspected scan, and who may see it."""

    account: Account
    scan_id: str
    cad_id: str
    figures: dict[str, Any]
    deviations_mm: np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture(scope="session")
def measured(whole: Whole, batch: Batch, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return asyncio.run(_measured(whole, batch, tmp_path_factory.mktemp("products")))


async def _measured(whole: Whole, batch: Batch, out: Path) -> Measured:
    account = await quality_engineer(whole.running)
    async with _client(whole, account) as client:
        inspector = Inspector(client, lambda *_: None)
        cad, _ = await inspector.cad(batch.cad, "MILLIMETRE", accept_flaws=False)
        asset = await inspector.asset("VIEW-1", "Bracket")
        scan_id, scan = await inspector.scan(ScanOrder("VIEW-1", batch.scan, 0.2), asset, cad)
        found = scan["inspection"]["deviationMap"]
        links = {product["kind"]: product["url"] for product in found["products"]}
        tiles = await inspector.fetch(links["TILES"], out / "tiles.bin")
        index = json.loads((await inspector.fetch(links["TILE_INDEX"], out / "tiles.json")).read_bytes())
    records = np.fromfile(tiles, np.dtype([("place", "<u2", 3), ("deviation", "<i2")]))
    return Measured(account, scan_id, cad, found, records["deviation"] * float(index["deviationStep"]))


async def test_the_page_shows_what_was_measured_and_asks_no_one_else(
    whole: Whole, measured: Measured, tmp_path: Path
) -> None:
    async with _page(whole, tmp_path) as page:
        for domain in ("Network", "Log", "Page"):
            await page.ask(f"{domain}.enable")
        await page.ask("Page.navigate", url=viewer_link(whole.running, measured.scan_id))
        await _sign_in(page, measured.account, "wrong")
        await page.shows("#sign-in-problem", "do not open this workspace")
        assert await _state(page) == "sign-in"
        await _sign_in(page, measured.account)
        await _shown(page)

        told = measured.figures
        assert await page.text("#verdict") == "FAIL"
        assert (await page.text("#within")).startswith(f"{told['percentInTolerance']:.2f} % within: ")
        assert f"{told['profileUpperMm']:+.4f} mm" in await page.text("#figures")
        assert f"{told['worstPoints'][0]['deviationMm']:+.3f}" in await page.text("#worst tbody tr")
        all_rows = "[...document.querySelectorAll('#regions tbody tr')]"
        rows = await page.value(f"{all_rows}.map(row => [row.className, row.textContent])")
        blank = [node["verdict"] is None for node in told["regions"]["nodes"]]
        assert [kind == "no-data" for kind, _ in rows] == blank
        assert [text.startswith("0freeform") for _, text in rows[:1]] == [True]
        # The picture itself: a small deep red bulge on a pale part.
        red, pale = _red(await page.picture("#scene")), _pale(await page.picture("#scene"))
        assert 500 < red < pale / 20

        asked = {urlsplit(event["request"]["url"]) for event in await page.events("Network.requestWillBeSent")}
        assert len(asked) > 10
        assert {url.hostname for url in asked if url.scheme != "data"} == {"127.0.0.1"}
        told_by_browser = [event["entry"] for event in await page.events("Log.entryAdded")]
        assert [entry["text"] for entry in told_by_browser if entry["level"] == "error"] == []


async def test_the_tolerance_slider_changes_counts_and_colours_at_once(
    whole: Whole, measured: Measured, tmp_path: Path
) -> None:
    async with _viewing(whole, measured, tmp_path) as page:
        before = await page.picture("#scene")
        # The tiles hold the strays, too, which the page leaves out.
        strays = int(measured.figures["strays"])
        await page.value("document.getElementById('tolerance').value = 51")
        await page.press("#tolerance", "ArrowLeft")
        await page.shows("#what-if", "To look at only")
        counted = await _counted(page)
        within = int(np.sum(np.abs(measured.deviations_mm) <= 0.1))
        assert abs(counted - within) <= strays
        assert counted < measured.figures["percentInTolerance"] / 100 * int(measured.figures["points"])
        await _drawn(page, "#scene", lambda picture: _red(picture) > _red(before) * 1.05)

        await page.press("#tolerance", "End")
        await page.shows("#legend-ticks", "+0.6")
        assert _red(before) > 500
        await _drawn(page, "#scene", lambda picture: _red(picture) < 50)
        await page.click("#as-inspected")
        await page.shows("#what-if", "The zone of the verdict.")
        assert (await page.value("document.getElementById('upper').value")) == "0.200"


async def test_the_plane_cuts_the_part_and_its_curve_is_drawn(whole: Whole, measured: Measured, tmp_path: Path) -> None:
    async with _viewing(whole, measured, tmp_path) as page:
        assert _hatched(await page.picture("#scene")) < 200
        await page.click("label", "Z")
        await page.shows("#plane-name", "Z = 13.0")
        middle = await _drawn(page, "#scene", lambda picture: _hatched(picture) > 5000)
        assert _red(middle) > 200
        assert "times as large" in await page.text("#section-caption")
        # Through the bulge: the curve is red there.
        assert _red(await page.picture("#section-plot")) > 20
        await page.press("#plane", "Home")
        await page.shows("#plane-name", "Z = 0.0")
        await _drawn(page, "#scene", lambda picture: _red(picture) < 50)
        # The bulge is cut away, and its mark no longer stands out.
        await page.shows("#marks li:first-child .behind", "+0.3")
        await page.click("#flip")
        await _drawn(page, "#scene", lambda picture: _red(picture) > 500)
        await page.shows("#marks li:first-child button:not(.behind)", "+0.3")


async def test_a_worst_point_is_flown_to(whole: Whole, measured: Measured, tmp_path: Path) -> None:
    async with _viewing(whole, measured, tmp_path) as page:
        before = await page.picture("#scene")
        await page.click("#marks button", "+0.3")
        assert await _landed(page) == [pytest.approx(0.5, abs=0.01), pytest.approx(0.5, abs=0.01)]
        assert _red(await page.picture("#scene")) > 2 * _red(before)
        await page.press("#scene", "0")
        await _landed(page)
        assert _red(await page.picture("#scene")) == pytest.approx(_red(before), rel=0.05)


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    whole: Whole, measured: Measured, tmp_path: Path
) -> None:
    async with _viewing(whole, measured, tmp_path) as page:
        await page.ask("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
        await page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        await asyncio.sleep(0.5)
        widths = "[document.documentElement.scrollWidth, document.getElementById('panel').clientWidth]"
        assert await page.value(widths) == [360, 360]
        assert _red(await page.picture("#scene")) > 100
        ground = np.asarray(Image.open(io.BytesIO(await page.picture("#scene"))).convert("RGB"))[-3, 3]
        assert ground.max() < 50


async def test_a_scan_at_work_is_waited_for_and_a_refused_one_tells_why(
    whole: Whole, measured: Measured, batch: Batch, tmp_path: Path
) -> None:
    words = tmp_path / "words.xyz"
    words.write_text("this is\nno point cloud\n" * 50)
    async with _client(whole, measured.account) as client, _page(whole, tmp_path / "profile") as page:
        inspector = Inspector(client, lambda *_: None)
        asset = await inspector.asset("VIEW-2", "Bracket")
        order = ScanOrder("VIEW-2", batch.scan, 0.2)
        at_work = asyncio.create_task(inspector.scan(order, asset, measured.cad_id))
        while not (found := (await client.ask(_SCANS_OF, {"id": asset}))["asset"]["scans"]["nodes"]):
            await asyncio.sleep(0.05)
        await page.ask("Page.navigate", url=viewer_link(whole.running, found[0]["id"]))
        await _sign_in(page, measured.account)
        await page.shows("#message", "This page goes on by itself.")
        await at_work
        await _shown(page)

        refused, _ = await inspector.scan(ScanOrder("VIEW-2", words, 0.2, "MILLIMETRE"), asset, measured.cad_id)
        fault = await client.ask("query F($id: ID!) { scan(id: $id) { problem { message code } } }", {"id": refused})
        await page.ask("Page.navigate", url=viewer_link(whole.running, refused))
        await page.shows("#message-title", "This scan was refused")
        assert await page.text("#message-text") == fault["scan"]["problem"]["message"]
        assert fault["scan"]["problem"]["code"] in await page.text("#message-remedy")


async def test_what_is_not_there_and_what_cannot_be_drawn_is_said(
    whole: Whole, measured: Measured, tmp_path: Path
) -> None:
    async with _page(whole, tmp_path / "no-3d", "disable-3d-apis") as page:
        await page.ask("Page.navigate", url=viewer_link(whole.running, measured.scan_id))
        await _sign_in(page, measured.account)
        await page.shows("#message-title", "This browser cannot draw the part", _LOADING_S)
        for wrong in (measured.scan_id[:-6] + "AAAAAA", "nonsense"):
            await page.ask("Page.navigate", url=viewer_link(whole.running, wrong))
            await page.shows("#message-title", "There is no such inspection")
        await page.value("sessionStorage.setItem('token', 'forged')")
        await page.ask("Page.navigate", url=viewer_link(whole.running, measured.scan_id))
        await page.shows("#sign-in-problem", "does not hold any more")
        await _sign_in(page, measured.account)
        await page.shows("#message-title", "This browser cannot draw the part", _LOADING_S)
        await page.ask("Page.navigate", url=f"{whole.running.url}/viewer/")
        await page.shows("#choices", "VIEW-1")
        assert await page.value("document.querySelector('#choices a').search.startsWith('?scan=')")


@asynccontextmanager
async def _client(whole: Whole, account: Account) -> AsyncIterator[GraphClient]:
    async with GraphClient(whole.running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        yield client


@asynccontextmanager
async def _page(whole: Whole, profile: Path, *flags: str) -> AsyncIterator[Page]:
    async with opened(str(chromium()), profile, f"{whole.running.url}/viewer/", flags or _SOFTWARE) as page:
        await page.shows("#sign-in-title", "Sign in")
        yield page


@asynccontextmanager
async def _viewing(whole: Whole, measured: Measured, profile: Path) -> AsyncIterator[Page]:
    async with _page(whole, profile) as page:
        await page.ask("Page.navigate", url=viewer_link(whole.running, measured.scan_id))
        await _sign_in(page, measured.account)
        await _shown(page)
        yield page


async def _sign_in(page: Page, account: Account, password: str | None = None) -> None:
    await _until(page, "sign-in")
    given = {"workspace": account.workspace, "email": account.email, "password": password or account.password}
    for name, text in given.items():
        await page.write(f"#sign-in input[name={name}]", text)
    await page.click("#sign-in button")


async def _shown(page: Page) -> None:
    """The part is drawn, and all its points have come."""
    await _until(page, "shown")
    await asyncio.sleep(1.5)
    # It lies on the picture and has all colours: pixels are counted of the part alone.
    await page.value("document.getElementById('legend').style.visibility = 'hidden'")


async def _until(page: Page, state: str) -> None:
    try:
        async with asyncio.timeout(_LOADING_S):
            while await _state(page) != state:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never {state}, but: {await page.text('#message')}") from None


async def _state(page: Page) -> str:
    return str(await page.value("document.body?.dataset.state"))


async def _drawn(page: Page, selector: str, holds: Callable[[bytes], bool]) -> bytes:
    """The element's picture, once it is as it should be: without a graphics card a frame may take seconds."""
    async with asyncio.timeout(20):
        while not holds(picture := await page.picture(selector)):
            await asyncio.sleep(0.1)
    return picture


async def _landed(page: Page) -> list[float]:
    """Where the first mark lies, as shares of the picture, once it has come to rest."""
    rests, place = 0, [-1.0, -1.0]
    async with asyncio.timeout(20):
        while rests < 3:
            await asyncio.sleep(0.3)
            now = await page.value(
                "(([mark, all]) => [(mark.x - all.x) / all.width, (mark.y - all.y) / all.height])"
                "(['#marks li', '#stage'].map(name => document.querySelector(name).getBoundingClientRect()))"
            )
            rests, place = (rests + 1 if now == place else 0), now
    return place


async def _counted(page: Page) -> int:
    return int((await page.text("#within")).partition(": ")[2].partition(" ")[0].replace(",", ""))


def _red(picture: bytes) -> int:
    """Pixels in the colours of too much material."""
    red, green, blue = _channels(picture)
    return int(np.sum((red > 60) & (red > 2.2 * green) & (red > 2.2 * blue)))


def _pale(picture: bytes) -> int:
    """Pixels in the colours about zero."""
    red, green, blue = _channels(picture)
    return int(np.sum((red > 110) & (np.abs(red - green) < 25) & (red - blue > 15)))


def _hatched(picture: bytes) -> int:
    """Pixels of the inside, where a plane cuts: a bluish grey that is neither ground nor `no data`."""
    red, green, blue = _channels(picture)
    return int(np.sum((red > 120) & (red < 135) & (blue > red + 8) & (blue < red + 18) & (green > red)))


def _channels(picture: bytes) -> tuple[np.ndarray[Any, Any], ...]:
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), np.float64)
    return pixels[..., 0], pixels[..., 1], pixels[..., 2]
