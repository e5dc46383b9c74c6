"""`./dev bench gateway`: our gateway and its peers, one after the other in short rounds, over the same four subgraphs.

Each gateway has core 1 to itself; the load and the subgraphs share core 0, and the table says how much of it they took.
Ratios compare rounds of one run, since machines and their other guests differ. The bars are duels: many rounds of a
peer, each between two of ours, and the median of their ratios. On a busy machine believe the CPU time, which is of the
gateway's process and its children for one request.

Columns: `Hive` and `Rust` are requests per second over theirs; `fetches`, requests to subgraphs for one; `core`, what
the gateway took of its core; `others`, what others took of it; `load`, what load and subgraphs took of theirs. A
gateway that is called `shared` sends identical requests that are under way only once; elsewhere that is switched off.
Ours does not ask a subgraph by key for what it told of an object earlier in the query; `asking again` is without that.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median

import aiohttp
import uvloop

from gateway.settings import Settings
from tests.bench.figures import Bar, show
from tests.bench.gateway.contenders import INSTALL, TRACED, contenders, left_out
from tests.bench.gateway.duels import Duel, duel, spread
from tests.bench.gateway.graph import supergraph
from tests.bench.gateway.measuring import (
    CONNECTIONS,
    WORKLOADS,
    Contest,
    Upstream,
    Workload,
    check,
    load,
    measure,
)
from tests.bench.gateway.starting import started, subgraphs
from tests.bench.gateway.subgraph_server import COLLECTOR

OURS, NODE, RUST = "ours, complete", "Hive Gateway", "Hive Rust"
OVER_NODE, OVER_RUST = 20.0, 6.0
BARS_OF = "published"
WARM_S, WARM_SLICES, WARM_ANSWERS = 5.0, 8, 500


async def main(given: argparse.Namespace) -> int:
    workloads = {key: WORKLOADS[key] for key in given.workloads.split(",")}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        upstream = Upstream(await stack.enter_async_context(subgraphs()), session)
        (folder / "supergraph.graphql").write_text(supergraph(upstream.serving.url))
        contests = []
        for contender in contenders(folder, f"{upstream.serving.url}/{COLLECTOR}"):
            if given.only and not any(contender.name.startswith(each) for each in given.only.split(";")):
                continue
            if contender.lacks is not None:
                print(f"{contender.name} is left out: {contender.lacks}", flush=True)
                continue
            contests.append(await stack.enter_async_context(started(contender, folder)))
        for setting in left_out(TRACED, Settings):
            print(f"this gateway has no setting {setting}: left out", flush=True)
        await contend(contests, workloads, upstream, session, given)
        duels = await duels_of(contests, upstream, given) if BARS_OF in workloads else {}
    for key, workload in workloads.items():
        tell(workload, key, contests, given)
    if given.out:
        told = {each.contender.name: {k: [asdict(r) for r in v] for k, v in each.rounds.items()} for each in contests}
        given.out.write_text(json.dumps(told, indent=1))
    wrong = [line for each in contests for line in each.wrong]
    for line in wrong[:20]:
        print(f"wrong: {line}")
    for bar in bars(contests, duels):
        print(bar.line())
    return 0


async def contend(
    contests: list[Contest],
    workloads: dict[str, Workload],
    upstream: Upstream,
    session: aiohttp.ClientSession,
    given: argparse.Namespace,
) -> None:
    """All of them checked and warmed, then all of them in turn, round after round."""
    for key, workload in workloads.items():
        await upstream.choose(workload)
        for contest in fit_for(workload, contests):
            await check(contest, key, workload, session)
            await warm(contest, key, workload, given.warm)
            print(f"{key}: {contest.contender.name} is right: {contest.right[key]}", flush=True)
    for _ in range(given.rounds):
        for key, workload in workloads.items():
            await upstream.choose(workload)
            for contest in fit_for(workload, contests):
                found = await measure(contest, key, workload, upstream, given.seconds)
                contest.rounds.setdefault(key, []).append(found)


async def duels_of(contests: list[Contest], upstream: Upstream, given: argparse.Namespace) -> dict[str, Duel]:
    """Ours, complete, beside each peer that bars name; by the peer's name."""
    named, workload = {each.contender.name: each for each in contests}, WORKLOADS[BARS_OF]
    await upstream.choose(workload)
    found = {}
    for name in (NODE, RUST):
        if OURS in named and name in named:
            ours, peer = named[OURS], named[name]
            one = await duel(ours, peer, BARS_OF, workload, upstream, given.duels, given.duel_seconds)
            print(
                f"{OURS} over {name}, {given.duels} duels: {spread(one.per_s)}; by CPU {spread(one.by_cpu)}", flush=True
            )
            found[name] = one
    return found


async def warm(contest: Contest, key: str, workload: Workload, seconds: float) -> None:
    """At least so long, and until it has answered enough for a compiler that watches what runs often."""
    answered = 0
    for _ in range(WARM_SLICES):
        answered += (await load(contest, key, workload, seconds)).answered
        if answered >= WARM_ANSWERS:
            return


def fit_for(workload: Workload, contests: list[Contest]) -> list[Contest]:
    return [each for each in contests if not (each.contender.hosts and workload.unique_authors)]


def tell(workload: Workload, key: str, contests: list[Contest], given: argparse.Namespace) -> None:
    """One workload's table."""
    rows = []
    ran = [each for each in contests if key in each.rounds]
    peers = [next((each for each in ran if each.contender.name == name), None) for name in (NODE, RUST)]
    for each in ran:
        figures = {name: each.median(key, name) for name in asdict(each.rounds[key][0])}
        rows.append(
            [each.contender.name, f"{figures['per_s']:.0f}"]
            + [f"{ratio(each, peer, key):.1f}x" if peer else "" for peer in peers]
            + [f"{figures['cpu_us']:.0f}", f"{figures['p50_ms']:.1f}", f"{figures['p99_ms']:.1f}"]
            + [f"{figures['memory_mb']:.0f}", f"{figures['fetches']:.2f}", each.right[key]]
            + [f"{figures[name]:.0%}" for name in ("own_share", "others_share", "load_share")]
        )
    columns = ["gateway", "req/s", "Hive", "Rust", "CPU us", "p50 ms", "p99 ms", "RSS MB", "fetches", "right"]
    columns += ["core", "others", "load"]
    title = f"{workload.name}; {CONNECTIONS} connections, {given.rounds} rounds of {given.seconds:.0f} s, medians"
    show(title, columns, rows, [])
    if ours := next((each for each in ran if each.contender.name == OURS), None):
        most = median(each.per_s / max(each.load_share, 0.001) for each in ours.rounds[key])
        print(f"The load and the subgraphs would be at their own limit with {most:.0f} requests/s of {OURS}.")


def ratio(ours: Contest, peer: Contest, key: str) -> float:
    """Requests per second, round by round."""
    return median(a.per_s / b.per_s for a, b in zip(ours.rounds[key], peer.rounds[key], strict=True))


def bars(contests: list[Contest], duels: dict[str, Duel]) -> list[Bar]:
    """Ours complete beside the peers, nothing shared; and that nothing of ours was wrong."""
    found = []
    for name, peer, goal in (("ours_over_hive_node", NODE, OVER_NODE), ("ours_over_hive_rust", RUST, OVER_RUST)):
        if (one := duels.get(peer)) is not None:
            found.append(Bar(name, median(one.per_s), goal, at_least=True))
            found.append(Bar(f"{name}_by_cpu", median(one.by_cpu), goal, at_least=True))
        else:
            print(f"no bar {name}: it needs {OURS} and {peer}, installed by {INSTALL}")
    wrong = sum(len(each.wrong) for each in contests if each.contender.name.startswith("ours"))
    return [*found, Bar("gateway.ours_wrong", wrong, 0)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="./dev bench gateway", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duels", type=int, default=25, help="rounds of each peer that the bars are held against")
    parser.add_argument("--duel-seconds", type=float, default=2.0, help="of each of those")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--warm", type=float, default=WARM_S, help="seconds of load before the first round")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="some of the default, with commas between")
    parser.add_argument("--only", help="gateways whose names begin so, with semicolons between")
    parser.add_argument("--out", type=Path, metavar="FILE", help="every round's figures as JSON")
    sys.exit(uvloop.run(main(parser.parse_args())))
