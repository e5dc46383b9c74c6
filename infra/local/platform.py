"""The whole platform on one machine: the stack, the migrated database, the graph, the workers.

In: a data folder. Out: `Running`, the graph's address and the stack's endpoints, while the context lasts. A second
start on the same folder finds the first (`running_on`) or is refused by the stack. Each process is kept running by the
stack's supervisor: one that is killed comes back on the same port.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from db.blobs import Blobs
from db.migrate import migrate
from infra.local import folders
from infra.local.processes import Program
from infra.local.stack import CHECKOUT, Endpoints, Stack
from infra.local.system_libraries import library_folder, with_libraries
from subgraphs.serving.process import ProcessSettings, read_settings

PLATFORM_FILE = "platform.json"
USUAL_PORT = 4000
_FIRST_COMPILE_S = 180.0


@dataclass(frozen=True)
class Running:
    """A running platform."""

    url: str
    endpoints: Endpoints

    @property
    def graph_url(self) -> str:
        """Where GraphQL is answered."""
        return f"{self.url}/graphql"

    def settings(self) -> ProcessSettings:
        """As the platform's own processes read them."""
        return read_settings(self.endpoints.environment())


class Platform:
    """`with Platform(data) as running:`."""

    def __init__(
        self,
        data: Path,
        environment: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = lambda _: None,
        port: int | None = None,
        workers: bool = True,
        careless: bool = False,
        graphs: int = 1,
    ) -> None:
        """`workers` False: only the graph. `careless` trades the data's safety for speed, for tests and benches.
        `graphs`: processes that answer on the one port."""
        self.stack = Stack(data, environment, say, careless)
        self._workers, self._graphs = workers, graphs
        self._environment, self._say, self._port = environment, say, port
        self._resources = ExitStack()

    def __enter__(self) -> Running:
        try:
            return self._start()
        except BaseException:
            self._resources.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _start(self) -> Running:
        endpoints = self._resources.enter_context(self.stack)
        asyncio.run(_prepare(endpoints))
        self._say("the database is migrated")
        port = self._port or kept_port(endpoints.data)
        self.stack.supervisor.start_together(self._programs(endpoints, port))
        running = Running(f"http://127.0.0.1:{port}", endpoints)
        file = endpoints.data / PLATFORM_FILE
        file.write_text(json.dumps({"url": running.url, "pid": os.getpid()}))
        self._resources.callback(file.unlink, missing_ok=True)
        self._say(f"the platform is up: {running.url}")
        return running

    def _programs(self, endpoints: Endpoints, port: int) -> list[Program]:
        cache = folders.cache_folder(self._environment, CHECKOUT)
        settings = endpoints.environment() | {"PYTHONPATH": str(CHECKOUT)}
        worker_settings = with_libraries(settings, library_folder(cache, self._say))
        logs = endpoints.data / "logs"

        def python(name: str, arguments: list[str], variables: Mapping[str, str], ready: Callable[[], bool]) -> Program:
            return Program(
                name=name,
                command=[sys.executable, "-m", *arguments],
                folder=CHECKOUT,
                log=logs / f"{name}.log",
                ready=ready,
                environment=variables,
                ready_timeout_s=_FIRST_COMPILE_S,
            )

        def worker(name: str, duties: list[str]) -> Program:
            # The file is of this start: one that an earlier run left must not be taken for it.
            file = endpoints.data / "run" / f"{name}.ready"
            file.unlink(missing_ok=True)
            return python(name, ["workers", *duties, "--ready-file", str(file)], worker_settings, file.exists)

        names = ["graph", *(f"graph-{number}" for number in range(2, self._graphs + 1))]
        serving = ["infra.local.embedded", "--port", str(port)]
        graphs = [python(name, serving, settings, lambda: is_healthy(port)) for name in names]
        if not self._workers:
            return graphs
        return [
            *graphs,
            worker("jobs", ["jobs"]),
            worker("relay", ["relay"]),
            worker("rounds", ["sweeper", "sequencer"]),
        ]


async def _prepare(endpoints: Endpoints) -> None:
    """Migrations and the bucket: done again at each start, and nothing to do mostly."""
    await migrate(endpoints.database_url, endpoints.keys.folder)
    async with Blobs(read_settings(endpoints.environment()).blobs) as blobs:
        await blobs.create_bucket()


def running_on(data: Path) -> Running | None:
    """The platform that another process runs on this folder, if it answers."""
    try:
        url = json.loads((data / PLATFORM_FILE).read_text())["url"]
        endpoints = Endpoints.read(data)
    except (FileNotFoundError, ValueError):
        return None
    return Running(url, endpoints) if is_healthy(int(url.rpartition(":")[2])) else None


def is_healthy(port: int) -> bool:
    """Whether a graph answers there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def kept_port(data: Path) -> int:
    """The usual port, or another one where it is taken; the same one each time as long as it is free."""
    file = data / "graph.port"
    wanted = [int(file.read_text())] if file.exists() else []
    port = next(filter(_is_free, [*wanted, USUAL_PORT]), 0) or any_free_port()
    file.write_text(str(port))
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
