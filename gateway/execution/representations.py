"""The objects of one `EntityInput` -> the representations to send, each once, and whom each answer belongs to.

An object is left out when a required field is absent from the tree, or when every required value is null: there is
nothing to find it by. Where a required value is absent, `left_out` says which. Objects that are given different values
from objects above are in batches of their own; what they cannot be given is `missing` there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from gateway.execution.contexts import IsLost, Missing, NotGiven, values_for
from gateway.execution.later_items import Window
from gateway.execution.merge import merge_into
from gateway.execution.places import Place, TreePath, places_in, told_type
from gateway.plan.nodes import EntityInput, RequiredField, RequiredFragment

_encoder = msgspec.json.Encoder()
Required = Sequence[RequiredField | RequiredFragment]


class LeftOut(NamedTuple):
    """An object that cannot be asked about, because nothing stands at `missing`."""

    place: Place
    missing: TreePath


class Ungiven(NamedTuple):
    """An object that cannot be given some of the input's contexts, by number."""

    place: Place
    missing: Mapping[int, NotGiven]


class Batch(Struct, frozen=True):
    """`owners[i]` are the objects that the answer to `representations[i]` is merged into.

    values: of the input's contexts, for all of these objects; missing: which of them cannot be given, by number.
    """

    representations: list[dict[str, object]]
    owners: list[list[Place]]
    left_out: list[LeftOut]
    values: tuple[object, ...] = ()
    missing: Missing = frozenset()
    ungiven: Sequence[Ungiven] = ()


class _Missing(Exception):
    def __init__(self, path: TreePath) -> None:
        self.path = path


def batches_for(
    tree: dict[str, object], wanted: EntityInput, is_lost: IsLost, window: Window | None = None
) -> list[Batch]:
    """One batch; for an input with contexts one for each set of their values, maybe none."""
    places = [place for path in wanted.paths for place in places_in(tree, path)]
    if window is not None:
        places = [place for place in places if window.has(tree, place)]
    if not wanted.contexts:
        return [_batch(wanted, places)]
    apart: dict[bytes, tuple[tuple[object, ...], Missing, list[Ungiven]]] = {}
    for place in places:
        values, missing = values_for(tree, place.path, wanted.contexts, is_lost)
        alike = _encoder.encode((values, sorted(missing)))
        apart.setdefault(alike, (values, frozenset(missing), []))[2].append(Ungiven(place, missing))
    return [
        msgspec.structs.replace(
            _batch(wanted, [each.place for each in alike], values), missing=missing, ungiven=alike if missing else ()
        )
        for values, missing, alike in apart.values()
    ]


def _batch(wanted: EntityInput, places: Sequence[Place], values: tuple[object, ...] = ()) -> Batch:
    batch = Batch([], [], [], values)
    index_of: dict[bytes, int] = {}
    static_typename = _only_type_of(wanted)
    for place in places:
        try:
            fields = _selected(place.object, wanted.requires, place.path)
        except _Missing as missing:
            batch.left_out.append(LeftOut(place, missing.path))
            continue
        typename = wanted.typename_as or told_type(place.object) or static_typename
        if typename is None or (fields and all(value is None for value in fields.values())):
            continue
        representation = {"__typename": typename, **fields}
        known = index_of.setdefault(_encoder.encode(representation), len(batch.owners))
        if known == len(batch.owners):
            batch.representations.append(representation)
            batch.owners.append([])
        batch.owners[known].append(place)
    return batch


def _only_type_of(wanted: EntityInput) -> str | None:
    types = wanted.path[-1].types if wanted.path else frozenset[str]()
    return next(iter(types)) if len(types) == 1 else None


def picked(value: object, selections: Required) -> object:
    """What the selections pick of a value. Raises `KeyError` where something is missing."""
    try:
        return _value(value, selections, ())
    except _Missing as missing:
        raise KeyError(missing.path) from missing


def _selected(source: dict[str, object], required: Required, path: TreePath) -> dict[str, object]:
    selected: dict[str, object] = {}
    for part in required:
        match part:
            case RequiredField(name, key, selections):
                if key not in source:
                    raise _Missing((*path, key))
                selected[name] = _value(source[key], selections, (*path, key))
            case RequiredFragment(types, selections):
                if told_type(source) in types:
                    merge_into(selected, _selected(source, selections, path))
    return selected


def _value(value: object, selections: Required, path: TreePath) -> object:
    if not selections:
        return value
    if isinstance(value, dict):
        typename = told_type(value)
        fields = _selected(value, selections, path)
        return {"__typename": typename, **fields} if typename is not None else fields
    if isinstance(value, list):
        return [_value(item, selections, (*path, index)) for index, item in enumerate(value)]
    return value
