"""The platform's own graph in its two shapes, with either executor. In: nothing. Out: CPU ms of a request for each.

The stack, a gateway and every subgraph run for it; 40 assets with 200 inspections are seeded. What is counted is the
CPU time of this one process, in which the gateway and the subgraphs live; PostgreSQL and Valkey have their own.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvicorn

from db.migrate import migrate
from gateway.app import build_app
from gateway.pipeline import OperationRequest
from gateway.settings import SubgraphSettings
from infra.demo.operations import BAD_BATCH
from infra.demo.people import quality_engineer
from infra.local.embedded import SUPERGRAPH, gateway_settings
from infra.local.platform import Running, any_free_port
from infra.local.stack import Stack
from subgraphs.catalogue import open_subgraphs, schema_of
from subgraphs.serving.app import subgraph_app
from subgraphs.serving.in_process import InProcessSubgraph
from tests.bench import million
from tests.subgraphs.asking import Asker, Gateway

ASKED = 150
DOCUMENTS = {
    "bad batch": BAD_BATCH,
    "assets": """{ assets(first: 40) { nodes { id name serialNumber createdAt latestInspection {
        verdict createdAt deviationMap { rmsMm percentInTolerance worstPoints(first: 3) { positionMm } } } } } }""",
}
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { ... on SignedIn { token } } }"


class Caller:
    trace_id = "bench"
    headers = None
    principal = None

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        return self._token


async def shapes() -> dict[str, dict[str, float]]:
    """By document, by shape and executor."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data", careless=True) as endpoints:
        running = Running("", endpoints)
        await migrate(endpoints.database_url, endpoints.keys.folder)
        async with open_subgraphs(running.settings()) as opened:
            user_token = await furnished(running, opened)
            gateway = Gateway(endpoints.keys.folder)
            found: dict[str, dict[str, float]] = {name: {} for name in DOCUMENTS}
            for shape, serving in (("in process", in_process), ("HTTP", behind_sockets)):
                async with serving(running, opened) as app:
                    for executor in ("compiled", "graphql-core"):
                        for name in opened:
                            schema_of(name).run_compiled(executor == "compiled")
                        for name, document in DOCUMENTS.items():
                            found[name][f"{shape}, {executor}"] = await cpu_ms(app, document, gateway, user_token)
            return found


async def furnished(running: Running, opened: Mapping[str, InProcessSubgraph]) -> str:
    """Some assets and inspections, and the user token of whoever may see them."""
    account = await quality_engineer(running)
    admin = await asyncpg.connect(running.endpoints.database_url)
    tenant = await admin.fetchval("select tenant_id from workspace where slug = $1", account.workspace)
    operator = await admin.fetchval("select id from member where tenant_id = $1", tenant)
    fewer = {
        noun: text.replace("generate_series(1, 500)", "generate_series(1, 40)").replace(
            "generate_series(1, 286)", "generate_series(1, 5)"
        )
        for noun, text in million.SEED.items()
    }
    whole, million.SEED = million.SEED, fewer
    try:
        await million.seed(admin, str(tenant), str(operator), lambda _: None)
    finally:
        million.SEED = whole
        await admin.close()
    given = {"workspaceSlug": account.workspace, "email": account.email, "password": account.password}
    gateway = Gateway(running.endpoints.keys.folder)
    signed_in = await Asker(opened["tenancy"], gateway).data_of(SIGN_IN, {"input": given})
    return str(signed_in["signIn"]["token"])


@asynccontextmanager
async def in_process(running: Running, opened: Mapping[str, InProcessSubgraph]) -> AsyncIterator[Any]:
    app = build_app(gateway_settings(running.endpoints.keys.folder), SUPERGRAPH.read_text(), opened)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def behind_sockets(running: Running, opened: Mapping[str, InProcessSubgraph]) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        urls = {}
        for name, subgraph in opened.items():
            urls[name] = await stack.enter_async_context(on_a_socket(name, subgraph))
        settings = gateway_settings(running.endpoints.keys.folder)
        reached = SubgraphSettings(urls=urls, caller_key=settings.subgraphs.caller_key)
        app = build_app(msgspec.structs.replace(settings, subgraphs=reached), SUPERGRAPH.read_text())
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield app


@asynccontextmanager
async def on_a_socket(name: str, subgraph: InProcessSubgraph) -> AsyncIterator[str]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[InProcessSubgraph]:
        yield subgraph

    port = any_free_port()
    config = uvicorn.Config(subgraph_app(name, opened), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}/graphql"
    server.should_exit = True
    await serving


async def cpu_ms(app: Any, document: str, gateway: Gateway, user_token: str) -> float:
    """The best of five rounds: another process on the machine makes caches cold, never warm."""
    pipeline = app.state.gateway.pipeline
    rounds = []
    for _ in range(6):
        gc.collect()
        # Of a minute's life, and not what is measured.
        caller = Caller(gateway.caller_token(user_token))
        started = time.process_time()
        for _ in range(ASKED // 5):
            answer = await pipeline.answer(await pipeline.ready(OperationRequest(query=document)), caller)
            assert not answer.errors, answer.errors
        rounds.append((time.process_time() - started) * 1000 / (ASKED // 5))
    return min(rounds[1:])
