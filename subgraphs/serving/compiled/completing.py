"""What generated code calls beside its straight line: errors, values that it does not know, and what comes later.

Every function here is one step of graphql-core's executor, at the same place in the order of things and with the same
awaits, so that errors, their order, and the batches of loaders are the same. A value that generated code cannot judge
is completed by graphql-core from the value itself: no field is resolved twice.
"""

from __future__ import annotations

from asyncio import Future, Task
from collections.abc import Awaitable, Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLOutputType, Undefined
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path, gather_with_cancel, inspect

if TYPE_CHECKING:
    from subgraphs.serving.compiled.executor import CompiledExecutor
    from subgraphs.serving.compiled.recognising import Recognised

# What resolvers return for later; anything else that can be awaited is found by asking graphql-core's predicate.
AWAITED: Final = frozenset({CoroutineType, Future, Task})

Later = Coroutine[Any, Any, Any]


class FieldPlan:
    """One field of one selection set, as its generated code and the functions here need it."""

    __slots__ = ("declared", "definition", "details", "index", "key", "name", "node", "nodes", "parent", "type")

    def __init__(
        self, index: int, key: str, parent: GraphQLObjectType, definition: GraphQLField, details: FieldDetailsList
    ) -> None:
        self.index = index
        self.key = key
        self.parent = parent
        self.definition = definition
        self.details = details
        self.declared = definition.resolve
        self.node: FieldNode = details[0].node
        self.nodes = [each.node for each in details]
        self.name = self.node.name.value
        self.type: GraphQLOutputType = definition.type


def field_failed(executor: CompiledExecutor, plan: FieldPlan, path: Path, error: Exception) -> None:
    """Null, with the error on record; or the error located and raised, where null may not be."""
    executor.handle_field_error(error, plan.type, plan.details, path)


def item_failed(
    executor: CompiledExecutor, plan: FieldPlan, kind: GraphQLOutputType, path: Path, error: Exception
) -> None:
    executor.handle_field_error(error, kind, plan.details, path)


def other_field(
    executor: CompiledExecutor, plan: FieldPlan, path: Path, value: object, known: Recognised | None
) -> Any:
    """A resolver's result that the generated code does not know."""
    if executor.is_awaitable(value):
        info = executor.info(plan, path)
        return executor.complete_awaitable_value(plan.type, plan.details, info, path, value, None)
    return other_value(executor, plan, plan.type, path, value, known)


def other_item(
    executor: CompiledExecutor,
    plan: FieldPlan,
    kind: GraphQLOutputType,
    path: Path,
    value: object,
    known: Recognised | None,
) -> Any:
    """A list's item that the generated code does not know."""
    if executor.is_awaitable(value):
        info = executor.info(plan, _field_path(path))
        return executor.complete_awaitable_list_item_value(value, kind, plan.details, info, path, None)
    return other_value(executor, plan, kind, path, value, known)


def other_value(
    executor: CompiledExecutor,
    plan: FieldPlan,
    kind: GraphQLOutputType,
    path: Path,
    value: object,
    known: Recognised | None,
) -> Any:
    """A value that nobody has to wait for: completed by graphql-core, and learnt for the next time."""
    info = executor.info(plan, _field_path(path))
    if known is not None:
        known.learn(executor, value, info)
    completed = executor.complete_value(kind, plan.details, info, path, value, None)
    return _one_kind_of_later(executor, completed)


def other_leaf(executor: CompiledExecutor, kind: GraphQLOutputType, value: object, coerced: object) -> Any:
    """A leaf whose coerced form is of no usual type."""
    if coerced is Undefined or coerced is None:
        message = (
            f"Expected `{inspect(kind)}.coerce_output_value({inspect(value)})` to return non-nullable value, "
            f"returned: {inspect(coerced)}"
        )
        raise TypeError(message)
    return _one_kind_of_later(executor, coerced)


def _one_kind_of_later(executor: CompiledExecutor, completed: object) -> object:
    """Generated code looks for coroutines only."""
    if type(completed) is not CoroutineType and executor.is_awaitable(completed):
        return _awaited(completed)
    return completed


async def _awaited(completed: Any) -> Any:
    return await completed


async def field_later(executor: CompiledExecutor, plan: FieldPlan, path: Path, completed: Later) -> Any:
    try:
        return await completed
    except Exception as error:
        executor.handle_field_error(error, plan.type, plan.details, path)
        return None


async def item_later(
    executor: CompiledExecutor, plan: FieldPlan, kind: GraphQLOutputType, path: Path, completed: Later
) -> Any:
    try:
        return await completed
    except Exception as error:
        executor.handle_field_error(error, kind, plan.details, path)
        return None


async def fields_later(results: dict[str, Any], later: dict[str, Later]) -> dict[str, Any]:
    """The object once all its fields are there."""
    if len(later) == 1:
        for key, completed in later.items():
            results[key] = await completed
    else:
        results.update(zip(later, await gather_with_cancel(*later.values()), strict=True))
    return results


async def items_later(results: list[Any], later: list[int]) -> list[Any]:
    """The list once all its items are there."""
    if len(later) == 1:
        results[later[0]] = await results[later[0]]
    else:
        awaited = await gather_with_cancel(*(results[index] for index in later))
        for index, item in zip(later, awaited, strict=True):
            results[index] = item
    return results


def abandon_items(
    executor: CompiledExecutor, results: list[Any], later: list[int] | None, rest: list[object] | tuple[object, ...]
) -> None:
    """A list is given up: what was begun, and what waits among the items never reached, settles in the background."""
    begun: list[Awaitable[Any]] = [results[index] for index in later or ()]
    begun.extend(value for value in rest if executor.is_awaitable(value))
    if begun:
        executor.settle_in_background(begun)


def _field_path(path: Path) -> Path:
    while isinstance(path.key, int) and path.prev is not None:
        path = path.prev
    return path
