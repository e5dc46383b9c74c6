"""Check what a LAS header promises against the bytes of its file, before a library believes it.

In: a path. Out: nothing, or a typed problem: files cut short, no points, too many, and records that cannot fit.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workers.errors import CloudEmpty, FileCorrupt, FileTooLarge, FileTruncated
from workers.readers.values import MAX_POINTS

_OLDEST_HEADER, _LAS_1_4_HEADER = 227, 375
_RECORD_HEADER, _EXTENDED_RECORD_HEADER = 54, 60
_COMPRESSED_BIT = 0x80


class _Promise(NamedTuple):
    header_bytes: int
    first_point: int
    records: int
    point_bytes: int
    compressed: bool
    points: int
    extended_at: int
    extended_records: int


def check_las_header(path: Path, most: int = MAX_POINTS) -> None:
    """`most`: points that whoever asks can take."""
    size = path.stat().st_size
    with path.open("rb") as file:
        promise = _read(path.name, file, size)
        if promise.first_point > size:
            raise FileTruncated(path.name, f"{size:,} bytes, but its points begin at {promise.first_point:,}")
        if promise.records * _RECORD_HEADER > promise.first_point - promise.header_bytes:
            raise FileCorrupt(path.name, f"{promise.records:,} records cannot stand before its points")
        _check_extended(path.name, promise, size)
        if promise.points == 0:
            raise CloudEmpty(path.name)
        if promise.points > most:
            raise FileTooLarge(path.name, "points", promise.points, most)
        if promise.compressed:
            _check_chunks(path.name, file, promise, size)
        elif promise.first_point + promise.points * promise.point_bytes > size:
            room = (size - promise.first_point) // promise.point_bytes
            raise FileTruncated(path.name, f"{room:,} points of the {promise.points:,} that its header promises")


def _read(name: str, file: BinaryIO, size: int) -> _Promise:
    head = file.read(_LAS_1_4_HEADER)
    if size < _OLDEST_HEADER:
        raise FileTruncated(name, f"{size} bytes, less than any LAS header")
    header_bytes, first_point, records, kind, point_bytes, points = struct.unpack_from("<HIIBHI", head, 94)
    extended_at = extended_records = 0
    if head[24:26] >= b"\x01\x04":
        if size < _LAS_1_4_HEADER:
            raise FileTruncated(name, f"{size} bytes, less than the header of LAS 1.4")
        extended_at, extended_records, many = struct.unpack_from("<QIQ", head, 235)
        points = many or points
    if header_bytes < _OLDEST_HEADER or point_bytes == 0 or first_point < header_bytes:
        raise FileCorrupt(name, "its header's own sizes do not fit together")
    compressed = bool(kind & _COMPRESSED_BIT)
    return _Promise(header_bytes, first_point, records, point_bytes, compressed, points, extended_at, extended_records)


def _check_extended(name: str, promise: _Promise, size: int) -> None:
    if not promise.extended_records:
        return
    if promise.extended_at > size:
        raise FileTruncated(name, f"{size:,} bytes, but its last records begin at {promise.extended_at:,}")
    if promise.extended_records * _EXTENDED_RECORD_HEADER > size - promise.extended_at:
        raise FileCorrupt(name, f"{promise.extended_records:,} records cannot stand after its points")


def _check_chunks(name: str, file: BinaryIO, promise: _Promise, size: int) -> None:
    file.seek(promise.first_point)
    place = file.read(8)
    if len(place) < 8:
        raise FileTruncated(name, "it ends where its points should begin")
    at = struct.unpack("<q", place)[0]
    # -1: a writer that could not seek has put the place of the chunk table at the end of the file.
    if at >= size:
        raise FileTruncated(name, f"{size:,} bytes, but its chunk table is at {at:,}")
    if at != -1 and at < promise.first_point + 8:
        raise FileCorrupt(name, f"its chunk table cannot be at {at:,}")
