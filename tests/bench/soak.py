"""`./dev bench soak [MINUTES]`: the complete gateway at 70 % of its own most, and whether its memory stays where it is.

The load is 200 different operations and the large one, of fifty signed-in callers, with new connections every minute.
Memory is looked at every five seconds; its slope is the least squares line through what came after the warm-up. Twenty
minutes show a leak of some bytes a request; before a release, two hours do better:

    ./dev bench soak 120
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

import aiohttp
import uvloop

from tests.bench.figures import Bar, show
from tests.bench.gateway.contenders import contenders
from tests.bench.gateway.graph import NESTED, supergraph
from tests.bench.gateway.load import Heard
from tests.bench.gateway.measuring import Contest, Upstream, Workload, check, load
from tests.bench.gateway.operations import Operation, operations
from tests.bench.gateway.starting import started, subgraphs
from tests.bench.gateway.subgraph_server import COLLECTOR
from tests.bench.serving import Serving

SHARE, EVERY_S = 0.7, 5.0
SLICE_S = 60.0
WARM_SHARE = 0.2
"""Of the time, before the line begins: caches fill, the allocator finds its size."""
GROWTH_MB_PER_H = 20.0
"""What the allocator's pages may move a line through 16 minutes; a leak of 100 bytes a request is at once above it."""
WORKLOAD = Workload("soak", True, [*operations(200), Operation("Nested", NESTED)])


class Sample(NamedTuple):
    at_s: float
    memory_mb: float


async def main(minutes: float, rate: float | None, out: Path | None) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        upstream = Upstream(await stack.enter_async_context(subgraphs()), session)
        (folder / "supergraph.graphql").write_text(supergraph(upstream.serving.url))
        complete = contenders(folder, f"{upstream.serving.url}/{COLLECTOR}")[0]
        contest = await stack.enter_async_context(started(complete, folder))
        await upstream.choose(WORKLOAD)
        await check(contest, "soak", WORKLOAD, session)
        print(f"{contest.contender.name} is right: {contest.right['soak']}", flush=True)
        per_s = rate or SHARE * await most_per_s(contest)
        print(f"{per_s:.0f} requests/s for {minutes:g} minutes", flush=True)
        heard, samples = await soaked(contest, per_s, minutes * 60)
    tell(heard, samples, per_s, minutes, contest.wrong)
    if out:
        out.write_text(json.dumps({"samples": samples, "p99_ms": [each.p99_ms for each in heard]}))


async def most_per_s(contest: Contest) -> float:
    """As fast as it gets, once it is warm."""
    await load(contest, "soak", WORKLOAD, 5.0)
    found = [await load(contest, "soak", WORKLOAD, 5.0) for _ in range(3)]
    return median(each.answered / each.seconds for each in found)


async def soaked(contest: Contest, per_s: float, seconds: float) -> tuple[list[Heard], list[Sample]]:
    samples: list[Sample] = []
    watching = asyncio.create_task(watch(contest.serving, samples))
    heard, began = [], time.monotonic()
    while (left := began + seconds - time.monotonic()) > 1:
        heard.append(await load(contest, "soak", WORKLOAD, min(SLICE_S, left), per_s=per_s))
        now, last = heard[-1], samples[-1]
        told = (
            f"{last.at_s / 60:5.1f} min  {last.memory_mb:7.1f} MB  p99 {now.p99_ms:6.1f} ms  {now.wrong_answers} wrong"
        )
        print(told, *now.wrong[:1], flush=True)
    watching.cancel()
    return heard, samples


async def watch(serving: Serving, samples: list[Sample]) -> None:
    began = time.monotonic()
    while True:
        samples.append(Sample(time.monotonic() - began, serving.memory_mb()))
        await asyncio.sleep(EVERY_S)


def tell(heard: list[Heard], samples: list[Sample], per_s: float, minutes: float, wrong: list[str]) -> None:
    slope = growth_mb_per_h(samples)
    errors = sum(each.wrong_answers for each in heard) + len(wrong)
    answered = sum(each.answered for each in heard)
    ages = [each.p99_ms for each in heard]
    first, last = samples[int(len(samples) * WARM_SHARE)].memory_mb, samples[-1].memory_mb
    row = [f"{answered}", f"{answered / sum(each.seconds for each in heard):.0f}", f"{errors}"]
    row += [f"{median(ages):.1f}", f"{max(ages):.1f}", f"{first:.1f}", f"{last:.1f}", f"{slope:+.1f}"]
    columns = ["answered", "req/s", "wrong", "p99 ms, usual minute", "worst", "MB, warm", "MB, end", "MB/h"]
    bars = [
        Bar("soak.growth_mb_per_h", slope, GROWTH_MB_PER_H),
        Bar("soak.wrong_answers", errors, 0),
        Bar("soak.kept_rate", answered / (per_s * minutes * 60), 0.95, at_least=True),
    ]
    show(f"{minutes:g} minutes at {per_s:.0f} requests/s", columns, [row], bars)


def growth_mb_per_h(samples: list[Sample]) -> float:
    """The slope of the least squares line after the warm-up."""
    warm = samples[int(len(samples) * WARM_SHARE) :]
    return linear_regression([each.at_s / 3600 for each in warm], [each.memory_mb for each in warm]).slope


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="./dev bench soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("minutes", type=float, nargs="?", default=20.0)
    parser.add_argument("--per-s", type=float, help="requests; else 70 %% of the most, measured first")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all samples as JSON")
    given = parser.parse_args()
    uvloop.run(main(given.minutes, given.per_s, given.out))
