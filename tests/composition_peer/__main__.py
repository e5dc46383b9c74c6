"""`python -m tests.composition_peer 2000 --first 1`: compose that many mutants here and there, and compare.

Out: a line for each unknown difference, then a table: mutants, how many both refuse or compose, codes, known
differences. Exit status 1 when there is an unknown one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator

from gateway.composition.read_subgraph import SubgraphSource
from tests.composition_peer.comparing import KNOWN, compared, composed_by_peer
from tests.composition_peer.corpus import corpus
from tests.composition_peer.mutations import mutant
from tests.node import INSTALLED

AT_ONCE = 200


def mutants(first: int, count: int) -> Iterator[tuple[str, list[SubgraphSource]]]:
    """Mutants by number; the same number is always the same mutant."""
    graphs = corpus()
    for number in range(first, first + count):
        chance = random.Random(number)
        name = chance.choice(sorted(graphs))
        made = mutant(graphs[name], chance)
        if made is not None:
            yield f"{name}#{number}", made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.composition_peer", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=1)
    given = parser.parse_args()
    if shutil.which("node") is None or not INSTALLED.exists():
        print("The peer needs Node and its packages: ./dev peers", file=sys.stderr)
        return 2
    known, codes, outcomes = Counter[str](), Counter[str](), Counter[str]()
    batch: list[tuple[str, list[SubgraphSource]]] = []
    for one in mutants(given.first, given.count):
        batch.append(one)
        if len(batch) == AT_ONCE:
            _compare(batch, known, codes, outcomes)
            batch = []
    _compare(batch, known, codes, outcomes)
    print(f"\n{sum(outcomes.values())} graphs: " + ", ".join(f"{count} {what}" for what, count in outcomes.items()))
    print("the peer's codes: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    for name, count in known.most_common():
        print(f"{count:6d}  {name}: {KNOWN[name]}")
    return 1 if outcomes["differ"] else 0


def _compare(
    batch: list[tuple[str, list[SubgraphSource]]], known: Counter[str], codes: Counter[str], outcomes: Counter[str]
) -> None:
    answers = composed_by_peer([graph for _, graph in batch])
    for (name, graph), peer in zip(batch, answers, strict=True):
        codes.update(set(peer.get("errors", ())))
        difference = compared(graph, peer)
        if difference is None:
            outcomes["refused by both" if "errors" in peer else "composed alike by both"] += 1
        elif difference.known is not None:
            known[difference.known] += 1
            outcomes["differ as known"] += 1
        else:
            outcomes["differ"] += 1
            print(f"{name}: {difference.text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
