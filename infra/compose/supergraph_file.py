"""The committed supergraph: where it lies, and whether it still is what the subgraphs say.

`schema.graphql` opens with one line for each subgraph, the SHA-256 of the SDL that it was composed from; the SDLs
themselves lie beside the packages, `subgraphs/<name>/schema.graphql`, for people to review.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from subgraphs.catalogue import PORTS, schema_of
from subgraphs.serving.schema import sdl_of

CHECKOUT: Final = Path(__file__).resolve().parents[2]
SUPERGRAPH: Final = CHECKOUT / "schema.graphql"

_LINE = re.compile(r"^# ([a-z_]+) +([0-9a-f]{64})$", re.MULTILINE)


def sdl_file(name: str) -> Path:
    return CHECKOUT / "subgraphs" / name / "schema.graphql"


def current_sdls() -> Mapping[str, str]:
    """What every subgraph says now."""
    return {name: sdl_of(schema_of(name)) for name in sorted(PORTS)}


def header(sdls: Mapping[str, str]) -> str:
    width = max(map(len, sdls))
    lines = [f"# {name:<{width}} {_digest(sdl)}" for name, sdl in sorted(sdls.items())]
    first = "# Composed from the subgraphs by `./dev compose`; do not edit. SHA-256 of each SDL:"
    return "\n".join([first, *lines]) + "\n\n"


def stale(sdls: Mapping[str, str], supergraph: str) -> list[str]:
    """The subgraphs whose SDL is not the one that the supergraph was composed from, and those it should not have."""
    composed = dict(_LINE.findall(supergraph))
    now = {name: _digest(sdl) for name, sdl in sdls.items()}
    return sorted(name for name in composed.keys() | now.keys() if composed.get(name) != now.get(name))


def _digest(sdl: str) -> str:
    return hashlib.sha256(sdl.encode()).hexdigest()
