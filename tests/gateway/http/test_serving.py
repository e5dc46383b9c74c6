"""The process that `python -m gateway serve` runs, with subgraphs on real sockets."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from infra.local.platform import any_free_port
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.suite import SUITES, suite_named
from tests.gateway.http.test_edge import until
from tests.gateway.http.test_streams import EVENTS, read_events
from tests.gateway.http.test_websocket import TICKS, Ticking, ask, close_code, heard, introduced, say


@asynccontextmanager
async def serving(folder: Path, settings: str) -> AsyncIterator[tuple[str, Process]]:
    suite, port = suite_named("shop"), any_free_port()
    config = folder / "gateway.toml"
    config.write_text(settings)
    async with served(app_of({**suite.subgraphs, "reviews": Ticking()})) as below:  # type: ignore[dict-item]
        subgraphs = [part for name in suite.subgraphs for part in ("--subgraph", f"{name}={below}/{name}")]
        supergraph = str(SUITES / "shop" / "supergraph.graphql")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", "--supergraph", supergraph, "--config", str(config),
            "--port", str(port), *subgraphs, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                assert await until(session, 200)
            yield f"http://127.0.0.1:{port}", process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_message_as_large_as_the_settings_say_is_read(tmp_path: Path) -> None:
    """The server below has a limit of its own, which stayed at 1 MiB."""
    async with serving(tmp_path, "[websocket]\nmax_message_bytes = 4000000\n") as (url, _), introduced(url) as socket:
        await say(socket, {"type": "ping", "payload": {"filling": "x" * 2_000_000}})
        assert (await heard(socket))["type"] == "pong"


async def test_subscriptions_end_at_once_with_the_process_and_are_not_complete(tmp_path: Path) -> None:
    """Event streams used up the whole time that running requests have, ten seconds and more at each roll-out."""
    parts = {"Accept": "multipart/mixed;subscriptionSpec=1.0"}
    async with (
        serving(tmp_path, "[http.readiness]\ngrace_s = 30\n") as (url, process),
        aiohttp.ClientSession(url) as session,
        introduced(url) as socket,
        session.post("/graphql", json={"query": TICKS}, headers=EVENTS) as distinct,
        session.post("/graphql", json={"query": TICKS}, headers=parts) as multipart,
    ):
        reserved = {"X-GraphQL-Event-Stream-Token": await (await session.put("/graphql")).text()}
        async with session.get("/graphql", headers={**EVENTS, **reserved}) as single:
            running = {"query": TICKS, "extensions": {"operationId": "1"}}
            assert (await session.post("/graphql", json=running, headers=reserved)).status == 202
            await ask(socket, TICKS)
            assert (await heard(socket))["type"] == "next"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                for stream in (distinct, single):
                    assert {kind for kind, _ in await read_events(stream)} == {"next"}
                assert not (await multipart.read()).endswith(b"--\r\n")
                assert await close_code(socket) == 1012
                await process.wait()
