"""A piece of the client's answer: the fields of one object that a piece shows, and every object met on the way.

In: an object of the response tree, its shape and place, and which fields to show. Out: the piece, or none where a null
takes all of it along. The objects met are those of the piece in which more may stand than the piece shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gateway.execution.projection import Nulled, Projection, typename_of
from gateway.execution.response import ResponsePath
from gateway.plan.shape import Listing, Object, ShapeField

Shows = Callable[[ShapeField], bool]
Tree = Mapping[str, object]


class Met(NamedTuple):
    """An object of the piece. `fields`: all that hold for its type, shown or not."""

    shape: Object
    tree: Tree
    path: ResponsePath
    typename: str | None
    fields: tuple[ShapeField, ...]


class CutProjection(Projection):
    _shows: Shows
    _met: list[Met | None]

    def cut(self, shape: Object, tree: Tree, path: ResponsePath, shows: Shows) -> dict[str, object] | None:
        """The piece of the object at `path` that `shows` chooses; `met` tells of it afterwards."""
        self._shows, self._met, self._data, self._path = shows, [], None, path
        self._tells: dict[int, bool] = {}
        try:
            self._data = self._object(shape, tree, path)
        except Nulled:
            self._data = None
        return self._data

    def met(self) -> list[Met]:
        """The objects of the piece cut last of which it may not show all, each before what is in it."""
        return [each for each in self._met if each and _stands(self._data, each.path[len(self._path) :])]

    def _holds(self, field: ShapeField, typename: str | None) -> bool:
        return self._shows(field) and super()._holds(field, typename)

    def _object(self, shape: Object, value: Tree, path: ResponsePath) -> dict[str, object] | None:
        if not self._may_hold_more(shape):
            return super()._object(shape, value, path)
        place = len(self._met)
        self._met.append(None)
        result = super()._object(shape, value, path)
        if result is not None:
            typename = typename_of(shape, value)
            fields = tuple(field for field in shape.fields if super(CutProjection, self)._holds(field, typename))
            self._met[place] = Met(shape, value, path, typename, fields)
        return result

    def _may_hold_more(self, shape: Object) -> bool:
        tells = self._tells.get(id(shape))
        if tells is None:
            tells = bool(shape.defers) or not all(map(self._shows, shape.fields))
            self._tells[id(shape)] = tells
        return tells


def _stands(data: object, path: ResponsePath) -> bool:
    """Whether no null on the way took the place along."""
    for step in path:
        if data is None:
            return False
        data = data[step]  # type: ignore[index]
    return data is not None


def shows_place(shape: Object, path: ResponsePath, shows: Shows) -> bool:
    """Whether the piece of an object shows what stands at `path` within it."""
    if not path:
        return False
    for field in shape.fields:
        if field.key != path[0] or not shows(field):
            continue
        value, rest = field.slot.value, path[1:]
        while isinstance(value, Listing) and rest:
            value, rest = value.item.value, rest[1:]
        if not rest or (isinstance(value, Object) and shows_place(value, rest, shows)):
            return True
    return False
