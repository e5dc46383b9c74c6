"""What went wrong during one execution, kept by place in the response tree, told by place in the client's answer.

Two kinds of knowledge: what was *reported* (each becomes an error), and what was *lost* (its null needs no further
error, and whatever depends on it is lost for the same cause). Places that the client did not ask for are told under
the fields that were lost because of them, or else at the nearest place that the client knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from gateway.errors import ErrorCode
from gateway.execution.contexts import keys_read, keys_required
from gateway.execution.given_fields import NO_KEYS, Keys
from gateway.execution.places import TreePath
from gateway.execution.projection import holds, needs_type, typename_of
from gateway.execution.response import ResponsePath
from gateway.plan.nodes import EntityInput
from gateway.plan.shape import Listing, Object, ShapeField, Slot


class Cause(Struct, frozen=True):
    """Why something is missing. `order` is the fetch's id, so that errors come in one order whatever the timing."""

    order: int
    code: ErrorCode
    message: str
    subgraph: str
    extensions: dict[str, object] | None = None


_NOTHING = object()


class Lost(Struct, frozen=True):
    """One empty place: why, and what was to be below it."""

    cause: Cause
    below: Keys


class Failure(Struct, frozen=True):
    """One reported place. `collateral`: of interest only where the client sees it. `below` is None: nothing is lost."""

    cause: Cause
    path: TreePath | None
    collateral: bool
    below: Keys | None


class ToldFailure(Struct, frozen=True):
    cause: Cause
    path: ResponsePath | None


class Failures:
    def __init__(self) -> None:
        self._reported: list[Failure] = []
        self._lost: dict[TreePath, Lost] = {}
        self._passed_on: set[int] = set()
        self._inputs: list[EntityInput] = []
        self._tree: Mapping[str, object] = {}
        self._variables: Mapping[str, object] = {}

    def __bool__(self) -> bool:
        return bool(self._reported)

    def know(self, tree: Mapping[str, object], variables: Mapping[str, object]) -> None:
        """What all this is about: another fetch may give what one failed to, and conditions may want nothing of it."""
        self._tree, self._variables = tree, variables

    def know_inputs(self, inputs: Sequence[EntityInput]) -> None:
        """What is sent on of what was fetched."""
        self._inputs += inputs

    def report(self, path: TreePath | None, cause: Cause, below: Keys | None = None) -> None:
        """A subgraph named this place; `below`: what it was to give there, None where it gave something."""
        self._reported.append(Failure(cause, path, False, below))
        if path is not None:
            self._lost.setdefault(path, Lost(cause, below or NO_KEYS))

    def report_lost(self, path: TreePath, cause: Cause, below: Keys) -> None:
        """A fetch that came to nothing would have filled this place."""
        self._reported.append(Failure(cause, path, True, below))
        self._lost.setdefault(path, Lost(cause, below))

    def mark_lost(self, path: TreePath, cause: Cause, below: Keys) -> None:
        """This place is empty because of something already reported."""
        self._lost.setdefault(path, Lost(cause, below))

    def cause_of(self, path: TreePath) -> Cause | None:
        """Why nothing stands at `path`: the innermost known loss there or above. It is then passed on, not repeated."""
        for length in range(len(path), 0, -1):
            lost = self._lost.get(path[:length])
            if lost is not None:
                self._passed_on.add(id(lost.cause))
                return lost.cause
        return None

    def told_by(self, shape: Object) -> list[ToldFailure]:
        """One error for a place, unless one subgraph has several things to say of it."""
        told: dict[tuple[int, ResponsePath | None], ToldFailure] = {}
        first: dict[ResponsePath, int] = {}
        for failure in sorted(self._reported, key=lambda each: each.cause.order):
            for path in self._client_paths(failure, shape):
                if path is None or first.setdefault(path, failure.cause.order) == failure.cause.order:
                    told.setdefault((id(failure.cause), path), ToldFailure(failure.cause, path))
        return list(told.values())

    def places_covered(self, shape: Object) -> set[ResponsePath]:
        """Every place of the client's answer whose null is explained by something reported."""
        found: set[ResponsePath] = set()
        for path, lost in self._lost.items():
            for place in places_lost(self._tree, path, lost.below):
                found |= {told for told, is_whole in self._seen_at(shape, place) if is_whole}
        return found

    def _client_paths(self, failure: Failure, shape: Object) -> Iterator[ResponsePath | None]:
        if failure.path is None:
            yield None
            return
        named, below = not failure.collateral, failure.below
        places = [failure.path] if below is None else places_lost(self._tree, failure.path, below, named)
        for place in places:
            for path, is_whole in self._seen_at(shape, place, named):
                if is_whole or not (failure.collateral or id(failure.cause) in self._passed_on or self._is_idle(place)):
                    yield path

    def _is_idle(self, place: TreePath) -> bool:
        """Whether the value at the place was only to be read by contexts, and no object was there that takes it."""
        keys = tuple(step for step in place if isinstance(step, str))
        above: object = self._tree
        for step in place[:-1]:
            above = _step_into(above, step)
        return (
            isinstance(above, dict)
            and any(way[: len(keys)] == keys for each in self._inputs for way in keys_read(each))
            and not any(way[: len(keys)] == keys for each in self._inputs for way in keys_required(each))
        )

    def _seen_at(self, shape: Object, place: TreePath, named: bool = False) -> Iterator[tuple[ResponsePath, bool]]:
        return client_paths(Slot(shape, nullable=True), place, self._tree, self._variables, named)


def places_lost(value: object, path: TreePath, below: Keys, named: bool = False) -> Iterator[TreePath]:
    """The places that a fetch left empty: `path`, or where another fetch gave that object, what it gave not.

    A null that another fetch gave is no loss, for subgraphs that share a field agree on it; but a null that was `named`
    in an error is one.
    """
    for step in path:
        value = _step_into(value, step)
    if value is _NOTHING or (named and value is None):
        yield path
    elif isinstance(value, dict):
        for key, inner in below.items():
            yield from _prefixed(path, places_lost(value, (key,), inner))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is not None:
                yield from _prefixed(path, _prefixed((index,), places_lost(item, (), below)))


def _step_into(value: object, step: str | int) -> object:
    match value:
        case dict():
            return value.get(step, _NOTHING)
        case list() if isinstance(step, int) and step < len(value):
            return value[step]
        case _:
            return _NOTHING


def _prefixed(start: TreePath, paths: Iterator[TreePath]) -> Iterator[TreePath]:
    return ((*start, *path) for path in paths)


def client_paths(
    slot: Slot, path: TreePath, value: object, variables: Mapping[str, object], named: bool = False
) -> Iterator[tuple[ResponsePath, bool]]:
    """Where a place of the tree stands in the client's answer, and whether that is the very place or only above it.

    `value` is what the tree holds where the path begins. A field that conditions or the object's type leave out of the
    answer stands nowhere. Of an object of unknown type all is lost, so that it is the place, unless one within it was
    named.
    """
    if not path:
        yield (), True
        return
    step, rest = path[0], path[1:]
    below = _step_into(value, step)
    match slot.value:
        case Listing(item) if isinstance(step, int):
            inner = client_paths(item, rest, below, variables, named)
            yield from (((step, *deeper), is_whole) for deeper, is_whole in inner)
        case Object() as shape if not named and isinstance(value, dict) and needs_type(shape, value, variables):
            yield (), True
        case Object(fields=fields) as shape if isinstance(step, str):
            fitting = [field for field in fields if field.source == step]
            if not fitting:
                yield (), False
            for field in {each.key: each for each in fitting if _is_there(shape, each, value, variables)}.values():
                inner = client_paths(field.slot, rest, below, variables, named)
                yield from (((field.key, *deeper), is_whole) for deeper, is_whole in inner)
        case _:
            yield (), False


def _is_there(shape: Object, field: ShapeField, parent: object, variables: Mapping[str, object]) -> bool:
    typename = typename_of(shape, parent) if isinstance(parent, dict) else None
    if field.types and typename is not None and typename not in field.types:
        return False
    return holds(field, variables)
