"""What went wrong during one execution, kept by place in the response tree, told by place in the client's answer.

Two kinds of knowledge: what was *reported* (each becomes an error), and what was *lost* (its null needs no further
error, and whatever depends on it is lost for the same cause). Places that the client did not ask for are told under
the fields that were lost because of them, or else at the nearest place that the client knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from gateway.errors import ErrorCode
from gateway.execution.places import TreePath
from gateway.execution.response import ResponsePath
from gateway.plan.shape import Listing, Object, ShapeField, Slot


class Cause(Struct, frozen=True):
    """Why something is missing. `order` is the fetch's id, so that errors come in one order whatever the timing."""

    order: int
    code: ErrorCode
    message: str
    subgraph: str
    extensions: dict[str, object] | None = None


class Failure(Struct, frozen=True):
    """One reported place. `collateral`: of interest only where the client sees it."""

    cause: Cause
    path: TreePath | None
    collateral: bool


class ToldFailure(Struct, frozen=True):
    cause: Cause
    path: ResponsePath | None


class Failures:
    def __init__(self) -> None:
        self._reported: list[Failure] = []
        self._lost: dict[TreePath, Cause] = {}
        self._passed_on: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._reported)

    def report(self, path: TreePath | None, cause: Cause) -> None:
        """A subgraph named this place."""
        self._reported.append(Failure(cause, path, collateral=False))
        if path is not None:
            self._lost.setdefault(path, cause)

    def report_lost(self, path: TreePath, cause: Cause) -> None:
        """A fetch that came to nothing would have filled this place."""
        self._reported.append(Failure(cause, path, collateral=True))
        self._lost.setdefault(path, cause)

    def mark_lost(self, path: TreePath, cause: Cause) -> None:
        """This place is empty because of something already reported."""
        self._lost.setdefault(path, cause)

    def cause_of(self, path: TreePath) -> Cause | None:
        """Why nothing stands at `path`: the innermost known loss there or above. It is then passed on, not repeated."""
        for length in range(len(path), 0, -1):
            cause = self._lost.get(path[:length])
            if cause is not None:
                self._passed_on.add(id(cause))
                return cause
        return None

    def told_by(self, shape: Object) -> list[ToldFailure]:
        told: dict[tuple[int, ResponsePath | None], ToldFailure] = {}
        for failure in sorted(self._reported, key=lambda each: each.cause.order):
            for path in self._client_paths(failure, shape):
                told.setdefault((id(failure.cause), path), ToldFailure(failure.cause, path))
        return list(told.values())

    def places_covered(self, shape: Object) -> set[ResponsePath]:
        """Every place of the client's answer whose null is explained by something reported."""
        root = Slot(shape, nullable=True)
        return {path for lost in self._lost for path, is_whole in client_paths(root, lost) if is_whole}

    def _client_paths(self, failure: Failure, shape: Object) -> Iterator[ResponsePath | None]:
        if failure.path is None:
            yield None
            return
        for path, is_whole in client_paths(Slot(shape, nullable=True), failure.path):
            if is_whole or not (failure.collateral or id(failure.cause) in self._passed_on):
                yield path


def client_paths(slot: Slot, path: TreePath) -> Iterator[tuple[ResponsePath, bool]]:
    """Where a place of the tree stands in the client's answer, and whether that is the very place or only above it."""
    if not path:
        yield (), True
        return
    step, rest = path[0], path[1:]
    match slot.value:
        case Listing(item) if isinstance(step, int):
            yield from (((step, *below), is_whole) for below, is_whole in client_paths(item, rest))
        case Object(fields=fields) if isinstance(step, str):
            fitting = [field for field in fields if field.source == step]
            yield from _below(_distinct(fitting), rest) if fitting else iter([((), False)])
        case _:
            yield (), False


def _distinct(fields: list[ShapeField]) -> list[ShapeField]:
    return list({field.key: field for field in fields}.values())


def _below(fields: list[ShapeField], rest: TreePath) -> Iterator[tuple[ResponsePath, bool]]:
    for field in fields:
        yield from (((field.key, *below), is_whole) for below, is_whole in client_paths(field.slot, rest))
