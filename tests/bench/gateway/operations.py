"""Two hundred different operations over the same graph, the same ones each time: what a cache of plans has to hold.

Each is valid, asks two or more subgraphs as a rule, and answers with some hundred bytes to some ten kilobytes.
"""

from __future__ import annotations

import random
from typing import NamedTuple

SCALARS = {
    "Inspector": ("id", "name", "handle", "hired"),
    "Part": ("number", "title", "cost", "mass", "available", "freight"),
    "Report": ("id", "remark"),
}
LINKS = {
    "Inspector": (("reports", "Report"),),
    "Part": (("reports", "Report"),),
    "Report": (("part", "Part"), ("author", "Inspector")),
}


class Operation(NamedTuple):
    name: str
    text: str


def operations(count: int, seed: int = 4) -> list[Operation]:
    """So many operations, all different."""
    draw, found = random.Random(seed), {}
    while len(found) < count:
        text = " ".join(_root(draw) for _ in range(draw.choice((1, 1, 2))))
        found.setdefault(text, None)
    return [Operation(f"Mixed{at}", f"query Mixed{at} {{ {text} }}") for at, text in enumerate(found)]


def _root(draw: random.Random) -> str:
    alias = f"_{draw.randrange(10**6)}"
    match draw.randrange(3):
        case 0:
            return f"{alias}: inspectors {_selection(draw, 'Inspector', 2)}"
        case 1:
            return f'{alias}: inspector(id: "{draw.randrange(1, 7)}") {_selection(draw, "Inspector", 3)}'
    return f"{alias}: leadingParts(first: {draw.randrange(1, 6)}) {_selection(draw, 'Part', 3)}"


def _selection(draw: random.Random, type: str, depth: int) -> str:
    scalars = draw.sample(SCALARS[type], draw.randrange(1, len(SCALARS[type]) + 1))
    links = draw.sample(LINKS[type], draw.randrange(0 if depth < 2 else 1, len(LINKS[type]) + 1)) if depth else ()
    below = [f"{field} {_selection(draw, target, depth - 1)}" for field, target in links]
    return "{ " + " ".join([*scalars, *below]) + " }"
