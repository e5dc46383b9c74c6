"""What a fetch's document asks, as keys, for known values of its conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)


@dataclass(slots=True)
class Selection:
    """One key. types: the type conditions around it (none: it is asked of all); below: what is asked of its value."""

    types: frozenset[str]
    is_typename: bool
    below: dict[str, Selection] = field(default_factory=dict)


def selections_of(document: str, switches: Mapping[str, bool]) -> dict[str, Selection]:
    """The keys at the document's root."""
    parsed = parse(document, no_location=True)
    fragments = {each.name.value: each for each in parsed.definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    found: dict[str, Selection] = {}
    _Reader(fragments, switches).read(operation.selection_set, frozenset(), found)
    return found


def variables_deciding(document: str) -> set[str]:
    """The variables of the document's @include's and @skip's."""
    found: set[str] = set()
    parsed = parse(document, no_location=True)
    for definition in parsed.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _variables_in(definition.selection_set, found)
    return found


@dataclass(slots=True)
class _Reader:
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]

    def read(self, node: SelectionSetNode, types: frozenset[str], found: dict[str, Selection]) -> None:
        for selection in node.selections:
            if not all(self._is_on(each) for each in selection.directives or ()):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                held = found.setdefault(key, Selection(types, selection.name.value == "__typename"))
                # Asked of all is more than asked of some.
                held.types = held.types | types if held.types and types else frozenset()
                if selection.selection_set:
                    self.read(selection.selection_set, frozenset(), held.below)
                continue
            inner: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(selection, FragmentSpreadNode):
                inner = self.fragments[selection.name.value]
            else:
                assert isinstance(selection, InlineFragmentNode)
                inner = selection
            narrowed = types
            if inner.type_condition is not None:
                narrowed = types | {inner.type_condition.name.value}
            self.read(inner.selection_set, narrowed, found)

    def _is_on(self, directive: DirectiveNode) -> bool:
        wanted = _WANTED.get(directive.name.value)
        if wanted is None:
            return True
        value = _condition(directive)
        on = value.value if isinstance(value, BooleanValueNode) else self.switches[_name(value)]
        return on is wanted


_WANTED = {"include": True, "skip": False}


def _condition(directive: DirectiveNode) -> object:
    return next(each.value for each in directive.arguments or () if each.name.value == "if")


def _name(value: object) -> str:
    assert isinstance(value, VariableNode)
    return value.name.value


def _variables_in(node: SelectionSetNode, found: set[str]) -> None:
    for selection in node.selections:
        directives: Iterable[DirectiveNode] = selection.directives or ()
        for directive in directives:
            if directive.name.value in _WANTED and isinstance(value := _condition(directive), VariableNode):
                found.add(value.name.value)
        inner = getattr(selection, "selection_set", None)
        if inner is not None:
            _variables_in(inner, found)
