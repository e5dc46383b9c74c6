"""A path of the plan and the response tree in, the objects it leads to out, each with where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gateway.plan.nodes import Step

TreePath = tuple[str | int, ...]
"""A place in the response tree: source keys and list indexes."""


class Place(NamedTuple):
    object: dict[str, object]
    path: TreePath


def told_type(held: Mapping[str, object]) -> str | None:
    """The type that an object says it has. What is no name, as a subgraph may send, tells nothing."""
    name = held.get("__typename")
    return name if isinstance(name, str) else None


def places_in(tree: dict[str, object], steps: Iterable[Step]) -> list[Place]:
    """In document order. Nulls, absent keys and objects of other types lead nowhere."""
    found = [Place(tree, ())]
    for step in steps:
        found = [place for parent in found for place in _after(step, parent)]
    return found


def _after(step: Step, parent: Place) -> Iterator[Place]:
    for place in _objects_in(parent.object.get(step.key), (*parent.path, step.key)):
        if not step.types or told_type(place.object) in step.types:
            yield place


def _objects_in(value: object, path: TreePath) -> Iterator[Place]:
    if isinstance(value, dict):
        yield Place(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects_in(item, (*path, index))
