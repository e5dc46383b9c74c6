"""`./dev differential [CASES] [--first SEED]`: random houses, each from a seed of its own; prints what differs.

By default answers are compared with one schema's; `--programs` compares programs with the generic executor,
`--streams` lists that come in two goes with graphql-core's.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import traceback
from collections import Counter

from tests.differential.comparing import QUESTION, compare
from tests.differential.compiling import compare_compiled
from tests.differential.streaming import compare_streamed


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev differential")
    parser.add_argument("cases", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences")
    parser.add_argument("--programs", action="store_true", help="programs against the generic executor")
    parser.add_argument("--streams", action="store_true", help="lists that come in two goes")
    given = parser.parse_args()
    ask = compare_compiled if given.programs else _streamed if given.streams else compare
    started, wrong = time.perf_counter(), []
    seen: Counter[str] = Counter()
    for seed in range(given.first, given.first + given.cases):
        try:
            seen += asyncio.run(ask(random.Random(seed)))
        except Exception:
            wrong.append(seed)
            print(f"seed {seed}\n{traceback.format_exc(limit=-3)}", flush=True)
        if len(wrong) >= given.most:
            break
        if (seed - given.first) % 1000 == 999:
            print(f"{seed - given.first + 1} houses, {seen[QUESTION]} questions, {len(wrong)} differ", flush=True)
    print(
        f"houses {seed - given.first + 1}, questions {seen[QUESTION]}, differing {len(wrong)} {wrong}, "
        f"{time.perf_counter() - started:.0f} s"
    )
    for name, count in seen.most_common():
        print(f"{count / (seen[QUESTION] or 1):8.1%}  {name}")
    return 1 if wrong else 0


async def _streamed(chance: random.Random) -> Counter[str]:
    return Counter({QUESTION: await compare_streamed(chance)})


if __name__ == "__main__":
    sys.exit(main())
