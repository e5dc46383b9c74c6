"""Every subgraph there is: its name, and where it answers when it has a process of its own.

Adding one is one line here, a package with `schema.py` (and `app.py` where it opens things of its own), and
`just compose`. The packages are imported by name when they are opened: nothing here knows their rules.
"""

import importlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, cast

from subgraphs.serving.context import Resources
from subgraphs.serving.in_process import InProcessSubgraph
from subgraphs.serving.process import ProcessSettings, open_resources
from subgraphs.serving.schema import SubgraphSchema

PORTS: Final[Mapping[str, int]] = {
    "tenancy": 4101,
    "inspection": 4102,
    "twin": 4103,
    "audit": 4104,
}

OwnResources = Callable[[Resources], AbstractAsyncContextManager[Mapping[type, object]]]


def url_of(name: str) -> str:
    """Where the composed supergraph says that the subgraph answers."""
    return f"http://127.0.0.1:{PORTS[name]}/graphql"


def schema_of(name: str) -> SubgraphSchema:
    return cast("SubgraphSchema", importlib.import_module(f"subgraphs.{name}.schema").schema)


@asynccontextmanager
async def open_subgraphs(
    settings: ProcessSettings, names: Collection[str] = tuple(PORTS)
) -> AsyncIterator[Mapping[str, InProcessSubgraph]]:
    """These subgraphs in this process, over one pool of connections; the embedded shape opens all of them."""
    tokens = settings.caller_tokens()
    async with AsyncExitStack() as stack:
        shared = await stack.enter_async_context(open_resources(settings))
        opened = {}
        for name in names:
            own = await stack.enter_async_context(_own_resources(name)(shared))
            resources = replace(shared, more={**shared.more, **own})
            schema = schema_of(name)
            schema.run_compiled(settings.is_compiled)
            opened[name] = InProcessSubgraph(schema, resources, tokens)
        yield opened


def _own_resources(name: str) -> OwnResources:
    """The package's `open_own_resources`, where it has one."""
    try:
        app = importlib.import_module(f"subgraphs.{name}.app")
    except ModuleNotFoundError as missing:
        if missing.name != f"subgraphs.{name}.app":
            raise
        return _nothing_of_its_own
    return cast("OwnResources", app.open_own_resources)


@asynccontextmanager
async def _nothing_of_its_own(_: Resources) -> AsyncIterator[Mapping[type, object]]:
    yield {}
