"""`./dev executor [CASES] [--first SEED]`: random schemas, each from a seed of its own; prints what differs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
import traceback
import warnings
from collections import Counter

from tests.executor.comparing import ASKED, compare


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev executor")
    parser.add_argument("cases", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences")
    given = parser.parse_args()
    # What an error gave up before its first step is never awaited, with either executor.
    warnings.simplefilter("ignore", RuntimeWarning)
    sys.unraisablehook = lambda _: None
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    started, wrong = time.perf_counter(), []
    seen: Counter[str] = Counter()
    for seed in range(given.first, given.first + given.cases):
        try:
            seen += asyncio.run(compare(random.Random(seed)))
        except Exception:
            wrong.append(seed)
            print(f"seed {seed}\n{traceback.format_exc(limit=-3)}", flush=True)
        if len(wrong) >= given.most:
            break
        if (seed - given.first) % 1000 == 999:
            print(f"{seed - given.first + 1} schemas, {seen[ASKED]} documents, {len(wrong)} differ", flush=True)
    print(
        f"schemas {seed - given.first + 1}, documents {seen[ASKED]}, differing {len(wrong)} {wrong}, "
        f"{time.perf_counter() - started:.0f} s"
    )
    for name, count in seen.most_common():
        print(f"{count:8}  {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
