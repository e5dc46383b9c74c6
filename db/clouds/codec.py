"""A tile as bytes: differences of neighbours, their bytes put side by side, zstd.

In: (n, 3) int32 cells in an order that keeps neighbours together, or (n,) float32. Out: bytes that carry their own
count and checksum, and from those the same array again, bit by bit. What a cell is in millimetres is told by the
cloud's index, not here. Refuses bytes that are no such tile (`TileDamaged`).
"""

from __future__ import annotations

import struct

import numpy as np
import zstandard
from numpy.typing import NDArray

from db.errors import TileDamaged

Cells = NDArray[np.int32]
Singles = NDArray[np.float32]

_CELLS, _SINGLES = b"D2C1", b"D2F1"
_HEAD = struct.Struct("<4sI")
# Decodes no slower than level 1 and is a tenth smaller.
_LEVEL = 3


def packed_cells(cells: Cells) -> bytes:
    """(n, 3) cells as bytes."""
    # Differences may wrap around; so do the sums that undo them.
    steps = np.diff(cells, axis=0, prepend=np.zeros((1, 3), np.int32)).astype("<i4")
    return _packed(_CELLS, len(cells), np.ascontiguousarray(steps.T))


def unpacked_cells(body: bytes) -> Cells:
    """(n, 3) cells again."""
    count, raw = _unpacked(_CELLS, body, 3)
    return np.ascontiguousarray(np.cumsum(raw.view("<i4").reshape(3, count), axis=1, dtype=np.int32).T)


def packed_singles(values: Singles) -> bytes:
    """(n,) numbers as bytes."""
    return _packed(_SINGLES, len(values), np.ascontiguousarray(values, "<f4"))


def unpacked_singles(body: bytes) -> Singles:
    """(n,) numbers again."""
    return _unpacked(_SINGLES, body, 1)[1].view("<f4").reshape(-1)


def _packed(kind: bytes, count: int, values: NDArray[np.int32] | Singles) -> bytes:
    planes = values.view(np.uint8).reshape(-1, 4).T
    squeezer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    return _HEAD.pack(kind, count) + squeezer.compress(np.ascontiguousarray(planes).data)


def _unpacked(kind: bytes, body: bytes, columns: int) -> tuple[int, NDArray[np.uint8]]:
    """The count, and the bytes in the order of their numbers."""
    found, count = _HEAD.unpack_from(body) if len(body) >= _HEAD.size else (b"", 0)
    if found != kind:
        raise TileDamaged("it does not begin as one")
    size = count * columns * 4
    try:
        raw = zstandard.ZstdDecompressor().decompress(body[_HEAD.size :], max_output_size=max(size, 1))
    except zstandard.ZstdError as error:
        raise TileDamaged(str(error)) from error
    if len(raw) != size:
        raise TileDamaged(f"{len(raw)} bytes where {size} were promised")
    return count, np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(4, -1).T)
