"""Thousands of requests over few connections, to servers that fail in every way, with callers that lose patience.

The servers run in a thread of their own, so that their bytes arrive at any moment. Whatever happens, who gets an answer
gets its own; and when it is over, nothing is left: no connection, task, timer or open file.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from gateway.client.carrying import awaited
from gateway.client.lean.client import LeanClient
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.client.wires import wires_of
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, Kind, answer, in_a_thread, request_in, serving

REQUESTS, CONNECTIONS, IN_FLIGHT = 2000, 50, 120
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
STRANGE = answer(b"somebody else's")


async def storming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What happens to a request is drawn from its own number, so that the client can know what may come of it."""
    while request := await request_in(reader):
        body = request.partition(b"\r\n\r\n")[2]
        draw = random.Random(body)
        whole = answer(body)
        cut = draw.randrange(1, len(whole))
        match draw.randrange(13):
            case 0:
                await asyncio.sleep(0.6)
            case 1:
                writer.write(whole[:cut])
                return
            case 2:
                reset(writer)
                return
            case 3:
                writer.write(whole + STRANGE)
                continue
            case 4:
                writer.write(b"garbage")
                continue
            case 5:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body))
                await writer.drain()
                writer.write(body + b"\r\n0\r\n\r\n")
                continue
            case 6:
                writer.write(whole)
                return
            case 7:
                writer.write(whole[:cut])
                await writer.drain()
                await asyncio.sleep(draw.random() / 100)
                writer.write(whole[cut:])
                continue
            case _:
                await asyncio.sleep(draw.random() / 200)
        writer.write(whole)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def storm(kind: Kind, url: str) -> Counter[str]:
    settings = SubgraphSettings(client=kind, timeout_s=0.4, max_connections=CONNECTIONS, keep_idle_s=0.3)
    draw, seen, limit = random.Random(7), Counter[str](), asyncio.Semaphore(IN_FLIGHT)
    async with wires_of(settings, None) as wires:
        client = wires.client(SubgraphName("s"), url)

        async def ask(number: int, patience_s: float | None) -> None:
            body = b"request %d" % number + b"." * (number % 997)
            async with limit:
                try:
                    async with asyncio.timeout(patience_s):
                        found = await awaited(
                            client.carrier, WireRequest(body, "mutation" if number % 3 == 0 else "query")
                        )
                    assert found == WireAnswer(200, body)
                    seen["answered"] += 1
                except TimeoutError:
                    seen["given up"] += 1
                except SubgraphFailed as failure:
                    seen[type(failure).__name__] += 1

        patience = [draw.random() / 20 if draw.random() < 0.15 else None for _ in range(REQUESTS)]
        await asyncio.gather(*(ask(number, each) for number, each in enumerate(patience)))
        if isinstance(client._wire, LeanClient):
            await settled(client._wire)
    # Until the server, whose sockets are of this process too, has noticed.
    await asyncio.sleep(0.8)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return seen


async def settled(client: LeanClient) -> None:
    """Once the idle time is over nothing is left, without anybody having closed anything."""
    assert client.pool.state.waiting == client.pool.state.dialling == 0
    assert client.pool.state.connections == client.pool.state.idle <= CONNECTIONS
    await asyncio.sleep(0.5)
    state = client.pool.state
    assert (state.connections, state.idle, state.waiting, state.dialling, state.watched) == (0, 0, 0, 0, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loop", LOOPS)
def test_everybody_gets_their_own_answer_and_nothing_is_left(kind: Kind, loop: str) -> None:
    with in_a_thread(storming) as url:
        gc.collect()
        before = open_files()
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(warm())
            files = open_files()
            seen = runner.run(storm(kind, url))
            gc.collect()
            assert open_files() <= files
            assert timers(runner.get_loop()) == 0
        assert open_files() <= before
    assert sum(seen.values()) == REQUESTS
    assert seen["answered"] > REQUESTS / 4
    assert min(seen["given up"], seen["TimedOut"], seen["Unreachable"]) > 20


async def warm() -> None:
    """What a loop opens for itself when it first runs."""
    await asyncio.to_thread(int)


def open_files() -> int:
    return sum(os.readlink(f"/proc/self/fd/{each}").startswith("socket:") for each in listed())


def listed() -> list[str]:
    return [each for each in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{each}")]


def timers(loop: Any) -> int:
    """Of an asyncio loop; uvloop does not tell."""
    return sum(not handle.cancelled() for handle in getattr(loop, "_scheduled", ()))


def test_a_pool_that_is_closed_leaves_nothing_and_fails_what_waits() -> None:
    async def scene() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with serving(talk) as url:
            settings = SubgraphSettings(max_connections=2)
            async with wires_of(settings, None) as wires:
                client = wires.client(SubgraphName("s"), url)
                sent = [awaited(client.carrier, WireRequest(b"%d" % number)) for number in range(4)]
                await asyncio.sleep(0.05)
                sent.append(awaited(client.carrier, WireRequest(b"late")))
            failed = await asyncio.gather(*sent, return_exceptions=True)
            assert ["the gateway is stopping" in str(each) for each in failed] == [True] * 5
            assert "the gateway is stopping" in str(awaited(client.carrier, WireRequest(b"after")).exception())
            wire = client._wire
            assert isinstance(wire, LeanClient)
            assert (wire.pool.state.connections, wire.pool.state.watched) == (0, False)

    asyncio.run(scene())
