"""The response tree and the client's shape in, the client's answer out, with GraphQL's rules on null.

A value that is absent counts as null. A null where none may stand takes its parent with it, up to the nearest place
that may be null, and is one error, unless the failure behind it is already explained there, above or below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from msgspec import Struct

from gateway.execution.response import ResponsePath
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot, Toggle

_MAX_INT = 2**31 - 1


class Misfit(Struct, frozen=True):
    """A value of a subgraph that the API schema does not allow at `path`."""

    path: ResponsePath
    message: str


class Nulled(Exception):
    """A null on its way up to a place that may be null."""


class Projection:
    def __init__(self, variables: Mapping[str, object], explained: Iterable[ResponsePath]) -> None:
        self._variables = variables
        self._explained = set(explained)
        self._at_or_above = {path[:length] for path in self._explained for length in range(len(path) + 1)}
        self.misfits: list[Misfit] = []

    def data(self, shape: Object, tree: Mapping[str, object]) -> dict[str, object] | None:
        try:
            return self._object(shape, tree, ())
        except Nulled:
            return None

    def _slot(self, slot: Slot, value: object, path: ResponsePath, place: str) -> object:
        try:
            result = None if value is None else self._value(slot.value, value, path)
        except Nulled:
            if not slot.nullable:
                raise
            return None
        if result is None and not slot.nullable:
            self._misfit(path, f"Cannot return null for non-nullable field {place}.")
            raise Nulled
        return result

    def _value(self, shape: Leaf | Listing | Object, value: object, path: ResponsePath) -> object:
        match shape:
            case Leaf():
                return self._leaf(shape, value, path)
            case Object():
                if isinstance(value, dict):
                    return self._object(shape, value, path)
                self._misfit(path, f"Expected an object of type {shape.type_name}.")
                return None
            case Listing():
                if isinstance(value, list):
                    return self._items(shape, value, path)
                self._misfit(path, "Expected a list.")
                return None
        assert_never(shape)

    def _items(self, shape: Listing, value: list[object], path: ResponsePath) -> list[object]:
        return [self._slot(shape.item, each, (*path, index), "of a list") for index, each in enumerate(value)]

    def _object(self, shape: Object, value: Mapping[str, object], path: ResponsePath) -> dict[str, object] | None:
        typename = typename_of(shape, value)
        if typename is not None and typename not in shape.possible:
            self._misfit(path, f"Type {typename} is not a possible {shape.type_name}.")
            return None
        if needs_type(shape, value, self._variables):
            self._misfit(path, f"The concrete type of this {shape.type_name} is not known.")
            return None
        if shape.denies and any(self._takes_along(field, typename) for field in shape.fields):
            # Before anything else: of an object that is lost anyway nothing was fetched, and nothing is amiss.
            raise Nulled
        result: dict[str, object] = {}
        for field in shape.fields:
            if not self._holds(field, typename) or field.key in result:
                continue
            if field.denied:
                result[field.key] = None
            elif field.typename:
                result[field.key] = self._known(typename, (*path, field.key), shape)
            else:
                place = f"{typename or shape.type_name}.{field.key}"
                result[field.key] = self._slot(field.slot, value.get(field.source), (*path, field.key), place)
        return result

    def _takes_along(self, field: ShapeField, typename: str | None) -> bool:
        return field.denied and not field.slot.nullable and self._holds(field, typename)

    def _known(self, typename: str | None, path: ResponsePath, shape: Object) -> str:
        if typename is None:
            self._misfit(path, f"The concrete type of this {shape.type_name} is not known.")
            raise Nulled
        return typename

    def _holds(self, field: ShapeField, typename: str | None) -> bool:
        if field.types and typename not in field.types:
            return False
        return holds(field, self._variables)

    def _leaf(self, leaf: Leaf, value: object, path: ResponsePath) -> object:
        if leaf.values is not None:
            fits = value in leaf.values if isinstance(value, str) else False
        else:
            fits = _fits(leaf.type_name, value)
        if not fits:
            self._misfit(path, f"{leaf.type_name} cannot represent value: {value!r:.100}")
            return None
        return _as_output(leaf.type_name, value)

    def _misfit(self, path: ResponsePath, message: str) -> None:
        if path in self._at_or_above or any(path[:length] in self._explained for length in range(len(path) + 1)):
            return
        self.misfits.append(Misfit(path, message))
        self._explained.add(path)
        self._at_or_above.update(path[:length] for length in range(len(path) + 1))


def typename_of(shape: Object, value: Mapping[str, object]) -> str | None:
    """The object's concrete type, as far as it is known."""
    given = value.get("__typename")
    # An interface object's answer names the interface: that tells the concrete type only where there is one.
    if isinstance(given, str) and (given in shape.possible or given != shape.type_name):
        return given
    return next(iter(shape.possible)) if len(shape.possible) == 1 else None


def needs_type(shape: Object, value: Mapping[str, object], variables: Mapping[str, object]) -> bool:
    """Whether it cannot be told which of the fields hold, or the type itself, because what was to tell it was lost."""
    if typename_of(shape, value) is not None:
        return False
    return any(field.types or (field.typename and holds(field, variables)) for field in shape.fields)


def holds(field: ShapeField, variables: Mapping[str, object]) -> bool:
    """Whether @include and @skip leave the field there."""
    return not field.toggles or alternative_holds(field.toggles, variables)


def alternative_holds(toggles: Iterable[tuple[Toggle, ...]], variables: Mapping[str, object]) -> bool:
    """Whether one of the alternatives does."""
    return any(all(_is_on(each, variables) for each in alternative) for alternative in toggles)


def _is_on(toggle: Toggle, variables: Mapping[str, object]) -> bool:
    return bool(variables.get(toggle.variable)) is toggle.equals


def _as_output(scalar: str, value: object) -> object:
    if scalar == "ID":
        return str(value)
    return int(value) if scalar == "Int" and isinstance(value, float) else value


def _fits(scalar: str, value: object) -> bool:
    match scalar:
        case "Int":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool) and -_MAX_INT - 1 <= value <= _MAX_INT  # type: ignore[operator]
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "String":
            return isinstance(value, str)
        case "Boolean":
            return isinstance(value, bool)
        case "ID":
            return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        case _:
            return True
