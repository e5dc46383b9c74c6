"""`./dev bench executor`: the compiled executor beside graphql-core, and the platform's own graph in its two shapes.

First objects and loaders alone, where both executors answer the same parsed document. Then how much of the platform's
own documents compiles: the fetches that the gateway plans for them. Last, with the stack (`--no-platform` leaves it
out): the CPU of a request with subgraphs as objects beside subgraphs behind sockets; the gateway and its subgraphs
share one process then, so that its CPU time is that of both ends.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import strawberry
import uvloop
from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLSchema,
    TypeNameMetaFieldDef,
    execute,
    get_named_type,
    is_abstract_type,
    parse,
)
from strawberry.dataloader import DataLoader
from strawberry.execution import optimized_is_awaitable

from gateway.operation.prepare import prepare
from gateway.plan.nodes import Fetch
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.read import read_supergraph
from infra.demo import operations
from infra.local.embedded import SUPERGRAPH
from subgraphs.catalogue import schema_of
from subgraphs.serving.compiled.executor import CompiledExecutor, compiled_executor
from subgraphs.serving.compiled.resolving import AsDeclared, way_of
from tests.bench.figures import Bar, show
from tests.bench.made_variables import variables_for
from tests.bench.shapes import shapes

ROWS, WIDTH = 1000, 10
LEAVES_TIMES, LOADERS_TIMES = 10.0, 4.0


@strawberry.type
class Row:
    a: int
    b: int
    c: float
    d: float
    e: str
    f: str
    g: str
    h: bool
    i: strawberry.ID
    j: int | None


@strawberry.type
class Maker:
    id: strawberry.ID
    name: str


@strawberry.type
class Point:
    id: strawberry.ID
    x: float
    y: float
    label: str

    @strawberry.field
    async def maker(self, info: strawberry.Info) -> Maker:
        return await info.context["makers"].load(self.id)  # type: ignore[no-any-return]


@strawberry.type
class Scan:
    id: strawberry.ID
    name: str
    size: int
    good: bool

    @strawberry.field
    async def points(self, info: strawberry.Info) -> list[Point]:
        return await info.context["points"].load(self.id)  # type: ignore[no-any-return]


@strawberry.type
class Asset:
    id: strawberry.ID
    name: str
    serial: str
    weight: float

    @strawberry.field
    async def scans(self, info: strawberry.Info) -> list[Scan]:
        return await info.context["scans"].load(self.id)  # type: ignore[no-any-return]


def key(*numbers: int) -> strawberry.ID:
    return strawberry.ID(".".join(map(str, numbers)))


ALL_ROWS = [Row(a=n, b=n, c=n / 2, d=1.5, e="e", f="f", g="g", h=True, i=key(n), j=None) for n in range(ROWS)]
ASSETS = [Asset(id=key(a), name="a", serial="s", weight=1.5) for a in range(WIDTH)]
SCANS = {
    asset.id: [Scan(id=key(a, s), name="n", size=3, good=True) for s in range(WIDTH)] for a, asset in enumerate(ASSETS)
}
POINTS = {
    key(a, s): [Point(id=key(a, s, p), x=1.0, y=2.0, label="p") for p in range(WIDTH)]
    for a in range(WIDTH)
    for s in range(WIDTH)
}


@strawberry.type
class Query:
    @strawberry.field
    def rows(self) -> list[Row]:
        return ALL_ROWS

    @strawberry.field
    async def assets(self) -> list[Asset]:
        return ASSETS


ALONE = {
    f"{ROWS} objects x 10 fields": "{ rows { a b c d e f g h i j } }",
    "three levels with loaders, 1,110 objects": "{ assets { id name serial weight scans { id name size good points "
    "{ id x y label } } } }",
    "the same, and a loader for each leaf": "{ assets { id name serial weight scans { id name size good points "
    "{ id x y label maker { id name } } } } }",
}


def loaders() -> dict[str, DataLoader[Any, Any]]:
    async def scans(keys: list[strawberry.ID]) -> list[list[Scan]]:
        return [SCANS[each] for each in keys]

    async def points(keys: list[strawberry.ID]) -> list[list[Point]]:
        return [POINTS[each] for each in keys]

    async def makers(keys: list[strawberry.ID]) -> list[Maker]:
        return [Maker(id=each, name="m") for each in keys]

    return {"scans": DataLoader(scans), "points": DataLoader(points), "makers": DataLoader(makers)}


@dataclass(frozen=True)
class Compared:
    name: str
    core_ms: float
    compiled_ms: float

    @property
    def times(self) -> float:
        return self.core_ms / self.compiled_ms


async def main(with_platform: bool) -> None:
    alone = [await compared(name, parse(text)) for name, text in ALONE.items()]
    bars = [
        Bar("executor.leaves.times", alone[0].times, LEAVES_TIMES, at_least=True),
        Bar("executor.loaders.times", alone[1].times, LOADERS_TIMES, at_least=True),
    ]
    rows = [[each.name, f"{each.core_ms:.2f}", f"{each.compiled_ms:.2f}", f"{each.times:.1f}"] for each in alone]
    show("CPU ms of one execution, best of many", ["document", "graphql-core", "compiled", "times"], rows, bars)
    tell_documents()
    if with_platform:
        await tell_shapes()


async def compared(name: str, document: DocumentNode) -> Compared:
    """Both executors, in turns, so that a busy machine is busy for both."""
    schemas = [
        strawberry.Schema(query=Query, execution_context_class=executor) for executor in (None, compiled_executor())
    ]
    assert await answered(schemas[0], document) == await answered(schemas[1], document)
    best = [float("inf"), float("inf")]
    for _ in range(40):
        for index, schema in enumerate(schemas):
            started = time.process_time()
            await answered(schema, document)
            best[index] = min(best[index], time.process_time() - started)
    return Compared(name, best[0] * 1000, best[1] * 1000)


async def answered(schema: strawberry.Schema, document: DocumentNode) -> Any:
    given: dict[str, Any] = {"executor_class": schema.execution_context_class, "operation_extensions": None}
    found: Any = execute(
        schema._schema, document, context_value=loaders(), is_awaitable=optimized_is_awaitable, **given
    )
    result = await found if isinstance(found, Awaitable) else found
    assert not result.errors, result.errors
    return result.data


@dataclass
class Taken:
    """One document of the platform: its fetches that compile, and its fields that are called straight."""

    fetches: int = 0
    compiled: int = 0
    fields: int = 0
    straight: int = 0


def tell_documents() -> None:
    documents = {file.name: file.read_text() for file in sorted(operations.DOCUMENTS.glob("*.graphql"))}
    own = {
        name: text
        for name, text in vars(operations).items()
        if name.isupper() and name[0] != "_" and isinstance(text, str)
    }
    documents |= {name: text for name, text in own.items() if text not in documents.values()}
    supergraph = read_supergraph(SUPERGRAPH.read_text())
    graph = build_query_graph(supergraph)
    rows, whole = [], Taken()
    for name, text in documents.items():
        taken = Taken()
        for fetch in fetches(plan_operation(graph, prepare(supergraph, text, None))):
            look(fetch, taken)
        rows.append([name, f"{taken.compiled}/{taken.fetches}", f"{taken.straight}/{taken.fields}"])
        for part in ("fetches", "compiled", "fields", "straight"):
            setattr(whole, part, getattr(whole, part) + getattr(taken, part))
    bars = [
        Bar("executor.documents.compiled", whole.compiled / whole.fetches, 1.0, at_least=True),
        Bar("executor.documents.straight", whole.straight / whole.fields, 0.9, at_least=True),
    ]
    show("the platform's own documents", ["document", "fetches compiled", "fields called straight"], rows, bars)


def fetches(node: Any) -> Iterator[Fetch]:
    """Every fetch of a plan."""
    if isinstance(node, Fetch):
        yield node
    elif isinstance(node, msgspec.Struct):
        for name in node.__struct_fields__:
            yield from fetches(getattr(node, name))
    elif isinstance(node, tuple | list):
        for each in node:
            yield from fetches(each)


def look(fetch: Fetch, taken: Taken) -> None:
    """Compile the fetch's operation, and every selection below it for every type that may stand there."""
    schema = schema_of(fetch.subgraph)
    document = parse(fetch.document)
    made = compiled_executor(compile_at=1).build(
        schema._schema,
        document,
        raw_variable_values=variables_for(schema._schema, document),
        is_awaitable=optimized_is_awaitable,
    )
    assert isinstance(made, CompiledExecutor), made
    taken.fetches += 1
    operation = made.operations.of(made, schema.config)
    if operation is None:
        return
    taken.compiled += 1
    left = [(operation.root_type, operation.root_fields)]
    while left:
        kind, grouped = left.pop()
        for details in grouped.values():
            definition = schema._schema.get_field(kind, details[0].node.name.value)
            if definition is None or definition.resolve is TypeNameMetaFieldDef.resolve:
                continue
            taken.fields += 1
            taken.straight += not isinstance(way_of(definition, schema.config), AsDeclared)
            for each in possible_types(schema._schema, definition.type):
                assert operation.selection(made, each, details) is not None
                left.append((each, made.collect_subfields(each, details).grouped_field_set))


def possible_types(schema: GraphQLSchema, kind: Any) -> list[GraphQLObjectType]:
    """The object types below a field of this type."""
    named = get_named_type(kind)
    if is_abstract_type(named):
        return list(schema.get_possible_types(named))
    return [named] if isinstance(named, GraphQLObjectType) else []


async def tell_shapes() -> None:
    rows, bars, ways = [], [], list[str]()
    for document, measured in (await shapes()).items():
        ways = list(measured)
        rows.append([document, *(f"{measured[way]:.2f}" for way in ways)])
        least = measured["in process, graphql-core"] / measured["in process, compiled"]
        bars.append(Bar(f"executor.platform.{document.replace(' ', '_')}.times", least, 1.0, at_least=True))
    show("CPU ms a request, gateway and subgraphs", ["document", *ways], rows, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench executor")
    parser.add_argument("--no-platform", action="store_true", help="leave out what needs the stack")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(not given.no_platform))
