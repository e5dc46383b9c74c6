"""One kept connection to a subgraph: one request at a time, its answer, and whether another may follow.

It is given back for the next request only when nothing is left over of the last: the request was sent whole, the answer
read whole, and not one byte came after it.
"""

from __future__ import annotations

import asyncio
import select
from typing import Protocol, cast

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.errors import AnswerTooLarge, Unreachable
from gateway.client.lean.head import USUAL
from gateway.client.lean.reader import AnswerLimits, AnswerReader
from gateway.client.lean.sent import Sent
from gateway.client.protocol import WireAnswer
from gateway.errors import SubgraphFailed

# Above it a body is not copied behind its head.
_COPIED_BYTES = 65536
# Of an answer's body: more are put together, since each costs more than a small one holds.
_MOST_PIECES = 16


class Owner(Protocol):
    """The pool, as a connection sees it."""

    def opened(self, connection: Connection) -> None: ...

    def released(self, connection: Connection) -> None: ...

    def lost(self, connection: Connection) -> None: ...

    def again(self, sent: Sent) -> None: ...


class Connection(asyncio.Protocol):
    __slots__ = (
        "_limits", "_missing", "_owner", "_paused", "_pieces", "_poll", "_reader", "_subgraph", "_tls", "_transport",
        "_usual", "dial", "idle_since", "sent", "uses",
    )  # fmt: skip

    def __init__(
        self, owner: Owner, subgraph: str, limits: AnswerLimits, tls: bool, dial: asyncio.Task[None] | None
    ) -> None:
        self._owner = owner
        self._subgraph = subgraph
        self._limits = limits
        self._tls = tls
        self._transport: asyncio.Transport | None = None
        self._paused = False
        # Of the answer under way: either the reader, or the common case with its head, what came of its body, and how
        # many bytes are missing.
        self._reader: AnswerReader | None = None
        self._pieces: list[bytes | bytearray | memoryview] = []
        self._missing = 0
        self._usual = b""
        # The task that opens it.
        self.dial = dial
        self.sent: Sent | None = None
        self.uses = 0
        self.idle_since = 0.0

    def connection_made(self, given: asyncio.BaseTransport) -> None:
        # uvloop's is no subclass of asyncio's.
        self._transport = transport = cast("asyncio.Transport", given)
        # Any byte that is still to be written counts as paused: whether all has gone out must be known at the end.
        transport.set_write_buffer_limits(high=0)
        watched = select.poll()
        watched.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._poll = watched.poll
        self._owner.opened(self)

    def begin(self, sent: Sent) -> bool:
        """Whether the request is on its way. If not, this connection is gone and nothing was sent."""
        transport = self._transport
        # What can be read before a request is written is no answer to it: the end, or somebody else's bytes. After a
        # handshake TLS may have something of its own to say.
        if transport is None or ((self.uses or not self._tls) and self._poll(0)):
            self.drop()
            return False
        self.sent = sent
        sent.connection = self
        self.uses += 1
        if len(sent.body) <= _COPIED_BYTES:
            transport.write(sent.head + sent.body)
        else:
            transport.write(sent.head)
            transport.write(sent.body)
        return True

    def data_received(self, data: bytes) -> None:
        sent = self.sent
        if sent is None:
            # Nobody asked. Whoever asked next would get this for an answer.
            self.drop()
        elif self._missing:
            self._take(sent, data)
        elif (
            self._reader is None
            and (usual := USUAL.match(data)) is not None
            and (end := usual.end()) <= self._limits.max_head_bytes
        ):
            length = int(usual[1])
            self._usual = data[:end]
            if length > self._limits.max_body_bytes:
                self.fail(AnswerTooLarge(self._subgraph, self._limits.max_body_bytes))
            elif len(data) - end >= length:
                self._finish_usual(sent, data[end : end + length], len(data) - end == length)
            else:
                self._missing = length - (len(data) - end)
                self._pieces.append(memoryview(data)[end:])
        else:
            self._read(sent, data)

    def _take(self, sent: Sent, data: bytes) -> None:
        """More of the body in the common case."""
        pieces, missing = self._pieces, self._missing - len(data)
        pieces.append(data)
        if missing <= 0:
            body = b"".join(pieces)
            self._finish_usual(sent, body[:missing] if missing else body, not missing)
            return
        self._missing = missing
        if len(pieces) > _MOST_PIECES:
            first, *others = pieces
            gathered = first if isinstance(first, bytearray) else bytearray(first)
            gathered += b"".join(others)
            self._pieces = [gathered]

    def _read(self, sent: Sent, data: bytes) -> None:
        """Any answer that is not the common case."""
        reader = self._reader
        if reader is None:
            reader = self._reader = AnswerReader(self._subgraph, self._limits)
        try:
            reader.feed(data)
        except SubgraphFailed as failure:
            self.fail(failure)
            return
        if reader.is_whole:
            self._finish_read(sent, reader)

    def _finish_usual(self, sent: Sent, body: bytes, keeps: bool) -> None:
        self._finish(sent, WireAnswer(200, body), AnswerHeaders(self._usual), keeps)

    def _finish_read(self, sent: Sent, reader: AnswerReader) -> None:
        head = reader.head
        assert head is not None
        headers = AnswerHeaders(pairs=head.headers)
        self._finish(sent, WireAnswer(head.status, reader.body), headers, head.keeps and not reader.has_extra)

    def _finish(self, sent: Sent, answer: WireAnswer, headers: AnswerHeaders, keeps: bool) -> None:
        self._forget()
        # A request that was answered before it was sent whole would go on into the next.
        if keeps and not self._paused:
            self._owner.released(self)
        else:
            self.drop()
        sent.answered(answer, headers)

    def _forget(self) -> None:
        sent, self.sent, self._reader, self._missing, self._usual = self.sent, None, None, 0, b""
        if self._pieces:
            self._pieces = []
        if sent is not None:
            sent.connection = None

    def fail(self, failure: SubgraphFailed) -> None:
        """End the request under way, and the connection with it."""
        sent = self.sent
        self.drop()
        if sent is not None:
            sent.failed(failure)

    def drop(self) -> None:
        """Hang up without a word; nothing is told to a request under way."""
        self._forget()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._owner.lost(self)

    def eof_received(self) -> None:
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)

    def _ended(self, exc: Exception | None) -> None:
        sent, reader = self.sent, self._reader
        if sent is None:
            self.drop()
            return
        if reader is None and not self._missing:
            self._ended_unanswered(sent, exc)
            return
        if exc is not None or reader is None:
            reason = str(exc) if exc is not None else "it hung up in the middle of its answer"
            self.fail(Unreachable(self._subgraph, reason))
            return
        try:
            reader.end()
        except SubgraphFailed as failure:
            self.fail(failure)
            return
        self._finish_read(sent, reader)

    def _ended_unanswered(self, sent: Sent, exc: Exception | None) -> None:
        """Not one byte came back."""
        if self.uses > 1 and sent.may_go_again and not sent.is_over:
            # Most likely the subgraph closed the idle connection while the request was on its way. The next one is new,
            # and so the last.
            self.drop()
            self._owner.again(sent)
        else:
            self.fail(Unreachable(self._subgraph, str(exc) if exc is not None else "it hung up without an answer"))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
