"""The 61 audits that graphql-http publishes for servers, against the gateway on a socket."""

from __future__ import annotations

import asyncio
import json

from gateway.settings import Settings
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.suite import gateway_app, suite_named
from tests.node import HERE, needs_peers

AUDITS = 61


@needs_peers
async def test_every_audit_is_passed() -> None:
    suite = suite_named("shop")
    async with (
        served(app_of(suite.subgraphs)) as subgraphs_url,
        # One audit asks `__type` with a variable.
        served(gateway_app(suite, subgraphs_url, Settings(introspection=True))) as url,
    ):
        node = await asyncio.create_subprocess_exec(
            "node", str(HERE / "audit.mjs"), f"{url}/graphql", stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await node.communicate()
    audits = [json.loads(line) for line in printed.splitlines()]
    assert len(audits) == AUDITS
    assert [audit for audit in audits if audit["status"] != "ok"] == []
