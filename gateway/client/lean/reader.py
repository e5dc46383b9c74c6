"""Bytes as they arrive -> one whole HTTP/1.1 answer, and whatever bytes were too many.

Bounded whatever comes: the head and trailers in bytes and lines, interim answers in number, the body in bytes (both as
it was sent and unpacked), and what chunks say about themselves in proportion to what they hold.
"""

from __future__ import annotations

import re

from msgspec import Struct

from gateway.client.errors import AnswerTooLarge, Unreachable
from gateway.client.lean.head import Head, head_of
from gateway.client.lean.inflate import Inflating


class AnswerLimits(Struct, frozen=True):
    """max_body_bytes: of an answer, unpacked. max_head_bytes, max_headers: of its head, and of its trailers."""

    max_body_bytes: int
    max_head_bytes: int = 65536
    max_headers: int = 256
    max_interim: int = 8


_END_OF_HEAD = b"\r\n\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
# What chunks may cost: this many bytes beside each byte they carry, above what a head may have.
_FRAMING_PER_BYTE = 4


class AnswerReader:
    """`feed` what came until `is_whole`; `end` when the connection ended. Both raise `SubgraphFailed`."""

    def __init__(self, subgraph: str, limits: AnswerLimits) -> None:
        self._subgraph = subgraph
        self._limits = limits
        self._pending = bytearray()
        self._body = bytearray()
        self._read = self._read_head
        self._searched = 0
        self._interim = 0
        self._received = 0
        self._missing = 0
        self._framing = 0
        self._trailers = 0
        self._inflating: Inflating | None = None
        self.head: Head | None = None
        self.is_whole = False

    @property
    def has_extra(self) -> bool:
        return bool(self._pending)

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        self._pending += data
        while not self.is_whole and self._read():
            pass

    def end(self) -> None:
        """No more will come."""
        if self.head is not None and self._read == self._read_until_end:
            self._complete()
            return
        where = "its head" if self.head is None else "its answer"
        raise Unreachable(self._subgraph, f"it hung up in the middle of {where}")

    # Each of these reads what it can and says whether to go on; without, more bytes are needed.

    def _read_head(self) -> bool:
        allowed = self._limits.max_head_bytes
        end = self._pending.find(_END_OF_HEAD, self._searched, allowed)
        if end < 0:
            self._searched = max(0, len(self._pending) - 3)
            if len(self._pending) >= allowed:
                raise Unreachable(self._subgraph, f"the head of its answer has more than {allowed} bytes")
            self._check_beginning()
            return False
        lines = self._pending.count(b"\n", 0, end)
        if lines > self._limits.max_headers:
            raise Unreachable(self._subgraph, f"its answer has more than {self._limits.max_headers} headers")
        head = head_of(self._subgraph, self._pending[: end + 4])
        del self._pending[: end + 4]
        self._searched = 0
        if head.is_interim:
            self._interim += 1
            if self._interim > self._limits.max_interim:
                raise Unreachable(self._subgraph, f"it sent more than {self._limits.max_interim} interim answers")
            return True
        self._begin(head)
        return True

    def _check_beginning(self) -> None:
        """What cannot become HTTP is not waited for."""
        start = bytes(self._pending[:7])
        if not b"HTTP/1.".startswith(start):
            raise Unreachable(self._subgraph, f"what it sent is not HTTP: {bytes(self._pending[:60])!r}")

    def _begin(self, head: Head) -> None:
        self.head = head
        if head.coding is not None and head.length != 0:
            self._inflating = Inflating(self._subgraph, head.coding, self._limits.max_body_bytes)
        if head.chunked:
            self._read = self._read_size
        elif head.length is None:
            self._read = self._read_until_end
        else:
            if head.length > self._limits.max_body_bytes:
                raise AnswerTooLarge(self._subgraph, self._limits.max_body_bytes)
            self._missing = head.length
            self._read = self._read_length

    def _read_length(self) -> bool:
        self._take()
        if not self._missing:
            self._complete()
        return False

    def _read_until_end(self) -> bool:
        self._missing = len(self._pending)
        self._take()
        return False

    def _read_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        found = _SIZE.fullmatch(line)
        if found is None:
            raise Unreachable(self._subgraph, f"its answer has a chunk of the size {bytes(line[:60])!r}")
        self._missing = int(found[1], 16)
        if self._missing > self._limits.max_body_bytes:
            raise AnswerTooLarge(self._subgraph, self._limits.max_body_bytes)
        self._read = self._read_chunk if self._missing else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take()
        if self._missing or len(self._pending) < 2:
            # The line end after a chunk is taken with it, so that nothing else can stand there.
            return False
        if self._pending[:2] != b"\r\n":
            raise Unreachable(self._subgraph, "a chunk of its answer is longer than it said")
        del self._pending[:2]
        self._read = self._read_size
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._complete()
            return False
        self._trailers += 1
        if self._trailers > self._limits.max_headers or not _TRAILER.fullmatch(line):
            raise Unreachable(self._subgraph, "its answer has trailers that are none, or too many")
        return True

    def _line(self) -> bytearray | None:
        """The next line of what chunks say about themselves, without its end."""
        end = self._pending.find(b"\r\n")
        framing = self._framing + (len(self._pending) if end < 0 else end + 4)
        if framing > self._limits.max_head_bytes + _FRAMING_PER_BYTE * self._received:
            raise Unreachable(self._subgraph, "the chunks of its answer say more about themselves than they hold")
        if end < 0:
            return None
        self._framing = framing
        line = self._pending[:end]
        del self._pending[: end + 2]
        return line

    def _take(self) -> None:
        """Up to `_missing` bytes of the body."""
        piece = self._pending[: self._missing]
        del self._pending[: len(piece)]
        self._missing -= len(piece)
        self._received += len(piece)
        if self._received > self._limits.max_body_bytes:
            raise AnswerTooLarge(self._subgraph, self._limits.max_body_bytes)
        self._body += piece if self._inflating is None else self._inflating.take(piece)

    def _complete(self) -> None:
        if self._inflating is not None:
            self._inflating.end()
        self.is_whole = True
