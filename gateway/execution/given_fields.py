"""A fetch's document in, the keys that its answer fills out: what is lost when the fetch comes to nothing."""

from __future__ import annotations

from collections.abc import Iterator
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


@lru_cache(maxsize=4096)
def keys_given(document: str, entities_alias: str | None) -> tuple[str, ...]:
    """Response keys at the root of the answer, or below `entities_alias`; `__typename` is never among them."""
    parsed = parse(document, no_location=True)
    operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    fields = list(_fields(parsed, operation.selection_set))
    if entities_alias is not None:
        entities = next(field for field in fields if _key(field) == entities_alias)
        fields = list(_fields(parsed, entities.selection_set))
    return tuple(dict.fromkeys(_key(field) for field in fields if field.name.value != "__typename"))


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
