"""How a field gets its value: what can be proven from its definition. In: a field of a Strawberry schema. Out: its way.

Strawberry leads every field through a chain of extensions, permissions, argument conversion and exception handlers. A
field that has none of these is read or called straight; every other one is called as it is declared. Nothing is
guessed: a resolver that is not known to be Strawberry's own, or our short way to it, is called as declared.
"""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from keyword import iskeyword
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLField, get_named_type, is_union_type
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from subgraphs.serving.lean_resolvers import is_short

MADE_BY_STRAWBERRY: Final = frozenset(
    f"{GraphQLCoreConverter.from_resolver.__qualname__}.<locals>.{name}"
    for name in ("_resolver", "_async_resolver", "_get_basic_result")
)
# Values that a resolver cannot change, so that one conversion serves every call of an operation.
UNCHANGING: Final = frozenset(
    {str, int, float, bool, bytes, type(None), UUID, Decimal}
    | {datetime.datetime, datetime.date, datetime.time, datetime.timedelta}
)


@dataclass(frozen=True)
class Attribute:
    """`source.name`."""

    name: str


@dataclass(frozen=True)
class Method:
    """`function(source, ...)`; the names say under which keyword it wants the source and the info, if at all."""

    function: Callable[..., Any]
    field: StrawberryField
    takes_self: bool
    source_names: tuple[str, ...]
    info_name: str | None
    has_arguments: bool


@dataclass(frozen=True)
class AsDeclared:
    """Through the schema's own resolver, with graphql-core's own info and arguments."""


Way = Attribute | Method | AsDeclared


def way_of(field: GraphQLField, config: StrawberryConfig) -> Way:
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or not _is_strawberrys_own(field, definition):
        return AsDeclared()
    # A union may hold a type that stands for an exception.
    if definition.extensions or is_union_type(get_named_type(field.type)):
        return AsDeclared()
    if definition.base_resolver is None:
        name = definition.python_name
        plain = (
            definition.default_resolver is getattr and not field.args and name.isidentifier() and not iskeyword(name)
        )
        return Attribute(name) if plain else AsDeclared()
    return _method(field, definition)


def _is_strawberrys_own(field: GraphQLField, definition: StrawberryField) -> bool:
    if type(definition).get_result is not StrawberryField.get_result or definition.is_subscription:
        return False
    resolve = field.resolve
    return is_short(resolve) or getattr(resolve, "__qualname__", None) in MADE_BY_STRAWBERRY


def _method(field: GraphQLField, definition: StrawberryField) -> Way:
    resolver = definition.base_resolver
    function = resolver.wrapped_func if resolver is not None else None
    if resolver is None or not inspect.isfunction(function):
        return AsDeclared()
    # An async generator is async for Strawberry, but its call is no coroutine.
    if resolver.is_async != inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return AsDeclared()
    sources = (resolver.parent_parameter, resolver.root_parameter)
    return Method(
        function,
        definition,
        takes_self=resolver.self_parameter is not None,
        source_names=tuple(found.name for found in sources if found is not None),
        info_name=resolver.info_parameter.name if resolver.info_parameter is not None else None,
        has_arguments=bool(field.args),
    )


def converted(values: dict[str, Any], field: StrawberryField, converter: GraphQLCoreConverter) -> dict[str, Any] | None:
    """Coerced arguments as the Python function takes them; None where each call needs its own."""
    if not _never_change(values):
        return None
    try:
        kwargs = convert_arguments(
            values, field.arguments, scalar_registry=converter.scalar_registry, config=converter.config
        )
    except Exception:
        # Strawberry raises it where the field is called, and so does the declared way.
        return None
    return kwargs if _never_change(kwargs) else None


def _never_change(values: dict[str, Any]) -> bool:
    return all(type(value) in UNCHANGING or isinstance(value, Enum) for value in values.values())
