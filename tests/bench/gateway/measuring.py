"""One gateway under one workload: is it right, then how fast, and what it takes of its core.

A gateway's first answers are compared with what one schema without Federation says, values and order of keys; its own
bytes are then what every answer under load must be.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp
import msgspec

from tests.bench.gateway.contenders import CALLERS, Contender
from tests.bench.gateway.graph import NESTED, expected
from tests.bench.gateway.load import Heard, Load
from tests.bench.gateway.operations import Operation, operations
from tests.bench.serving import Serving

CONNECTIONS = 50
LOAD_CORE, GATEWAY_CORE = 0, 1


@dataclass(frozen=True)
class Workload:
    name: str
    unique_authors: bool
    operations: Sequence[Operation]


WORKLOADS = {
    "published": Workload("the published shape: one author", False, [Operation("Nested", NESTED)]),
    "authors": Workload("every author another one", True, [Operation("Nested", NESTED)]),
    "mixed": Workload("200 different operations", True, operations(200)),
}


@dataclass
class Round:
    """What one round of one gateway found. Shares are of a core: the gateway's own, others' of its core, the load's."""

    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    fetches: float
    own_share: float
    others_share: float
    load_share: float


@dataclass
class Contest:
    """One gateway that runs, with what is known of it."""

    contender: Contender
    serving: Serving
    tokens: list[str]
    right: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def median(self, workload: str, name: str) -> float:
        return median(getattr(each, name) for each in self.rounds[workload])


class Upstream:
    """The subgraphs' process: chooses their data and counts what they were asked."""

    def __init__(self, serving: Serving, session: aiohttp.ClientSession) -> None:
        self.serving = serving
        self._session = session

    async def choose(self, workload: Workload) -> None:
        await self._told("authors/unique" if workload.unique_authors else "authors/one")

    async def answered(self) -> int:
        return int((await self._told("stats"))["answered"])

    async def _told(self, path: str) -> dict[str, int]:
        async with self._session.get(f"{self.serving.url}/{path}") as response:
            return json.loads(await response.read())


async def check(contest: Contest, key: str, workload: Workload, session: aiohttp.ClientSession) -> None:
    """Ask each operation once, compare, and keep the bytes."""
    right = ordered = 0
    contest.answers[key] = []
    for operation in workload.operations:
        body = await ask(contest, operation, session)
        contest.answers[key].append(body)
        answer, wanted = json.loads(body), expected(operation.text, workload.unique_authors)
        same = answer.get("data") == wanted and not answer.get("errors")
        right += same
        # Dictionaries are equal in whatever order; their texts are not.
        ordered += same and json.dumps(answer["data"]) == json.dumps(wanted)
        if not same:
            contest.wrong.append(f"{contest.contender.name}, {operation.name}: {body[:400]!r}")
    count = len(workload.operations)
    if right == ordered:
        contest.right[key] = "yes" if right == count else f"{right} of {count}"
    else:
        contest.right[key] = f"{right} of {count}, {ordered} in order"


async def ask(contest: Contest, operation: Operation, session: aiohttp.ClientSession) -> bytes:
    headers = dict(_headers(contest, 0))
    body = _body(operation)
    async with session.post(f"{contest.serving.url}/graphql", data=body, headers=headers) as response:
        return await response.read()


async def load(
    contest: Contest, key: str, workload: Workload, seconds: float, warm_s: float = 0.0, per_s: float | None = None
) -> Heard:
    """Run the generator beside the subgraphs. Raises RuntimeError with its own words where it fails."""
    port = int(contest.serving.url.rpartition(":")[2])
    callers = CALLERS if contest.contender.signs_in else 1
    count, requests, orders = len(workload.operations), [], []
    for caller in range(callers):
        requests += [_encoded(_request(contest, operation, caller)) for operation in workload.operations]
    for connection in range(CONNECTIONS):
        order = [connection % callers * count + each for each in range(count)]
        random.Random(connection).shuffle(order)
        orders.append(order)
    answers = [_encoded(each) for each in contest.answers[key]] * callers
    given = Load(port, requests, answers, orders, seconds, warm_s, per_s)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(msgspec.json.encode(given))
        command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "tests.bench.gateway.load", file.name]
        process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
        told, problem = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{contest.contender.name}: {problem.decode()[-1000:]}")
    return msgspec.json.decode(told, type=Heard)


class Spent(NamedTuple):
    """So far: requests to subgraphs; seconds of the gateway, of the subgraphs, of everybody on its core, of a clock."""

    fetches: int
    own_s: float
    subgraphs_s: float
    core_s: float
    clock_s: float

    def since(self, earlier: Spent) -> Spent:
        return Spent(self.fetches - earlier.fetches, *(a - b for a, b in zip(self[1:], earlier[1:], strict=True)))


async def spent(contest: Contest, upstream: Upstream) -> Spent:
    fetches = await upstream.answered()
    return Spent(fetches, contest.serving.cpu_s(), upstream.serving.cpu_s(), busy(), time.monotonic())


async def measure(contest: Contest, key: str, workload: Workload, upstream: Upstream, seconds: float) -> Round:
    """One round: a warm-up of a fifth that does not count, then so many seconds."""
    await load(contest, key, workload, seconds / 5)
    before = await spent(contest, upstream)
    heard = await load(contest, key, workload, seconds)
    took = (await spent(contest, upstream)).since(before)
    answered = max(1, heard.answered)
    if heard.wrong_answers:
        contest.wrong.append(f"{contest.contender.name}, {key}: {heard.wrong_answers} under load, {heard.wrong}")
    return Round(
        per_s=heard.answered / heard.seconds,
        cpu_us=took.own_s / answered * 1e6,
        p50_ms=heard.p50_ms,
        p99_ms=heard.p99_ms,
        memory_mb=contest.serving.memory_mb(),
        fetches=took.fetches / answered,
        own_share=took.own_s / heard.seconds,
        # The load's process takes a moment to start, in which others run too.
        others_share=max(0.0, took.core_s - took.own_s) / took.clock_s,
        load_share=(took.subgraphs_s + heard.cpu_us * answered / 1e6) / heard.seconds,
    )


def busy() -> float:
    """Seconds for which anybody ran on the gateway's core, so far."""
    (line,) = (each for each in Path("/proc/stat").read_text().splitlines() if each.startswith(f"cpu{GATEWAY_CORE} "))
    user, nice, system, _idle, _waiting, *rest = (int(each) for each in line.split()[1:])
    return (user + nice + system + sum(rest[:3])) / 100


def _headers(contest: Contest, caller: int) -> list[tuple[str, str]]:
    found = [("content-type", "application/json"), ("accept", "application/json")]
    if contest.contender.signs_in:
        found.append(("authorization", f"Bearer {contest.tokens[caller]}"))
    return found


def _request(contest: Contest, operation: Operation, caller: int) -> bytes:
    body = _body(operation)
    lines = [f"{name}: {value}" for name, value in _headers(contest, caller)]
    head = "\r\n".join(["POST /graphql HTTP/1.1", "host: 127.0.0.1", *lines, f"content-length: {len(body)}", "", ""])
    return head.encode() + body


def _body(operation: Operation) -> bytes:
    return msgspec.json.encode({"query": operation.text, "operationName": operation.name})


def _encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()
