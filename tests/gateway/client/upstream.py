"""A subgraph on a real socket that does as it is told, and the guarded client in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from gateway.client.guarded import GuardedClient, guard_of
from gateway.client.http import HttpClient, Streaming
from gateway.client.lean.client import LeanSettings, LeanTransport
from gateway.client.operation_context import OperationContext, Operations
from gateway.client.protocol import WireRequest
from gateway.plan.nodes import SubgraphName
from gateway.traffic_settings import GuardSettings

NAME = SubgraphName("s")
USUAL = GuardSettings()
GOOD = b'{"data":{"x":{"y":1}}}'
Answering = Callable[[int, web.Request], Awaitable[web.Response]]


def good(headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=GOOD, content_type="application/json", headers=headers)


class Upstream:
    """`heard`: the headers of every request; `ended`: those whose client went away first. `let` holds answers back."""

    def __init__(self, answering: Answering | None = None) -> None:
        self.heard: list[Mapping[str, str]] = []
        self.ended = 0
        self.let = asyncio.Event()
        self._answering = answering

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(request.headers)
        await request.read()
        if self._answering is not None:
            return await self._answering(len(self.heard), request)
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        return good()

    async def has_heard(self, number: int) -> None:
        async with asyncio.timeout(5):
            while len(self.heard) < number:
                await asyncio.sleep(0.002)

    async def has_ended(self, number: int) -> None:
        async with asyncio.timeout(5):
            while self.ended < number:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def guarded(
    upstream: Upstream, settings: GuardSettings = USUAL, timeout_s: float = 5.0, operation_s: float = 60.0
) -> AsyncIterator[GuardedClient]:
    app = web.Application()
    app.router.add_post("/", upstream.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url, transport = f"http://127.0.0.1:{port}/", LeanTransport(LeanSettings())
        wire = transport.client(NAME, url, timeout_s, 10_000)
        client = HttpClient(NAME, url, session, timeout_s, 10_000, Streaming(), wire)
        yield GuardedClient(client, guard_of(NAME, settings, timeout_s, Operations(operation_s)))
        await transport.close()
    await runner.cleanup()


def asked(body: bytes = b'{"query":"{x{y}}"}', **other: Any) -> WireRequest:
    return WireRequest(body, **other)


def inside(client: GuardedClient, owner: object = None, kind: Any = "query") -> Any:
    """As inside an operation of `owner`."""
    operations = client.guard.operations
    return operations.running(operations.context(kind, owner))


def until(deadline: float, owner: object = None) -> OperationContext:
    return OperationContext(deadline, owner, True)


class Headers:
    """One client request's headers."""

    def __init__(self, sent: list[tuple[str, str]] | None = None) -> None:
        self.sent = sent or []
        self.got: list[tuple[str, str]] = []

    def to_subgraph(self, subgraph: str) -> list[tuple[str, str]]:
        return self.sent

    def from_subgraph(self, subgraph: str, headers: Any) -> None:
        self.got += [(name.lower(), value) for name, value in headers]
