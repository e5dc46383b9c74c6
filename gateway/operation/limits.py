"""A parsed document against the limits: how deep it goes, fragments included. Refuses (`LimitExceeded`) what is deeper.

Token count is bounded while parsing. A cycle of fragments is left to validation, which names it.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.errors import LimitExceeded


def check_depth(document: DocumentNode, max_depth: int) -> None:
    depth = _Depth(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and depth.of(definition.selection_set) > max_depth:
            raise LimitExceeded("levels of fields", max_depth)


class _Depth:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None) -> int:
        deepest = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                depth = self._of_fragment(selection.name.value)
            elif isinstance(selection, FieldNode):
                depth = 1 + self.of(selection.selection_set)
            else:
                depth = self.of(getattr(selection, "selection_set", None))
            deepest = max(deepest, depth)
        return deepest

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            # Zero until known: a cycle ends here.
            self._known[name] = 0
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set) if fragment else 0
        return self._known[name]
