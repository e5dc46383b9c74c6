"""A file among the variables of an operation, and a subgraph request that carries such files.

In: variables with `Upload`s in them. Out: the same variables with nulls, the paths of the files, and a multipart body
that streams them (graphql-multipart-request-spec).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import aiohttp
import msgspec

_encoder = msgspec.json.Encoder()


class Upload:
    """One file; read from its beginning each time it is sent on."""

    def __init__(self, file: BinaryIO, filename: str, content_type: str) -> None:
        self.file, self.filename, self.content_type = file, filename, content_type


def uploads_in(value: object, path: str = "variables") -> Iterator[tuple[str, Upload]]:
    """The files in some variables, each with its path."""
    if isinstance(value, Upload):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from uploads_in(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from uploads_in(item, f"{path}.{index}")


def multipart_body(
    document: str, variables: Mapping[str, object], uploads: list[tuple[str, Upload]]
) -> aiohttp.FormData:
    """The body; its files are read as they are sent."""
    places: dict[int, tuple[Upload, list[str]]] = {}
    for path, upload in uploads:
        places.setdefault(id(upload), (upload, []))[1].append(path)
    form = aiohttp.FormData(default_to_multipart=True)
    operations = {"query": document, "variables": _without_files(variables)}
    form.add_field("operations", _encoder.encode(operations).decode(), content_type="application/json")
    mapped = {str(number): paths for number, (_, paths) in enumerate(places.values())}
    form.add_field("map", _encoder.encode(mapped).decode(), content_type="application/json")
    for number, (upload, _) in enumerate(places.values()):
        form.add_field(str(number), _Lent(upload.file), filename=upload.filename, content_type=upload.content_type)
    return form


class _Lent(io.RawIOBase):
    """The file from its beginning; closing this leaves it open, since aiohttp closes what it has sent."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _without_files(value: object) -> object:
    if isinstance(value, Upload):
        return None
    if isinstance(value, Mapping):
        return {key: _without_files(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_files(item) for item in value]
    return value
