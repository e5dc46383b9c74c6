"""Short ways to the resolvers of plain fields. In: a built Strawberry schema. Its fields are changed in place.

Strawberry calls every resolver through a chain that converts arguments, runs extensions and looks for exception
handlers. Most fields have none of these: an attribute, or a method of `self`, perhaps with `info`. Those are called
straight; every other field stays Strawberry's. The answer is the same, errors included.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from types import FunctionType
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_union_type
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

Resolve = Callable[..., Any]


def shorten_resolvers(schema: GraphQLSchema, config: StrawberryConfig) -> None:
    """Call plain fields of object types straight."""
    roots = {schema.mutation_type, schema.subscription_type}
    for graphql_type in schema.type_map.values():
        # A mutation may turn an exception into one of its results; a subscription resolves events.
        if not isinstance(graphql_type, GraphQLObjectType) or graphql_type in roots:
            continue
        for field in graphql_type.fields.values():
            short = _short_resolver(field, config)
            if short is not None:
                field.resolve = short


def is_short(resolve: object) -> bool:
    """Whether this resolver is one of ours: it calls what the definition names, and does nothing else."""
    return getattr(resolve, "__module__", None) == __name__ and isinstance(resolve, FunctionType)


def _short_resolver(field: GraphQLField, config: StrawberryConfig) -> Resolve | None:
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    # A union may hold a problem that stands for an exception.
    if not isinstance(definition, StrawberryField) or field.args or is_union_type(get_named_type(field.type)):
        return None
    if definition.extensions or definition.permission_classes:
        return None
    resolver = definition.base_resolver
    if resolver is None:
        return _attribute(definition.python_name) if config.default_resolver is getattr else None
    taken = {spec: found for spec, found in resolver.reserved_parameters.items() if found is not None}
    names = [found.name for found in taken.values()]
    method = resolver.wrapped_func
    if resolver.self_parameter is None or not callable(method) or not set(names) <= {"self", "info"}:
        return None
    if resolver.info_parameter is None:
        return lambda source, _info: method(source)
    info_class, by_name = config.info_class, resolver.info_parameter.name
    return lambda source, info: method(source, **{by_name: info_class(_raw_info=info, _field=definition)})


def _attribute(name: str) -> Resolve:
    read = attrgetter(name)
    return lambda source, _info: read(source)
