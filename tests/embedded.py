"""One embedded stack for a whole test run, whatever the number of workers, and cheap separate rooms inside it.

The first test that asks starts the stack in a process of its own, which watches the run's first process (pytest, or
xdist's controller) and ends with it. Workers find it by a lock and a file in `.d2r/test-stack/<pid of that process>`.
Rooms: a database from a template (about 50 ms), a numbered Valkey database. In the object store, tests have tenants
of their own and so prefixes of their own.
"""

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import redis

from infra.local.folders import one_at_a_time
from infra.local.stack import CHECKOUT, ENDPOINTS_FILE, Endpoints, discard
from infra.local.valkey import DATABASES as VALKEY_DATABASES

RUNS = CHECKOUT / ".d2r" / "test-stack"
PATIENCE_S = 180.0  # a first run fetches PostgreSQL

Answer = TypeVar("Answer")


def endpoints_of_this_run() -> Endpoints:
    """Start the run's stack, or find it running."""
    first_process = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    data = RUNS / str(first_process)
    with one_at_a_time(RUNS / "lock"):
        if not (data / ENDPOINTS_FILE).exists():
            _sweep()
            _start(data, first_process)
    return Endpoints.read(data)


def _start(data: Path, first_process: int) -> None:
    data.mkdir(parents=True)
    command = [sys.executable, "-m", "infra.local", "--data", data, "--careless", "--discard"]
    with (data / "stack.log").open("wb") as log:
        keeper = subprocess.Popen(
            [*command, "--while-pid", str(first_process)],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_S
    while not (data / ENDPOINTS_FILE).exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            reason = (data / "stack.log").read_text() if data.exists() else "it ended and took its log along"
            raise RuntimeError(f"the stack for the tests did not start:\n{reason}")
        time.sleep(0.02)


def _sweep() -> None:
    """Folders of runs that were killed so hard that nobody could clean up."""
    for folder in RUNS.iterdir():
        if folder.name.isdigit() and not Path(f"/proc/{folder.name}").exists():
            discard(folder)


@dataclass(frozen=True)
class Databases:
    """Databases of the run's PostgreSQL, each made from a template."""

    endpoints: Endpoints

    def template(self, name: str, build: Callable[[str], object], base: str = "template_postgis") -> str:
        """Make template `name` once a run: `build` gets its URL and fills it, and must leave no connection open."""
        done = self.endpoints.data / f"template-{name}"
        with one_at_a_time(done.with_suffix(".lock")):
            if not done.exists():
                if name != "template_postgis":
                    self._postgis()
                self._administer(f'create database "{name}" template "{base}"')
                build(self.url(name))
                done.touch()
        return name

    def fresh(self, template: str = "template_postgis") -> str:
        """The URL of a new database, a copy of the template."""
        if template == "template_postgis":
            self._postgis()
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self._administer(f'create database "{name}" template "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        self._administer(f'drop database if exists "{urlsplit(url).path[1:]}" with (force)')

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.endpoints.database_url)._replace(path=f"/{name}"))

    def _postgis(self) -> None:
        def build(url: str) -> None:
            run_apart(_execute(url, "create extension postgis"))

        self.template("template_postgis", build, base="template1")

    def _administer(self, statement: str) -> None:
        run_apart(_execute(self.url("postgres"), statement))


@dataclass(frozen=True)
class Rooms:
    """Numbered Valkey databases: each asker gets the next one, emptied; they come round again after the last."""

    endpoints: Endpoints

    def valkey(self) -> str:
        url = f"{self.endpoints.redis_url.partition('?')[0]}?db={self._next() % VALKEY_DATABASES}"
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url

    def _next(self) -> int:
        counter = self.endpoints.data / "valkey-databases"
        with one_at_a_time(counter.with_suffix(".lock")):
            number = int(counter.read_text()) + 1 if counter.exists() else 0
            counter.write_text(str(number))
        return number


_numbers = itertools.count()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def run_apart(work: Coroutine[Any, Any, Answer]) -> Answer:
    """In a thread and loop of its own, so that fixtures may ask while a test's loop runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
