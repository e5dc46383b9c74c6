"""uvicorn's WebSocket connection, with an end to every goodbye. In: bytes of one client. Out: ASGI's messages.

A client that does not read keeps the connection's write buffer full. uvicorn waits for that buffer whenever it closes,
so such a client, once it had said goodbye or stopped answering pings, kept its connection, and whatever awaited a
send, for as long as it liked; and `shutdown` raised InvalidState on it, which cost every other client its clean end.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

# What lies in the buffer when a connection closes has this long to leave.
GOODBYE_S = 2.0


class SocketProtocol(WebSocketsSansIOProtocol):
    _goodbye: asyncio.TimerHandle | None = None
    _late_pong = b""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._goodbye is not None:
            self._goodbye.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        # No close frame came first: this client is gone, not leaving.
        self.transport.abort()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_soon()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_soon()

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            # The client said goodbye and does not read the answer.
            self.stop_keepalive()
            self.transport.abort()
            return
        super().shutdown()
        self._end_soon()

    def handle_ping(self) -> None:
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)
        elif pong:
            # RFC 6455, 5.5.3: only the newest ping needs an answer. Those of the newest read are kept: all of them
            # would pile up in front of a client that pings and does not read.
            self._late_pong = pong

    def resume_writing(self) -> None:
        super().resume_writing()
        pong, self._late_pong = self._late_pong, b""
        if pong and not self.transport.is_closing():
            self.transport.write(pong)

    def _end_soon(self) -> None:
        if self._goodbye is None and not self.disconnected and self.transport.is_closing():
            self._goodbye = self.loop.call_later(GOODBYE_S, self.transport.abort)
