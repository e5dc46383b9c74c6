"""A piece of the client's answer: the fields of one object that a piece shows, and every object met on the way.

In: an object of the response tree, its shape and place, and which fields to show. Out: the piece, or none where a null
takes all of it along. The objects met are those of the piece in which more may stand than the piece shows; the lists
met are those of which later items are left. Later items are a piece, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from gateway.execution.projection import Nulled, Projection, typename_of
from gateway.execution.response import ResponsePath
from gateway.plan.deferral import StreamHere
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


class MetList(NamedTuple):
    """A list of the piece, of which no more than `at_once` items are in it."""

    shape: Listing
    items: list[object]
    path: ResponsePath
    stream: StreamHere
    at_once: int


class LaterCut(NamedTuple):
    """`items`: those before one that a null took along, if there was one, which is the end of the list."""

    items: list[object]
    broke: bool


class CutProjection(Projection):
    """`counts`: how many items of each streamed list come at once."""

    _shows: Shows
    _met: list[Met | None]
    _lists: list[MetList]
    _data: object

    def __init__(
        self, variables: Mapping[str, object], explained: Iterable[ResponsePath], counts: Mapping[int, int]
    ) -> None:
        super().__init__(variables, explained)
        self._counts = counts

    def cut(self, shape: Object, tree: Tree, path: ResponsePath, shows: Shows) -> dict[str, object] | None:
        """The piece of the object at `path` that `shows` chooses; `met` tells of it afterwards."""
        self._begin(path, shows)
        try:
            data = self._object(shape, tree, path)
        except Nulled:
            data = None
        self._data = data
        return data

    def cut_later(self, met: MetList, shows: Shows) -> LaterCut:
        """The later items of the list, whole."""
        self._begin(met.path, shows)
        found: dict[int, object] = {}
        self._data, self._whole = found, True
        try:
            for index in range(met.at_once, len(met.items)):
                found[index] = None
                found[index] = self._slot(met.shape.item, met.items[index], (*met.path, index), "of a list")
        except Nulled:
            return LaterCut(list(found.values())[:-1], True)
        return LaterCut(list(found.values()), False)

    def _begin(self, path: ResponsePath, shows: Shows) -> None:
        self._shows, self._met, self._lists, self._data, self._path = shows, [], [], None, path
        self._whole = False
        self._tells: dict[int, bool] = {}

    def met(self) -> list[Met]:
        """The objects of the piece cut last of which it may not show all, each before what is in it."""
        return [each for each in self._met if each and _stands(self._data, each.path[len(self._path) :])]

    def lists_met(self) -> list[MetList]:
        """The lists of the piece cut last of which items are left."""
        return [each for each in self._lists if _stands(self._data, each.path[len(self._path) :])]

    def _items(self, shape: Listing, value: list[object], path: ResponsePath) -> list[object]:
        count = self._counts.get(shape.stream.id) if shape.stream else None
        if self._whole or shape.stream is None or count is None or len(value) <= count:
            return super()._items(shape, value, path)
        self._lists.append(MetList(shape, value, path, shape.stream, count))
        return super()._items(shape, value[:count], path)

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
