"""Every field of a schema asked for on the short ways that lead to it: what a satisfiable graph can be planned for.

In: a supergraph's text. Out: queries and mutations of one leaf each, and those of them that the planner refuses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.plan.render import NOWHERE
from gateway.planner.errors import Unreachable
from gateway.stages import stage_text
from gateway.supergraph.read import read_supergraph

DEEPEST = 4
MOST = 300


def unplanned(text: str) -> list[str]:
    """The operations on short ways that cannot be planned."""
    return [
        operation for operation in operations(read_supergraph(text).api_schema) if not _can_be_planned(text, operation)
    ]


def _can_be_planned(text: str, operation: str) -> bool:
    try:
        # A field whose context is not set is planned, to be an error of its own.
        return NOWHERE not in stage_text("plan", text, operation, None)
    except Unreachable:
        return False


def operations(schema: GraphQLSchema) -> Iterator[str]:
    """Operations of one leaf, the shortest first."""
    waiting: deque[tuple[Any, tuple[str, ...], int]] = deque()
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        if root is not None:
            waiting.append((root, (f"{kind} {{",), 1))
    count = 0
    while waiting and count < MOST:
        type_, opened, depth = waiting.popleft()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in type_.fields.items():
                asked = name + _arguments(field)
                result = get_named_type(field.type)
                if not is_composite_type(result):
                    count += 1
                    yield " ".join((*opened, asked, "}" * len(opened)))
                elif depth < DEEPEST:
                    waiting.append((result, (*opened, f"{asked} {{"), depth + 1))
        if is_abstract_type(type_):
            for concrete in schema.get_possible_types(type_):
                waiting.append((concrete, (*opened, f"... on {concrete.name} {{"), depth))


def _arguments(field: GraphQLField) -> str:
    given = [f"{name}: {_value(each.type)}" for name, each in field.args.items() if is_required_argument(each)]
    return f"({', '.join(given)})" if given else ""


def _value(type_: Any) -> str:
    match type_:
        case GraphQLNonNull():
            return _value(type_.of_type)
        case GraphQLList():
            return "[]"
        case GraphQLEnumType():
            return next(iter(type_.values))
        case GraphQLInputObjectType():
            needed = ((name, each) for name, each in type_.fields.items() if is_required_input_field(each))
            return "{" + ", ".join(f"{name}: {_value(each.type)}" for name, each in needed) + "}"
    return {"Int": "1", "Float": "1", "Boolean": "true"}.get(type_.name, '"x"')
