"""The explorer as a person uses it: in a browser, against the whole platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import Inspector, ScanOrder, sign_in
from infra.demo.people import quality_engineer
from tests.e2e.chromium import NAMES, chromium, opened
from tests.e2e.conftest import Batch, Whole

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(chromium() is None, reason=f"no browser: none of {', '.join(NAMES)} is on the PATH"),
]


async def test_sign_in_ask_watch_and_sign_out(whole: Whole, batch: Batch, tmp_path: Path) -> None:
    account = await quality_engineer(whole.running)
    given = {"workspaceSlug": account.workspace, "email": account.email, "password": account.password}
    async with (
        GraphClient(whole.running.graph_url) as client,
        opened(str(chromium()), tmp_path, f"{whole.running.url}/?example=sign%20in") as page,
    ):
        await sign_in(client, account.workspace, account.email, account.password)
        inspector = Inspector(client, lambda *_: None)
        cad, _ = await inspector.cad(batch.cad, "MILLIMETRE", accept_flaws=False)
        asset = await inspector.asset("LIVE-1", "Bracket")

        await page.shows("#examples .on", "sign in")
        await page.click("#run")
        await page.shows("#response", "INVALID_CREDENTIALS")
        await page.write("#variables textarea", json.dumps({"input": given}))
        await page.click("#run")
        await page.shows("#use-token", "Use this token")
        await page.click("#use-token")
        await page.shows("#token-note", "until")

        await page.click("#examples button", "Every asset")
        await page.click("#run")
        await page.shows("#status", "HTTP 200, ")
        assert asset in [node["id"] for node in json.loads(await page.text("#response"))["data"]["assets"]["nodes"]]
        assert "Fetch 0 (subgraph: inspection)" in await page.text("#plan")

        await page.click("#examples button", "Live:")
        await page.write("#variables textarea", json.dumps({"assetId": asset}))
        await page.click("#run")
        await page.shows("#status", "listening")
        await inspector.scan(ScanOrder("LIVE-1", batch.scan, 0.2), asset, cad)
        await page.shows("#status", "1 event")
        event = json.loads(await page.text("#response"))["data"]["scanProcessed"]
        assert (event["scan"]["operator"], event["inspection"]["verdict"]) == ({"name": account.name}, "FAIL")

        await page.click("#sign-out")
        await page.shows("#status", "signed out")
        assert (await page.value("document.getElementById('token').value"), await page.text("#response")) == ("", "")
        await page.click("#run")
        await page.shows("#response", "Sign in first.")
