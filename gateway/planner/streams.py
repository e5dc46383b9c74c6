"""Which lists may really come in two goes, and what is fetched for their later items.

In: the operation's streams, the shape of its answer, and the nodes of its plan. Out: the streams that stay, and the
parts of the plan with one more: the plan's own node, to be run again for what stands in later items.
A list through which a fetch reads what it sends (for @requires, or a context) has to be whole before it is sent, so its
stream is dropped: it comes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.plan.deferral import DeferredPart, StreamHere
from gateway.plan.nodes import Condition, EntityInput, Fetch, Node, Parallel, RequiredField, RequiredFragment, Sequence
from gateway.plan.shape import Listing, Object

Keys = tuple[str, ...]
"""A place in the response tree, whatever the indexes in lists."""


def streams_that_stay(streams: tuple[StreamHere, ...], shape: Object, node: Node | None) -> tuple[StreamHere, ...]:
    """Those whose lists nothing that comes at once has to read to the end."""
    if not streams or node is None:
        return streams
    read = {way for fetch in _fetches_in(node) for wanted in fetch.inputs for way in _read_through(wanted)}
    dropped = {stream for keys, stream in _streams_in(shape, ()) if keys in read}
    return tuple(each for each in streams if each.id not in dropped)


def with_later_items(
    parts: tuple[DeferredPart, ...], streams: tuple[StreamHere, ...], shape: Object, node: Node | None
) -> tuple[DeferredPart, ...]:
    """The parts, and that of the streams. What is deferred in a streamed list waits for its later items."""
    if not streams or node is None:
        return parts
    ids = frozenset(each.id for each in streams)
    streamed = {keys for keys, stream in _streams_in(shape, ()) if stream in ids}
    waiting = (
        part if streamed.isdisjoint(_entered(part.node)) else msgspec.structs.replace(part, after=(*part.after, ids))
        for part in parts
    )
    return (DeferredPart(ids, node), *waiting)


def _streams_in(shape: Object, path: Keys) -> Iterator[tuple[Keys, int]]:
    for field in shape.fields:
        value, keys = field.slot.value, (*path, field.source)
        while isinstance(value, Listing):
            if value.stream is not None:
                yield keys, value.stream.id
            value = value.item.value
        if isinstance(value, Object):
            yield from _streams_in(value, keys)


def _fetches_in(node: Node) -> Iterator[Fetch]:
    match node:
        case Fetch():
            yield node
        case Sequence(nodes) | Parallel(nodes):
            for each in nodes:
                yield from _fetches_in(each)
        case Condition(node=inner):
            yield from _fetches_in(inner)


def _entered(node: Node) -> Iterator[Keys]:
    """Every place that the node's fetches go through."""
    for fetch in _fetches_in(node):
        for wanted in fetch.inputs:
            for steps in wanted.paths:
                path = tuple(step.key for step in steps)
                yield from (path[:length] for length in range(1, len(path) + 1))
            yield from _read_through(wanted)


def _read_through(wanted: EntityInput) -> Iterator[Keys]:
    """The places of composite values below the objects that hold what is read."""
    for steps in wanted.paths:
        yield from _composite(tuple(step.key for step in steps), wanted.requires)
    path = tuple(step.key for step in wanted.path)
    for context in wanted.contexts:
        for source in context.sources:
            yield from _composite(path[: source.depth], source.requires)


def _composite(base: Keys, required: Iterable[RequiredField | RequiredFragment]) -> Iterator[Keys]:
    for each in required:
        if isinstance(each, RequiredFragment):
            yield from _composite(base, each.selections)
        elif each.selections:
            yield (*base, each.source)
            yield from _composite((*base, each.source), each.selections)
