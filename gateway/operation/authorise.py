"""What of an operation the caller may see: the rest is taken out before anything is planned.

In: a plain operation, the demands of the supergraph, and which of them the caller meets. Out: the operation to plan,
without what is denied; the operation as the client gets it answered, in which denied fields are marked; and each denied
place. What only the plan needs (keys, @requires, contexts) is nobody's question, and is not looked at: composition sees
to it that what is made of such a field demands what the field demands.

A field is denied where its type, itself or its result demands what the caller does not meet; of an interface's or a
union's field that is asked type by type. `__typename` and introspection tell of no data, and are never denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    is_abstract_type,
)
from msgspec import Struct

from gateway.operation.conditions import ALWAYS, in_order
from gateway.operation.deferring import ITSELF
from gateway.operation.model import Field, Operation
from gateway.plan.deferral import FIRST
from gateway.plan.nodes import OperationKind
from gateway.plan.shape import Denied
from gateway.supergraph.access import AccessRules, Demand

Demands = frozenset[Demand]
ITEM = "@"
"""Any item of a list, in the path of a denied place."""


class Authorised(NamedTuple):
    """`planned`: what is fetched. `marked`: what the client gets. Both are the operation itself where all is seen."""

    planned: Operation
    marked: Operation
    denied: tuple[Denied, ...]


def demands_in(schema: GraphQLSchema, rules: AccessRules, operation: Operation) -> Demands:
    """Everything that some field of the operation demands."""
    types = _Types(schema, rules)
    found: set[Demand] = set()
    waiting = [(operation.root_type, field) for field in operation.fields]
    while waiting:
        parent, field = waiting.pop()
        for concrete in types.of(parent, field):
            found.update(types.demands(parent, concrete, field))
        waiting += [(field.type_name, inner) for inner in field.selections]
    return frozenset(found)


def authorised(schema: GraphQLSchema, rules: AccessRules, operation: Operation, met: Demands) -> Authorised:
    """The operation for who meets these demands."""
    work = _Authorising(_Types(schema, rules), met)
    planned, marked = work.fields(operation.root_type, operation.fields, (), (), operation.kind)
    if not work.denied:
        return Authorised(operation, operation, ())
    denied = tuple(dict.fromkeys(work.denied))
    return Authorised(replace(operation, fields=planned), replace(operation, fields=marked), denied)


class Access(Struct, frozen=True):
    """What a caller holds: whether anybody is known, the scopes of the token, the policies that were found to hold."""

    authenticated: bool = False
    scopes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()

    def met(self, demands: Demands) -> Demands:
        return frozenset(demand for demand in demands if demand.is_met_by(self))


NOBODY = Access()


class _Types:
    def __init__(self, schema: GraphQLSchema, rules: AccessRules) -> None:
        self._schema = schema
        self._rules = rules

    def of(self, parent: str, field: Field) -> frozenset[str]:
        """The concrete types for which the field holds."""
        if field.types is not None:
            return field.types
        named = self._schema.type_map[parent]
        if not is_abstract_type(named):
            return frozenset((parent,))
        assert isinstance(named, GraphQLInterfaceType | GraphQLUnionType)
        return frozenset(member.name for member in self._schema.get_possible_types(named))

    def demands(self, parent: str, concrete: str, field: Field) -> Iterator[Demand]:
        """What must be met to see the field of an object of the concrete type."""
        if field.name.startswith("__") or not field.key:
            return
        rules = self._rules
        # Asked of an interface it demands what that does; within a fragment on some types only what those do.
        for type_name in (concrete,) if parent == concrete or field.types is not None else (parent, concrete):
            if demand := rules.types.get(type_name):
                yield demand
            if demand := rules.fields.get((type_name, field.name)):
                yield demand
        if demand := rules.types.get(field.type_name):
            yield demand

    def result(self, parent: str, field: Field) -> GraphQLOutputType:
        named: GraphQLNamedType = self._schema.type_map[parent]
        if not (isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and field.name in named.fields):
            named = self._schema.type_map[min(self.of(parent, field))]
        assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
        definition: GraphQLField = named.fields[field.name]
        return definition.type


class _Authorising:
    def __init__(self, types: _Types, met: Demands) -> None:
        self._types = types
        self._met = met
        self.denied: list[Denied] = []

    def fields(
        self,
        parent: str,
        fields: Iterable[Field],
        path: tuple[str, ...],
        when: tuple[tuple[object, ...], ...],
        root: OperationKind | None = None,
    ) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        """What is fetched of these fields, and what the client is answered."""
        planned: list[Field] = []
        marked: list[Field] = []
        is_lost = False
        for field in fields:
            everything = self._types.of(parent, field)
            allowed = frozenset(each for each in everything if self._may_see(parent, each, field))
            if allowed != everything:
                kept = field.types if not allowed else everything - allowed
                marked.append(replace(field, types=kept, denied=True, stream=None))
                self.denied.append(Denied((*path, field.key), _with(when, field)))  # type: ignore[arg-type]
                is_lost = is_lost or self._loses_all(parent, field, bool(allowed))
            if allowed:
                kept = field.types if allowed == everything else allowed
                shown, answered = self._seen(parent, field, path, when)
                planned.append(replace(shown, types=kept))
                marked.append(replace(answered, types=kept))
        if is_lost and root != "mutation":
            # Whatever comes, it is null: only that the object is there at all may still be of interest.
            planned = []
        return tuple(planned), tuple(marked)

    def _may_see(self, parent: str, concrete: str, field: Field) -> bool:
        return all(demand in self._met for demand in self._types.demands(parent, concrete, field))

    def _seen(
        self, parent: str, field: Field, path: tuple[str, ...], when: tuple[tuple[object, ...], ...]
    ) -> tuple[Field, Field]:
        if not field.selections:
            return field, field
        inner = (*path, field.key, *[ITEM] * _lists_in(self._types.result(parent, field)))
        planned, marked = self.fields(field.type_name, field.selections, inner, _with(when, field))
        return replace(field, selections=planned or (ITSELF,)), replace(field, selections=marked)

    def _loses_all(self, parent: str, field: Field, only_some: bool) -> bool:
        """Whether every object that the field stands in is lost with it."""
        certain = field.types is None and field.conditions == ALWAYS and field.part == FIRST and not only_some
        return certain and isinstance(self._types.result(parent, field), GraphQLNonNull)


def _with(when: tuple[tuple[object, ...], ...], field: Field) -> tuple[tuple[object, ...], ...]:
    return when if field.conditions == ALWAYS else (*when, in_order(field.conditions))


def _lists_in(output: GraphQLOutputType) -> int:
    count = 0
    while isinstance(output, GraphQLNonNull | GraphQLList):
        count += isinstance(output, GraphQLList)
        output = output.of_type
    return count
