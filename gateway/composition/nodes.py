"""Small pieces of schema language, as nodes: what the supergraph is written with."""

from __future__ import annotations

from functools import lru_cache

from graphql import (
    BooleanValueNode,
    ConstArgumentNode,
    ConstDirectiveNode,
    ConstListValueNode,
    ConstObjectFieldNode,
    ConstObjectValueNode,
    ConstValueNode,
    EnumValueNode,
    IntValueNode,
    NameNode,
    StringValueNode,
    TypeNode,
    parse_type,
)


class EnumName(str):
    """A text that is written as the name of an enum's value, without quotes."""

    __slots__ = ()


Constant = str | int | bool | EnumName | list["Constant"] | dict[str, "Constant"]


def value_node(value: Constant) -> ConstValueNode:
    """A constant as a node."""
    match value:
        case EnumName():
            return EnumValueNode(value=str(value))
        case str():
            return StringValueNode(value=value, block=False)
        case bool():
            return BooleanValueNode(value=value)
        case int():
            return IntValueNode(value=str(value))
        case list():
            return ConstListValueNode(values=tuple(map(value_node, value)))
    fields = (ConstObjectFieldNode(name=NameNode(value=key), value=value_node(inner)) for key, inner in value.items())
    return ConstObjectValueNode(fields=tuple(fields))


def directive(name: str, /, **arguments: Constant | None) -> ConstDirectiveNode:
    """An application of a directive; arguments that are None are left out."""
    given = (
        ConstArgumentNode(name=NameNode(value=key), value=value_node(value))
        for key, value in arguments.items()
        if value is not None
    )
    return ConstDirectiveNode(name=NameNode(value=name), arguments=tuple(given))


def text_node(text: str | None) -> StringValueNode | None:
    """A description."""
    return StringValueNode(value=text, block=True) if text is not None else None


@lru_cache(maxsize=4096)
def type_node(text: str) -> TypeNode:
    """A type as it is printed."""
    return parse_type(text, no_location=True)
