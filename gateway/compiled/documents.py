"""What a fetch's document asks of objects of one type, as keys, for known values of its conditions.

`possible` says which concrete types a type condition lets through; one that is not known lets its own name through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
    is_object_type,
    parse,
)

Possible = Callable[[str], frozenset[str]]


def possible_in(schema: GraphQLSchema) -> Possible:
    """The concrete types of a type of the schema; none of one that it does not have."""

    def possible(type_name: str) -> frozenset[str]:
        named = schema.type_map.get(type_name)
        if is_abstract_type(named):
            return frozenset(each.name for each in schema.get_possible_types(named))
        return frozenset((type_name,)) if is_object_type(named) else frozenset()

    return possible


_WANTED = {"include": True, "skip": False}


@dataclass(slots=True)
class Selected:
    """One key; `below`: the selection sets of its value."""

    is_typename: bool
    below: list[SelectionSetNode] = field(default_factory=list)


class Document:
    def __init__(self, text: str, switches: Mapping[str, bool], possible: Possible) -> None:
        parsed = parse(text, no_location=True)
        self._fragments = {
            each.name.value: each for each in parsed.definitions if isinstance(each, FragmentDefinitionNode)
        }
        operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
        self.root = [operation.selection_set]
        self._switches, self._possible = switches, possible

    def keys(self, nodes: Iterable[SelectionSetNode], type_name: str) -> dict[str, Selected]:
        """What is asked of objects of the type, in order."""
        found: dict[str, Selected] = {}
        for node in nodes:
            for each in self._fields(node, type_name):
                key = each.alias.value if each.alias else each.name.value
                selected = found.setdefault(key, Selected(each.name.value == "__typename"))
                if each.selection_set:
                    selected.below.append(each.selection_set)
        return found

    def _fields(self, node: SelectionSetNode, type_name: str) -> Iterator[FieldNode]:
        for selection in node.selections:
            if not all(map(self._is_on, selection.directives or ())):
                continue
            if isinstance(selection, FieldNode):
                yield selection
                continue
            inner = self._inner(selection)
            if inner.type_condition is None or self._lets_through(inner.type_condition.name.value, type_name):
                yield from self._fields(inner.selection_set, type_name)

    def _inner(self, selection: SelectionNode) -> FragmentDefinitionNode | InlineFragmentNode:
        if isinstance(selection, FragmentSpreadNode):
            return self._fragments[selection.name.value]
        assert isinstance(selection, InlineFragmentNode)
        return selection

    def _lets_through(self, condition: str, type_name: str) -> bool:
        return condition == type_name or type_name in self._possible(condition)

    def _is_on(self, directive: DirectiveNode) -> bool:
        wanted = _WANTED.get(directive.name.value)
        if wanted is None:
            return True
        value = _condition(directive)
        on = value.value if isinstance(value, BooleanValueNode) else self._switches[_name(value)]
        return on is wanted


def variables_deciding(document: str) -> set[str]:
    """The variables of the document's @include's and @skip's."""
    found: set[str] = set()
    for definition in parse(document, no_location=True).definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _variables_in(definition.selection_set, found)
    return found


def _variables_in(node: SelectionSetNode, found: set[str]) -> None:
    for selection in node.selections:
        for directive in selection.directives or ():
            if directive.name.value in _WANTED and isinstance(value := _condition(directive), VariableNode):
                found.add(value.name.value)
        inner = getattr(selection, "selection_set", None)
        if inner is not None:
            _variables_in(inner, found)


def _condition(directive: DirectiveNode) -> object:
    return next(each.value for each in directive.arguments or () if each.name.value == "if")


def _name(value: object) -> str:
    assert isinstance(value, VariableNode)
    return value.name.value
