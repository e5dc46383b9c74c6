"""Make a validated operation plain: fragments gone, fields merged, conditions attached.

In: the selection sets of a valid operation and the API schema. Out: `Field`s in response order. Where a field means
different things for different concrete types, it comes once for each group of types. Refuses more than `limit` fields,
because a short operation of nested fragments can stand for millions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.language import print_ast

from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid
from gateway.operation.conditions import ALWAYS, NEVER, Conditions, both, either, toggle
from gateway.operation.deferring import ITSELF, Deferring, DefersHere, defers_all
from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, DeferHere

CompositeType = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


@dataclass(slots=True)
class _Occurrence:
    """One place in the text where a response key is selected.

    number: its place in the order of collection; fragment: the deferred one that it stands in, or 0.
    """

    number: int
    node: FieldNode
    types: frozenset[str]
    conditions: Conditions
    fragment: int


@dataclass(slots=True)
class _Group:
    """Concrete types for which a response key has the same occurrences."""

    types: frozenset[str]
    occurrences: list[_Occurrence] = field(default_factory=list)

    def places(self) -> tuple[tuple[int, Conditions], ...]:
        """The first occurrence, and every later one that may be there when none before it is."""
        found: list[tuple[int, Conditions]] = []
        so_far = NEVER
        for each in self.occurrences:
            wider = either(so_far, each.conditions)
            if wider != so_far:
                found.append((each.number, each.conditions))
            so_far = wider
        return tuple(found)


class Selected(NamedTuple):
    """What selection sets came to: their fields, and the deferred fragments that stand in them."""

    fields: tuple[Field, ...]
    defers: tuple[DeferHere, ...]


@dataclass(slots=True)
class _Reading:
    """The selections of one object while they are being read."""

    found: dict[str, list[_Occurrence]] = field(default_factory=dict)
    defers: DefersHere | None = None


class Normalizer:
    """Holds what every selection of one operation needs: schema, fragments, printed arguments.

    deferring: keeps @defer and @stream, for known values of all conditions; without it both are ignored.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        limit: int = 20_000,
        deferring: Deferring | None = None,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.limit = limit
        self.deferring = deferring
        self.count = 0
        self.possible_cache: dict[str, frozenset[str]] = {}

    def selected(
        self, parent: CompositeType, selections: Iterable[tuple[SelectionSetNode, Conditions, int]]
    ) -> Selected:
        """The merged fields of the selection sets, each there under its conditions and in its deferred fragment."""
        reading = _Reading(defers=DefersHere(self.deferring) if self.deferring else None)
        everything = self.possible(parent)
        for node, conditions, fragment in selections:
            self._collect(node, everything, conditions, fragment, reading)
        groups = [(key, group) for key, occurrences in reading.found.items() for group in _grouped(occurrences)]
        # Each concrete type has its keys in the order in which they are selected for that type.
        groups.sort(key=lambda item: item[1].occurrences[0].number)
        fields = tuple(self._field(key, parent, everything, group) for key, group in groups)
        return Selected(fields, reading.defers.result(everything) if reading.defers else ())

    def possible(self, parent: CompositeType) -> frozenset[str]:
        """The concrete types that may stand where the parent type stands."""
        known = self.possible_cache.get(parent.name)
        if known is None:
            members = self.schema.get_possible_types(parent) if is_abstract_type(parent) else (parent,)
            known = self.possible_cache[parent.name] = frozenset(member.name for member in members)
        return known

    def _collect(
        self,
        node: SelectionSetNode,
        types: frozenset[str],
        conditions: Conditions,
        fragment: int,
        reading: _Reading,
    ) -> None:
        switched_on = self.deferring.switched_on if self.deferring else None
        for selection in node.selections:
            here = both(conditions, conditions_of(selection, switched_on))
            if here == NEVER:
                continue
            self.count += 1
            if self.count > self.limit:
                raise LimitExceeded("fields", self.limit)
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                occurrence = _Occurrence(self.count, selection, types, here, fragment)
                reading.found.setdefault(key, []).append(occurrence)
                continue
            inner: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(selection, FragmentSpreadNode):
                inner = self.fragments[selection.name.value]
            else:
                assert isinstance(selection, InlineFragmentNode)
                inner = selection
            narrowed = types
            if inner.type_condition is not None:
                condition = self.schema.type_map[inner.type_condition.name.value]
                assert isinstance(condition, CompositeType)
                narrowed = types & self.possible(condition)
            if narrowed:
                within = reading.defers.entered(selection, fragment, narrowed) if reading.defers else fragment
                self._collect(inner.selection_set, narrowed, here, within, reading)

    def _field(self, key: str, parent: CompositeType, everything: frozenset[str], group: _Group) -> Field:
        first = group.occurrences[0].node
        name = first.name.value
        if key == "__typename" != name:
            # The gateway tells types by this key; a value of the client's choice there would mislead it.
            reason = "The alias '__typename' is reserved."
            raise OperationInvalid(ErrorCode.GRAPHQL_VALIDATION_FAILED, [GraphQLError(reason, first)])
        conditions = NEVER
        for occurrence in group.occurrences:
            conditions = either(conditions, occurrence.conditions)
        types = None if group.types == everything else group.types
        asked_in = frozenset(occurrence.fragment for occurrence in group.occurrences) if self.deferring else frozenset()
        part = self.deferring.part_of(asked_in) if self.deferring else FIRST
        stream = self.deferring.stream_of(first, asked_in) if self.deferring else None
        places = group.places()
        if name.startswith("__"):
            # `__typename` is a leaf; `__schema` and `__type` are answered from the schema and never planned.
            leaf = Field(key, name, "", frozenset(), "String", types, conditions, places=places)
            return replace(leaf, part=part, asked_in=asked_in)
        definition = self._definition(parent, group.types, name)
        named = get_named_type(definition.type)
        arguments, variables = printed_arguments(first)
        below = Selected((), ())
        if is_composite_type(named):
            assert isinstance(named, CompositeType)
            # Under one shared condition the children need not repeat it: without the parent they are not there either.
            shared = all(occurrence.conditions == conditions for occurrence in group.occurrences)
            inner = [
                (occurrence.node.selection_set, ALWAYS if shared else occurrence.conditions, occurrence.fragment)
                for occurrence in group.occurrences
                if occurrence.node.selection_set
            ]
            below = self.selected(named, inner)
            if not below.fields:
                # Conditions may leave nothing; a subgraph still has to be asked for something of the object.
                below = Selected((_NOTHING_OF_IT,), below.defers)
            elif self.deferring and defers_all(part, below.fields):
                below = Selected((*below.fields, ITSELF), below.defers)
        whole = Field(key, name, arguments, variables, named.name, types, conditions, below.fields, places=places)
        if self.deferring is None:
            return whole
        return replace(whole, part=part, asked_in=asked_in, defers=below.defers, stream=stream)

    def _definition(self, parent: CompositeType, types: frozenset[str], name: str) -> GraphQLField:
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and name in parent.fields:
            found: GraphQLField = parent.fields[name]
            return found
        concrete = self.schema.type_map[min(types)]
        assert isinstance(concrete, GraphQLObjectType)
        found = concrete.fields[name]
        return found


_NOTHING_OF_IT = Field("", "__typename", "", frozenset(), "String")


def _grouped(occurrences: list[_Occurrence]) -> list[_Group]:
    """The occurrences, split so that in each group all of them hold for the same types."""
    groups: list[_Group] = []
    for occurrence in occurrences:
        rest = occurrence.types
        split: list[_Group] = []
        for group in groups:
            common = group.types & rest
            if not common:
                split.append(group)
                continue
            if group.types - common:
                split.append(_Group(group.types - common, list(group.occurrences)))
            split.append(_Group(common, [*group.occurrences, occurrence]))
            rest -= common
        if rest:
            split.append(_Group(rest, [occurrence]))
        groups = split
    merged: dict[tuple[int, ...], _Group] = {}
    for group in groups:
        same = merged.get(identity := tuple(map(id, group.occurrences)))
        merged[identity] = _Group(group.types | same.types, group.occurrences) if same else group
    return list(merged.values())


def conditions_of(
    node: FieldNode | FragmentSpreadNode | InlineFragmentNode | object, switched_on: frozenset[str] | None = None
) -> Conditions:
    """What @include and @skip say of the selection; nothing depends on variables where those that are on are known."""
    conditions = ALWAYS
    for directive in getattr(node, "directives", None) or ():
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        if wanted is None:
            continue
        value = next(argument.value for argument in directive.arguments or () if argument.name.value == "if")
        if isinstance(value, BooleanValueNode):
            conditions = conditions if value.value == wanted else NEVER
        else:
            assert isinstance(value, VariableNode)
            name = value.name.value
            if switched_on is not None:
                conditions = conditions if (name in switched_on) == wanted else NEVER
            else:
                conditions = both(conditions, toggle(name, wanted)) if conditions else NEVER
    return conditions


def printed_arguments(node: FieldNode) -> tuple[str, frozenset[str]]:
    """The argument list in a fixed order, and the variables in it."""
    if not node.arguments:
        return "", frozenset()
    variables: set[str] = set()
    for argument in node.arguments:
        _variables_in(argument.value, variables)
    ordered = sorted(node.arguments, key=lambda argument: argument.name.value)
    return "(" + ", ".join(map(print_ast, ordered)) + ")", frozenset(variables)


def _variables_in(node: ValueNode, found: set[str]) -> None:
    if isinstance(node, VariableNode):
        found.add(node.name.value)
    for inner in getattr(node, "values", ()):
        _variables_in(inner, found)
    for item in getattr(node, "fields", ()):
        _variables_in(item.value, found)
