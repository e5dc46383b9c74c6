"""One subgraph as composition sees it: types with their fields, definitions and extensions joined, names made plain.

Directives of Federation stand under their own names, whatever the subgraph imports them as; root types are called
Query, Mutation and Subscription. Types are texts as SDL prints them (`[Scan!]!`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from graphql import (
    ConstDirectiveNode,
    ConstValueNode,
    DirectiveDefinitionNode,
    GraphQLSchema,
    Node,
    SelectionSetNode,
    value_from_ast_untyped,
)

from gateway.composition.links import Link
from gateway.composition.problems import Place, place_of

Json = Any
"""A constant of the schema language as plain Python: what an argument of a directive may be."""


class Kind(StrEnum):
    SCALAR = "Scalar"
    OBJECT = "Object"
    INTERFACE = "Interface"
    UNION = "Union"
    ENUM = "Enum"
    INPUT = "InputObject"


@dataclass(frozen=True, slots=True)
class Applied:
    """A directive where it is applied. `federation`: the name in the specification; None for any other directive."""

    name: str
    federation: str | None
    node: ConstDirectiveNode

    def argument(self, name: str) -> Json:
        """The argument's value as given; None when it is not."""
        node = self.argument_node(name)
        return value_from_ast_untyped(node) if node is not None else None

    def strings(self, name: str) -> list[str]:
        """The texts of a list argument; one text alone is a list of it, as everywhere in GraphQL."""
        given = self.argument(name)
        return [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)]

    def groups(self, name: str) -> list[list[str]]:
        """The texts of an argument that is a list of lists."""
        given = self.argument(name)
        lists = given if isinstance(given, list) else [given] if given is not None else []
        return [[str(text) for text in (each if isinstance(each, list) else [each])] for each in lists]

    def argument_node(self, name: str) -> ConstValueNode | None:
        """The argument's value as written."""
        return next((a.value for a in self.node.arguments or () if a.name.value == name), None)


@dataclass(slots=True)
class Element:
    """What every part of a schema has."""

    name: str
    node: Node
    description: str | None = None
    directives: tuple[Applied, ...] = ()

    def applied(self, name: str) -> Iterator[Applied]:
        """The applications of one of Federation's directives."""
        return (each for each in self.directives if each.federation == name)

    def has(self, name: str) -> bool:
        """Whether the directive of Federation is applied."""
        return any(True for _ in self.applied(name))

    def other(self, name: str) -> ConstDirectiveNode | None:
        """An application of a directive that is not Federation's, such as @deprecated."""
        return next((each.node for each in self.directives if each.federation is None and each.name == name), None)


@dataclass(slots=True)
class InputValue(Element):
    """An argument, or a field of an input object."""

    type: str = ""
    default: ConstValueNode | None = None

    @property
    def required(self) -> bool:
        """Whether one must give it."""
        return self.type.endswith("!") and self.default is None


@dataclass(slots=True)
class Field(Element):
    """A field of an object or an interface, with what federation says of it.

    external: marked so, itself or by its type. key_of_extension: part of a type extension's key, which Federation 1
    marks external by custom, and gives out all the same. key_member: part of a key of its own type. provided, required:
    some @provides or @requires of this subgraph selects it.
    """

    type: str = ""
    arguments: dict[str, InputValue] = field(default_factory=dict)
    external: bool = False
    shareable: bool = False
    key_member: bool = False
    key_of_extension: bool = False
    in_any_key: bool = False
    provided: bool = False
    required: bool = False
    override: str | None = None
    override_label: str | None = None
    requires: str | None = None
    provides: str | None = None
    in_extension: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """One @key that could be read."""

    fields: str
    selections: SelectionSetNode
    resolvable: bool
    applied: Applied


@dataclass(slots=True)
class Type(Element):
    """A named type. `is_extension`: this subgraph only extends it, `extend type` or @extends."""

    kind: Kind = Kind.OBJECT
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: dict[str, InputValue] = field(default_factory=dict)
    values: dict[str, Element] = field(default_factory=dict)
    members: dict[str, Node] = field(default_factory=dict)
    interfaces: dict[str, Node] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    is_interface_object: bool = False
    is_extension: bool = False
    has_definition: bool = True

    @property
    def is_composite(self) -> bool:
        """Whether one selects fields of it."""
        return self.kind in (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)


ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(slots=True)
class SubgraphSchema:
    """A subgraph, read.

    graph: its value of the `join__Graph` enum. version: Federation's, v1.0 without a link. built: the same as
    graphql-core's schema, under the subgraph's own names of root types; None where it is not sound.
    """

    name: str
    graph: str
    url: str
    version: str
    links: tuple[Link, ...]
    types: dict[str, Type]
    directives: dict[str, DirectiveDefinitionNode]
    directive_arguments: dict[str, dict[str, InputValue]]
    roots: dict[str, str]
    composed: dict[str, Applied]
    built: GraphQLSchema | None = None

    @property
    def is_federation_1(self) -> bool:
        return self.version == "v1.0"

    def place(self, node: Node | None) -> Place:
        """Where the node stands in the subgraph's text."""
        return place_of(self.name, node)

    def possible(self, name: str) -> frozenset[str]:
        """The object types that may stand where the type stands, as far as this subgraph knows."""
        found = self.types.get(name)
        if found is None:
            return frozenset()
        if found.kind is Kind.UNION:
            return frozenset(found.members)
        if found.kind is Kind.INTERFACE:
            return frozenset(n for n, t in self.types.items() if t.kind is Kind.OBJECT and name in t.interfaces)
        return frozenset((name,))


def named(type_text: str) -> str:
    """The name within lists and non-nulls."""
    return type_text.strip("[]!")


def coordinate(type_name: str, *parts: str) -> str:
    """`Type.field` or `Type.field(argument:)`."""
    if len(parts) == 2:
        return f"{type_name}.{parts[0]}({parts[1]}:)"
    return ".".join((type_name, *parts))


BySubgraph = Mapping[str, SubgraphSchema]
