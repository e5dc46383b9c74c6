"""The supergraph while it is being made: each element with what every subgraph says of it, by graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import ConstDirectiveNode, ConstValueNode, DirectiveDefinitionNode

from gateway.composition.links import Link
from gateway.composition.problems import Place
from gateway.composition.schema import BySubgraph, Element, Field, InputValue, Kind, SubgraphSchema, Type

_COORDINATE = re.compile(r"\b([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*)(?:\(([A-Za-z_]\w*):\))?)?")
Scopes = tuple[tuple[str, ...], ...]
"""Scopes or policies: one of the groups, and all names of that group."""


@dataclass(slots=True)
class Demands:
    """What one must be to see an element: logged in, with these scopes, by these policies."""

    authenticated: bool = False
    scopes: Scopes = ()
    policies: Scopes = ()


@dataclass(slots=True)
class MergedElement:
    """What is common to all elements. `directives`: as the supergraph has them, without join, @inaccessible and
    demands. `by_contract`: it is inaccessible, and by the contract alone."""

    name: str
    description: str | None = None
    directives: list[ConstDirectiveNode] = field(default_factory=list)
    inaccessible: bool = False
    by_contract: bool = False
    demands: Demands = field(default_factory=Demands)

    def hide(self) -> None:
        """Hide it for the contract's sake; what is hidden anyway stays as it is."""
        self.by_contract = self.by_contract or not self.inaccessible
        self.inaccessible = True

    @property
    def how_hidden(self) -> str:
        """Why clients do not see it, for messages."""
        return "is hidden by the contract" if self.by_contract else "is @inaccessible"


@dataclass(slots=True)
class MergedInput(MergedElement):
    """An argument or an input field. `is_kept`: every subgraph that has the owner has it too."""

    type: str = ""
    default: ConstValueNode | None = None
    by: dict[str, InputValue] = field(default_factory=dict)
    is_kept: bool = True
    is_contextual: bool = False
    joins: list[ConstDirectiveNode] = field(default_factory=list)

    @property
    def is_required(self) -> bool:
        return self.type.endswith("!") and self.default is None


@dataclass(slots=True)
class MergedField(MergedElement):
    """A field of an object or an interface. `from_interface`: it came from an interface object alone."""

    type: str = ""
    by: dict[str, Field] = field(default_factory=dict)
    arguments: dict[str, MergedInput] = field(default_factory=dict)
    joins: list[ConstDirectiveNode] = field(default_factory=list)
    from_interface: bool = False


@dataclass(slots=True)
class MergedValue(MergedElement):
    """A value of an enum."""

    by: dict[str, Element] = field(default_factory=dict)
    is_kept: bool = True


@dataclass(slots=True)
class MergedType(MergedElement):
    """A type."""

    kind: Kind = Kind.OBJECT
    by: dict[str, Type] = field(default_factory=dict)
    fields: dict[str, MergedField] = field(default_factory=dict)
    inputs: dict[str, MergedInput] = field(default_factory=dict)
    values: dict[str, MergedValue] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    interfaces: dict[str, list[str]] = field(default_factory=dict)
    joins: list[ConstDirectiveNode] = field(default_factory=list)

    @property
    def has_interface_object(self) -> bool:
        return any(each.is_interface_object for each in self.by.values())

    @property
    def is_entity(self) -> bool:
        return any(each.keys for each in self.by.values())


@dataclass(slots=True)
class MergedDirective(MergedElement):
    """A directive that clients may write."""

    arguments: dict[str, MergedInput] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    repeatable: bool = False


@dataclass(slots=True)
class Merged:
    """All of it. `subgraphs` by the value of the `join__Graph` enum, in its order; `composed`: definitions of composed
    directives."""

    subgraphs: BySubgraph
    types: dict[str, MergedType] = field(default_factory=dict)
    composed: list[DirectiveDefinitionNode] = field(default_factory=list)
    executable: dict[str, MergedDirective] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def name_of(self, graph: str) -> str:
        return self.subgraphs[graph].name

    def graph_named(self, name: str) -> str | None:
        """The enum value of the subgraph with this name."""
        return next((graph for graph, subgraph in self.subgraphs.items() if subgraph.name == name), None)

    def places(self, by: Mapping[str, Element]) -> list[Place]:
        """Where each subgraph has it."""
        return [self.subgraphs[graph].place(element.node) for graph, element in by.items()]

    def places_named(self, text: str) -> list[Place]:
        """Where the elements are that a message names by their coordinates; of its types, if it names no other."""
        found: dict[bool, list[Place]] = {True: [], False: []}
        for name, part, argument in _COORDINATE.findall(text):
            type_ = self.types.get(name)
            if type_ is None:
                continue
            field = type_.fields.get(part)
            inner = field.arguments.get(argument) if field is not None else None
            element = inner or field or type_.inputs.get(part) or type_.values.get(part) or type_
            found[element is not type_] += self.places(element.by)
        return found[True] or found[False]

    def implementations(self, interface: str) -> Iterator[MergedType]:
        """The object types that implement the interface in any subgraph."""
        return (t for t in self.types.values() if t.kind is Kind.OBJECT and interface in t.interfaces)

    def schema(self, graph: str) -> SubgraphSchema:
        return self.subgraphs[graph]

    def is_subtype(self, name: str, other: str) -> bool:
        """Whether every object of the type is one of the other."""
        if name == other:
            return True
        found = self.types.get(other)
        if found is None:
            return False
        if found.kind is Kind.UNION:
            return name in found.members
        return name in self.types and other in self.types[name].interfaces
