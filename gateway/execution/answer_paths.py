"""Places in one fetch's answer -> places in the response tree.

An entity's answer may belong to several objects, so one place in an answer can be many in the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.execution.given_fields import NO_KEYS, Keys, keys_given
from gateway.execution.places import TreePath
from gateway.execution.representations import Batch
from gateway.plan.nodes import EntityInput, Fetch, OutputRename

Batches = Sequence[tuple[EntityInput, Batch]]
AnswerPath = Sequence[str | int]
Filled = tuple[TreePath, Keys]
"""A place in the response tree, and what was to be below it."""


def filled_by(fetch: Fetch, batches: Batches) -> Iterator[Filled]:
    """Everything that this fetch was to give: each key at each object, or each root key."""
    if not fetch.inputs:
        for key, below in _renamed_keys(fetch.renames, keys_given(fetch.document, None)).items():
            yield (key,), below
    for wanted, batch in batches:
        for index in range(len(batch.owners)):
            yield from entity_filled_by(fetch, wanted, batch, index)


def entity_filled_by(fetch: Fetch, wanted: EntityInput, batch: Batch, index: int) -> Iterator[Filled]:
    keys = entity_keys(fetch, wanted)
    return (((*owner.path, key), below) for owner in batch.owners[index] for key, below in keys.items())


def entity_keys(fetch: Fetch, wanted: EntityInput) -> Keys:
    return _renamed_keys(fetch.renames, keys_given(fetch.document, wanted.alias or None))


def tree_paths(fetch: Fetch, batches: Batches, path: AnswerPath) -> Iterator[Filled]:
    """Where an error's `path` stands. An error at an entity as a whole stands at each key that was asked of it."""
    if not fetch.inputs:
        root_keys = _renamed_keys(fetch.renames, keys_given(fetch.document, None))
        yield _named(fetch, root_keys, path)
        return
    for wanted, batch in batches:
        if not path or wanted.alias != path[0]:
            continue
        indexes = [path[1]] if len(path) > 1 else range(len(batch.owners))
        for index in indexes:
            if isinstance(index, int) and 0 <= index < len(batch.owners):
                yield from _entity_paths(fetch, wanted, batch, index, path[2:])


def _entity_paths(fetch: Fetch, wanted: EntityInput, batch: Batch, index: int, below: AnswerPath) -> Iterator[Filled]:
    if below:
        tail, keys = _named(fetch, entity_keys(fetch, wanted), below)
        yield from (((*owner.path, *tail), keys) for owner in batch.owners[index])
    else:
        yield from entity_filled_by(fetch, wanted, batch, index)


def _named(fetch: Fetch, keys: Keys, path: AnswerPath) -> Filled:
    """The place that an error names, and what was to be below it."""
    renamed = tuple(_renamed(fetch.renames, path))
    for step in renamed:
        keys = keys.get(step, NO_KEYS) if isinstance(step, str) else keys
    return renamed, keys


def _renamed_keys(renames: Sequence[OutputRename], keys: Keys, path: tuple[str, ...] = ()) -> Keys:
    if not renames:
        return keys
    here = {each.key: each.name for each in renames if tuple(step.key for step in each.path) == path}
    return {here.get(key, key): _renamed_keys(renames, below, (*path, key)) for key, below in keys.items()}


def _renamed(renames: Sequence[OutputRename], path: AnswerPath) -> list[str | int]:
    renamed = list(path)
    positions = [position for position, step in enumerate(path) if isinstance(step, str)]
    keys = [path[position] for position in positions]
    for rename in renames:
        depth = len(rename.path)
        if depth < len(keys) and keys[depth] == rename.key and [step.key for step in rename.path] == keys[:depth]:
            renamed[positions[depth]] = rename.name
    return renamed
