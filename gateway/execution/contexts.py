"""Values that fields are given from objects above: which object gets which, and the document for several of them.

In: an `EntityInput` and the response tree; then a fetch and its objects, apart by their values. Out: the values of the
input's variables for each object; then a fetch in whose document every set of values has an `_entities` field of its
own. A value that cannot be given (it was lost, is null where none may be, or nothing above sets it) costs the fields
that take it, and those alone: its set is asked for all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from graphql import (
    REMOVE,
    FieldNode,
    InlineFragmentNode,
    NameNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    visit,
)
from graphql.language import print_ast

from gateway.execution.places import TreePath, told_type
from gateway.plan.nodes import ContextVariable, EntityInput, Fetch, RequiredField, RequiredFragment

Required = Sequence[RequiredField | RequiredFragment]
# No printed document has this character in it: it is escaped in texts and stands nowhere else.
_NUMBER = "\x00"


IsLost = Callable[[TreePath], bool]
"""Whether what should stand at the place is missing because of a failure; else what is missing is null."""


Missing = frozenset[int]
"""Which of an input's contexts, by number, a set of values has nothing for."""
PLAIN: Sequence[Missing] = (frozenset(),)


class _Part(NamedTuple):
    """A piece of a document with the variables in it; `alias`: of the input that it belongs to, if it is copied."""

    alias: str | None
    text: str
    variables: frozenset[str]


class NotGiven(Exception):
    """Nothing that may be sent stands at `path`; `is_unset`: no object above sets the context."""

    def __init__(self, path: TreePath, is_unset: bool = False) -> None:
        self.path, self.is_unset = path, is_unset


class Values(NamedTuple):
    """One for each of an input's contexts; `missing` says by number which cannot be given."""

    given: tuple[object, ...]
    missing: Mapping[int, NotGiven]


def values_for(
    tree: Mapping[str, object], path: TreePath, contexts: Sequence[ContextVariable], is_lost: IsLost
) -> Values:
    """The variables' values for the object at `path`."""
    given: list[object] = []
    missing: dict[int, NotGiven] = {}
    for number, context in enumerate(contexts):
        try:
            given.append(_value_for(tree, path, context, is_lost))
        except NotGiven as reason:
            given.append(None)
            missing[number] = reason
    return Values(tuple(given), missing)


def keys_read(wanted: EntityInput) -> Iterator[tuple[str, ...]]:
    """The ways of keys from the root to the values that the input's contexts read."""
    keys = tuple(step.key for step in wanted.path)
    for context in wanted.contexts:
        for source in context.sources:
            yield from ((*keys[: source.depth], *way) for way in _leaves(source.requires))


def keys_required(wanted: EntityInput) -> Iterator[tuple[str, ...]]:
    """The ways of keys from the root to the values that the input's representations take."""
    for path in wanted.paths:
        keys = tuple(step.key for step in path)
        yield from ((*keys, *way) for way in _leaves(wanted.requires))


def _leaves(required: Required) -> Iterator[tuple[str, ...]]:
    for part in required:
        match part:
            case RequiredField(_, key, ()):
                yield (key,)
            case RequiredField(_, key, selections):
                yield from ((key, *way) for way in _leaves(selections))
            case RequiredFragment(_, selections):
                yield from _leaves(selections)


def spread(fetch: Fetch, sets: Mapping[str, Sequence[Missing]]) -> Fetch:
    """The fetch with as many copies of each input (by its alias) as it has sets of values; maybe none."""
    if all(_is_plain(each) for each in sets.values()):
        return fetch
    inputs = tuple(copy for each in fetch.inputs for copy in _copies(each, sets.get(each.alias, PLAIN)))
    return msgspec.structs.replace(fetch, document=_document(fetch, sets), inputs=inputs)


def _is_plain(sets: Sequence[Missing]) -> bool:
    return len(sets) == 1 and not sets[0]


def _value_for(tree: Mapping[str, object], path: TreePath, context: ContextVariable, is_lost: IsLost) -> object:
    for source in context.sources:
        above, reached = _above(tree, path, source.depth)
        if source.types and told_type(above) not in source.types:
            continue
        value, place = _read(above, source.requires, reached)
        if value is None and (not context.nullable or is_lost(place)):
            raise NotGiven(place)
        return value
    raise NotGiven(path, is_unset=True)


def _above(tree: Mapping[str, object], path: TreePath, depth: int) -> tuple[Mapping[str, object], TreePath]:
    """The object at so many keys of the path, and where it stands."""
    keys = [index for index, step in enumerate(path) if isinstance(step, str)]
    reached = path[: keys[depth]]
    here: object = tree
    for step in reached:
        here = here[step]  # type: ignore[index]
    assert isinstance(here, Mapping)
    return here, reached


def _read(source: Mapping[str, object], required: Required, path: TreePath) -> tuple[object, TreePath]:
    """The one leaf, and where it stands; lists on the way make a list of it."""
    for part in required:
        match part:
            case RequiredField(_, key, selections):
                return _leaf(source.get(key), selections, (*path, key))
            case RequiredFragment(types, selections):
                if told_type(source) in types:
                    return _read(source, selections, path)
    return None, path


def _leaf(value: object, selections: Required, path: TreePath) -> tuple[object, TreePath]:
    if not selections:
        return value, path
    if isinstance(value, list):
        return [_leaf(item, selections, (*path, index))[0] for index, item in enumerate(value)], path
    return _read(value, selections, path) if isinstance(value, Mapping) else (None, path)


def _copies(wanted: EntityInput, sets: Sequence[Missing]) -> list[EntityInput]:
    if _is_plain(sets):
        return [wanted]
    return [
        msgspec.structs.replace(
            wanted,
            alias=_numbered(wanted.alias, number),
            variable=_numbered(wanted.variable, number),
            contexts=tuple(
                msgspec.structs.replace(context, variable=_numbered(context.variable, number))
                for context in wanted.contexts
            ),
        )
        for number in range(len(sets))
    ]


def _numbered(name: str, number: int | str) -> str:
    return f"{name}__{number}"


def _document(fetch: Fetch, sets: Mapping[str, Sequence[Missing]]) -> str:
    names = tuple(
        (each.alias, (each.variable, *(context.variable for context in each.contexts)))
        for each in fetch.inputs
        if not _is_plain(sets.get(each.alias, PLAIN))
    )
    definitions, selections = _parts(fetch.document, names)
    asked: list[tuple[_Part, int]] = []
    for part in selections:
        for number, missing in enumerate(PLAIN if part.alias is None else sets[part.alias]):
            asked.append((_without(fetch.document, names, part, missing) if missing else part, number))
    own = {name for _, variables in names for name in variables}
    used = {(name, number if name in own else 0) for part, number in asked for name in part.variables}
    needed = [
        (part, number)
        for part in definitions
        for number in range(1 if part.alias is None else len(sets[part.alias]))
        if all((name, number) in used for name in part.variables)
    ]
    return f"query({', '.join(map(_written, needed))}) {{ {' '.join(map(_written, asked))} }}"


def _written(numbered: tuple[_Part, int]) -> str:
    part, number = numbered
    return part.text.replace(_NUMBER, str(number))


@lru_cache(maxsize=1024)
def _parts(document: str, inputs: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[list[_Part], list[_Part]]:
    """The variable definitions and root fields of the document; those of the inputs with a mark for the number."""
    operation = parse(document, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    alias_of = {name: alias for alias, names in inputs for name in names}
    aliases = {alias for alias, _ in inputs}
    definitions = [
        _part(alias_of.get(each.variable.name.value), each, alias_of.keys())
        for each in operation.variable_definitions or ()
    ]
    selections = []
    for field in operation.selection_set.selections:
        assert isinstance(field, FieldNode)
        key = (field.alias or field.name).value
        selections.append(_selected(key if key in aliases else None, key, field, alias_of.keys()))
    return definitions, selections


def _selected(alias: str | None, key: str, field: FieldNode, numbered: Container[str]) -> _Part:
    part = _part(alias, field, numbered)
    if alias is None:
        return part
    return part._replace(text=f"{_numbered(key, _NUMBER)}: {part.text.removeprefix(f'{key}: ')}")


@lru_cache(maxsize=1024)
def _without(document: str, inputs: tuple[tuple[str, tuple[str, ...]], ...], part: _Part, missing: Missing) -> _Part:
    """The `_entities` field of the part without what takes the missing contexts."""
    assert part.alias is not None
    names = dict(inputs)[part.alias]
    # The first name is the variable of the representations.
    left = visit(_entities_field(document, part.alias), _Strip({names[number + 1] for number in missing}))
    return _selected(part.alias, part.alias, left, {name for _, names in inputs for name in names})


@lru_cache(maxsize=1024)
def keys_taking(document: str, alias: str, variables: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Response keys of an `_entities` field that take one of the variables, and whether any other field is asked."""
    strip = _Strip(variables)
    left = visit(_entities_field(document, alias), strip)
    return frozenset(strip.keys), left.selection_set is not None and bool(left.selection_set.selections)


def _entities_field(document: str, alias: str) -> FieldNode:
    operation = parse(document, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    fields = (each for each in operation.selection_set.selections if isinstance(each, FieldNode))
    return next(each for each in fields if (each.alias or each.name).value == alias)


def _part(alias: str | None, node: Node, numbered: Container[str]) -> _Part:
    mark = _Mark(numbered)
    marked = visit(node, mark)
    return _Part(alias, print_ast(marked), frozenset(mark.seen))


class _Mark(Visitor):
    """Puts the mark behind the names of the variables that are to be numbered."""

    def __init__(self, numbered: Container[str]) -> None:
        super().__init__()
        self.numbered = numbered
        self.seen: set[str] = set()

    def enter_variable(self, variable: VariableNode, *_: object) -> VariableNode | None:
        name = variable.name.value
        self.seen.add(name)
        return VariableNode(name=NameNode(value=_numbered(name, _NUMBER))) if name in self.numbered else None


class _Strip(Visitor):
    """Takes out the fields whose own arguments use the variables, and fragments in which nothing is left."""

    def __init__(self, variables: Collection[str]) -> None:
        super().__init__()
        self.variables = variables
        self.keys: set[str] = set()

    def enter_field(self, field: FieldNode, *_: object) -> object:
        if any(
            isinstance(each.value, VariableNode) and each.value.name.value in self.variables
            for each in field.arguments or ()
        ):
            self.keys.add((field.alias or field.name).value)
            return REMOVE
        return None

    def leave_inline_fragment(self, fragment: InlineFragmentNode, *_: object) -> object:
        return None if fragment.selection_set.selections else REMOVE
