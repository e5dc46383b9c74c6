"""Write down the client's answer: which keys in which order, and what may stand there.

In: the operation and the API schema. Out: the plan's `Object`. It knows nothing of subgraphs: every field that a client
asked is kept in the response tree under the client's own key.
"""

from __future__ import annotations

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
)
from msgspec.structs import replace

from gateway.operation.conditions import in_order
from gateway.operation.model import Field, Operation
from gateway.plan.deferral import DeferHere, StreamHere
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot

TYPENAME = Slot(Leaf("String"), nullable=False)


def shape_of(schema: GraphQLSchema, operation: Operation) -> Object:
    """The shape of the whole answer."""
    return _object(schema, operation.root_type, operation.fields, operation.defers)


def _object(schema: GraphQLSchema, type_name: str, fields: tuple[Field, ...], defers: tuple[DeferHere, ...]) -> Object:
    named = schema.type_map[type_name]
    if isinstance(named, GraphQLObjectType):
        possible = frozenset((type_name,))
    else:
        possible = frozenset(member.name for member in schema.get_possible_types(named))  # type: ignore[arg-type]
    placed: list[tuple[int, ShapeField]] = []
    for field in fields:
        if field.key:
            found = _field(schema, named, possible, field)
            placed += [(number, replace(found, toggles=in_order(conditions))) for number, conditions in field.places]
    placed.sort(key=lambda each: each[0])
    found_fields = tuple(found for _, found in placed)
    denies = any(found.denied and not found.slot.nullable for found in found_fields)
    return Object(type_name, possible, found_fields, defers, denies)


def _field(schema: GraphQLSchema, parent: GraphQLNamedType, possible: frozenset[str], field: Field) -> ShapeField:
    types = field.types or frozenset()
    part, asked_in = field.part, field.asked_in
    if field.name == "__typename":
        return ShapeField(field.key, "__typename", TYPENAME, types, typename=True, part=part, asked_in=asked_in)
    if not (isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and field.name in parent.fields):
        concrete = schema.type_map[min(field.types or possible)]
        assert isinstance(concrete, GraphQLObjectType)
        parent = concrete
    slot = _slot(schema, parent.fields[field.name].type, field, field.stream)
    return ShapeField(field.key, field.key, slot, types, part=part, asked_in=asked_in, denied=field.denied)


def _slot(schema: GraphQLSchema, output: GraphQLOutputType, field: Field, stream: StreamHere | None = None) -> Slot:
    nullable = not isinstance(output, GraphQLNonNull)
    if isinstance(output, GraphQLNonNull):
        output = output.of_type
    if isinstance(output, GraphQLList):
        return Slot(Listing(_slot(schema, output.of_type, field), stream), nullable)
    assert isinstance(output, GraphQLNamedType)
    if field.selections:
        return Slot(_object(schema, output.name, field.selections, field.defers), nullable)
    values = frozenset(output.values) if isinstance(output, GraphQLEnumType) else None
    return Slot(Leaf(output.name, values), nullable)
