"""A request that has come whole, and its answer in one piece: without the messages that ASGI has for pieces.

In: an answer's status, headers and body. Out: its bytes on the connection, written at once. Besides, the body that was
sent, and word of a client who leaves, at once and without a task that listens. An application finds it among its
scope's `extensions`. Where there is none, or a layer has put its own `receive` or `send` before the connection's,
ASGI's own way is there as ever: `gives` and `takes` tell.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Sequence
from functools import lru_cache

from starlette.types import Receive, Scope, Send
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE, RequestResponseCycle

_WHOLE = "gateway.whole_exchange"
# What uvicorn has to know of itself.
_OF_THE_CONNECTION = frozenset({b"connection", b"transfer-encoding"})
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
Headers = Sequence[tuple[bytes, bytes]]


class Line:
    """What all exchanges of a connection know of it. `listening`: those who want to hear when it is lost."""

    __slots__ = ("is_lost", "listening")

    def __init__(self) -> None:
        self.is_lost = False
        self.listening: set[WholeExchange] = set()

    def lose(self) -> None:
        self.is_lost = True
        for each in tuple(self.listening):
            each.leave()


class WholeExchange:
    def __init__(self, cycle: RequestResponseCycle, line: Line) -> None:
        # The cycle leads to the scope, and that here: what was answered would wait for the collector.
        self._weak_cycle = weakref.ref(cycle)
        self._line = line
        self._on_leaving: Callable[[], object] | None = None

    @property
    def _cycle(self) -> RequestResponseCycle:
        cycle = self._weak_cycle()
        if cycle is None:
            raise ReferenceError("The request is over.")
        return cycle

    @property
    def has_left(self) -> bool:
        """uvicorn's own word for it is told to the connection's last request only."""
        return self._line.is_lost

    def gives(self, receive: Receive) -> bool:
        """Whether no layer stands between, which may have read the body, or changed it."""
        return receive == self._cycle.receive

    @property
    def body(self) -> bytes:
        """What came. It is here once: ASGI's `receive` has it no more."""
        cycle = self._cycle
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.waiting_for_100_continue = False
        return body

    def tell(self, on_leaving: Callable[[], object] | None) -> None:
        """Who is told when the client leaves before its answer; None: nobody any more."""
        self._on_leaving = on_leaving
        if on_leaving is None:
            self._line.listening.discard(self)
        else:
            self._line.listening.add(self)
            # After a long body nothing is read, and so nobody seen leaving.
            self._cycle.flow.resume_reading()

    def leave(self) -> None:
        if (cycle := self._weak_cycle()) is not None:
            cycle.disconnected = True
        if self._on_leaving is not None:
            self._on_leaving()

    def takes(self, send: Send) -> bool:
        """Whether no layer stands between, which would want to see what is sent."""
        return send == self._cycle.send

    def answer(self, status: int, headers: Headers, body: bytes | memoryview) -> bool:
        """`headers`: with the body's length. False: nothing was written, and `send` has to say it, or why it cannot."""
        cycle = self._cycle
        if self.has_left:
            cycle.disconnected = True
            return False
        if cycle.response_started or cycle.flow.write_paused or cycle.access_log or not 200 <= status < 600:
            return False
        if status in (204, 304) or cycle.scope["method"] == "HEAD":
            return False
        parts, lines = [STATUS_LINE[status]], 2
        for headers_of in (cycle.default_headers, headers):
            for name, value in headers_of:
                field = _field(name)
                if field is None:
                    return False
                parts += (field, value, b"\r\n")
                lines += 1
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
            lines += 1
        parts.append(b"\r\n")
        head = b"".join(parts)
        # A line's end within a value would begin a header of somebody else's choice.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or _CONTROL.search(head):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.transport.writelines((head, body))
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def whole_exchange(scope: Scope) -> WholeExchange | None:
    extensions = scope.get("extensions")
    return None if extensions is None else extensions.get(_WHOLE)


def put_into(scope: HTTPScope, exchange: WholeExchange) -> None:
    scope["extensions"] = {_WHOLE: exchange}  # type: ignore[dict-item]


# Few names are used; those that a subgraph makes up are soon forgotten.
@lru_cache(256)
def _field(name: bytes) -> bytes | None:
    lower = name.lower()
    return None if lower in _OF_THE_CONNECTION or HEADER_RE.search(name) else lower + b": "
