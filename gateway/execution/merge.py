"""One subgraph's answer into the response tree: renames first, then a deep merge in place.

A null never replaces what another subgraph gave; lists of one length are merged item by item, others replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.places import places_in
from gateway.plan.nodes import OutputRename


def rename_in(answer: dict[str, object], renames: Sequence[OutputRename]) -> None:
    # Deepest first, so that a path may be read with the keys as they came.
    for rename in sorted(renames, key=lambda each: -len(each.path)):
        for place in places_in(answer, rename.path):
            if rename.key in place.object:
                place.object[rename.name] = place.object.pop(rename.key)


def merge_into(target: dict[str, object], source: dict[str, object]) -> None:
    for key, value in source.items():
        held = target.get(key)
        if held is None:
            target[key] = value
        elif isinstance(value, dict) and isinstance(held, dict):
            if held is not value:
                merge_into(held, value)
        elif isinstance(value, list) and isinstance(held, list):
            target[key] = _merged_lists(held, value)
        elif value is not None:
            target[key] = value


def copy_of(answer: dict[str, object]) -> dict[str, object]:
    """The same values in objects and lists of their own."""
    return {key: _copied(value) for key, value in answer.items()}


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return copy_of(value)
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _merged_lists(held: list[object], given: list[object]) -> list[object]:
    if len(held) != len(given):
        return given
    if held is given:
        return held
    for index, (old, new) in enumerate(zip(held, given, strict=True)):
        if isinstance(old, dict) and isinstance(new, dict):
            if old is not new:
                merge_into(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            held[index] = _merged_lists(old, new)
        elif new is not None:
            held[index] = new
    return held
