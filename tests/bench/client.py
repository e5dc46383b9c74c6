"""`./dev bench client`: what one request to a subgraph costs the gateway's process, by the lean client and by aiohttp.

The subgraph is another process that gives one answer to everything. Each kind asks in turns, several times over, with
so many requests under way; the figure is the process's own CPU time a request, the best of the turns, since what
disturbs a turn only adds to it. Both read the answer's headers, as the gateway does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Literal

import uvloop

from gateway.client.carrying import awaited
from gateway.client.http import HttpClient
from gateway.client.protocol import WireRequest
from gateway.client.wires import wires_of
from gateway.plan.nodes import SubgraphName
from gateway.settings import SubgraphSettings
from infra.local.platform import any_free_port
from tests.bench.fanout import running
from tests.bench.figures import Bar, show

KINDS: tuple[Literal["lean", "aiohttp"], ...] = ("lean", "aiohttp")
SIZES = (200, 12_000, 88_000)
TURNS = 5
MOST_US = 20.0
LEAST_RATIO = 3.0
BODY = b'{"query":"query($r:[_Any!]!){_entities(representations:$r){...on P{x}}}","variables":{"r":[{"id":"1"}]}}'


class Exchange:
    """What the gateway passes on: trace context out, headers back."""

    def to_subgraph(self, subgraph: str) -> Sequence[tuple[str, str]]:
        return (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)

    def from_subgraph(self, subgraph: str, headers: Iterable[tuple[str, str]]) -> None:
        self.heard = list(headers)


async def main(requests: int, in_flight: int) -> None:
    costs: dict[tuple[str, int], float] = {}
    for size in SIZES:
        async with AsyncExitStack() as stack:
            port = any_free_port()
            url = f"http://127.0.0.1:{port}/"
            command = [sys.executable, "-m", "tests.bench.constant_server", str(port), str(size)]
            await stack.enter_async_context(running(command, url))
            clients = {}
            for kind in KINDS:
                wires = await stack.enter_async_context(wires_of(SubgraphSettings(client=kind), None))
                clients[kind] = wires.client(SubgraphName("s"), url)
            for _ in range(TURNS):
                for kind, client in clients.items():
                    cost = await cpu_us(client, requests, in_flight)
                    costs[kind, size] = min(cost, costs.get((kind, size), cost))
    tell(costs, requests, in_flight)


async def cpu_us(client: HttpClient, requests: int, in_flight: int) -> float:
    """Of this process, a request."""
    left = requests

    async def ask() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            answer = await awaited(client.carrier, WireRequest(BODY, "query", "a.caller.token", "trace", Exchange()))
            assert answer.status == 200

    started = time.process_time()
    await asyncio.gather(*(ask() for _ in range(in_flight)))
    return (time.process_time() - started) / requests * 1e6


def tell(costs: dict[tuple[str, int], float], requests: int, in_flight: int) -> None:
    rows = [
        [
            f"{size} bytes",
            *(f"{costs[kind, size]:.1f}" for kind in KINDS),
            f"{costs['aiohttp', size] / costs['lean', size]:.1f}",
        ]
        for size in SIZES
    ]
    title = f"CPU us a request, {requests} requests in {TURNS} turns each, {in_flight} under way"
    smallest = SIZES[0]
    bars = [
        Bar("client.lean.cpu_us", costs["lean", smallest], MOST_US),
        Bar("client.aiohttp_over_lean", costs["aiohttp", smallest] / costs["lean", smallest], LEAST_RATIO, True),
    ]
    show(title, ["answer", *KINDS, "ratio"], rows, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench client")
    parser.add_argument("--requests", type=int, default=20_000, help="of each turn")
    parser.add_argument("--in-flight", type=int, default=50, help="requests at once")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.requests, arguments.in_flight))
