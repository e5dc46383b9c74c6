"""Read an object whose type its own answer tells: bytes in, the struct for that type out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, Struct


class _Named(Struct, gc=False):
    typename: str = msgspec.field(name="__typename")


_type_told = msgspec.json.Decoder(_Named).decode


def reader_by_type(
    types: Mapping[str, type[Struct]], surprise: type[Exception]
) -> Callable[[Raw, bool], Struct | None]:
    """Raises `surprise` for a type that may not stand there, and for a null that may not."""
    readers: dict[str, Callable[[Raw], Struct]] = {
        name: msgspec.json.Decoder(struct).decode for name, struct in types.items()
    }

    def read(raw: Raw, nullable: bool) -> Struct | None:
        if bytes(raw) == b"null":
            if nullable:
                return None
            raise surprise
        reader = readers.get(_type_told(raw).typename)
        if reader is None:
            raise surprise
        return reader(raw)

    return read
