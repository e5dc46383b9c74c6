"""The pieces of an answer that comes bit by bit, as values, and how they are spelled on a wire.

Two spellings are about. `PENDING` (graphql-js 17, Apollo's incremental v0.2) announces each deferred fragment with an
id, sends nothing twice, and says when a fragment is complete. `PATHS` (`deferSpec=20220824`, incremental v0.1) sends
each fragment whole, with its path and label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from gateway.execution.response import Response, ResponseError, ResponsePath

_encoder = msgspec.json.Encoder()


class Spelling(StrEnum):
    PENDING = "v0.2"
    PATHS = "v0.1"


_NAMES = {
    ("deferspec", "20220824"): ("deferSpec=20220824", Spelling.PATHS),
    ("incrementalspec", "v0.1"): ("incrementalSpec=v0.1", Spelling.PATHS),
    ("incrementalspec", "v0.2"): ("incrementalSpec=v0.2", Spelling.PENDING),
    ("incrementaldeliveryspec", "3283f8a"): ("incrementalDeliverySpec=3283f8a", Spelling.PENDING),
}


def spelling_named(parameters: Mapping[str, object]) -> tuple[str, Spelling] | None:
    """The spelling that parameters of a media type, or a request's extensions, name, and what they call it."""
    given = {(name.lower(), value) for name, value in parameters.items() if isinstance(value, str)}
    return next((spelling for name, spelling in _NAMES.items() if name in given), None)


class Announced(Struct, frozen=True):
    """A deferred fragment at one object, or a streamed list, of which more will come."""

    id: str
    path: ResponsePath
    label: str | None

    def as_json(self) -> dict[str, object]:
        return {"id": self.id, "path": list(self.path), **_if_any(label=self.label)}


class Increment(Struct, frozen=True):
    """Fields of the object at `path`. `of`: the announced fragment that they belong to, where fragments are."""

    path: ResponsePath
    data: dict[str, object] | None
    errors: Sequence[ResponseError] = ()
    label: str | None = None
    of: Announced | None = None

    def as_json(self) -> dict[str, object]:
        errors = [error.as_json() for error in self.errors]
        if self.of is None:
            return {"data": self.data, "path": list(self.path), **_if_any(label=self.label, errors=errors)}
        below = list(self.path[len(self.of.path) :])
        return {"id": self.of.id, **_if_any(subPath=below), "data": self.data, **_if_any(errors=errors)}


class MoreItems(Struct, frozen=True):
    """More items of the list at `path`, from `index` on; none where a null took the rest of the list along."""

    path: ResponsePath
    index: int
    items: list[object] | None
    errors: Sequence[ResponseError] = ()
    label: str | None = None
    of: Announced | None = None

    def as_json(self) -> dict[str, object]:
        errors = [error.as_json() for error in self.errors]
        if self.of is None:
            path = [*self.path, self.index]
            return {"items": self.items, "path": path, **_if_any(label=self.label, errors=errors)}
        return {"id": self.of.id, "items": self.items, **_if_any(errors=errors)}


class Completed(Struct, frozen=True):
    """All of a fragment or list has come; with errors: no more of it will, for a null took it along."""

    id: str
    errors: Sequence[ResponseError] = ()

    def as_json(self) -> dict[str, object]:
        return {"id": self.id, **_if_any(errors=[error.as_json() for error in self.errors])}


class Piece(Struct):
    """One message to the client. `first`: the answer that the others add to; it only stands in the first.

    A first one that is the last as well is an ordinary answer.
    """

    first: Response | None = None
    announced: Sequence[Announced] = ()
    increments: Sequence[Increment | MoreItems] = ()
    completed: Sequence[Completed] = ()
    has_next: bool = True

    @property
    def executed(self) -> bool:
        return True

    def as_json(self) -> dict[str, object]:
        body = self.first.as_json() if self.first else {}
        if self.first and not self.has_next:
            return body
        return {
            **body,
            **_if_any(
                pending=[each.as_json() for each in self.announced],
                incremental=[each.as_json() for each in self.increments],
                completed=[each.as_json() for each in self.completed],
            ),
            "hasNext": self.has_next,
        }

    def as_bytes(self) -> bytes:
        return _encoder.encode(self.as_json())


def _if_any(**entries: object) -> dict[str, object]:
    return {name: value for name, value in entries.items() if value is not None and value != []}
