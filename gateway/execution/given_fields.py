"""A fetch's document in, the keys that its answer fills out: what is lost when the fetch comes to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

Keys = Mapping[str, "Keys"]
"""Response keys, each with those of its value; a leaf has none."""
NO_KEYS: Keys = {}


@lru_cache(maxsize=4096)
def keys_given(document: str, entities_alias: str | None) -> Keys:
    """Response keys at the root of the answer, or below `entities_alias`; `__typename` is never among them."""
    parsed = parse(document, no_location=True)
    operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    selections: SelectionSetNode | None = operation.selection_set
    if entities_alias is not None:
        selections = next(field for field in _fields(parsed, selections) if _key(field) == entities_alias).selection_set
    return _keys(parsed, selections)


def _keys(document: DocumentNode, selections: SelectionSetNode | None) -> Keys:
    found: dict[str, Keys] = {}
    for field in _fields(document, selections):
        if field.name.value != "__typename":
            found[_key(field)] = _joined(found.get(_key(field), NO_KEYS), _keys(document, field.selection_set))
    return found


def _joined(left: Keys, right: Keys) -> Keys:
    found = dict(left)
    for key, inner in right.items():
        found[key] = _joined(found.get(key, NO_KEYS), inner)
    return found


def _fields(document: DocumentNode, selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    for selection in selections.selections if selections else ():
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode(selection_set=inner):
                yield from _fields(document, inner)
            case FragmentSpreadNode(name=name):
                yield from _fields(document, _fragment(document, name.value).selection_set)


def _fragment(document: DocumentNode, name: str) -> FragmentDefinitionNode:
    return next(
        each for each in document.definitions if isinstance(each, FragmentDefinitionNode) and each.name.value == name
    )


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
