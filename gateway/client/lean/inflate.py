"""A compressed body, piece by piece -> what it says, never more of it than allowed.

Takes gzip and deflate (with zlib's frame or raw, as servers differ). Refuses other codings, damaged or cut streams, and
bytes after the end.
"""

from __future__ import annotations

import zlib

from gateway.client.errors import AnswerTooLarge, Unreachable

_GZIP = frozenset({"gzip", "x-gzip"})
# The low half of the first byte of a zlib frame.
_ZLIB_METHOD = 8


class Inflating:
    def __init__(self, subgraph: str, coding: str, max_bytes: int) -> None:
        if coding not in _GZIP and coding != "deflate":
            raise Unreachable(subgraph, f"its answer has the Content-Encoding {coding!r:.60}, which nobody asked for")
        self._subgraph = subgraph
        self._max_bytes = max_bytes
        self._coding = coding
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS) if coding in _GZIP else None
        self._size = 0

    def take(self, data: bytes | bytearray) -> bytes:
        if not data:
            return b""
        if self._stream is None:
            framed = data[0] & 0x0F == _ZLIB_METHOD
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
        if self._stream.eof:
            raise self._damaged("bytes follow its end")
        try:
            # One byte more than allowed is enough to know.
            found = self._stream.decompress(data, self._max_bytes - self._size + 1)
        except zlib.error as error:
            raise self._damaged(str(error)) from error
        self._size += len(found)
        if self._size > self._max_bytes:
            raise AnswerTooLarge(self._subgraph, self._max_bytes)
        if self._stream.unused_data:
            raise self._damaged("bytes follow its end")
        return found

    def end(self) -> None:
        if self._stream is None or not self._stream.eof:
            raise self._damaged("it was cut off")

    def _damaged(self, reason: str) -> Unreachable:
        return Unreachable(self._subgraph, f"its {self._coding} answer is damaged: {reason}")
