"""Places in one fetch's answer -> places in the response tree.

An entity's answer may belong to several objects, so one place in an answer can be many in the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.execution.given_fields import keys_given
from gateway.execution.places import TreePath
from gateway.execution.representations import Batch
from gateway.plan.nodes import EntityInput, Fetch, OutputRename

Batches = Sequence[tuple[EntityInput, Batch]]
AnswerPath = Sequence[str | int]


def filled_by(fetch: Fetch, batches: Batches) -> Iterator[TreePath]:
    """Everything that this fetch was to give: each key at each object, or each root key."""
    if not fetch.inputs:
        yield from ((key,) for key in _root_keys(fetch))
    for wanted, batch in batches:
        for index in range(len(batch.owners)):
            yield from entity_filled_by(fetch, wanted, batch, index)


def entity_filled_by(fetch: Fetch, wanted: EntityInput, batch: Batch, index: int) -> Iterator[TreePath]:
    keys = entity_keys(fetch, wanted)
    return ((*owner.path, key) for owner in batch.owners[index] for key in keys)


def entity_keys(fetch: Fetch, wanted: EntityInput) -> list[str]:
    return _renamed_keys(fetch, keys_given(fetch.document, wanted.alias or None))


def tree_paths(fetch: Fetch, batches: Batches, path: AnswerPath) -> Iterator[TreePath]:
    """Where an error's `path` stands. An error at an entity as a whole stands at each key that was asked of it."""
    if not fetch.inputs:
        yield tuple(_renamed(fetch.renames, path))
        return
    for wanted, batch in batches:
        if not path or wanted.alias != path[0]:
            continue
        indexes = [path[1]] if len(path) > 1 else range(len(batch.owners))
        for index in indexes:
            if isinstance(index, int) and 0 <= index < len(batch.owners):
                yield from _entity_paths(fetch, wanted, batch, index, path[2:])


def _entity_paths(fetch: Fetch, wanted: EntityInput, batch: Batch, index: int, below: AnswerPath) -> Iterator[TreePath]:
    if below:
        tail = tuple(_renamed(fetch.renames, below))
        yield from ((*owner.path, *tail) for owner in batch.owners[index])
    else:
        yield from entity_filled_by(fetch, wanted, batch, index)


def _root_keys(fetch: Fetch) -> list[str]:
    return _renamed_keys(fetch, keys_given(fetch.document, None))


def _renamed_keys(fetch: Fetch, keys: Sequence[str]) -> list[str]:
    renames = {rename.key: rename.name for rename in fetch.renames if not rename.path}
    return [renames.get(key, key) for key in keys]


def _renamed(renames: Sequence[OutputRename], path: AnswerPath) -> list[str | int]:
    renamed = list(path)
    positions = [position for position, step in enumerate(path) if isinstance(step, str)]
    keys = [path[position] for position in positions]
    for rename in renames:
        depth = len(rename.path)
        if depth < len(keys) and keys[depth] == rename.key and [step.key for step in rename.path] == keys[:depth]:
            renamed[positions[depth]] = rename.name
    return renamed
