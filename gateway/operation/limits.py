"""What an operation may be before it costs more than it is worth: its text, its document, its variables.

In: a text, a parsed document, or variables as they came. Out: nothing. Refuses (`LimitExceeded`, `FragmentCycle`) what
passes a limit. The text is looked at before it is parsed, at the speed of a regular expression; the document before it
is validated, each fragment once: what a fragment holds counts as often as it is spread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)
from msgspec import Struct

from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid
from gateway.settings import Limits

# In GraphQL's own order: block strings before strings, then comments, whose text is nobody's token. Possessive for
# single characters only: before Python 3.11.5 a possessive group keeps part of what does not fit.
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*(?:"""|$)|"(?:[^"\\\n\r]++|\\.)*"?|\#[^\n\r]*+'
    r"|[A-Za-z_][A-Za-z0-9_]*+|-?[0-9][-+.0-9eE]*+|\.{3}|[^\s,\ufeff]"
)
_OPENS, _CLOSES = frozenset("{[("), frozenset("}])")
_LISTS_OF_TYPES = frozenset(("fields", "interfaces", "possibleTypes", "inputFields"))


class FragmentCycle(OperationInvalid):
    """A fragment is spread within itself."""

    def __init__(self, name: str) -> None:
        problem = GraphQLError(f"Cannot spread fragment '{name}' within itself.")
        super().__init__(ErrorCode.GRAPHQL_VALIDATION_FAILED, [problem])


def check_text(text: str, limits: Limits) -> None:
    """Whether it may be parsed."""
    if len(text) > limits.max_operation_bytes or len(text.encode(errors="replace")) > limits.max_operation_bytes:
        raise LimitExceeded("bytes", limits.max_operation_bytes)
    directives = level = 0
    # A comment is a token, too: the parser has to step over it.
    for tokens, token in enumerate(_TOKEN.finditer(text), start=1):
        first = token[0][0]
        if first == "@":
            directives += 1
        elif first in _OPENS:
            level += 1
            if level > limits.max_nesting:
                raise LimitExceeded("levels of nesting", limits.max_nesting)
        elif first in _CLOSES:
            level -= 1
        if tokens > limits.max_tokens:
            raise LimitExceeded("tokens", limits.max_tokens)
        if directives > limits.max_directives:
            raise LimitExceeded("directives", limits.max_directives)


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Whether it may be validated."""
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(fragments) > limits.max_fragments:
        raise LimitExceeded("fragments", limits.max_fragments)
    if len(operations) > limits.max_operations:
        raise LimitExceeded("operations in one document", limits.max_operations)
    measuring = _Measuring({each.name.value: each for each in fragments})
    for fragment in fragments:
        measuring.fragment(fragment.name.value)
    for operation in operations:
        _check_operation(measuring.of(operation.selection_set), limits)


def _check_operation(size: _Size, limits: Limits) -> None:
    for value, most, what in (
        (size.depth, limits.max_depth, "levels of fields"),
        (size.root_fields, limits.max_root_fields, "fields at its root"),
        (size.aliases, limits.max_aliases, "aliases"),
        (size.fields, limits.max_fields, "fields"),
        (size.type_lists, limits.max_introspection_lists, "lists of types within one another"),
    ):
        if value > most:
            raise LimitExceeded(what, most)


class _Size(Struct, frozen=True):
    """type_lists: how many lists of types introspection nests; within `__schema` and `__type` only."""

    depth: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    type_lists: int = 0
    nested_lists: int = 0


class _Measuring:
    """nested_lists of a `_Size`: such names, wherever they stand; they count only below introspection's fields."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, _Size | None] = {}

    def of(self, selections: SelectionSetNode) -> _Size:
        depth = root_fields = fields = aliases = type_lists = nested_lists = 0
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                below = self.of(selection.selection_set) if selection.selection_set else _NOTHING
                name = selection.name.value
                depth = max(depth, 1 + below.depth)
                root_fields += 1
                fields += 1 + below.fields
                aliases += (selection.alias is not None) + below.aliases
                nested = below.nested_lists + (name in _LISTS_OF_TYPES)
                nested_lists = max(nested_lists, nested)
                type_lists = max(type_lists, nested if name in ("__schema", "__type") else below.type_lists)
                continue
            if isinstance(selection, FragmentSpreadNode):
                inner = self.fragment(selection.name.value)
            else:
                inner = self.of(selection.selection_set)  # type: ignore[attr-defined]
            depth = max(depth, inner.depth)
            root_fields += inner.root_fields
            fields += inner.fields
            aliases += inner.aliases
            type_lists = max(type_lists, inner.type_lists)
            nested_lists = max(nested_lists, inner.nested_lists)
        return _Size(depth, root_fields, fields, aliases, type_lists, nested_lists)

    def fragment(self, name: str) -> _Size:
        if name in self._known:
            known = self._known[name]
            if known is None:
                raise FragmentCycle(name)
            return known
        fragment = self._fragments.get(name)
        if fragment is None:
            # Validation names it.
            return _NOTHING
        self._known[name] = None
        found = self._known[name] = self.of(fragment.selection_set)
        return found


_NOTHING = _Size()


def check_variables(variables: Mapping[str, object] | None, limits: Limits) -> None:
    """Whether they may be looked at one by one."""
    if not variables:
        return
    try:
        # What JSON cannot say is a file, and is counted where it came.
        encoded = msgspec.json.encode(variables, enc_hook=_nothing)
    except (RecursionError, ValueError, OverflowError):
        raise LimitExceeded("levels in its variables", limits.max_variables_depth) from None
    if len(encoded) > limits.max_variables_bytes:
        raise LimitExceeded("bytes of variables", limits.max_variables_bytes)
    lists, objects = encoded.count(b"["), encoded.count(b"{")
    # Quick upper bounds: most variables are small, and need no closer look.
    if lists + objects > limits.max_variables_depth and _depth(variables) > limits.max_variables_depth:
        raise LimitExceeded("levels in its variables", limits.max_variables_depth)
    if encoded.count(b",") + lists + objects > limits.max_variable_values:
        _count(variables, limits.max_variable_values)


def _nothing(_: object) -> None:
    return None


def _inner(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _depth(value: object) -> int:
    depth, level = -1, [value]
    while level:
        depth += 1
        level = [inner for each in level if isinstance(each, dict | list) for inner in _inner(each)]
    return depth


def _count(value: object, most: int) -> None:
    count, waiting = 0, [value]
    while waiting:
        inner = _inner(waiting.pop())
        count += len(inner)
        if count > most:
            raise LimitExceeded("values in its variables", most)
        waiting += inner
