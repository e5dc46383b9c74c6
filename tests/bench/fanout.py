"""`./dev bench fanout`: 10 publishers at 60 Hz, through the gateway, to 10 subscribers at 20 Hz LATEST.

Every event carries the moment at which it was made, so its age on arrival is what the whole way took; what the gateway
adds is what its readers see above those who ask the subgraph itself. The same stream goes to readers of every event,
and through Hive Gateway where `./dev fanout-peer` has installed it. Then one reader stops reading, events are padded to
4 KiB, and the gateway's memory is watched.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from infra.local.platform import any_free_port
from tests.bench.figures import Bar, show
from tests.bench.readers import Heard, not_reading, reading
from tests.bench.serving import Serving, running

PUBLISHERS, PUBLISHED_HZ = 10, 60.0
READERS, READ_HZ = 10, 20.0
PADDING = 4096
ADDED_P95_MS = 20.0
GROWTH_MB = 8.0
"""What pages of an allocator may move; at 2.4 MB/s of padded events a queue without bound passes it in four seconds."""
HERE = Path(__file__).parent
HIVE = HERE / "hive"
LATEST = "subscription { poses { at x machine { id } } }"
EVERY = "subscription { everyPose { at x machine { id } } }"


@dataclass(frozen=True)
class Measured:
    """One gateway with one query: what its readers heard, and what it took of one core for that."""

    name: str
    heard: Heard
    cpu_s: float

    @property
    def cpu_us_per_message(self) -> float:
        return self.cpu_s / max(1, len(self.heard.ages_s)) * 1e6


@dataclass(frozen=True)
class Memory:
    """Megabytes of a gateway beside one who does not read, from the first moment to the last."""

    name: str
    first_mb: float
    last_mb: float

    @property
    def growth_mb(self) -> float:
        return self.last_mb - self.first_mb


async def main(seconds: float) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = await stack.enter_async_context(publishers())
        ours = await stack.enter_async_context(our_gateway(folder, upstream))
        hive = await stack.enter_async_context(hive_gateway(folder, upstream)) if is_installed() else None
        runs = [await measure("no gateway", None, upstream, EVERY, seconds)]
        runs.append(await measure("ours, LATEST", ours, ours.url, LATEST, seconds))
        runs.append(await measure("ours, every event", ours, ours.url, EVERY, seconds))
        if hive is not None:
            runs.append(await measure("Hive Gateway, every event", hive, hive.url, EVERY, seconds))
        memories = [await watch("ours, LATEST", ours, padded(LATEST), seconds)]
        memories.append(await watch("ours, every event", ours, padded(EVERY), seconds))
        if hive is not None:
            memories.append(await watch("Hive Gateway, every event", hive, padded(EVERY), seconds))
    tell(runs, memories, seconds)


def tell(runs: list[Measured], memories: list[Memory], seconds: float) -> None:
    """The table and the bars."""
    direct, latest, every = runs[:3]
    memory = {each.name: each for each in memories}
    rows = []
    for run in runs:
        watched = memory.get(run.name)
        rows.append(
            [run.name, f"{run.heard.per_second:.0f}"]
            + [f"{run.heard.percentile_ms(share):.1f}" for share in (0.5, 0.95, 0.99)]
            + ([f"{run.cpu_s / run.heard.seconds:.0%}", f"{run.cpu_us_per_message:.0f}"] if run.cpu_s else ["", ""])
            + ([f"{watched.first_mb:.0f}", f"{watched.growth_mb:+.1f}"] if watched else ["", ""])
        )
    added_ms = latest.heard.percentile_ms(0.95) - direct.heard.percentile_ms(0.95)
    wanted_per_s = PUBLISHERS * READERS * READ_HZ
    bars = [
        Bar("fanout.latest.added_p95_ms", added_ms, ADDED_P95_MS),
        Bar("fanout.latest.messages_per_s", latest.heard.per_second, 0.95 * wanted_per_s, at_least=True),
        Bar("fanout.slow_reader.growth_mb", max(each.growth_mb for each in memories[:2]), GROWTH_MB),
    ]
    if len(runs) > 3:
        bars.append(Bar("fanout.every.messages_per_s", every.heard.per_second, 0.95 * runs[3].heard.per_second, True))
        bars.append(Bar("fanout.every.cpu_us_per_message", every.cpu_us_per_message, runs[3].cpu_us_per_message))
    columns = ["way", "messages/s", "p50", "p95", "p99", "of a core", "us each", "RSS", "beside a slow one"]
    title = (
        f"{PUBLISHERS} publishers at {PUBLISHED_HZ:.0f} Hz, {READERS} readers, {seconds:.0f} s each; age in ms, memory "
        f"in MB; the slow one with {PADDING // 1024} KiB events"
    )
    show(title, columns, rows, bars)
    if len(runs) == 3:
        print("Hive Gateway is not installed: ./dev fanout-peer (Node and npm)")


def padded(query: str) -> str:
    """The same, with a note that makes each event long."""
    return query.replace(" { at", f"(padding: {PADDING}) {{ note at")


async def measure(name: str, serving: Serving | None, url: str, query: str, seconds: float) -> Measured:
    async with reading(url, query, READERS) as readers:
        await readers.measured(2.0)
        before = serving.cpu_s() if serving is not None else 0.0
        heard = await readers.measured(seconds)
        return Measured(name, heard, (serving.cpu_s() if serving is not None else 0.0) - before)


async def watch(name: str, serving: Serving, query: str, seconds: float) -> Memory:
    """Two readers, one of whom does not read. The first figure is taken when its buffers are full."""
    async with not_reading(serving.url, query), reading(serving.url, query, 1) as readers:
        await readers.measured(5.0)
        first = serving.memory_mb()
        await readers.measured(seconds)
        return Memory(name, first, serving.memory_mb())


@asynccontextmanager
async def publishers() -> AsyncIterator[str]:
    port = any_free_port()
    command = [sys.executable, "-m", "tests.bench.publishers", str(port), str(PUBLISHERS), str(PUBLISHED_HZ)]
    async with running(command, f"http://127.0.0.1:{port}/"):
        yield f"ws://127.0.0.1:{port}/machines"


@asynccontextmanager
async def our_gateway(folder: Path, upstream: str) -> AsyncIterator[Serving]:
    port = any_free_port()
    command = [sys.executable, "-m", "gateway", "serve", "--supergraph", str(supergraph(folder, upstream))]
    async with running([*command, "--port", str(port)], f"http://127.0.0.1:{port}/health") as process:
        yield Serving(f"ws://127.0.0.1:{port}/graphql", process)


@asynccontextmanager
async def hive_gateway(folder: Path, upstream: str) -> AsyncIterator[Serving]:
    port = any_free_port()
    node = shutil.which("node")
    assert node is not None
    command = [node, str(HIVE / "node_modules" / "@graphql-hive" / "gateway" / "dist" / "bin.js"), "supergraph"]
    given = [str(supergraph(folder, upstream)), "--port", str(port), "--host", "127.0.0.1"]
    async with running([*command, *given], f"http://127.0.0.1:{port}/healthcheck", HIVE) as process:
        yield Serving(f"ws://127.0.0.1:{port}/graphql", process)


def is_installed() -> bool:
    return shutil.which("node") is not None and (HIVE / "node_modules").exists()


def supergraph(folder: Path, upstream: str) -> Path:
    """With the address that the publishers have now."""
    file = folder / "supergraph.graphql"
    text = (HERE / "fanout.graphql").read_text()
    file.write_text(text.replace("http://127.0.0.1:1/machines", upstream.replace("ws", "http", 1)))
    return file


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench fanout")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run")
    uvloop.run(main(parser.parse_args().seconds))
