"""What a plan itself needs, in the same form as what the client asked: field sets become `Field`s without keys.

In: a field set and the type that it is about. Out: fields; the same field set on the same type always gives the same
values, so that a key that two fetches need is fetched once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from graphql import FieldNode, OperationDefinitionNode, parse

from gateway.operation.model import Field
from gateway.operation.normalize import printed_arguments
from gateway.supergraph.field_set import FieldSelection, FieldSet
from gateway.supergraph.model import Supergraph


class Demands:
    """The field sets of one supergraph as fields. Lives as long as the query graph: it only remembers."""

    def __init__(self, supergraph: Supergraph) -> None:
        self.possible = supergraph.possible
        self.field_types = _field_types(supergraph)
        self.known: dict[tuple[FieldSet, str], tuple[Field, ...]] = {}
        self.interned: dict[tuple[str, str, str, frozenset[str] | None, tuple[Field, ...]], Field] = {}

    def of(self, field_set: FieldSet, type_name: str) -> tuple[Field, ...]:
        """The fields that the field set asks of objects of the type."""
        found = self.known.get((field_set, type_name))
        if found is None:
            merged: dict[tuple[str, str, frozenset[str] | None], Field] = {}
            self._collect(field_set, type_name, None, merged)
            found = self.known[(field_set, type_name)] = tuple(merged.values())
        return found

    def _collect(
        self,
        field_set: FieldSet,
        type_name: str,
        types: frozenset[str] | None,
        merged: dict[tuple[str, str, frozenset[str] | None], Field],
    ) -> None:
        for selection in field_set:
            if not isinstance(selection, FieldSelection):
                narrowed = types
                inner_type = selection.type_condition or type_name
                if selection.type_condition is not None:
                    named = self.possible.get(selection.type_condition, frozenset((selection.type_condition,)))
                    here = types if types is not None else self.possible.get(type_name, frozenset((type_name,)))
                    narrowed = None if types is None and here <= named else named & here
                self._collect(selection.selections, inner_type, narrowed, merged)
                continue
            place = (selection.name, selection.arguments, types)
            inner_type = self.field_types.get((type_name, selection.name), "String")
            inner = self.of(selection.selections, inner_type)
            if place in merged:
                inner = tuple(dict.fromkeys((*merged[place].selections, *inner)))
            merged[place] = self._field(selection.name, selection.arguments, inner_type, types, inner)

    def _field(
        self, name: str, arguments: str, type_name: str, types: frozenset[str] | None, selections: tuple[Field, ...]
    ) -> Field:
        identity = (name, arguments, type_name, types, selections)
        found = self.interned.get(identity)
        if found is None:
            printed = _reprinted(arguments)
            found = Field("", name, printed, frozenset(), type_name, types, selections=selections)
            self.interned[identity] = found
        return found


@lru_cache(maxsize=4096)
def _reprinted(arguments: str) -> str:
    """The arguments as `normalize` prints a client's, so that equal ones look equal."""
    if not arguments:
        return ""
    definition = parse("{f" + arguments + "}", no_location=True).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    node = definition.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    return printed_arguments(node)[0]


def _field_types(supergraph: Supergraph) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for types in supergraph.types.values():
        for declared in types.values():
            for field in declared.fields.values():
                found.setdefault((declared.name, field.name), field.type_name)
    return found
