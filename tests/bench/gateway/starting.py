"""The processes of a contest, each on its core: the subgraphs beside the load, a gateway alone."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.local.platform import any_free_port
from tests.bench.gateway.contenders import Contender
from tests.bench.gateway.measuring import GATEWAY_CORE, LOAD_CORE, Contest
from tests.bench.serving import Serving, running


@asynccontextmanager
async def subgraphs() -> AsyncIterator[Serving]:
    port = any_free_port()
    command = [sys.executable, "-m", "tests.bench.gateway.subgraph_server", str(port)]
    async with running(command, f"http://127.0.0.1:{port}/stats", core=LOAD_CORE) as process:
        yield Serving(f"http://127.0.0.1:{port}", process)


@asynccontextmanager
async def started(contender: Contender, folder: Path) -> AsyncIterator[Contest]:
    """The gateway on its core, once it answers."""
    port = any_free_port()
    url, command = f"http://127.0.0.1:{port}", contender.command(port, folder)
    async with running(command, f"{url}/health", core=GATEWAY_CORE, environment=contender.environment) as process:
        yield Contest(contender, Serving(url, process), (folder / "tokens.txt").read_text().split())
