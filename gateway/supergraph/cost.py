"""What types, fields and arguments weigh, and how long lists are: @cost and @listSize of a supergraph.

In: the supergraph's document. Out: `CostRules`. What it cannot read (a weight that is no whole number) counts as not
said; composition refuses such a thing already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    IntValueNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    ValueNode,
)
from msgspec import Struct

from gateway.supergraph.linked import name_of_linked

_SPEC = "cost"


class ListSize(Struct, frozen=True):
    """How long a field's list is.

    slicing: arguments that say it. sized: fields below that are the lists, where the field is none itself.
    needs_one: an operation has to give exactly one of the slicing arguments.
    """

    assumed: int | None = None
    slicing: tuple[str, ...] = ()
    sized: tuple[str, ...] = ()
    needs_one: bool = True


class CostRules(Struct, frozen=True):
    """Weights of types, of (type, field), of (type, field, argument) and of (input, field); sizes of (type, field)."""

    types: Mapping[str, int] = {}
    fields: Mapping[tuple[str, str], int] = {}
    arguments: Mapping[tuple[str, str, str], int] = {}
    inputs: Mapping[tuple[str, str], int] = {}
    lists: Mapping[tuple[str, str], ListSize] = {}


def cost_rules_of(document: DocumentNode) -> CostRules:
    """Every weight and size of the supergraph."""
    cost, size = name_of_linked(document, _SPEC, "cost"), name_of_linked(document, _SPEC, "listSize")
    rules = CostRules({}, {}, {}, {}, {})
    for node in document.definitions if cost and size else ():
        if not isinstance(node, TypeDefinitionNode):
            continue
        name = node.name.value
        _keep(rules.types, name, _weight(node.directives, cost))
        if isinstance(node, InputObjectTypeDefinitionNode):
            for given in node.fields or ():
                _keep(rules.inputs, (name, given.name.value), _weight(given.directives, cost))
        if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            continue
        for field in node.fields or ():
            place = (name, field.name.value)
            _keep(rules.fields, place, _weight(field.directives, cost))
            _keep(rules.lists, place, _list_size(field.directives, size))
            for argument in field.arguments or ():
                _keep(rules.arguments, (*place, argument.name.value), _weight(argument.directives, cost))
    return rules


def _keep(into: object, key: object, value: object) -> None:
    if value is not None:
        into[key] = value  # type: ignore[index]


def _weight(directives: Iterable[DirectiveNode] | None, name: str | None) -> int | None:
    return next((_int(_given(each).get("weight")) for each in directives or () if each.name.value == name), None)


def _list_size(directives: Iterable[DirectiveNode] | None, name: str | None) -> ListSize | None:
    for each in directives or ():
        if each.name.value == name:
            given = _given(each)
            one = given.get("requireOneSlicingArgument")
            needs_one = not (isinstance(one, BooleanValueNode) and one.value is False)
            slicing, sized = _texts(given.get("slicingArguments")), _texts(given.get("sizedFields"))
            return ListSize(_int(given.get("assumedSize")), slicing, sized, needs_one)
    return None


def _given(directive: DirectiveNode) -> dict[str, ValueNode]:
    return {each.name.value: each.value for each in directive.arguments or ()}


def _int(node: ValueNode | None) -> int | None:
    """Also of a text, which weights are in IBM's own specification; of a fraction what is above it."""
    if isinstance(node, IntValueNode):
        return int(node.value)
    try:
        return math.ceil(float(node.value)) if isinstance(node, StringValueNode) else None
    except (ValueError, OverflowError):
        return None


def _texts(node: ValueNode | None) -> tuple[str, ...]:
    items = node.values if isinstance(node, ListValueNode) else ()
    return tuple(each.value for each in items if isinstance(each, StringValueNode))
