"""`python -m subgraphs.serving tenancy [--host 127.0.0.1] [--port 4101]`: one subgraph, in a process of its own."""

import argparse
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from subgraphs.serving.app import subgraph_app
from subgraphs.serving.in_process import InProcessSubgraph
from subgraphs.serving.process import SettingUnusable, read_settings


def main() -> int:
    # By name: what is served knows this package, and this package none of what is served.
    catalogue = importlib.import_module("subgraphs.catalogue")
    parser = argparse.ArgumentParser(prog="python -m subgraphs.serving", description="Serve one subgraph.")
    parser.add_argument("name", choices=sorted(catalogue.PORTS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    try:
        settings = read_settings()
    except SettingUnusable as unusable:
        print(unusable, file=sys.stderr)
        return 2

    @asynccontextmanager
    async def opened() -> AsyncIterator[InProcessSubgraph]:
        async with catalogue.open_subgraphs(settings, [given.name]) as subgraphs:
            yield subgraphs[given.name]

    app = subgraph_app(given.name, opened)
    uvicorn.run(app, host=given.host, port=given.port or catalogue.PORTS[given.name], log_level="info")
    return 0


if __name__ == "__main__":
    sys.exit(main())
