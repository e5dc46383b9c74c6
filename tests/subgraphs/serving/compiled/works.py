"""A small schema with something of everything, asked by graphql-core and by the compiled executor."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from graphql import DocumentNode, execute, parse
from graphql.execution import ExecutionResult
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from subgraphs.serving.compiled.executor import CompiledExecutor, compiled_executor

CALLS: list[str] = []


class Loud(StrawberryField):
    """A field of a library of its own kind."""

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return str(super().get_result(source, info, args, kwargs)).upper()


class Nobody(BasePermission):
    message = "Not for you."

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


@strawberry.enum
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Part(Named):
    weight: float
    count: int | None = None
    colour: Colour = Colour.RED
    loud: str = Loud(python_name="loud", graphql_name=None, type_annotation=None)

    @strawberry.field
    def inner(self) -> list[Part]:
        return [Part(name=f"{self.name}.{n}", weight=n, loud="x") for n in range(2)]

    @strawberry.field
    def add(self, to: list[int]) -> int:
        to.append(1)
        return len(to)

    @strawberry.field
    def twice(self, n: int = 2, colour: Colour = Colour.BLUE) -> str:
        CALLS.append(f"twice {self.name}")
        return f"{n} {colour.name}"

    @strawberry.field
    def event(self, info: strawberry.Info) -> str | None:
        return getattr(info.root_value, "name", None)

    @strawberry.field(permission_classes=[Nobody])
    def secret(self) -> str | None:
        return "secret"

    @strawberry.field
    async def slowly(self) -> str:
        CALLS.append(f"slowly {self.name}")
        if self.name == "b":
            raise ValueError("too slow")
        return self.name


def parts() -> list[Part]:
    return [Part(name="a", weight=1.5, loud="x"), Part(name="b", weight=float("nan"), count=2**40, loud="y")]


@strawberry.type
class Query:
    @strawberry.field
    def parts(self) -> list[Part | None]:
        return list(parts())

    @strawberry.field
    def named(self) -> list[Named]:
        return list(parts()[:1])

    @strawberry.field
    def nothing(self) -> str:
        return None  # type: ignore[return-value]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def make(self, name: str) -> Part:
        CALLS.append(f"begin {name}")
        CALLS.append(f"end {name}")
        return Part(name=name, weight=1.0, loud="z")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def came(self) -> AsyncGenerator[Part, None]:
        for part in parts():
            yield part


class Watching(SchemaExtension):
    """Middleware: wraps every resolver."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        CALLS.append(f"watched {info.field_name}")
        return _next(root, info, *args, **kwargs)


def schemas(compile_at: int = 1, **more: Any) -> tuple[strawberry.Schema, strawberry.Schema]:
    """One with graphql-core's executor, one with ours."""
    given = {"config": StrawberryConfig(), **more}
    plain, ours = (
        strawberry.Schema(Query, Mutation, Subscription, types=[Part], execution_context_class=executor, **given)
        for executor in (None, compiled_executor(compile_at))
    )
    return plain, ours


def executor_of(schema: strawberry.Schema) -> type[CompiledExecutor]:
    found = schema.execution_context_class
    assert found is not None
    assert issubclass(found, CompiledExecutor)
    return found


async def asked(
    schema: strawberry.Schema, document: str | DocumentNode, variables: dict[str, Any] | None = None, **more: Any
) -> tuple[Any, list[Any], list[str]]:
    """Data, errors and the calls of resolvers."""
    CALLS.clear()
    parsed = parse(document) if isinstance(document, str) else document
    given = {"is_awaitable": optimized_is_awaitable, "executor_class": schema.execution_context_class, **more}
    found: Any = execute(schema._schema, parsed, variable_values=variables, operation_extensions=None, **given)
    result: ExecutionResult = await found if optimized_is_awaitable(found) else found
    shown = [(each.message, each.path, each.locations, repr(each.original_error)) for each in result.errors or ()]
    return result.data, shown, list(CALLS)


async def assert_same(document: str, variables: dict[str, Any] | None = None, times: int = 3, **more: Any) -> Any:
    """Ours answers as graphql-core does, each time; what was answered."""
    plain, ours = schemas(**more)
    parsed = parse(document)
    expected = await asked(plain, parsed, variables)
    for _ in range(times):
        assert repr(await asked(ours, parsed, variables)) == repr(expected)
    return expected
