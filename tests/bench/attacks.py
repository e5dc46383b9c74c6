"""`./dev bench attacks`: what one hostile request costs the complete gateway: its answer, CPU time and memory.

Each attack is sent a few times, never twice with the same text, so that nothing is known of it yet. CPU time is the
process's own, of all its threads; memory is how far its peak rose above what it had before.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import uvloop

from tests.bench.figures import Bar, show
from tests.bench.gateway.contenders import contenders
from tests.bench.gateway.graph import supergraph
from tests.bench.gateway.operations import operations
from tests.bench.gateway.starting import started, subgraphs
from tests.bench.serving import family

CPU_MS, GROWTH_MB = 100.0, 32.0
"""What a single request may cost. Ten such a second take a core; a caller's rate limit lets far fewer through."""
KB = 1024


class Sent(NamedTuple):
    """A request: its body, and the `Authorization` that replaces the caller's own."""

    body: bytes
    authorization: str | None = None


class Cost(NamedTuple):
    status: str
    cpu_ms: float
    growth_mb: float


def _asked(text: str, variables: Any = None) -> Sent:
    return Sent(json.dumps({"query": text, "variables": variables}).encode())


def _token(**head: object) -> Callable[[int], Sent]:
    """A token with such a head, by nobody."""

    def sent(at: int) -> Sent:
        claims = {"sub": "root", "iss": "bench", "aud": "graph", "exp": int(time.time()) + 600, "nonce": at}
        parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (head, claims)]
        text = b".".join([*parts, base64.urlsafe_b64encode(bytes(64)).rstrip(b"=")]).decode()
        return Sent(b'{"query":"{ __typename }"}', f"Bearer {text}")

    return sent


def _nested(open_: str, close: str, depth: int) -> str:
    return open_ * depth + "id" + close * depth


def _doubling(at: int, depth: int) -> str:
    fragments = [f"fragment F{n} on Inspector {{ ...F{n + 1} a{n}: id ...F{n + 1} }}" for n in range(depth)]
    return f"query Q{at} {{ inspectors {{ ...F0 }} }} {' '.join(fragments)} fragment F{depth} on Inspector {{ id }}"


ATTACKS: dict[str, Callable[[int], Sent]] = {
    "none: a small valid query": lambda at: _asked(f"query Q{at} {{ inspectors {{ id }} }}"),
    "none: one of 200 operations": lambda at: _asked(operations(200)[at * 7].text),
    "1 MiB of brackets": lambda at: Sent(b'{"query":"' + b"{" * (1000 * KB) + b'%d"}' % at),
    "1 MiB of JSON lists": lambda at: Sent(b'{"query":"{a}","variables":' + b"[" * (1000 * KB)),
    "10,000 aliases": lambda at: _asked("{" + " ".join(f"a{at}_{n}: __typename" for n in range(10_000)) + "}"),
    "1,000 aliases of a list": lambda at: _asked(
        "{" + " ".join(f"a{at}_{n}: inspectors {{ id }}" for n in range(1_000)) + "}"
    ),
    "5,000 directives": lambda at: _asked(f"query Q{at} {{ inspectors {{ id {'@skip(if: false) ' * 5_000} }} }}"),
    "5,000 unknown directives": lambda at: _asked(
        "{ inspectors { id " + " ".join(f"@a{at}_{n}" for n in range(5_000)) + "} }"
    ),
    "5,000 levels": lambda at: _asked(f"query Q{at} {_nested('{ reports ', '}', 5_000)}"),
    "a cycle of fragments": lambda at: _asked(
        f"query Q{at} {{ inspectors {{ ...A }} }} fragment A on Inspector {{ ...B }} fragment B on Inspector {{ ...A }}"
    ),
    "fragments that double 25 times": lambda at: _asked(_doubling(at, 25)),
    "3,000 fields that may not merge": lambda at: _asked(
        "{" + " ".join(f"x: leadingParts(first: {at * 10_000 + n}) {{ number }}" for n in range(3_000)) + "}"
    ),
    "3,000 equal fields": lambda at: _asked(
        f"query Q{at} {{" + " ".join("leadingParts { number }" for _ in range(3_000)) + "}"
    ),
    "a list 5,000 deep as argument": lambda at: _asked(
        f"query Q{at} {{ leadingParts(first: {'[' * 5_000}1{']' * 5_000}) {{ number }} }}"
    ),
    "3,000 variables": lambda at: _asked(
        f"query Q{at}({' '.join(f'$v{n}: Int' for n in range(3_000))}) {{ leadingParts(first: $v1) {{ number }} }}"
    ),
    "a variable of 100,000 values": lambda at: _asked(
        f"query Q{at}($v: Int) {{ leadingParts(first: $v) {{ number }} }}", {"v": list(range(100_000))}
    ),
    "introspection, nested": lambda at: _asked(
        f"query Q{at} {{ __schema {{ types {{ fields {{ type {_nested('{ fields { type ', '} }', 8)} }} }} }} }}"
    ),
    "500 misspelt fields": lambda at: _asked("{" + " ".join(f"inspectro{at}_{n}" for n in range(500)) + "}"),
    "a batch of 1,000": lambda at: Sent(json.dumps([{"query": f"query Q{at} {{ __typename }}"}] * 1_000).encode()),
    "token: none": _token(alg="none", kid="bench"),
    "token: HS256": _token(alg="HS256", kid="bench"),
    "token: kid is a path": _token(alg="EdDSA", kid="../../../../dev/zero"),
    "token: jku": _token(alg="EdDSA", kid="other", jku="http://127.0.0.1:1/keys"),
    "token: crit": _token(alg="EdDSA", kid="bench", crit=["exp"]),
    "token: false signature": _token(alg="EdDSA", kid="bench"),
}


class Watched:
    """A process looked at closely: CPU time in nanoseconds, the peak of its memory."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def cpu_ms(self) -> float:
        times = []
        for pid in family(self._pid):
            times += [each.read_text().split()[0] for each in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(map(int, times)) / 1e6

    def forget_peak(self) -> None:
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    def memory_mb(self, name: str) -> float:
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        (line,) = (each for each in lines if each.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024


async def main(times: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        serving = await stack.enter_async_context(subgraphs())
        (folder / "supergraph.graphql").write_text(supergraph(serving.url))
        contest = await stack.enter_async_context(started(contenders(folder)[0], folder))
        watched, costs = Watched(contest.serving.process.pid), dict[str, Cost]()
        url, token = f"{contest.serving.url}/graphql", f"Bearer {contest.tokens[0]}"
        for at in range(20):
            await attack(session, url, token, _asked(f"query Warm{at} {{ inspectors {{ id }} }}"), watched)
        for name, made in ATTACKS.items():
            found = [await attack(session, url, token, made(at), watched) for at in range(times)]
            costs[name] = Cost(found[-1].status, max(c.cpu_ms for c in found), max(c.growth_mb for c in found))
    rows = [[name, cost.status, f"{cost.cpu_ms:.1f}", f"{cost.growth_mb:+.1f}"] for name, cost in costs.items()]
    hostile = [cost for name, cost in costs.items() if not name.startswith("none:")]
    bars = [
        Bar("attacks.worst_cpu_ms", max(cost.cpu_ms for cost in hostile), CPU_MS),
        Bar("attacks.worst_growth_mb", max(cost.growth_mb for cost in hostile), GROWTH_MB),
    ]
    show(f"one request each, the worst of {times}", ["attack", "answer", "CPU ms", "MB"], rows, bars)


async def attack(session: aiohttp.ClientSession, url: str, token: str, sent: Sent, watched: Watched) -> Cost:
    headers = {"content-type": "application/json", "authorization": sent.authorization or token}
    watched.forget_peak()
    before, held = watched.cpu_ms(), watched.memory_mb("VmRSS")
    async with session.post(url, data=sent.body, headers=headers) as response:
        status = f"{response.status} {_code(await response.read())}".strip()
    # What the gateway does after its answer is paid for as well.
    await asyncio.sleep(0.1)
    return Cost(status, watched.cpu_ms() - before, watched.memory_mb("VmHWM") - held)


def _code(body: bytes) -> str:
    """The first error's code."""
    try:
        answer = json.loads(body)
        return str(answer["errors"][0]["extensions"]["code"])
    except (ValueError, KeyError, TypeError, IndexError):
        return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="./dev bench attacks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=3, help="each attack, with another text each time")
    uvloop.run(main(parser.parse_args().times))
