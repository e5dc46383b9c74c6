"""An attack carried out: its memory, and the least CPU time of several goes, since other work only adds to it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.gateway.attacks.attacks import Attack
from tests.gateway.attacks.target import Outcome, target

_GOES = 5


@dataclass
class Measured:
    last: Outcome
    cpu_ms: float
    memory_mb: float


async def measured(attack: Attack) -> Measured:
    async with target(attack.settings) as under_attack:
        outcomes = [await under_attack.attack(attack.made(number)) for number in range(_GOES)]
        weighed = await under_attack.attack(attack.made(_GOES), weighs=True)
    return Measured(outcomes[-1], min(each.cpu_ms for each in outcomes), weighed.memory_mb)
