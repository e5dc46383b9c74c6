"""One random schema, asked by graphql-core and by the compiled executor. In: chance. Out: what it exercised.

Compared are data (with the order of keys and the types of values), errors (message, path, locations, what is behind
them, their order) and the diary: which resolvers were called in which order with what, and each batch of each loader.
Raises `Difference`.
"""

from __future__ import annotations

import asyncio
import random
import sys
import types
import warnings
from collections import Counter
from typing import Any

import graphql
import strawberry
from graphql import GraphQLSchema
from strawberry.execution import optimized_is_awaitable
from strawberry.federation import Schema
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionResult

from subgraphs.serving.compiled.executor import CompiledExecutor, compiled_executor
from subgraphs.serving.lean_resolvers import shorten_resolvers
from subgraphs.serving.scalars import SCALARS
from tests.executor.documents import DocumentWriter
from tests.executor.furnishing import Furnisher
from tests.executor.happenings import Odd, TroubleFor, world, write_odd
from tests.executor.schema_texts import SchemaWriter, Texts

ASKED, OPERATIONS = "documents", ("query", "query", "query", "mutation", "subscription")
REPEATS = 3
# What a random document can get wrong.
BY_CHANCE = [graphql.OverlappingFieldsCanBeMergedRule, graphql.PossibleFragmentSpreadsRule]


class Difference(Exception):
    """The two do not answer alike."""


async def compare(chance: random.Random) -> Counter[str]:
    texts = SchemaWriter(chance).write()
    wrong = chance.choice([0.0, 0.03, 0.1, 0.3])
    module = load(texts)
    try:
        plain, compiled = built(module, None), built(module, compiled_executor(compile_at=1))
        if chance.random() < 0.5:
            shorten_resolvers(compiled._schema, compiled.config)
        Furnisher(chance, texts, module, wrong).furnish(world)
        seen: Counter[str] = Counter(schemas=1)
        for operation in OPERATIONS:
            document, variables = valid_document(chance, plain._schema, operation)
            try:
                seen += await ask(plain, compiled, operation, document, variables)
            except Difference as difference:
                difference.add_note(texts.module)
                raise
        return seen
    finally:
        del sys.modules[module.__name__]


def load(texts: Texts) -> types.ModuleType:
    """The schema's module; registered, since Strawberry looks names up there."""
    module = types.ModuleType("random_schema")
    sys.modules[module.__name__] = module
    exec(compile("from collections.abc import AsyncGenerator\n" + texts.module, "random_schema", "exec"), vars(module))
    return module


class Federated(Schema):
    """With representations copied: Strawberry takes them apart, and they are asked with again."""

    def entities_resolver(self, info: strawberry.Info, representations: list[FederationAny]) -> list[FederationAny]:
        return super().entities_resolver(info, [FederationAny(dict(each)) for each in representations])  # type: ignore[call-overload]


def built(module: types.ModuleType, executor: Any) -> Schema:
    odd = strawberry.scalar(name="Odd", serialize=write_odd, parse_value=lambda value: value)
    objects = [each for name, each in vars(module).items() if name[0] == "T" and name[1:].isdigit()]
    schema = Federated(
        query=module.Query,
        mutation=module.Mutation,
        subscription=module.Subscription,
        types=objects,
        config=StrawberryConfig(scalar_map={**SCALARS, Odd: odd}),
        exception_handlers=[TroubleFor()],
        execution_context_class=executor,
    )
    schema.process_errors = lambda *_: None  # type: ignore[method-assign]
    return schema


def valid_document(chance: random.Random, schema: GraphQLSchema, operation: str) -> tuple[str, dict[str, object]]:
    for _ in range(20):
        document, variables = DocumentWriter(chance, schema).write(operation)
        variables["refs"] = [
            {"__typename": name, "who": f"{name}-{number}"}
            for name in ("T0", "T0", "T1")
            for number in chance.sample(range(4), 2)
            if name in schema.type_map
        ]
        if not graphql.validate(schema, graphql.parse(document), BY_CHANCE):
            return document, variables
    root = getattr(schema, f"{operation}_type")
    name = next(each for each in root.fields if not each.startswith("_"))
    inner = "" if graphql.is_leaf_type(graphql.get_named_type(root.fields[name].type)) else " { __typename }"
    return f"{operation} Asked($yes: Boolean) {{ {name}{inner} }}", {}


async def ask(
    plain: Schema, compiled: Schema, operation: str, document: str, variables: dict[str, object]
) -> Counter[str]:
    expected = await run(plain, operation, document, variables)
    for turn in range(REPEATS):
        answered = await run(compiled, operation, document, variables)
        if answered != expected:
            raise Difference(f"{told(expected, answered)}\nturn {turn}\n{document}\n{variables}")
    seen = Counter({ASKED: 1, operation: 1})
    answer, diary = expected
    errors = sum(len(part["errors"]) for part in answer)
    operations = executor_of(compiled).operations
    seen["runs compiled"], seen["runs left to graphql-core"] = operations.runs_compiled, operations.runs_left
    operations.runs_compiled = operations.runs_left = 0
    seen["answers without data"] += all(part["data"] == typed(None) for part in answer)
    seen["values"] += str(answer).count("', '")
    seen["with errors"] += errors > 0
    seen["errors"] += errors
    seen["batches"] += sum(entry[0] == "batch" for entry in diary)
    return seen


def executor_of(schema: Schema) -> type[CompiledExecutor]:
    executor = schema.execution_context_class
    assert executor is not None
    assert issubclass(executor, CompiledExecutor)
    return executor


def told(expected: tuple[list[Any], list[Any]], answered: tuple[list[Any], list[Any]]) -> str:
    names = ("answer", "diary")
    differing = [n for n, one, other in zip(names, expected, answered, strict=True) if one != other]
    return f"{differing}\nexpected {expected}\nanswered {answered}"


PARSED: dict[str, graphql.DocumentNode] = {}


async def run(
    schema: Schema, operation: str, document: str, variables: dict[str, object]
) -> tuple[list[dict[str, Any]], list[Any]]:
    world.begin()
    # The same node each time, as from a subgraph's cache of documents.
    if document not in PARSED:
        PARSED.clear()
        PARSED[document] = graphql.parse(document)
    results: list[ExecutionResult] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        executor = schema.execution_context_class
        common = {"variable_values": dict(variables), "executor_class": executor, "operation_extensions": None}
        if operation == "subscription":
            source = await _awaited(graphql.subscribe(schema._schema, PARSED[document], **common))
            results = await _events(source)
        else:
            found = graphql.execute(schema._schema, PARSED[document], is_awaitable=optimized_is_awaitable, **common)
            results = [await _answer(found)]
        await _quiet()
    return [shown(result) for result in results], list(world.diary)


async def _events(source: Any) -> list[ExecutionResult]:
    if not hasattr(source, "__aiter__"):
        return [source]
    results = []
    try:
        async for result in source:
            results.append(result)  # noqa: PERF401  (what came before an error is kept)
    except (Exception, asyncio.CancelledError) as error:
        # The generator failed or was cancelled with a loader's future, which ends the stream.
        results.append(ExecutionResult(data=None, errors=[graphql.GraphQLError(repr(error))]))
    return results


async def _answer(found: Any) -> Any:
    try:
        return await _awaited(found)
    except asyncio.CancelledError:
        # A loader keeps a future that was cancelled with its first reader, and the next reader is cancelled by it.
        return ExecutionResult(data=None, errors=[graphql.GraphQLError("cancelled")])


async def _awaited(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


async def _quiet() -> None:
    """What was given up settles before the next run begins."""
    for _ in range(200):
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0)


def shown(result: Any) -> dict[str, Any]:
    return {
        "data": typed(result.data),
        "errors": [
            (error.message, error.path, error.locations, type(error).__name__, type(error.original_error).__name__,
             str(error.original_error), error.extensions)
            for error in result.errors or ()
        ],
    }  # fmt: skip


def typed(value: Any) -> Any:
    """The value with the types in it, so that 1, 1.0 and true are three things, and the order of keys counts."""
    if isinstance(value, dict):
        return [(key, typed(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return ["list", *map(typed, value)]
    # A scalar may pass on one of the random objects, which may lack what its own text needs.
    return type(value).__name__, str(getattr(value, "who", None) or repr(value))
