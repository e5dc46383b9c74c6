"""What one must be to see a type or a field: @authenticated, @requiresScopes and @policy of a supergraph.

In: the supergraph's document. Out: `AccessRules`. Composition has merged what several subgraphs demand, and has given
interfaces what their implementations demand. Refuses (`SupergraphInvalid`) a demand that cannot be read: to skip it
would be to open what it closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from graphql import (
    DirectiveNode,
    DocumentNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    ValueNode,
)
from msgspec import Struct

from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.linked import name_of_linked

Groups = tuple[tuple[str, ...], ...]
"""One group is enough, and of a group all are needed."""


class Holder(Protocol):
    """What a caller holds."""

    @property
    def authenticated(self) -> bool: ...

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def policies(self) -> frozenset[str]: ...


class Demand(Struct, frozen=True):
    """What one element demands: all three."""

    authenticated: bool = False
    scopes: Groups = ()
    policies: Groups = ()

    def __bool__(self) -> bool:
        return self.authenticated or bool(self.scopes) or bool(self.policies)

    def is_met_by(self, holder: Holder) -> bool:
        return (
            (holder.authenticated or not self.authenticated)
            and _meets(self.scopes, holder.scopes)
            and _meets(self.policies, holder.policies)
        )


def _meets(groups: Groups, held: frozenset[str]) -> bool:
    return not groups or any(held.issuperset(group) for group in groups)


Field = tuple[str, str]
"""A type and its field."""


class AccessRules(Struct, frozen=True):
    """The demands of types (objects, interfaces, scalars, enums) and of fields; elements without any are left out."""

    types: Mapping[str, Demand] = {}
    fields: Mapping[Field, Demand] = {}

    def __bool__(self) -> bool:
        return bool(self.types) or bool(self.fields)


def access_rules_of(document: DocumentNode) -> AccessRules:
    """Every demand of the supergraph."""
    read = _Reading(document)
    types: dict[str, Demand] = {}
    fields: dict[Field, Demand] = {}
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode):
            name = node.name.value
            if demand := read.demand(node.directives, name):
                types[name] = demand
            if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                for field in node.fields or ():
                    if demand := read.demand(field.directives, f"{name}.{field.name.value}"):
                        fields[name, field.name.value] = demand
    return AccessRules(types, fields)


class _Reading:
    def __init__(self, document: DocumentNode) -> None:
        self._authenticated = name_of_linked(document, "authenticated", "authenticated")
        self._scopes = name_of_linked(document, "requiresScopes", "requiresScopes")
        self._policy = name_of_linked(document, "policy", "policy")

    def demand(self, directives: Iterable[DirectiveNode] | None, place: str) -> Demand:
        authenticated, scopes, policies = False, Groups(), Groups()
        for each in directives or ():
            name = each.name.value
            if name == self._authenticated:
                authenticated = True
            elif name == self._scopes:
                scopes = _groups(each, "scopes", place)
            elif name == self._policy:
                policies = _groups(each, "policies", place)
        return Demand(authenticated, scopes, policies)


def _groups(directive: DirectiveNode, argument: str, place: str) -> Groups:
    given = next((each.value for each in directive.arguments or () if each.name.value == argument), None)
    groups = tuple(_texts(each) for each in _items(given))
    if not groups or not all(groups):
        reason = f"@{directive.name.value} of {place} does not say its {argument} as lists of texts, none empty"
        raise SupergraphInvalid(reason)
    return groups


def _texts(node: ValueNode) -> tuple[str, ...]:
    items = _items(node)
    texts = tuple(each.value for each in items if isinstance(each, StringValueNode))
    return texts if len(texts) == len(items) else ()


def _items(node: ValueNode | None) -> tuple[ValueNode, ...]:
    """A single value counts as a list of it, as GraphQL's input coercion has it."""
    if node is None:
        return ()
    return tuple(node.values) if isinstance(node, ListValueNode) else (node,)
