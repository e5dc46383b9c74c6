"""`python -m tests.bench.gateway.in_process SUPERGRAPH PORT`: our gateway with the four subgraphs in its own process.

Their answers are kept as JSON and read anew for each request, since the gateway changes what it is given.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import uvicorn

from gateway.app import build_app
from gateway.settings import Settings
from tests.bench.gateway.contenders import BARE, fitting
from tests.bench.gateway.graph import SDLS
from tests.bench.gateway.subgraph_server import Subgraphs


class Hosted:
    """One of them, as the gateway knows subgraphs in its process."""

    def __init__(self, name: str, subgraphs: Subgraphs) -> None:
        self._name = name
        self._subgraphs = subgraphs
        self._kept: dict[tuple[str, bytes], bytes] = {}

    async def execute(
        self, document: str, variables: dict[str, object], operation_name: str | None, *_: object
    ) -> Mapping[str, object]:
        key = (document, msgspec.json.encode(variables))
        kept = self._kept.get(key)
        if kept is None:
            asked = json.dumps({"query": document, "variables": variables, "operationName": operation_name}).encode()
            kept = self._kept[key] = self._subgraphs.executed(self._name, asked)
        return msgspec.json.decode(kept)

    def subscribe(self, *_: object) -> AsyncIterator[Mapping[str, object]]:
        raise NotImplementedError


def main(supergraph: Path, port: int) -> None:
    subgraphs = Subgraphs()
    settings = msgspec.convert(fitting(BARE, Settings), Settings)
    app = build_app(settings, supergraph.read_text(), {name: Hosted(name, subgraphs) for name in SDLS})
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
