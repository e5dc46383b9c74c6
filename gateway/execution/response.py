"""What a client gets back, as values: data, errors, extensions; and its bytes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway.errors import ErrorCode, GatewayError

ResponsePath = tuple[str | int, ...]
"""A place in the client's answer: response keys and list indexes."""

_encoder = msgspec.json.Encoder()


class ResponseError(Struct, frozen=True):
    """One entry of `errors`, ready to be shown."""

    message: str
    code: ErrorCode
    path: ResponsePath | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: tuple[tuple[str, object], ...] = ()

    def as_json(self) -> dict[str, object]:
        entry: dict[str, object] = {"message": self.message}
        if self.locations:
            entry["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        if self.path is not None:
            entry["path"] = list(self.path)
        entry["extensions"] = {"code": self.code.value, **dict(self.extensions)}
        return entry


class Response(Struct, frozen=True):
    """`executed` is false when the operation was refused before it ran: then there is no `data` entry at all."""

    data: dict[str, object] | None = None
    errors: Sequence[ResponseError] = ()
    extensions: dict[str, object] | None = None
    executed: bool = True

    def as_json(self) -> dict[str, object]:
        body: dict[str, object] = {}
        if self.errors:
            body["errors"] = [error.as_json() for error in self.errors]
        if self.executed:
            body["data"] = self.data
        if self.extensions:
            body["extensions"] = self.extensions
        return body

    def as_bytes(self) -> bytes:
        return _encoder.encode(self.as_json())

    def values(self) -> dict[str, object] | None:
        """`data`, also of a response that is kept as bytes only."""
        return self.data

    def with_extensions(self, extensions: dict[str, object]) -> Response:
        return msgspec.structs.replace(self, extensions=extensions)


class Encoded(Response, frozen=True):
    """A response that is its bytes and nothing else: made once, sent to many."""

    body: bytes = b"null"

    def as_json(self) -> dict[str, object]:
        return msgspec.json.decode(self.body, type=dict[str, object])

    def as_bytes(self) -> bytes:
        return self.body

    def values(self) -> dict[str, object] | None:
        data: dict[str, object] | None = msgspec.json.decode(self.body).get("data")
        return data

    def with_extensions(self, extensions: dict[str, object]) -> Response:
        return Response(self.values(), extensions=extensions)


class SubscriptionFailed(GatewayError):
    """The event stream cannot be opened, or broke; nothing more will come."""

    def __init__(self, error: ResponseError) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.error = error
