"""Read an object whose type its own answer tells: bytes or values in, the struct for that type out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct


class _Named(Struct, gc=False):
    typename: str = msgspec.field(name="__typename")


_type_told = msgspec.json.Decoder(_Named).decode


Reader = Callable[[Any, bool], Struct | None]
"""Of an object, and whether null may stand in its place."""


def reader_by_type(types: Mapping[str, type[Struct]], surprise: type[Exception], hosted: bool) -> Reader:
    return _of_values(types, surprise) if hosted else _of_bytes(types, surprise)


def _of_values(types: Mapping[str, type[Struct]], surprise: type[Exception]) -> Reader:
    def read(value: Any, nullable: bool) -> Struct | None:
        if value is None and nullable:
            return None
        struct = types.get(value["__typename"])
        if struct is None:
            raise surprise
        return msgspec.convert(value, struct)

    return read


def _of_bytes(types: Mapping[str, type[Struct]], surprise: type[Exception]) -> Reader:
    """Raises `surprise` for a type that may not stand there, and for a null that may not."""
    readers: dict[str, Callable[[Raw], Struct]] = {
        name: msgspec.json.Decoder(struct).decode for name, struct in types.items()
    }

    def read(raw: Any, nullable: bool) -> Struct | None:
        if bytes(raw) == b"null":
            if nullable:
                return None
            raise surprise
        reader = readers.get(_type_told(raw).typename)
        if reader is None:
            raise surprise
        return reader(raw)

    return read
