"""Values that fields are given from objects above: which object gets which, and the document for several of them.

In: an `EntityInput` and the response tree; then a fetch and its objects, apart by their values. Out: the values of the
input's variables for each object; then a fetch in whose document every set of values has an `_entities` field of its
own. An object that cannot be given a value is kept out: because the value was lost, or is null where none may be.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from graphql import FieldNode, NameNode, Node, OperationDefinitionNode, VariableNode, Visitor, parse, visit
from graphql.language import print_ast

from gateway.execution.places import TreePath
from gateway.plan.nodes import ContextVariable, EntityInput, Fetch, RequiredField, RequiredFragment

Required = Sequence[RequiredField | RequiredFragment]
# No printed document has this character in it: it is escaped in texts and stands nowhere else.
_NUMBER = "\x00"


IsLost = Callable[[TreePath], bool]
"""Whether what should stand at the place is missing because of a failure; else what is missing is null."""


class _Part(NamedTuple):
    """A piece of a document with the variables in it; `alias`: of the input that it belongs to, if it is copied."""

    alias: str | None
    text: str
    variables: frozenset[str]


class NotGiven(Exception):
    """Nothing that may be sent stands at `path`."""

    def __init__(self, path: TreePath) -> None:
        self.path = path


def values_for(
    tree: Mapping[str, object], path: TreePath, contexts: Sequence[ContextVariable], is_lost: IsLost
) -> tuple[object, ...]:
    """The variables' values for the object at `path`."""
    return tuple(_value_for(tree, path, context, is_lost) for context in contexts)


def spread(fetch: Fetch, counts: Mapping[str, int]) -> Fetch:
    """The fetch with as many copies of each input (by its alias) as it has sets of values; maybe none."""
    if all(count == 1 for count in counts.values()):
        return fetch
    inputs = tuple(copy for each in fetch.inputs for copy in _copies(each, counts.get(each.alias, 1)))
    return msgspec.structs.replace(fetch, document=_document(fetch, counts), inputs=inputs)


def _value_for(tree: Mapping[str, object], path: TreePath, context: ContextVariable, is_lost: IsLost) -> object:
    reached: TreePath = path
    for source in context.sources:
        above, reached = _above(tree, path, source.depth)
        if source.types and above.get("__typename") not in source.types:
            continue
        value, place = _read(above, source.requires, reached)
        if value is None and (not context.nullable or is_lost(place)):
            raise NotGiven(place)
        return value
    raise NotGiven(reached)


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
                if source.get("__typename") in types:
                    return _read(source, selections, path)
    return None, path


def _leaf(value: object, selections: Required, path: TreePath) -> tuple[object, TreePath]:
    if not selections:
        return value, path
    if isinstance(value, list):
        return [_leaf(item, selections, (*path, index))[0] for index, item in enumerate(value)], path
    return _read(value, selections, path) if isinstance(value, Mapping) else (None, path)


def _copies(wanted: EntityInput, count: int) -> list[EntityInput]:
    if count == 1:
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
        for number in range(count)
    ]


def _numbered(name: str, number: int | str) -> str:
    return f"{name}__{number}"


def _document(fetch: Fetch, counts: Mapping[str, int]) -> str:
    names = tuple(
        (each.alias, (each.variable, *(context.variable for context in each.contexts)))
        for each in fetch.inputs
        if counts.get(each.alias, 1) != 1
    )
    definitions, selections = _parts(fetch.document, names)
    used = frozenset[str]().union(*(each.variables for each in selections if counts.get(each.alias or "", 1)))
    needed = [each for each in definitions if each.variables <= used]
    return f"query({', '.join(_repeated(needed, counts))}) {{ {' '.join(_repeated(selections, counts))} }}"


def _repeated(parts: Sequence[_Part], counts: Mapping[str, int]) -> Iterator[str]:
    for part in parts:
        if part.alias is None:
            yield part.text
        else:
            yield from (part.text.replace(_NUMBER, str(number)) for number in range(counts[part.alias]))


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
        part = _part(key if key in aliases else None, field, alias_of.keys())
        if part.alias is not None:
            text = f"{_numbered(key, _NUMBER)}: {part.text.removeprefix(f'{key}: ')}"
            part = part._replace(text=text)
        selections.append(part)
    return definitions, selections


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
