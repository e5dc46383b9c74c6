"""Field sets: the small selections that keys, @requires and @provides are written in.

In: the text of a field set (`id organization { id }`). Out: frozen selections. Refuses: fragments spreads and what does
not parse. Selections compare by identity, and equal texts give the same value, so they are cheap keys of a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from graphql import FieldNode, GraphQLSyntaxError, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse
from graphql.language import print_ast

from gateway.supergraph.errors import SupergraphInvalid


@dataclass(frozen=True, eq=False, slots=True)
class FieldSelection:
    """One field; `arguments` is its argument list as printed, empty when there is none."""

    name: str
    arguments: str
    selections: FieldSet


@dataclass(frozen=True, eq=False, slots=True)
class FragmentSelection:
    """Selections that hold for objects of `type_condition`; None means any."""

    type_condition: str | None
    selections: FieldSet


FieldSet = tuple[FieldSelection | FragmentSelection, ...]


@lru_cache(maxsize=65536)
def parse_field_set(text: str) -> FieldSet:
    """The selections of a field set."""
    try:
        definition = parse("{" + text + "}", no_location=True).definitions[0]
    except GraphQLSyntaxError as problem:
        raise SupergraphInvalid(f"the field set {text!r} does not parse ({problem.message})") from problem
    if not isinstance(definition, OperationDefinitionNode):
        raise SupergraphInvalid(f"{text!r} is not a field set")
    return _selections(definition.selection_set, text)


def _selections(node: SelectionSetNode | None, text: str) -> FieldSet:
    found: list[FieldSelection | FragmentSelection] = []
    for selection in node.selections if node else ():
        if isinstance(selection, FieldNode):
            arguments = ", ".join(map(print_ast, selection.arguments or ()))
            inner = _selections(selection.selection_set, text)
            found.append(FieldSelection(selection.name.value, f"({arguments})" if arguments else "", inner))
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else None
            found.append(FragmentSelection(condition, _selections(selection.selection_set, text)))
        else:
            raise SupergraphInvalid(f"the field set {text!r} spreads a named fragment")
    return tuple(found)
