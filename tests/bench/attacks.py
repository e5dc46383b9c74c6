"""Every attack with what it costs the gateway: `./dev bench attacks`.

Prints a table, then a line for each attack: `bar attack_NAME cpu_ms BOUND ok|short`. Exit status 1 where one is short.
"""

from __future__ import annotations

import asyncio
import sys

from tests.gateway.attacks.attacks import ATTACKS, Attack
from tests.gateway.attacks.measuring import Measured, measured


def _row(attack: Attack, found: Measured) -> str:
    last = found.last
    return f"{attack.name:28}{last.status:7}{found.cpu_ms:10.1f}{found.memory_mb:10.2f}{len(last.body):10}"


async def main() -> int:
    print(f"{'attack':28}{'status':>7}{'CPU ms':>10}{'MiB':>10}{'answer B':>10}")
    bars, short = [], 0
    for attack in ATTACKS:
        found = await measured(attack)
        print(_row(attack, found), flush=True)
        is_short = found.cpu_ms > attack.cpu_ms or found.memory_mb > attack.memory_mb
        short += is_short
        bars.append(f"bar attack_{attack.name} {found.cpu_ms:.1f} {attack.cpu_ms:g} {'short' if is_short else 'ok'}")
    print("\n".join(bars))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
