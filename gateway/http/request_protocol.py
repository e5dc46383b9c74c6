"""uvicorn's HTTP connection, with bounds on clients that send or read slowly, or more than they should.

In: bytes of one client. Out: ASGI requests. Closes a connection whose request head does not come in time or is too
large (431), that sends on after it was answered or without end before, that sends request after request without waiting
(400), or whose answers nobody reads. uvicorn has no such bounds: each of them kept a connection, and what waits on it,
for as long as the client liked.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.whole_exchange import Line, WholeExchange, put_into
from gateway.settings import HttpSettings

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_MOST_HEADERS = 200
# Clients hardly ever send a request before the answer to the one before.
_MOST_PIPELINED = 16
# Bytes of further requests, while one that has come whole waits for its answer.
_MOST_AHEAD = 4 * 1024 * 1024
# Of a body that was refused: so that the client gets to read why.
_MOST_UNREAD = 4 * 1024 * 1024


class RequestProtocol(HttpToolsProtocol):
    limits = HttpSettings()
    _patience: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _fed = 0
    _may_upgrade = True
    _upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._line = Line()
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._reader is not None:
            self._reader.cancel()
        super().connection_lost(exc)
        self._line.lose()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        is_ahead = before is not None and not before.more_body and not before.response_complete
        super().data_received(data)
        if self._upgraded:
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self._patience is not None:
                self._stop_waiting()
            self._fed = self._fed + len(data) if is_ahead else 0
            if self._fed > _MOST_AHEAD:
                self.transport.abort()
            return
        self._fed += len(data)
        if self.transport.is_closing():
            return
        # Between two requests: a head that is not whole yet, or the rest of a body that was answered already.
        self._be_patient()
        if cycle is not None and cycle.more_body:
            if self._fed > _MOST_UNREAD:
                self.transport.close()
        elif self._fed > self.limits.max_header_bytes:
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        if len(self.headers) > _MOST_HEADERS or len(self.pipeline) >= _MOST_PIPELINED:
            raise ValueError("too many headers, or requests that wait")
        before = self.cycle
        self._may_upgrade = before is None or before.response_complete
        super().on_headers_complete()
        if not self._may_upgrade and self.parser.should_upgrade():
            # The parser reads nothing after it.
            self.cycle.keep_alive = False
        if self.pipeline:
            # uvicorn reads no more while a request waits for the one before, and so would not see its client leave.
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # Nearly always before the application's first step: it need not be patient with what it has. A socket has none.
        if self.cycle is not None and self.cycle.scope is self.scope:
            put_into(self.scope, WholeExchange(self.cycle, self._line))

    def _should_upgrade(self) -> bool:
        # An answer that is still awaited would come out among the socket's frames: then it is a request as any other.
        return self._may_upgrade and super()._should_upgrade()

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()
        # What comes from here on is the socket's, which has bounds of its own.
        self._upgraded = True
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        self._fed = 0
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch_reader()

    def _be_patient(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.limits.header_timeout_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _watch_reader(self) -> None:
        """What waits to be read has to get less."""
        waiting = self.transport.get_write_buffer_size()
        if waiting and self._reader is None:
            self._reader = self.loop.call_later(self.limits.reader_timeout_s, self._look_at_reader, waiting)

    def _look_at_reader(self, before: int) -> None:
        self._reader = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._watch_reader()


def request_protocol(settings: HttpSettings) -> type[RequestProtocol]:
    """The protocol with the limits of these settings: uvicorn takes a class."""
    return type("LimitedRequestProtocol", (RequestProtocol,), {"limits": settings})
