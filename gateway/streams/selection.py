"""The key and cursor of a subscription's events, selected whether or not the client did.

In: the supergraph and a prepared operation. Out: the operation to plan, and a `Delivered`: the field's rule and where
key and cursor stand in an answer of the subgraph. What the client selected already is used; the rest gets keys that it
does not use. The client's answer is shaped by the operation as it was, so it never shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec
from graphql import FieldNode, OperationDefinitionNode, Undefined, parse, value_from_ast_untyped
from msgspec import Struct

from gateway.operation.conditions import ALWAYS
from gateway.operation.model import Field, Operation
from gateway.supergraph.field_set import FieldSelection, FieldSet, parse_field_set
from gateway.supergraph.model import Delivery, Supergraph

Path = tuple[str, ...]


class Delivered(Struct, frozen=True):
    """How one operation's events are delivered.

    keys, cursor: where they stand in an answer. arguments: of the subscription field, as printed.
    """

    rule: Delivery = Delivery()
    keys: tuple[Path, ...] = ()
    cursor: Path | None = None
    arguments: str = ""

    def key_in(self, data: Mapping[str, object] | None) -> bytes:
        """Equal for events of one key. Events without one, a null or an error say, have theirs together."""
        return msgspec.json.encode([_value(data, path) for path in self.keys], order="deterministic")

    def cursor_in(self, data: Mapping[str, object] | None) -> object:
        return None if self.cursor is None else _value(data, self.cursor)

    def resumed_from(self, variables: Mapping[str, object]) -> object:
        """The cursor that the client resumes from; None when it begins anew."""
        return None if self.rule.after is None else _argument(self.arguments, self.rule.after, variables)


def with_delivery(supergraph: Supergraph, operation: Operation) -> tuple[Operation, Delivered]:
    """`operation` with its key and cursor selected; itself where it is no subscription, or no rule is declared."""
    if operation.kind != "subscription" or len(operation.fields) != 1:
        return operation, Delivered()
    (root,) = operation.fields
    rule = supergraph.deliveries.get(root.name)
    if rule is None:
        return operation, Delivered(arguments=root.arguments)
    selections, keys = _selected(supergraph, root, root.selections, rule.key)
    selections, cursors = _selected(supergraph, root, selections, rule.cursor)
    extended = replace(operation, fields=(replace(root, selections=selections),))
    return extended, Delivered(rule, keys, next(iter(cursors), None), root.arguments)


def _selected(
    supergraph: Supergraph, root: Field, selections: tuple[Field, ...], text: str | None
) -> tuple[tuple[Field, ...], tuple[Path, ...]]:
    wanted = parse_field_set(text) if text else ()
    selections, paths = _with(supergraph, root.type_name, selections, wanted)
    return selections, tuple((root.key, *path) for path in paths)


def _with(
    supergraph: Supergraph, parent: str, selections: tuple[Field, ...], wanted: FieldSet
) -> tuple[tuple[Field, ...], list[Path]]:
    """The selections with the wanted fields among them, and where those stand."""
    found, paths = list(selections), list[Path]()
    for each in wanted:
        if not isinstance(each, FieldSelection):
            continue
        place = _place_of(each.name, found)
        if place is None:
            key = _free_key(each.name, (field.key for field in found))
            place, type_name = len(found), _type_of(supergraph, parent, each.name)
            found.append(Field(key, each.name, "", frozenset(), type_name))
        field = found[place]
        if not each.selections:
            paths.append((field.key,))
            continue
        inner, below = _with(supergraph, field.type_name, field.selections, each.selections)
        found[place] = replace(field, selections=inner)
        paths += [(field.key, *path) for path in below]
    return tuple(found), paths


def _place_of(name: str, fields: list[Field]) -> int | None:
    """Where the client selected the very field, whatever its variables and the event's type."""
    for place, field in enumerate(fields):
        is_plain = field.types is None and field.conditions == ALWAYS and not field.arguments
        if field.name == name and field.key and is_plain:
            return place
    return None


def _free_key(name: str, used: Iterable[str]) -> str:
    taken = set(used)
    if name not in taken:
        return name
    key = f"delivery_{name}"
    while key in taken:
        key = f"_{key}"
    return key


def _type_of(supergraph: Supergraph, parent: str, name: str) -> str:
    return next(
        field.type_name
        for types in supergraph.types.values()
        if (declared := types.get(parent)) is not None and (field := declared.fields.get(name)) is not None
    )


def _value(data: object, path: Path) -> object:
    for step in path:
        if not isinstance(data, dict):
            return None
        data = data.get(step)
    return data


def _argument(arguments: str, name: str, variables: Mapping[str, object]) -> object:
    """The argument's value in a printed argument list, with its variables filled in."""
    for field in _fields(arguments):
        for argument in field.arguments or ():
            if argument.name.value == name:
                value = value_from_ast_untyped(argument.value, dict(variables))
                return None if value is Undefined else value
    return None


def _fields(arguments: str) -> Iterator[FieldNode]:
    if arguments:
        for definition in parse(f"{{ field{arguments} }}", no_location=True).definitions:
            assert isinstance(definition, OperationDefinitionNode)
            for selection in definition.selection_set.selections:
                assert isinstance(selection, FieldNode)
                yield selection
