"""Which Python types a place in a selection knows. In: values as they come. Out: the compiled selection for their type.

A type is learnt once it is proven that every plain instance of it completes the same way: as this object type, with no
predicate that could say otherwise but Strawberry's own. What cannot be proven is left to graphql-core each time.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLAbstractType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    Undefined,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.union import StrawberryUnion

if TYPE_CHECKING:
    from subgraphs.serving.compiled.executor import CompiledExecutor
    from subgraphs.serving.compiled.selections import CompiledOperation

Selection = Callable[..., Any]

# A program that makes classes as it runs must not fill the memory.
MOST_TYPES: Final = 64
_USUAL_LOOKUPS: Final = (object.__getattribute__, dict.__getattribute__, tuple.__getattribute__)
_OWN_TYPE_OF: Final = f"{GraphQLCoreConverter.from_object.__qualname__}.<locals>._get_is_type_of.<locals>.is_type_of"
_OWN_RESOLVE_TYPE: Final = (
    f"{GraphQLCoreConverter.from_interface.__qualname__}.<locals>._get_resolve_type.<locals>.resolve_type",
    f"{StrawberryUnion.get_type_resolver.__qualname__}.<locals>._resolve_union_type",
)


class Recognised(dict[type, Selection]):
    """The types that one place knows, each with its compiled selection."""

    def __init__(
        self, operation: CompiledOperation, kind: GraphQLObjectType | GraphQLAbstractType, details: FieldDetailsList
    ) -> None:
        super().__init__()
        self._operation = operation
        self._kind = kind
        self._details = details
        self._tried: set[type] = set()

    def learn(self, executor: CompiledExecutor, value: object, info: GraphQLResolveInfo[Any]) -> None:
        """Know the type of this value from now on, if that can be proven."""
        python_type = type(value)
        if python_type in self._tried or len(self._tried) >= MOST_TYPES:
            return
        self._tried.add(python_type)
        if not _is_plain(python_type):
            return
        kind = self._object_type(value, python_type, info)
        if kind is None:
            return
        selection = self._operation.selection(executor, kind, self._details)
        if selection is not None:
            self[python_type] = selection

    def _object_type(self, value: object, python_type: type, info: GraphQLResolveInfo[Any]) -> GraphQLObjectType | None:
        kind = self._kind
        if isinstance(kind, GraphQLObjectType):
            return kind if kind.is_type_of is None or _is_own_class(kind, python_type) else None
        found = _named_by_strawberry(kind, value, python_type, info)
        return found if found is not None and _is_own_class(found, python_type) else None


def needs_no_cast(kind: GraphQLObjectType | GraphQLAbstractType) -> bool:
    """Whether `strawberry.cast` on a single instance cannot change what it completes as."""
    return isinstance(kind, GraphQLObjectType) and kind.is_type_of is None


def uncast(value: object) -> bool:
    return getattr(value, TYPE_CAST_ATTRIBUTE, None) is None


def _is_plain(python_type: type) -> bool:
    """Whether no instance can be awaited, raised, null, or make up attributes."""
    if issubclass(python_type, BaseException | CoroutineType | GeneratorType | type(None) | type(Undefined)):
        return False
    if python_type.__getattribute__ not in _USUAL_LOOKUPS or hasattr(python_type, "__await__"):
        return False
    bases = python_type.__mro__[:-1]
    return not any("__getattr__" in base.__dict__ or "__class__" in base.__dict__ for base in bases)


def _is_own_class(kind: GraphQLObjectType, python_type: type) -> bool:
    """Whether the type is the very class behind the object type, and only Strawberry's own predicate is asked."""
    definition = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryObjectDefinition) or definition.origin is not python_type:
        return False
    return kind.is_type_of is None or getattr(kind.is_type_of, "__qualname__", None) == _OWN_TYPE_OF


def _named_by_strawberry(
    kind: GraphQLAbstractType, value: object, python_type: type, info: GraphQLResolveInfo[Any]
) -> GraphQLObjectType | None:
    """What Strawberry's own resolution says for this value; it looks at the class alone where that is no generic."""
    definition = python_type.__dict__.get("__strawberry_definition__")
    if not isinstance(definition, StrawberryObjectDefinition) or definition.origin is not python_type:
        return None
    if definition.is_graphql_generic or definition.concrete_of is not None or not uncast(value):
        return None
    resolve = kind.resolve_type
    if resolve is None or getattr(resolve, "__qualname__", None) not in _OWN_RESOLVE_TYPE:
        return None
    if isinstance(kind, GraphQLInterfaceType) and not issubclass(python_type, _class_behind(kind)):
        return None
    try:
        name = resolve(value, info, kind)
    except Exception:
        # The value fits no member: graphql-core says so.
        return None
    found = info.schema.get_type(name) if isinstance(name, str) else None
    if not isinstance(found, GraphQLObjectType) or not info.schema.is_sub_type(kind, found):
        return None
    return found


def _class_behind(kind: GraphQLInterfaceType) -> type:
    definition = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition.origin if isinstance(definition, StrawberryObjectDefinition) else type(None)
