"""A gateway whose metrics are served, in front of subgraphs on sockets, and what those are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import build_app
from gateway.settings import MetricsSettings, Settings, SubgraphSettings, TelemetrySettings
from infra.local.platform import any_free_port
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.suite import suite_named
from tests.gateway.telemetry.prometheus_text import Page

PLAIN = "query Plain { me { name } }"
DEEP = "query Deep { top { name reviews { stars author { name } } } }"


class Overheard:
    """An application in front of another, that keeps the headers of each request by its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.heard: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.heard.append((scope["path"].removeprefix("/"), headers))
        await self._app(scope, receive, send)


class Observed:
    def __init__(self, session: aiohttp.ClientSession, metrics: str | None, subgraphs: Overheard, app: Any) -> None:
        self.session, self.subgraphs, self.app = session, subgraphs, app
        self._metrics = metrics

    async def ask(self, query: str, headers: Mapping[str, str] | None = None, **other: object) -> dict[str, Any]:
        async with self.session.post("/graphql", json={"query": query, **other}, headers=headers) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer

    async def page(self) -> Page:
        assert self._metrics is not None
        async with aiohttp.ClientSession() as session, session.get(self._metrics) as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            return Page(await response.text())


@asynccontextmanager
async def observed(
    settings: Settings | None = None,
    telemetry: TelemetrySettings | None = None,
    urls: Mapping[str, str] | None = None,
    subgraphs: SubgraphSettings | None = None,
    hosted: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Observed]:
    """`telemetry`: metrics on, unless it says other; `urls`: where some subgraphs are instead; `hosted`: in here."""
    suite, port = suite_named("shop"), any_free_port()
    telemetry = telemetry or TelemetrySettings(metrics=MetricsSettings(port))
    overheard = Overheard(app_of(suite.subgraphs))
    async with served(overheard) as below:
        reached = {name: f"{below}/{name}" for name in suite.subgraphs if name not in (hosted or {})} | dict(urls or {})
        subgraphs = msgspec.structs.replace(subgraphs or SubgraphSettings(), urls=reached)
        settings = msgspec.structs.replace(settings or Settings(), subgraphs=subgraphs, telemetry=telemetry)
        app = build_app(settings, suite.supergraph, hosted, **options)
        async with served(app) as url, aiohttp.ClientSession(url) as session:
            metrics = telemetry.metrics.port
            yield Observed(session, metrics and f"http://127.0.0.1:{metrics}/metrics", overheard, app)
