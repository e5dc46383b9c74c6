"""A suite is a folder: `subgraphs/<name>.graphql`, `supergraph.graphql` composed of them, `data.json`, `cases.json`,
and maybe `gateway.toml`, the gateway's settings.

A case has a `name`, a `query`, maybe `variables`, and what must come back: `data` (or `events`, for a subscription),
`errors` (path and code of each, in any order; none when left out) and `fetches`, how many requests subgraphs may get.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from starlette.applications import Starlette

from gateway.app import build_app
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest
from gateway.settings import Settings, SubgraphSettings
from gateway.settings_file import settings_of
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.subgraph import DataSubgraph

SUITES = Path(__file__).parent.parent / "suites"
Json = Any


@dataclass(frozen=True)
class Case:
    suite: str
    name: str
    query: str
    variables: Json
    expected: Json
    fetches: int | None

    def __str__(self) -> str:
        return f"{self.suite}: {self.name}"


@dataclass
class Suite:
    name: str
    supergraph: str
    subgraphs: dict[str, DataSubgraph]
    settings: Settings

    @property
    def fetches(self) -> int:
        return sum(len(each.asked) for each in self.subgraphs.values())


class Nobody:
    trace_id = "trace"
    headers = None
    principal = None

    def token(self) -> str | None:
        return None


def suite_named(name: str) -> Suite:
    folder = SUITES / name
    data = json.loads((folder / "data.json").read_text())
    subgraphs = {
        file.stem: DataSubgraph(file.stem, file.read_text(), data.get(file.stem, {}))
        for file in sorted((folder / "subgraphs").glob("*.graphql"))
    }
    file = folder / "gateway.toml"
    settings = settings_of(file if file.exists() else None, {"development": True})
    return Suite(name, (folder / "supergraph.graphql").read_text(), subgraphs, settings)


def all_cases() -> list[Case]:
    return [
        Case(
            folder.name, each["name"], each["query"], each.get("variables") or {}, _expected(each), each.get("fetches")
        )
        for folder in sorted(SUITES.iterdir())
        if (folder / "cases.json").exists()
        for each in json.loads((folder / "cases.json").read_text())
    ]


async def answer_in_process(suite: Suite, case: Case) -> Json:
    app = build_app(suite.settings, suite.supergraph, suite.subgraphs)
    async with app.router.lifespan_context(app):
        pipeline: LivePipeline = app.state.gateway.pipeline
        ready = await pipeline.ready(OperationRequest(case.query, case.variables))
        if ready.plan.kind == "subscription":
            return seen_events([each.as_json() async for each in pipeline.events(ready, Nobody())])
        return seen((await pipeline.answer(ready, Nobody())).as_json())


async def answer_over_sse(suite: Suite, case: Case) -> Json:
    """As over HTTP, with subscriptions asked of subgraphs by server-sent events."""
    subgraphs = SubgraphSettings(stream_protocol="sse")
    return await answer_over_http(suite, case, msgspec.structs.replace(suite.settings, subgraphs=subgraphs))


async def answer_by_program(suite: Suite, case: Case) -> Json:
    """As over HTTP, with a program for every plan that one can be written for."""
    return await answer_over_http(suite, case, msgspec.structs.replace(suite.settings, compile_after=0))


async def answer_over_http(suite: Suite, case: Case, settings: Settings | None = None) -> Json:
    async with gateway_over_http(suite, settings) as url, aiohttp.ClientSession() as session:
        if case.query.lstrip().startswith("subscription"):
            return seen_events([each async for each in events_from(session, url, case.query, case.variables)])
        body = {"query": case.query, "variables": case.variables}
        async with session.post(f"{url}/graphql", json=body) as response:
            return seen(await response.json())


@asynccontextmanager
async def gateway_over_http(suite: Suite, settings: Settings | None = None) -> AsyncIterator[str]:
    async with (
        served(app_of(suite.subgraphs)) as subgraphs_url,
        served(gateway_app(suite, subgraphs_url, settings)) as url,
    ):
        yield url


def gateway_app(suite: Suite, subgraphs_url: str, settings: Settings | None = None) -> Starlette:
    urls = {name: f"{subgraphs_url}/{name}" for name in suite.subgraphs}
    chosen = settings or suite.settings
    subgraphs = msgspec.structs.replace(chosen.subgraphs, urls={**urls, **chosen.subgraphs.urls})
    return build_app(msgspec.structs.replace(chosen, subgraphs=subgraphs), suite.supergraph)


async def events_from(session: aiohttp.ClientSession, url: str, query: str, variables: Json) -> AsyncIterator[Json]:
    async with session.ws_connect(f"{url}/graphql", protocols=["graphql-transport-ws"]) as socket:
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}})
        while (message := await socket.receive_json())["type"] == "next":
            yield message["payload"]


def seen(body: Json) -> Json:
    """An answer as cases write it: errors by place and code, in one order."""
    errors = [{"path": each.get("path"), "code": each["extensions"]["code"]} for each in body.get("errors", [])]
    return {"data": body.get("data"), "errors": sorted(errors, key=json.dumps)}


def seen_events(bodies: list[Json]) -> Json:
    return {"events": [seen(body) for body in bodies]}


def _expected(case: Json) -> Json:
    if "events" in case:
        return {"events": [{"data": each, "errors": []} for each in case["events"]]}
    return {"data": case["data"], "errors": sorted(case.get("errors", []), key=json.dumps)}
